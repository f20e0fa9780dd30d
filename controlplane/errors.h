// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The protocol's errors: one list of X(NAME, code, "string"). Codes and strings are stable; the
// sentence for people is written where the error is made.

#define PROTOCOL_ERRORS(X)                                                                         \
	X(PARSE, -32700, "parse_error")                                                            \
	X(INVALID_REQUEST, -32600, "invalid_request")                                              \
	X(UNKNOWN_METHOD, -32601, "unknown_method")                                                \
	X(INVALID_PARAMS, -32602, "invalid_params")                                                \
	X(INTERNAL, -32603, "internal_error")                                                      \
	X(UNAUTHORIZED, 4001, "unauthorized")                                                      \
	X(FORBIDDEN, 4003, "forbidden")                                                            \
	X(UNKNOWN_ROOM, 4040, "unknown_room")                                                      \
	X(UNKNOWN_STREAM, 4041, "unknown_stream")                                                  \
	X(UNKNOWN_USER, 4042, "unknown_user")                                                      \
	X(UNKNOWN_SUBSCRIPTION, 4043, "unknown_subscription")                                      \
	X(NOT_IN_ROOM, 4044, "not_in_room")                                                        \
	X(ROOM_EXISTS, 4090, "room_exists")                                                        \
	X(STREAM_EXISTS, 4091, "stream_exists")                                                    \
	X(ROOM_FULL, 4092, "room_full")                                                            \
	X(NOT_OWNER, 4030, "not_owner")                                                            \
	X(NOT_PUBLISHER, 4031, "not_publisher")                                                    \
	X(KICKED, 4032, "kicked")                                                                  \
	X(BAD_SDP, 4220, "bad_sdp")                                                                \
	X(UNSUPPORTED_CODEC, 4221, "unsupported_codec")                                            \
	X(UNSUPPORTED_ROOM_TYPE, 4222, "unsupported_room_type")                                    \
	X(CONNECT_FAILED, 4223, "connect_failed")                                                  \
	X(RATE_LIMITED, 4290, "rate_limited")                                                      \
	X(BUSY, 5030, "busy")                                                                      \
	X(NO_DATAPLANE, 5031, "no_dataplane")

enum protocol_error {
#define X(name, code, text) PROTOCOL_##name = code,
	PROTOCOL_ERRORS(X)
#undef X
};

// "room_full" of PROTOCOL_ROOM_FULL.
const char *protocol_error_text(enum protocol_error code);
