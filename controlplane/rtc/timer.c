// SPDX-License-Identifier: BSD-3-Clause

#include "timer.h"

struct timer {
	GSource source; // first: GLib allocates the whole
	void (*fire)(void *user);
	void *user;
};

static gboolean timer_dispatch(GSource *source, GSourceFunc, gpointer) {
	struct timer *timer = (struct timer *)source;

	// Off before the call: a wake-up that comes during it is then not lost.
	g_source_set_ready_time(source, -1);
	timer->fire(timer->user);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_funcs = {.dispatch = timer_dispatch};

GSource *timer_new(GMainContext *context, void (*fire)(void *user), void *user) {
	GSource *source = g_source_new(&timer_funcs, sizeof(struct timer));
	struct timer *timer = (struct timer *)source;

	timer->fire = fire;
	timer->user = user;
	g_source_set_ready_time(source, -1);
	g_source_attach(source, context);
	return source;
}

void timer_set(GSource *timer, int ms) {
	if (ms < 0)
		g_source_set_ready_time(timer, -1);
	else if (ms == 0)
		g_source_set_ready_time(timer, 0);
	else
		g_source_set_ready_time(timer, g_get_monotonic_time() + (gint64)ms * 1000);
}

void timer_free(GSource *timer) {
	if (timer == NULL)
		return;
	g_source_destroy(timer);
	g_source_unref(timer);
}
