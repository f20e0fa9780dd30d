# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Sourced by whoever makes namespaces and starts daemons. A process in a session of its own waits for
# the end of this one, however it comes (also kill -9), and then removes what is left:
#
#   janitor_start DIR    from now on; descriptor 9 stays open here, so start daemons with 9>&-
#   janitor_end          lets it work and waits for it
#
# DIR/groups: process groups to end, DIR/daemons: processes to end, both in the order they were
# started; DIR/namespaces: network namespaces to empty and delete, DIR/links: interfaces here to
# delete. DIR itself goes last.

# Runs in the janitor. $1: the folder.
janitor_clean() {
	local pid ns link

	# Clients first, then control, then the dataplane: the order in which they were not started.
	for pid in $(tac "$1/groups" 2>/dev/null); do
		kill -TERM -- "-$pid" 2>/dev/null
	done
	for pid in $(tac "$1/daemons" 2>/dev/null); do
		kill -TERM "$pid" 2>/dev/null
		for _ in $(seq 50); do
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.1
		done
	done
	for pid in $(cat "$1/groups" 2>/dev/null); do
		kill -KILL -- "-$pid" 2>/dev/null
	done
	for ns in $(cat "$1/namespaces" 2>/dev/null); do
		for pid in $(ip netns pids "$ns" 2>/dev/null); do
			kill -KILL "$pid" 2>/dev/null
		done
		ip netns del "$ns" 2>/dev/null
	done
	# The kernel takes its time with the interfaces of a namespace.
	for link in $(cat "$1/links" 2>/dev/null); do
		ip link del "$link" 2>/dev/null
	done
	rm -rf "$1"
	return 0
}

janitor_start() {
	coproc JANITOR {
		trap '' INT TERM HUP
		setsid bash -c '
			trap "" INT TERM HUP
			cat >/dev/null
			. "$2"; janitor_clean "$1"
		' janitor "$1" "${BASH_SOURCE[0]}"
	} 2>/dev/null
	JANITOR_ID=$JANITOR_PID
	exec 9>&"${JANITOR[1]}" {JANITOR[1]}>&-
}

janitor_end() {
	exec 9>&-
	wait "$JANITOR_ID" 2>/dev/null || true
}
