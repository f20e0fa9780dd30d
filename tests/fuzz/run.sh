#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Runs the libFuzzer programs of a build directory, one after the other on all cores.
#
# usage: [TIME=60] [TARGET=rtp] [MERGE=1] [JOBS=2] run.sh BUILD
#   TIME    seconds for each target
#   TARGET  only this one
#   MERGE   adds what was found and reaches new code to tests/fuzz/corpus/, to be committed
# Starts from tests/fuzz/corpus/NAME and what earlier runs left in BUILD/corpus/NAME. Inputs that
# crash are in BUILD/crashes/; mended, they belong into tests/fuzz/corpus/NAME, where every test run
# replays them.
set -euo pipefail
cd "$(dirname "$0")/../.."

build=$(realpath "${1:?usage: run.sh BUILD}")
seconds=${TIME:-60}
jobs=${JOBS:-2}
crashes=$build/crashes
export ASAN_OPTIONS=strict_string_checks=1:detect_leaks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-14/bin/llvm-symbolizer

mapfile -t targets < <(meson introspect --targets "$build" |
	python3 -c 'import json, sys
for target in json.load(sys.stdin):
    if target["name"].startswith("fuzz_"):
        print(target["name"])')
[ ${#targets[@]} -gt 0 ] || { echo "no fuzz targets in $build" >&2; exit 1; }
if [ -n "${TARGET:-}" ]; then
	[[ " ${targets[*]} " == *" fuzz_$TARGET "* ]] || {
		echo "no target $TARGET; there are: ${targets[*]#fuzz_}" >&2
		exit 1
	}
	targets=("fuzz_$TARGET")
fi
ninja -C "$build" -j "$jobs" --quiet "${targets[@]/#/tests/fuzz/}"

mkdir -p "$crashes"
n_passed=0
failed=()
for target in "${targets[@]}"; do
	name=${target#fuzz_}
	seeds=$PWD/tests/fuzz/corpus/$name
	found=$build/corpus/$name
	log=$build/$target.log
	mkdir -p "$found"
	status=0
	# Each job writes a log of its own into the current directory, and at its end into this one.
	(cd "$build" && "tests/fuzz/$target" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=2048 -max_len=4096 -jobs="$jobs" -workers="$jobs" -print_final_stats=1 \
		-artifact_prefix="$crashes/$name-" "$found" "$seeds") >"$log" 2>&1 </dev/null || status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | awk '{n += $1} END {print n + 0}')
	cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | sort -n | tail -n 1)
	printf '%-12s %10s runs  %6s edges  %5s inputs  ' "$name" "$runs" "${cover:-0}" \
		"$(find "$found" "$seeds" -type f | wc -l)"
	if [ $status -eq 0 ]; then
		n_passed=$((n_passed + 1))
		echo ok
	else
		failed+=("$name")
		echo FAILED
		grep -E '^(==[0-9]+==ERROR|SUMMARY|.*runtime error:|artifact_prefix)' "$log" | sort -u |
			head -n 10 || tail -n 20 "$log"
	fi
	if [ -n "${MERGE:-}" ] && [ $status -eq 0 ]; then
		"$build/tests/fuzz/$target" -merge=1 -max_len=4096 "$seeds" "$found" >>"$log" 2>&1 </dev/null
	fi
done
if [ ${#failed[@]} -gt 0 ]; then
	echo "crashing inputs:"
	ls -l "$crashes"
	echo "again: $build/tests/fuzz/fuzz_NAME FILE"
fi
echo "$n_passed passed, ${#failed[@]} failed"
[ ${#failed[@]} -eq 0 ]
