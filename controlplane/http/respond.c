// SPDX-License-Identifier: BSD-3-Clause

#include "respond.h"

#include <jansson.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The console page is ES modules and style sheets of this server; media come as blob: URLs.
#define CONTENT_SECURITY_POLICY                                                                    \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "    \
	"media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; font-src 'self'; "   \
	"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct {
	const char *name, *value;
} security_headers[] = {
	{"content-security-policy", CONTENT_SECURITY_POLICY},
	{"x-content-type-options", "nosniff"},
	{"referrer-policy", "no-referrer"},
	{"cross-origin-resource-policy", "same-origin"},
};

void respond_header(h2o_req_t *req, const char *name, const char *value) {
	h2o_add_header_by_str(
		&req->pool, &req->res.headers, name, strlen(name), 1, NULL, value, strlen(value)
	);
}

void respond(
	h2o_req_t *req,
	int status,
	const char *reason,
	const char *type,
	const void *body,
	size_t len
) {
	static h2o_generator_t generator = {NULL, NULL};
	bool head = h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD"));
	h2o_iovec_t copy = h2o_strdup(&req->pool, len > 0 ? body : "", len);

	req->res.status = status;
	req->res.reason = reason;
	req->res.content_length = status == 304 ? SIZE_MAX : len; // 304: not that of the page
	if (type != NULL)
		respond_header(req, "content-type", type);
	if (h2o_find_header(&req->res.headers, H2O_TOKEN_CACHE_CONTROL, -1) < 0)
		respond_header(req, "cache-control", "no-store");
	for (size_t i = 0; i < sizeof(security_headers) / sizeof(security_headers[0]); i++)
		respond_header(req, security_headers[i].name, security_headers[i].value);
	h2o_start_response(req, &generator);
	h2o_send(req, &copy, head || len == 0 ? 0 : 1, H2O_SEND_STATE_FINAL);
}

void respond_error(h2o_req_t *req, int status, const char *reason, const char *sentence) {
	json_t *json = json_pack("{s:s}", "error", sentence);
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

	respond(req, status, reason, "application/json", text, text != NULL ? strlen(text) : 0);
	free(text);
	json_decref(json);
}

bool respond_is_get(h2o_req_t *req) {
	if (h2o_memis(req->method.base, req->method.len, H2O_STRLIT("GET"))
	    || h2o_memis(req->method.base, req->method.len, H2O_STRLIT("HEAD")))
		return true;
	respond_header(req, "allow", "GET, HEAD");
	respond_error(req, 405, "Method Not Allowed", "GET is wanted here");
	return false;
}
