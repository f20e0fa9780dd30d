// SPDX-License-Identifier: BSD-3-Clause

#include "participant.h"

#include <plm_secret.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPIRY_LEEWAY_S 60

struct participant *participant_new(
	uint64_t id,
	uint64_t conn_id,
	const struct rooms_identity *identity,
	const char *token
) {
	struct participant *participant = calloc(1, sizeof(*participant));

	if (participant == NULL)
		return NULL;
	participant->id = id;
	participant->conn_id = conn_id;
	participant->identity = *identity;
	snprintf(participant->resume_token, sizeof(participant->resume_token), "%s", token);
	LIST_INIT(&participant->media);
	return participant;
}

void participant_free(struct participant *participant) {
	if (participant == NULL)
		return;
	plm_wipe(participant->resume_token, sizeof(participant->resume_token));
	free(participant);
}

bool participant_may_resume(
	const struct participant *participant,
	const struct rooms_identity *identity,
	const char *token
) {
	uint8_t difference = 0;

	if (strlen(token) != RESUME_TOKEN_LEN)
		return false;
	for (size_t i = 0; i < RESUME_TOKEN_LEN; i++)
		difference |= (uint8_t)(token[i] ^ participant->resume_token[i]);
	return difference == 0 && strcmp(identity->user_id, participant->identity.user_id) == 0;
}

bool participant_is_in(const struct participant *participant, const struct room *room) {
	for (unsigned i = 0; i < participant->n_rooms; i++) {
		if (participant->rooms[i] == room)
			return true;
	}
	return false;
}

int participant_enter(struct participant *participant, struct room *room) {
	if (participant_is_in(participant, room))
		return 0;
	if (participant->n_rooms == PARTICIPANT_ROOMS_MAX)
		return -ENOSPC;
	participant->rooms[participant->n_rooms++] = room;
	return 0;
}

void participant_exit(struct participant *participant, const struct room *room) {
	for (unsigned i = 0; i < participant->n_rooms; i++) {
		if (participant->rooms[i] == room) {
			participant->rooms[i] = participant->rooms[--participant->n_rooms];
			return;
		}
	}
}

bool identity_opens_room(const struct rooms_identity *identity, const char *room_id) {
	const size_t len = strlen(identity->room);

	if (len > 0 && identity->room[len - 1] == '*')
		return strncmp(identity->room, room_id, len - 1) == 0;
	return strcmp(identity->room, room_id) == 0;
}

bool identity_expired(const struct rooms_identity *identity, int64_t now_s) {
	return now_s > identity->expires_at && now_s - identity->expires_at > EXPIRY_LEEWAY_S;
}

bool id_is_valid(const char *id) {
	const size_t len = strlen(id);

	// "." and ".." would climb in the URLs that ids stand in.
	return len >= 1 && len <= ROOMS_ID_MAX && strcmp(id, ".") != 0 && strcmp(id, "..") != 0
		&& strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.@-")
		== len;
}

struct media *media_new(
	struct participant *participant,
	struct room *room,
	enum media_kind kind,
	uint64_t transport_id
) {
	unsigned n_connecting = 0;
	struct media *media;

	if (participant->n_media >= PARTICIPANT_MEDIA_MAX) {
		errno = ENOSPC;
		return NULL;
	}
	LIST_FOREACH (media, &participant->media, of_participant)
		n_connecting += media->state != MEDIA_CONNECTED;
	if (n_connecting >= PARTICIPANT_CONNECTING_MAX) {
		errno = EBUSY;
		return NULL;
	}
	media = calloc(1, sizeof(*media));
	if (media == NULL)
		return NULL;
	media->transport_id = transport_id;
	media->kind = kind;
	media->participant = participant;
	media->room = room;
	for (unsigned i = 0; i < SDP_TRACKS_MAX; i++)
		media->tracks[i].media = media;
	LIST_INIT(&media->watchers);
	LIST_INSERT_HEAD(&participant->media, media, of_participant);
	participant->n_media++;
	return media;
}

void media_free(struct media *media) {
	struct media *watcher;

	if (media == NULL)
		return;
	while ((watcher = LIST_FIRST(&media->watchers)) != NULL) {
		LIST_REMOVE(watcher, of_publication);
		watcher->publication = NULL;
	}
	LIST_REMOVE(media, of_participant);
	media->participant->n_media--;
	if (media->publication != NULL)
		LIST_REMOVE(media, of_publication);
	json_decref(media->reply.id);
	json_decref(media->restart.id);
	free(media->sdp);
	free(media);
}

void media_watch(struct media *media, struct media *publication) {
	media->publication = publication;
	LIST_INSERT_HEAD(&publication->watchers, media, of_publication);
}

bool media_interrupted(const struct media *media) {
	for (unsigned i = 0; i < media->n_tracks; i++) {
		if (media->tracks[i].active)
			return false;
	}
	return media->was_active;
}
