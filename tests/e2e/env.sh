# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# For scenarios: the appliance as the demo runs it, under a name of its own, and what the node part
# needs to know in the environment.
set -eu
. tools/demo/lib.sh

# $1: scenario. Client namespace: plm-e2e-c.
e2e_begin() {
	appliance_begin plm-e2e
	E2E_CLIENT=plm-e2e-c
	export E2E_NETNS=$E2E_CLIENT E2E_RELAY_NETNS=$APPLIANCE_NAME
	export E2E_SOCKET=$APPLIANCE_DIR/dataplane.sock E2E_PLENUMCTL=$APPLIANCE_BUILD/tools/plenumctl/plenumctl
	export E2E_URL=https://$APPLIANCE_IP:$APPLIANCE_PORT/
}

e2e_start() {
	appliance_start
	export E2E_CONTROL_PID=$APPLIANCE_CONTROL E2E_DATAPLANE_PID=$APPLIANCE_DATAPLANE
}

# client namespace <veth> [impair] <veth> appliance. Arguments: options of plenum-impair.
e2e_network_impaired() {
	local middle=plm-e2e-m

	appliance_netns_add "$APPLIANCE_NAME"
	appliance_netns_add "$E2E_CLIENT"
	appliance_netns_add "$middle"
	ip -n "$middle" link add plm-a type veth peer name plm-client netns "$E2E_CLIENT"
	ip -n "$middle" link add plm-b type veth peer name plm-nic netns "$APPLIANCE_NAME"
	ip netns exec "$E2E_CLIENT" ethtool -K plm-client tx off >/dev/null
	for dev in plm-a plm-b; do
		ip netns exec "$middle" sysctl -qw "net.ipv6.conf.$dev.disable_ipv6=1"
		ip -n "$middle" link set "$dev" up
	done
	ip -n "$E2E_CLIENT" addr add "$APPLIANCE_CLIENT_IP/24" dev plm-client
	ip -n "$E2E_CLIENT" addr add "$APPLIANCE_CLIENT_IP6/64" dev plm-client nodad
	ip -n "$E2E_CLIENT" link set plm-client up
	ip -n "$E2E_CLIENT" route add default via "$APPLIANCE_IP"
	ip -n "$APPLIANCE_NAME" link set plm-nic up
	ip netns exec "$middle" "$APPLIANCE_BUILD/tools/impair/plenum-impair" "$@" plm-a plm-b \
		</dev/null >>"$APPLIANCE_DIR/impair.log" 2>&1 9>&- &
	export E2E_IMPAIR_PID=$!
	echo "$E2E_IMPAIR_PID" >>"$APPLIANCE_DIR/daemons"
}

# Prints the daemons' logs when a scenario fails.
e2e_node() {
	if ! node "$@"; then
		tail -n 30 "$APPLIANCE_DIR"/*.log
		exit 1
	fi
}
