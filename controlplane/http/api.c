// SPDX-License-Identifier: BSD-3-Clause

#include "api.h"

#include "files.h"
#include "respond.h"
#include "rooms.h"
#include "server.h"
#include "websocket.h"

#include <plm_addr.h>

#include <jansson.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DEMO_TOKEN_S 600

static const struct config *config;
static const struct auth *auth;

void api_start(const struct config *its_config, const struct auth *its_auth) {
	config = its_config;
	auth = its_auth;
}

static bool path_is(const h2o_req_t *req, const char *path) {
	return h2o_memis(req->path_normalized.base, req->path_normalized.len, path, strlen(path));
}

static void healthz(h2o_req_t *req) {
	static const char body[] = "{\"status\":\"ok\"}";

	if (respond_is_get(req))
		respond(req, 200, "OK", "application/json", body, sizeof(body) - 1);
}

static void not_found(h2o_req_t *req) {
	respond_error(req, 404, "Not Found", "there is nothing here");
}

// ---------------------------------------------------------------------------- demo tokens

static bool id_is_plain(const char *id) {
	size_t n = strlen(id);

	if (n == 0 || n > ROOMS_ID_MAX)
		return false;
	for (; *id != '\0'; id++) {
		if (!isascii(*id) || (!isalnum((unsigned char)*id) && strchr("_.@-", *id) == NULL))
			return false;
	}
	return true;
}

// A page of another site may post a form here, but not JSON: that needs our leave, which we do not
// give (CORS preflight).
static bool is_json(const h2o_req_t *req) {
	static const char type[] = "application/json";
	ssize_t i = h2o_find_header(&req->headers, H2O_TOKEN_CONTENT_TYPE, -1);

	return i >= 0 && req->headers.entries[i].value.len >= sizeof(type) - 1
		&& strncasecmp(req->headers.entries[i].value.base, type, sizeof(type) - 1) == 0;
}

// Everybody gets a token that may do everything in the room named, or in all.
static char *demo_token(const char *user, const char *room) {
	int64_t now = time(NULL);
	struct rooms_identity identity = {
		.may_create = true,
		.may_publish = true,
		.may_view = true,
		.expires_at = now + DEMO_TOKEN_S,
	};

	snprintf(identity.user_id, sizeof(identity.user_id), "%s", user);
	snprintf(identity.room, sizeof(identity.room), "%s", room);
	return auth_make(auth, &identity, now);
}

static void demo_token_respond(h2o_req_t *req) {
	const char *user, *room;
	json_t *json, *answer;
	char *token, *text = NULL;

	if (!h2o_memis(req->method.base, req->method.len, H2O_STRLIT("POST")) || !is_json(req)) {
		respond_header(req, "allow", "POST");
		respond_error(req, 405, "Method Not Allowed", "POST of application/json is wanted");
		return;
	}
	json = json_loadb(req->entity.base, req->entity.len, JSON_REJECT_DUPLICATES, NULL);
	user = json_string_value(json_object_get(json, "user"));
	room = json_string_value(json_object_get(json, "room"));
	if (room == NULL || room[0] == '\0')
		room = "*";
	if (user == NULL || !id_is_plain(user) || (strcmp(room, "*") != 0 && !id_is_plain(room))) {
		respond_error(
			req,
			400,
			"Bad Request",
			"user and room: 1 to 64 of letters, digits and _.@-"
		);
		json_decref(json);
		return;
	}
	token = demo_token(user, room);
	answer = token != NULL ? json_pack("{s:s}", "token", token) : NULL;
	text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;
	if (text == NULL)
		respond_error(req, 503, "Service Unavailable", "no token can be made now");
	else
		respond(req, 200, "OK", "application/json", text, strlen(text));
	free(text);
	json_decref(answer);
	free(token);
	json_decref(json);
}

void api_respond_public(h2o_req_t *req) {
	if (path_is(req, "/v1/signal"))
		websocket_upgrade(req);
	else if (path_is(req, "/v1/demo/token") && config->auth.demo)
		demo_token_respond(req);
	else if (path_is(req, "/healthz"))
		healthz(req);
	else if (req->path_normalized.len >= 4 && memcmp(req->path_normalized.base, "/v1/", 4) == 0)
		not_found(req);
	else
		files_respond(req, config->web_root);
}

