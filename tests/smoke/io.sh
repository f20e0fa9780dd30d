#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Port and TAP over a veth pair: ARP, NDP, ICMP, UDP and TCP, IPv4 and IPv6, nothing twice; then the
# error lines for what users get wrong. Usage: io.sh IO_SMOKE. Needs root; exit 77 = skipped.
set -eu

smoke=$1
near=plm-io-a # the appliance
far=plm-io-b  # its clients
dir=
pids=()

cleanup() {
	local status=$?
	trap - EXIT INT TERM
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	wait
	ip netns del $near 2>/dev/null || true
	ip netns del $far 2>/dev/null || true
	if [ $status -ne 0 ] && [ $status -ne 77 ] && [ -n "$dir" ]; then
		tail -n 20 "$dir"/*.out "$dir"/*.err >&2 || true
	fi
	[ -z "$dir" ] || rm -rf "$dir"
	exit $status
}

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
[ -e /dev/net/tun ] || { echo "skipped: no /dev/net/tun"; exit 77; }
for tool in ip ethtool python3 setpriv; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
trap cleanup EXIT INT TERM
ip netns add $near || { trap - EXIT; echo "skipped: no network namespaces"; exit 77; }
ip netns add $far
dir=$(mktemp -d)
export RUNTIME_DIRECTORY="$dir" # of DPDK

ip -n $far link add plm-far type veth peer name plm-nic netns $near
ip -n $far addr add 198.18.0.1/24 dev plm-far
ip -n $far addr add 2001:2:0:1::1/64 dev plm-far nodad
ip -n $far link set lo up
ip -n $far link set plm-far up
# Else the kernel leaves checksums to the NIC that is not there, and sends frames beyond the MTU.
ip netns exec $far ethtool -K plm-far tx off >/dev/null
ip -n $near link set lo up

# config [sed expression]: a good configuration, changed
config() {
	cat >"$dir/base.yaml" <<-EOF
		dataplane:
		  log_level: warning
		  port: {device: af_packet:plm-nic, queues: 1}
		  addresses: [198.18.0.2/24, '2001:2:0:1::2/64']
		  gateways: [198.18.0.1, '2001:2:0:1::1']
		  tap: plm-tap
		  memory: {memory_mb: 128, mbufs: 16384, file_prefix: plm-io-smoke}
	EOF
	sed "${1:-}" "$dir/base.yaml" >"$dir/plenum.yaml"
	echo "$dir/plenum.yaml"
}

# The appliance's kernel side: echo servers.
cat >"$dir/echo.py" <<'EOF'
import socket, threading
def udp():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", 5000))
    while True:
        data, peer = s.recvfrom(4096)
        s.sendto(data, peer)
def serve(c):
    while data := c.recv(65536):
        c.sendall(data)
    c.close()
threading.Thread(target=udp, daemon=True).start()
t = socket.create_server(("::", 5000), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    c, _ = t.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
EOF

cat >"$dir/client.py" <<'EOF'
import select, socket, struct, sys, threading, time
N = 100
def collect(s, send, wait=1.0):
    """Sends N datagrams, 2 ms apart; how often each came back."""
    seen = [0] * N
    for i in range(N):
        send(i)
        end = time.monotonic() + 0.002
        while True:
            left = end - time.monotonic() if i < N - 1 or wait <= 0 else wait
            if not select.select([s], [], [], max(left, 0))[0]:
                break
            k = number(s)
            if k is not None:
                seen[k] += 1
    return seen
def check(what, seen):
    lost, twice = seen.count(0), sum(n > 1 for n in seen)
    print(f"{what}: {len(seen)} sent, {lost} lost, {twice} twice", flush=True)
    if lost or twice:
        sys.exit(1)
def cksum(b):
    n = sum(struct.unpack(f"!{len(b) // 2}H", b))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    return ~n & 0xffff
def icmp4(ip):
    global number
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    def number(s):
        b = s.recv(4096)[20:]
        return struct.unpack("!H", b[6:8])[0] if b[0] == 0 and b[4:6] == b"\x4f\x50" else None
    def send(i):
        b = struct.pack("!BBHHH", 8, 0, 0, 0x4f50, i) + b"x" * 56
        s.sendto(b[:2] + struct.pack("!H", cksum(b)) + b[4:], (ip, 0))
    check("ICMP", collect(s, send))
def icmp6(ip):
    global number
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    def number(s):
        b = s.recv(4096)
        return struct.unpack("!H", b[6:8])[0] if b[0] == 129 and b[4:6] == b"\x4f\x50" else None
    def send(i):
        s.sendto(struct.pack("!BBHHH", 128, 0, 0, 0x4f50, i) + b"x" * 56, (ip, 0))
    check("ICMPv6", collect(s, send))
def udp(family, ip):
    global number
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.connect((ip, 5000))
    def number(s):
        return struct.unpack("!H", s.recv(4096)[:2])[0]
    check(f"UDP {ip}", collect(s, lambda i: s.send(struct.pack("!H", i) + b"u" * 1200)))
def tcp(family, ip):
    data = bytes(range(256)) * 4096
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(10)
    s.connect((ip, 5000))
    def send():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    threading.Thread(target=send, daemon=True).start()
    got = b""
    while chunk := s.recv(65536):
        got += chunk
    print(f"TCP {ip}: {len(got)} bytes came back", flush=True)
    if got != data:
        sys.exit(1)
v4, v6 = "198.18.0.2", "2001:2:0:1::2"
icmp4(v4); icmp6(v6)
udp(socket.AF_INET, v4); udp(socket.AF_INET6, v6)
tcp(socket.AF_INET, v4); tcp(socket.AF_INET6, v6)
EOF

# wait_for FILE WORD PID
wait_for() {
	for _ in $(seq 100); do
		grep -q "$2" "$1" 2>/dev/null && return
		kill -0 "$3" 2>/dev/null || fail "ended early: $1"
		sleep 0.1
	done
	fail "no \"$2\" in $1"
}

# traffic NAME [sed expression]
traffic() {
	ip netns exec $near "$smoke" "$(config "${2:-}")" 40 >"$dir/$1.out" 2>"$dir/$1.err" &
	local smoke_pid=$!
	pids+=($smoke_pid)
	wait_for "$dir/$1.out" ready $smoke_pid
	ip netns exec $near python3 "$dir/echo.py" >"$dir/echo.out" 2>"$dir/echo.err" &
	local echo_pid=$!
	pids+=($echo_pid)
	wait_for "$dir/echo.out" ready $echo_pid
	ip -n $far neigh flush dev plm-far
	ip netns exec $far timeout 30 python3 "$dir/client.py" || fail "$1: traffic"
	ip -n $near route show default | grep -q "via 198.18.0.1 dev plm-tap" || fail "$1: no route"
	ip -n $near -6 route show default | grep -q "via 2001:2:0:1::1 dev plm-tap" ||
		fail "$1: no IPv6 route"
	[ "$(ip -n $near -br link show plm-tap | awk '{print $3}')" = \
		"$(ip -n $near -br link show plm-nic | awk '{print $3}')" ] || fail "$1: MACs differ"
	kill $echo_pid $smoke_pid
	wait $smoke_pid || fail "$1: exit status"
	wait $echo_pid || true
	pids=()
	tail -n 1 "$dir/$1.out"
	! ip -n $near link show plm-tap >/dev/null 2>&1 || fail "$1: the TAP is still there"
}

# refused WHAT WORDS [sed expression [command before]]: ends with one error line that has the words
refused() {
	local what=$1 words=$2 n
	shift 2
	if ip netns exec $near timeout 20 ${2:-} "$smoke" "$(config "${1:-}")" 1 \
		>"$dir/refused.out" 2>"$dir/refused.err"; then
		fail "$what: accepted"
	fi
	grep -q -- "^error: .*$words" "$dir/refused.err" || fail "$what: $(cat "$dir/refused.err")"
	n=$(wc -l <"$dir/refused.err")
	[ "$n" = 1 ] || fail "$what: $n lines: $(cat "$dir/refused.err")"
	cat "$dir/refused.err"
}

traffic "af_packet"
traffic "af_packet-2-queues" "s/queues: 1/queues: 2/"

refused "no interface" "there is no interface plm-none" "s/plm-nic/plm-none/"
refused "no PCI device" "there is no such PCI device" "s/af_packet:plm-nic/'0000:ff:1f.7'/"
refused "no driver" "net_nonsense" "s/af_packet:plm-nic/'vdev:net_nonsense0'/"
refused "no CPU" "cores\[0\]: CPU 1023 cannot be used" \
	"s/^  tap:/  workers: {cores: [1023]}\n  tap:/"
refused "no rights" "CAP_NET_RAW" "" "setpriv --bounding-set -net_raw --inh-caps -net_raw"
refused "half the rights" "cannot be set up.*CAP_NET_ADMIN" "" \
	"setpriv --bounding-set -net_admin --inh-caps -net_admin"
refused "runtime directory" "/proc/nowhere/dpdk, DPDK's runtime directory, cannot be written" "" \
	"env RUNTIME_DIRECTORY=/proc/nowhere"
refused "name taken" "no plain TAP" "s/plm-tap/lo/"
if ! grep -q "[1-9]" /sys/kernel/mm/hugepages/*/free_hugepages 2>/dev/null; then
	refused "no hugepages" "no hugepage is free" "s/memory_mb/hugepages: true, memory_mb/"
fi
echo "passed"
