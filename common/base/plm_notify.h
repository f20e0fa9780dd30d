// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Tells the service manager how we are (sd_notify protocol), if one asked for it by $NOTIFY_SOCKET.
// state: "READY=1\nSTATUS=..." and the like. Errors are ignored: it is only a courtesy.
void plm_notify(const char *state);
