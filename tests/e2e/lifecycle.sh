# SPDX-License-Identifier: BSD-3-Clause
# A killed browser's transports are gone within 30 s; 200 publications that come and go leave nothing.
. tests/e2e/env.sh
e2e_begin
appliance_network "$E2E_CLIENT"
appliance_config
e2e_start
e2e_node tests/e2e/lifecycle.mjs
