# SPDX-License-Identifier: BSD-3-Clause
# Sourced by the smoke tests of plenum-dataplane: two network namespaces joined by a veth pair, the
# dataplane in one of them, everything gone at the end however it comes.
#
#   smoke_init DATAPLANE         namespaces, veth, temporary directory; exits 77 where it cannot
#   smoke_config [SED...]        writes $dir/plenum.yaml from the template below, changed
#   smoke_start                  starts the dataplane, waits until it forwards; its id in $daemon
#   smoke_stop                   ends it; fails unless it ends with 0, in time
#   smoke_fail TEXT...

. "$(dirname "${BASH_SOURCE[0]}")/../../tools/demo/janitor.sh"

relay=plm-smoke-$$-r  # the appliance
client=plm-smoke-$$-c # its clients
dir=
daemon=
children=()

smoke_fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# What one wants to see of a failed run.
smoke_dump() {
	[ -n "$dir" ] || return 0
	echo "--- the dataplane's log:" >&2
	tail -n 60 "$dir/daemon.err" >&2 2>/dev/null || true
	if [ -n "$daemon" ] && ! kill -0 "$daemon" 2>/dev/null; then
		wait "$daemon" || echo "--- it ended with $?" >&2
	fi
}

smoke_cleanup() {
	local status=$? pid
	trap - EXIT INT TERM HUP
	[ $status -eq 0 ] || [ $status -eq 77 ] || smoke_dump
	for pid in "${children[@]}" $daemon; do
		kill "$pid" 2>/dev/null || true
	done
	for pid in "${children[@]}" $daemon; do
		smoke_gone "$pid" 10 || kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	[ -z "$dir" ] || janitor_end # namespaces, files, and what is left
	exit $status
}

# smoke_gone PID SECONDS: true when the process ended in time
smoke_gone() {
	timeout "$2" tail --pid="$1" -s 0.05 -f /dev/null
}

smoke_init() {
	local tool
	dataplane=$1
	[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
	[ -e /dev/net/tun ] || { echo "skipped: no /dev/net/tun"; exit 77; }
	for tool in ip ethtool timeout; do
		command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
	done
	trap smoke_cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	dir=$(mktemp -d)
	janitor_start "$dir"
	printf '%s\n' "$relay" "$client" >"$dir/namespaces"
	ip netns add "$relay" 2>/dev/null || { echo "skipped: no network namespaces"; exit 77; }
	ip netns add "$client"
	export RUNTIME_DIRECTORY="$dir" # of DPDK

	ip -n "$client" link add plm-far type veth peer name plm-nic netns "$relay"
	ip -n "$client" addr add 198.18.0.1/24 dev plm-far
	ip -n "$client" addr add 198.18.0.3/24 dev plm-far
	ip -n "$client" addr add 2001:2:0:1::1/64 dev plm-far nodad
	ip -n "$client" link set lo up
	ip -n "$client" link set plm-far up
	# Else the kernel leaves checksums to a NIC that is not there.
	ip netns exec "$client" ethtool -K plm-far tx off >/dev/null
	ip -n "$relay" link set lo up
}

smoke_config() {
	cat >"$dir/template.yaml" <<-EOT
		dataplane:
		  api_socket: $dir/api.sock
		  port: {device: af_packet:plm-nic, queues: 1}
		  addresses: [198.18.0.2/24, '2001:2:0:1::2/64']
		  tap: plm-tap
		  workers: {cores: [0], main_core: 0}
		  memory: {memory_mb: 256, mbufs: 16384, file_prefix: $relay}
		  limits: {transports: 64, producers: 32, consumers: 128}
		  rtx_packets: 256
	EOT
	sed "$@" "$dir/template.yaml" >"$dir/plenum.yaml"
}

smoke_start() {
	# Freed memory that a sanitizer keeps back would look like a leak.
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1:thread_local_quarantine_size_kb=64 \
		ip netns exec "$relay" "$dataplane" -c "$dir/plenum.yaml" \
		>"$dir/daemon.out" 2>"$dir/daemon.err" 9>&- &
	daemon=$!
	echo "$daemon" >>"$dir/daemons"
	# "forwarding" is its last word before the first packet.
	timeout 20 tail --pid=$daemon -s 0.05 -n +1 -f "$dir/daemon.err" |
		grep -q -m 1 "forwarding on" || smoke_fail "the dataplane did not start"
}

smoke_stop() {
	local status=0 pid=$daemon
	kill -TERM "$pid"
	smoke_gone "$pid" 10 || smoke_fail "the dataplane does not end"
	wait "$pid" || status=$?
	[ $status -eq 0 ] || smoke_fail "the dataplane ended with $status"
	daemon=
	! ip -n "$relay" link show plm-tap >/dev/null 2>&1 || smoke_fail "the TAP is still there"
	[ ! -e "$dir/api.sock" ] || smoke_fail "the socket is still there"
}
