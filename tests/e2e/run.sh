#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# End-to-end tests: real browsers through the real appliance, one scenario after the other, each with
# an appliance of its own. usage: tests/e2e/run.sh [SCENARIO...]   (BUILD=build/gcc)
set -u
cd "$(dirname "$0")/../.."

[ "$(id -u)" = 0 ] || { echo "end-to-end tests need root (network namespaces)" >&2; exit 1; }
[ $# -gt 0 ] || set -- check loss control_kill many rebind lifecycle

passed=0 failed=0
logs=${LOGS:-build/e2e}
mkdir -p "$logs"
for name in "$@"; do
	began=$SECONDS
	printf '%-14s ' "$name"
	if timeout --kill-after=20 300 bash "tests/e2e/$name.sh" >"$logs/$name.log" 2>&1; then
		passed=$((passed + 1))
		printf 'ok      %3d s\n' $((SECONDS - began))
		grep '^# ' "$logs/$name.log" | sed 's/^# /               /'
	else
		failed=$((failed + 1))
		printf 'FAILED  %3d s, %s\n' $((SECONDS - began)) "$logs/$name.log"
		tail -40 "$logs/$name.log" | sed 's/^/    /'
	fi
done
left=$(ip netns list | grep -c '^plm-e2e')
if [ "$left" != 0 ]; then
	echo "namespaces left behind: $left"
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
