# SPDX-License-Identifier: BSD-3-Clause
# A killed browser's transports are gone within 30 s; 200 publications that come and go leave nothing.
. tests/e2e/env.sh
e2e_begin
appliance_network "$E2E_CLIENT"
appliance_config
# It comes and goes faster than a client may.
sed -i 's/connections_per_ip: 2000/&, messages_burst: 1000, messages_per_second: 500/' "$APPLIANCE_DIR/plenum.yaml"
e2e_start
e2e_node tests/e2e/lifecycle.mjs
