# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# The appliance on the software port, in a network namespace of its own, for the demo and the tests:
#
#   appliance_begin NAME             folders, and the janitor that removes everything at the end
#   appliance_network [CLIENT_NS]    namespace NAME, a veth into it from CLIENT_NS or from here
#   appliance_config [CORES]         $APPLIANCE_DIR/plenum.yaml
#   appliance_start                  dataplane, then control; returns when both answer
#   appliance_end                    stops and removes all of it; returns what the daemons returned
#
# Nothing survives its end, however it comes: see janitor.sh.

. "$(dirname "${BASH_SOURCE[0]}")/janitor.sh"

APPLIANCE_IP=198.18.0.2
APPLIANCE_CLIENT_IP=198.18.0.1
APPLIANCE_IP6=2001:2:0:1::2
APPLIANCE_CLIENT_IP6=2001:2:0:1::1
APPLIANCE_PORT=8443
APPLIANCE_BUILD=${BUILD:-build/gcc}

appliance_fail() {
	echo "$*" >&2
	exit 1
}

appliance_begin() {
	APPLIANCE_NAME=$1
	[ "$(id -u)" = 0 ] || appliance_fail "network namespaces need root: run it with sudo"
	if ip netns list | grep -qw "^$APPLIANCE_NAME"; then
		[ -z "$(ip netns pids "$APPLIANCE_NAME" 2>/dev/null)" ] \
			|| appliance_fail "$APPLIANCE_NAME runs already; end it first"
		ip netns del "$APPLIANCE_NAME"
	fi
	APPLIANCE_DIR=$(mktemp -d "/tmp/$APPLIANCE_NAME.XXXXXX")
	chmod 700 "$APPLIANCE_DIR"
	janitor_start "$APPLIANCE_DIR"
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	trap appliance_end EXIT
}

appliance_end() {
	local code=$?

	trap - EXIT
	trap '' INT TERM HUP
	janitor_end
	exit "$code"
}

appliance_netns_add() {
	echo "$1" >>"$APPLIANCE_DIR/namespaces"
	ip netns add "$1"
	# Addresses are there at once and stay as they are: browsers give up requests when a network changes.
	ip netns exec "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.default.accept_ra=0
	ip -n "$1" link set lo up
}

# The port is the veth's far end, plm-nic. Without a client namespace the near end is here, so that a
# browser on this machine reaches the page.
appliance_network() {
	local client=${1:-} near=plm-$$

	appliance_netns_add "$APPLIANCE_NAME"
	if [ -n "$client" ]; then
		appliance_netns_add "$client"
		ip -n "$client" link add plm-client type veth peer name plm-nic netns "$APPLIANCE_NAME"
		set -- ip -n "$client"
		near=plm-client
		ip netns exec "$client" ethtool -K "$near" tx off >/dev/null
	else
		echo "$near" >>"$APPLIANCE_DIR/links"
		ip link add "$near" type veth peer name plm-nic netns "$APPLIANCE_NAME"
		set -- ip
		ethtool -K "$near" tx off >/dev/null
	fi
	"$@" addr add "$APPLIANCE_CLIENT_IP/24" dev "$near"
	"$@" addr add "$APPLIANCE_CLIENT_IP6/64" dev "$near" nodad
	"$@" link set "$near" up
	if [ -n "$client" ]; then
		"$@" route add default via "$APPLIANCE_IP" # some browsers want one
	fi
	ip -n "$APPLIANCE_NAME" link set plm-nic up
}

# $1: worker CPUs, such as "0, 1"; default: the last CPU.
appliance_config() {
	local last=$(($(nproc) - 1))

	cat >"$APPLIANCE_DIR/plenum.yaml" <<-YAML
		dataplane:
		  api_socket: $APPLIANCE_DIR/dataplane.sock
		  port: {device: "af_packet:plm-nic"}
		  addresses: ["$APPLIANCE_IP/24", "$APPLIANCE_IP6/64"]
		  gateways: ["$APPLIANCE_CLIENT_IP"]
		  workers: {cores: [${1:-$last}], main_core: 0}
		  memory: {memory_mb: 512, mbufs: 65536, file_prefix: $APPLIANCE_NAME}
		control:
		  listen: [{address: 0.0.0.0, port: $APPLIANCE_PORT, tls: true}]
		  tls: {directory: $APPLIANCE_DIR/tls, names: ["$APPLIANCE_IP"]}
		  web_root: $PWD/controlplane/web
		  auth: {demo: true, secret_file: ""}
		  dataplane_socket: $APPLIANCE_DIR/dataplane.sock
		  limits: {connections_per_ip: 2000}
	YAML
}

# Starts a program in the appliance's namespace; its id is in $!.
appliance_run() {
	local log=$1
	shift
	ip netns exec "$APPLIANCE_NAME" "$@" </dev/null >>"$APPLIANCE_DIR/$log" 2>&1 9>&- &
	echo $! >>"$APPLIANCE_DIR/daemons"
}

# Starts a client program as a process group of its own. $1: log.
appliance_client() {
	local log=$1
	shift
	setsid "$@" </dev/null >>"$APPLIANCE_DIR/$log" 2>&1 9>&- &
	echo $! >>"$APPLIANCE_DIR/groups"
}

# appliance_wait SECONDS PID LOG COMMAND...: until the command succeeds.
appliance_wait() {
	local until=$((SECONDS + $1)) pid=$2 log=$3
	shift 3
	until "$@" >/dev/null 2>&1; do
		if ! kill -0 "$pid" 2>/dev/null || [ "$SECONDS" -ge "$until" ]; then
			cat "$APPLIANCE_DIR/$log" >&2
			appliance_fail "it did not come up"
		fi
		sleep 0.1
	done
}

appliance_start_dataplane() {
	appliance_run dataplane.log "$APPLIANCE_BUILD/dataplane/plenum-dataplane" -c "$APPLIANCE_DIR/plenum.yaml"
	APPLIANCE_DATAPLANE=$!
	appliance_wait 20 $! dataplane.log test -S "$APPLIANCE_DIR/dataplane.sock"
}

appliance_start_control() {
	appliance_run control.log "$APPLIANCE_BUILD/controlplane/plenum-control" -c "$APPLIANCE_DIR/plenum.yaml"
	APPLIANCE_CONTROL=$!
	appliance_wait 20 $! control.log appliance_ready
}

appliance_start() {
	appliance_start_dataplane
	appliance_start_control
}

appliance_ready() {
	ip netns exec "$APPLIANCE_NAME" bash -c 'exec 3<>/dev/tcp/127.0.0.1/9080
		printf "GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n" >&3; head -1 <&3' | grep -q ' 200'
}

# plenumctl of this appliance.
appliance_ctl() {
	ip netns exec "$APPLIANCE_NAME" "$APPLIANCE_BUILD/tools/plenumctl/plenumctl" -s "$APPLIANCE_DIR/dataplane.sock" "$@"
}
