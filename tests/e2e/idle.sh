# SPDX-License-Identifier: BSD-3-Clause
# The idle appliance on the software port uses at most 5 % of one core.
. tests/e2e/env.sh
e2e_begin
appliance_network "$E2E_CLIENT"
appliance_config
e2e_start

# CPU time of both processes in clock ticks (fields 14 and 15; names in brackets may hold spaces).
ticks() {
	local pid sum=0 stat
	for pid in "$APPLIANCE_DATAPLANE" "$APPLIANCE_CONTROL"; do
		stat=$(cat "/proc/$pid/stat")
		set -- ${stat##*) }
		sum=$((sum + ${12} + ${13}))
	done
	echo "$sum"
}

sleep 2
before=$(ticks)
sleep 10
used=$(($(ticks) - before))
permille=$((used * 1000 / (10 * $(getconf CLK_TCK))))
echo "# idle: $((permille / 10)).$((permille % 10)) % of one core"
[ "$permille" -le 50 ] || appliance_fail "more than 5 %"
