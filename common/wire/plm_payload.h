// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What the RTP payload of a codec says about key frames. Pure; the payload is hostile.

#include <plm_api.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// True when this packet begins a key frame, that is, when a decoder can start with it:
// VP8 RFC 7741 4.2-4.3 (S, PID 0, P bit 0); VP9 RFC 9628 4.2 (B, not P, layer 0 of SID);
// H.264 RFC 6184 (IDR, or SPS; also in STAP-A, and in the first FU-A); AV1 (N bit of the
// aggregation header, or a sequence header OBU, AV1 RTP spec 4.4).
// Opus and codecs we do not know: false.
bool plm_payload_is_keyframe(enum plm_codec codec, const uint8_t *payload, size_t len);

// True when plm_payload_is_keyframe can tell for this codec.
bool plm_payload_has_keyframes(enum plm_codec codec);
