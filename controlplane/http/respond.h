// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Whole answers to HTTP requests, with the security headers that all of ours carry. http thread.

#include <h2o.h>

#include <stdbool.h>
#include <stddef.h>

// Adds a header; both strings are literals or outlive the request.
void respond_header(h2o_req_t *req, const char *name, const char *value);

// body is copied; HEAD gets the length only. type is a literal.
void respond(
	h2o_req_t *req,
	int status,
	const char *reason,
	const char *type,
	const void *body,
	size_t len
);
// {"error": sentence}
void respond_error(h2o_req_t *req, int status, const char *reason, const char *sentence);

// True for GET and HEAD; else the request was answered with 405.
bool respond_is_get(h2o_req_t *req);
