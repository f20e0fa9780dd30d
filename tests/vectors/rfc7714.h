// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Test vectors of RFC 7714 sections 16.1.1, 16.2.1, 17.1, 17.2 as hex. Session keys and salts, not
// master keys.

#include <stdint.h>

#define RFC7714_RTP_HEADER_LEN 12
#define RFC7714_SRTCP_INDEX 0x5d4

static const char rfc7714_key[] = // the first 16 bytes for AES-128
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char rfc7714_salt[] = "517569642070726f2071756f";

static const char rfc7714_rtp[] = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e697320646976"
				  "69736120696e207061727465732074726573";
static const char rfc7714_srtp_128[] = "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe6"
				       "33bd5"
				       "0d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765"
				       "ee439"
				       "0cce";
static const char rfc7714_srtp_256[] = "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18"
				       "01238"
				       "9a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb787"
				       "8d7a7"
				       "6c13";

static const char rfc7714_rtcp[] = "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e6"
				   "1"
				   "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
static const char rfc7714_srtcp_128[] = "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c"
					"06f32d"
					"c676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5"
					"abf872"
					"45d9eade800005d4";
static const char rfc7714_srtcp_256[] = "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbf"
					"fe0a50"
					"a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c4446839f57"
					"ff6f6c"
					"b26ac3be800005d4";
