#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# plenum-dataplane with configurations and machines that do not fit: one clear line and an exit
# status other than 0. Usage: errors.sh DATAPLANE. Exit 77 = skipped.
set -eu
. "$(dirname "$0")/_init.sh"

smoke_init "$1"

# refused STATUS WORDS [option of the dataplane...]
refused() {
	local want=$1 words=$2 status=0 lines
	shift 2
	ip netns exec "$relay" timeout 20 "$dataplane" -c "$dir/plenum.yaml" "$@" \
		>"$dir/refused.out" 2>"$dir/refused.err" || status=$?
	lines=$(grep -c "error" "$dir/refused.err" || true)
	[ $status -eq "$want" ] || smoke_fail "\"$words\": status $status: $(cat "$dir/refused.err")"
	[ "$lines" = 1 ] || smoke_fail "\"$words\": $lines lines: $(cat "$dir/refused.err")"
	grep -q -- "error.*$words" "$dir/refused.err" || smoke_fail "$(cat "$dir/refused.err")"
	grep "error" "$dir/refused.err"
}

# changed SED: the good configuration with one change, refused with 78 also by --check-config
changed() {
	smoke_config -e "$1"
	refused 78 "$2"
	refused 78 "$2" --check-config
}

changed 's/queues: 1/queus: 1/' 'dataplane.port.queus'
changed 's/queues: 1/queues: 99/' 'dataplane.port.queues'
changed 's/198.18.0.2.24/198.18.0.2000/' 'dataplane.addresses'
changed 's/cores: \[0\]/cores: []/' 'dataplane.workers.cores'
changed 's/rtx_packets: 256/rtx_packets: 300/' 'dataplane.rtx_packets'
changed 's/tap: plm-tap/tap: a-name-much-too-long/' 'dataplane.tap'
changed 's/dataplane:/dataplane: [/' 'plenum.yaml'

smoke_config -e "s/plm-nic/plm-none/"
refused 1 'there is no interface plm-none'
smoke_config -e "s/mbufs: 16384/mbufs: 1000000/; s/memory_mb: 256/memory_mb: 64/"
refused 78 'memory'
smoke_config -e "s,$dir/api.sock,$dir/none/api.sock,"
refused 1 "$dir/none/api.sock"
rm "$dir/plenum.yaml"
refused 78 "plenum.yaml"

# The good one is good, and a second dataplane beside it is refused.
smoke_config -e ""
"$dataplane" -c "$dir/plenum.yaml" --check-config || smoke_fail "--check-config refuses the good one"
smoke_start
refused 1 "$dir/api.sock\|plm-tap\|$relay\|DPDK"
kill -0 "$daemon" || smoke_fail "the first one died of it"
smoke_stop
