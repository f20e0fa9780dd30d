#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# `make demo`: the appliance on the software port with a live test publisher, until Ctrl-C.
# `make demo CHECK=1`: the same unattended: one publisher, three viewers, twenty seconds; measures and
# exits by the result.
set -eu
cd "$(dirname "$0")/../.."
. tools/demo/lib.sh

run_check() {
	appliance_begin plm-check
	appliance_network plm-check-c
	appliance_config
	appliance_start
	node tools/demo/check.mjs --netns plm-check-c --url "https://$APPLIANCE_IP:$APPLIANCE_PORT/" \
		--relay-netns "$APPLIANCE_NAME" --relay-socket "$APPLIANCE_DIR/dataplane.sock" \
		--plenumctl "$APPLIANCE_BUILD/tools/plenumctl/plenumctl" ${JSON:+--json "$JSON"}
}

run_demo() {
	appliance_begin plm-demo
	appliance_network
	appliance_config
	appliance_start
	echo "The appliance runs. Starting the test publisher ..."
	appliance_client publisher.log node tools/demo/publisher.mjs --url "https://$APPLIANCE_IP:$APPLIANCE_PORT/"
	appliance_wait 60 $! publisher.log grep -q '^publishing' "$APPLIANCE_DIR/publisher.log"
	cat <<-TEXT

		  Open   https://$APPLIANCE_IP:$APPLIANCE_PORT/?room=demo
		         in a browser on this machine (the certificate is self-signed: accept it).

		  Look   sudo ip netns exec $APPLIANCE_NAME $APPLIANCE_BUILD/tools/plenumctl/plenumctl -s $APPLIANCE_DIR/dataplane.sock
		  Logs   $APPLIANCE_DIR/dataplane.log, control.log, publisher.log
		  End    Ctrl-C

	TEXT
	while kill -0 "$APPLIANCE_DATAPLANE" && kill -0 "$APPLIANCE_CONTROL"; do
		sleep 1
	done 2>/dev/null
	tail -5 "$APPLIANCE_DIR"/*.log >&2
	appliance_fail "the appliance ended by itself"
}

if [ "${CHECK:-}" = 1 ]; then
	run_check
else
	run_demo
fi
