# SPDX-License-Identifier: BSD-3-Clause
# Ten connections of two browsers at once through the one port, ICE restarts, and what is left in
# plenum-control when all are up: nothing.
. tests/e2e/env.sh
e2e_begin
appliance_network "$E2E_CLIENT"
appliance_config
e2e_start
e2e_node tests/e2e/many.mjs
