# SPDX-License-Identifier: BSD-3-Clause
# plenum-control is killed while three viewers watch: the pictures go on for 60 s without a lost packet,
# and once it is back new joins work.
. tests/e2e/env.sh
e2e_begin
appliance_network "$E2E_CLIENT"
appliance_config
e2e_start
mkfifo "$APPLIANCE_DIR/restart"
node tests/e2e/control_kill.mjs "$APPLIANCE_DIR/restart" 9>&- &
test_pid=$!
read -r _ <"$APPLIANCE_DIR/restart" || true # the test has killed it and watched
appliance_start_control
echo restarted >"$APPLIANCE_DIR/restarted"
if ! wait "$test_pid"; then
	tail -n 30 "$APPLIANCE_DIR"/*.log
	exit 1
fi