// ---------------------------------------------------------------------------- the admin's

// A request that rooms is asked about. req turns NULL when the client goes away; the rest lives
// until rooms answers.
struct question {
	h2o_req_t *req;
	struct question **in_request; // of the request's pool; its disposal tells us
	bool readiness;
	char *answer; // NULL: there is no such thing
	bool ready;
};

static void request_gone(void *user) {
	struct question **in_request = user;

	if (*in_request != NULL)
		(*in_request)->req = NULL;
}

static void question_free(struct question *question) {
	free(question->answer);
	free(question);
}

// http thread
static void question_answered(void *user) {
	struct question *question = user;
	h2o_req_t *req = question->req;

	if (req == NULL) {
		question_free(question);
		return;
	}
	*question->in_request = NULL;
	if (question->answer == NULL)
		not_found(req);
	else
		respond(req,
			question->readiness && !question->ready ? 503 : 200,
			question->readiness && !question->ready ? "Service Unavailable" : "OK",
			"application/json",
			question->answer,
			strlen(question->answer));
	question_free(question);
}

// rooms thread
static void rooms_answered(void *user, json_t *result) {
	struct question *question = user;

	if (result != NULL) {
		question->ready = json_is_true(json_object_get(result, "dataplane"));
		question->answer = json_dumps(result, JSON_COMPACT);
	}
	json_decref(result);
	if (!server_post(question_answered, question))
		question_free(question);
}

static void ask(h2o_req_t *req, const char *what, const char *id, bool readiness) {
	struct question *question = calloc(1, sizeof(*question));

	if (question == NULL) {
		respond_error(req, 503, "Service Unavailable", "out of memory");
		return;
	}
	question->req = req;
	question->readiness = readiness;
	question->in_request = h2o_mem_alloc_shared(
		&req->pool, sizeof(*question->in_request), request_gone
	);
	*question->in_request = question;
	rooms_admin(what, id, rooms_answered, question);
}

// Pages that a browser loaded from elsewhere must not read us by a name that they made point at
// loopback (DNS rebinding): we answer to addresses and to localhost, and to nobody's scripts.
static bool host_is_ours(const h2o_req_t *req) {
	const char *host = req->input.authority.base;
	size_t len = req->input.authority.len;
	char name[PLM_ADDR_TEXT_LEN];
	struct plm_addr addr;

	if (h2o_find_header_by_str(&req->headers, H2O_STRLIT("origin"), -1) >= 0)
		return false;
	if (len > 0 && host[0] == '[') {
		const char *end = memchr(host, ']', len);

		if (end == NULL)
			return false;
		len = (size_t)(end - ++host);
	} else {
		const char *colon = memchr(host, ':', len);

		if (colon != NULL)
			len = (size_t)(colon - host);
	}
	if (len >= sizeof(name))
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return strcasecmp(name, "localhost") == 0 || plm_addr_parse_ip(name, &addr) == 0;
}

void api_respond_admin(h2o_req_t *req) {
	static const char rooms[] = "/v1/rooms/";
	char id[ROOMS_ID_MAX + 1];
	size_t len;

	if (!host_is_ours(req)) {
		respond_error(req, 403, "Forbidden", "ask by address or as localhost");
		return;
	}
	if (path_is(req, "/healthz")) {
		healthz(req);
		return;
	}
	if (!respond_is_get(req))
		return;
	if (path_is(req, "/readyz")) {
		ask(req, "health", NULL, true);
		return;
	}
	if (path_is(req, "/v1/rooms")) {
		ask(req, "rooms", NULL, false);
		return;
	}
	len = req->path_normalized.len;
	if (len > sizeof(rooms) - 1 && len - (sizeof(rooms) - 1) <= ROOMS_ID_MAX
	    && memcmp(req->path_normalized.base, rooms, sizeof(rooms) - 1) == 0) {
		len -= sizeof(rooms) - 1;
		memcpy(id, req->path_normalized.base + sizeof(rooms) - 1, len);
		id[len] = '\0';
		if (strlen(id) == len && id_is_plain(id)) {
			ask(req, "room", id, false);
			return;
		}
	}
	not_found(req);
}
