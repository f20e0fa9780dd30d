# SPDX-License-Identifier: BSD-3-Clause
# The demo's own check: one publisher, three viewers.
exec env CHECK=1 tools/demo/demo.sh
