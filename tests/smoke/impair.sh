#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# plenum-impair between two network namespaces: what it is told to lose is lost, the rest is not.
# usage (root): impair.sh [path of plenum-impair]
#
#   plm-impair-a  a0 <-veth-> ia [plenum-impair] ib <-veth-> b0  plm-impair-b
#                                 plm-impair-m
set -euo pipefail

impair=$(readlink -f "${1:-$(dirname "$0")/../../build/tools/impair/plenum-impair}")
a=plm-impair-a m=plm-impair-m b=plm-impair-b
pids=()
work=$(mktemp -d)

cleanup() {
	local pid ns
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	for ns in $a $m $b; do
		ip netns del "$ns" 2>/dev/null || true
	done
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

fail() {
	echo "impair: FAILED: $*" >&2
	exit 1
}

in_ns() {
	local ns=$1
	shift
	ip netns exec "$ns" "$@"
}

setup() {
	local ns
	for ns in $a $m $b; do
		ip netns add "$ns"
		in_ns "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
		ip -n "$ns" link set lo up
	done
	ip -n $a link add a0 type veth peer name ia netns $m
	ip -n $b link add b0 type veth peer name ib netns $m
	ip -n $a addr add 198.18.60.1/24 dev a0
	ip -n $b addr add 198.18.60.2/24 dev b0
	local pair
	for pair in "$a a0" "$m ia" "$m ib" "$b b0"; do
		# shellcheck disable=SC2086 # two words
		set -- $pair
		# A veth leaves checksums and segmentation to a device that is not there: what crosses
		# user space must be whole packets with whole checksums.
		in_ns "$1" ethtool -K "$2" tx off gso off gro off tso off >/dev/null
		ip -n "$1" link set "$2" up
	done
}

# start_impair ARGUMENTS: statistics go to $work/stats
start_impair() {
	: >"$work/log"
	# Not by in_ns: a function in the background is a shell, and its pid is not the program's.
	ip netns exec $m "$impair" --stats "$work/stats" "$@" ia ib 2>"$work/log" &
	impair_pid=$!
	pids+=("$impair_pid")
	for _ in $(seq 100); do
		grep -q ready "$work/log" && return
		sleep 0.05
	done
	cat "$work/log" >&2
	fail "plenum-impair did not start"
}

stop_impair() {
	kill "$impair_pid"
	wait "$impair_pid" || fail "plenum-impair ended with $?"
	pids=()
}

# stat PATH.COUNTER
stat() {
	python3 -c '
import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    value = value[key]
print(value)' "$work/stats" "$1"
}

# count_udp DATAGRAMS FIRST_BYTE: sends from a to b, prints how many arrived
count_udp() {
	ip netns exec $b python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 22) # SO_RCVBUFFORCE
s.bind(("198.18.60.2", 5000))
open(sys.argv[1], "w").close()
s.settimeout(10)
n = 0
while True:
    data = s.recv(2048)
    if data == b"end":
        break
    n += 1
    s.settimeout(5)
print(n)' "$work/up" >"$work/count" &
	local receiver=$!
	pids+=("$receiver")
	for _ in $(seq 100); do
		[ -e "$work/up" ] && break
		sleep 0.05
	done
	rm -f "$work/up"
	in_ns $a python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
n, first = int(sys.argv[1]), int(sys.argv[2])
for i in range(n):
    s.sendto(bytes([first]) * 200, ("198.18.60.2", 5000))
    if i % 20 == 19:
        time.sleep(0.005)
for i in range(20):
    time.sleep(0.05)
    s.sendto(b"end", ("198.18.60.2", 5000))' "$1" "$2"
	wait "$receiver" || fail "the receiver of datagrams gave up"
	cat "$work/count"
}

# expect WHAT VALUE LOWEST HIGHEST
expect() {
	if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then
		fail "$1: $2, expected $3 to $4"
	fi
	echo "impair: $1: $2 (expected $3 to $4)"
}

[ -x "$impair" ] || fail "no plenum-impair at $impair (build it first)"
setup

start_impair
expect "datagrams of 2000 without loss" "$(count_udp 2000 200)" 2000 2000
stop_impair
expect "frames lost" "$(stat ab.lost)" 0 0
expect "frames not sent" "$(stat ab.tx_failed)" 0 0
expect "frames with partial checksums" "$(stat ab.partial_checksum)" 0 0

# 10 % of 2000 is 200 with a standard deviation of 13; the seed makes the run repeatable, the
# limits are four deviations.
start_impair --seed 7 --ab loss=10
expect "datagrams of 2000 under 10 % loss" "$(count_udp 2000 200)" 1746 1854
stop_impair

start_impair --seed 7 --media-only --ab loss=50
expect "datagrams of 300 that are no media under 50 % loss of media" "$(count_udp 300 22)" 300 300
expect "datagrams of 300 that are media under 50 % loss of media" "$(count_udp 300 128)" 115 185
stop_impair

start_impair --seed 7 --ab dup=100 --ba delay=80
expect "datagrams of 200 all sent twice" "$(count_udp 200 200)" 400 400
stop_impair

start_impair --seed 7 --ba delay=80,jitter=10
ip netns exec $b python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("198.18.60.2", 5002))
open(sys.argv[1], "w").close()
s.settimeout(10)
for i in range(5):
    s.sendto(*s.recvfrom(100))' "$work/up" &
pids+=($!)
while [ ! -e "$work/up" ]; do sleep 0.05; done
rm -f "$work/up"
fastest=$(in_ns $a python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("198.18.60.2", 5002))
s.settimeout(10)
def trip():
    at = time.monotonic()
    s.send(b"hello")
    s.recv(100)
    return time.monotonic() - at
print(int(min(trip() for i in range(5)) * 1000))')
expect "milliseconds of the fastest round trip behind 80 ms" "$fastest" 80 5000
stop_impair

# A rebind: the server sees another port, answers to it arrive, and the old one is dead.
start_impair --seed 7
ip netns exec $b python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("198.18.60.2", 5001))
open(sys.argv[1], "w").close()
s.settimeout(10)
data, first = s.recvfrom(100)
s.sendto(b"one %d" % first[1], first)
data, second = s.recvfrom(100)
s.sendto(b"stale", first)
s.sendto(b"two %d" % second[1], second)' "$work/up" &
pids+=($!)
while [ ! -e "$work/up" ]; do sleep 0.05; done
rm -f "$work/up"
in_ns $a python3 -c '
import os, signal, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("198.18.60.2", 5001))
s.settimeout(10)
s.send(b"hello")
one = s.recv(100).decode()
own = s.getsockname()[1]
assert one == "one %d" % own, one
os.kill(int(sys.argv[1]), signal.SIGUSR1)
time.sleep(0.3)
s.send(b"again")
two = s.recv(100).decode()
assert two.startswith("two ") and two != "two %d" % own, two
print("impair: port %d became %s" % (own, two[4:]))' "$impair_pid"
stop_impair
expect "rebinds" "$(stat rebinds)" 1 1
expect "datagrams to the dead port" "$(stat ba.nat_unmapped)" 1 1

echo "impair: passed"
