# SPDX-License-Identifier: BSD-3-Clause
# 2 % of the packets lost on the publisher's way and on the viewers' way, both directions.
. tests/e2e/env.sh
e2e_begin
e2e_network_impaired --both loss=2 --seed 7
appliance_config
e2e_start
e2e_node tests/e2e/loss.mjs
