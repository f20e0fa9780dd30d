#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# plenum-dataplane on the software port, with tests/smoke/probe as its peers.
# Usage: dataplane.sh DATAPLANE PROBE one|rings|queues [probe option...]. Exit 77 = skipped.
#   one     one worker
#   rings   two workers, one queue: strays and fan-out go by rings
#   queues  two workers, two queues: af_packet's fan-out stands for RSS
set -eu
. "$(dirname "$0")/_init.sh"

probe=$2
case=$3
smoke_init "$1"
shift 3
case $case in
one) smoke_config -e "" ;;
rings) smoke_config -e "s/cores: \[0\]/cores: [0, 1]/" ;;
queues) smoke_config -e "s/cores: \[0\]/cores: [0, 1]/" -e "s/queues: 1/queues: 2/" ;;
*) smoke_fail "no case $case" ;;
esac
smoke_start
ip netns exec "$client" timeout 150 "$probe" \
	--socket "$dir/api.sock" --netns "$relay" --pid "$daemon" "$@" &
children=($!)
wait "${children[0]}" || smoke_fail "case $case"
children=()
smoke_stop
