// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// A GSource that fires once at a set time: DTLS timers, time limits, and (set to 0 ms) a wake-up
// from another thread.

#include <glib.h>

// Attached to context, off. fire runs on the context's thread; it may set or free the timer.
GSource *timer_new(GMainContext *context, void (*fire)(void *user), void *user);

// Fires once in ms milliseconds; negative = off. Any thread.
void timer_set(GSource *timer, int ms);

// Takes NULL. The context's thread only.
void timer_free(GSource *timer);
