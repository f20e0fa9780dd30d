// SPDX-License-Identifier: BSD-3-Clause

#include "keyframe.h"

#include <string.h>

void keyframe_init(struct keyframe *keyframe) {
	memset(keyframe, 0, sizeof(*keyframe));
}

bool keyframe_ask(struct keyframe *keyframe, uint64_t now_us) {
	keyframe->asked++;
	// A new wish has all its tries, also when an older one was about to be given up.
	keyframe->pending = true;
	keyframe->tries = 0;
	return keyframe_due(keyframe, now_us);
}

bool keyframe_due(struct keyframe *keyframe, uint64_t now_us) {
	if (!keyframe->pending)
		return false;
	if (keyframe->requests > 0 && now_us < keyframe->sent_us + KEYFRAME_INTERVAL_US)
		return false;
	if (keyframe->tries >= KEYFRAME_TRIES) {
		keyframe->pending = false;
		return false;
	}
	keyframe->tries++;
	keyframe->requests++;
	keyframe->sent_us = now_us;
	return true;
}

void keyframe_seen(struct keyframe *keyframe, uint64_t) {
	keyframe->pending = false;
	keyframe->tries = 0;
}
