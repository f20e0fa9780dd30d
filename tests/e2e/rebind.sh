# SPDX-License-Identifier: BSD-3-Clause
# A NAT in front of the clients forgets its ports in mid-call: the picture is back within 3 s.
. tests/e2e/env.sh
e2e_begin
e2e_network_impaired
appliance_config
e2e_start
e2e_node tests/e2e/rebind.mjs
