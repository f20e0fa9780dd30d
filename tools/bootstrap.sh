#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs what building, testing and the demo need and this machine does not have yet: packages of
# Debian 12, and the npm packages of tests/e2e. Changes nothing when all is there.
#
# usage: bootstrap.sh [--check]    --check only says what is missing, and fails if something is
set -euo pipefail
cd "$(dirname "$0")/.."

check=
case "${1:-}" in
	"") ;;
	--check) check=1 ;;
	*) echo "usage: $0 [--check]" >&2; exit 2 ;;
esac

packages=(
	# to build
	gcc libc6-dev make meson ninja-build pkgconf python3
	libdpdk-dev libsrtp2-dev libipsec-mb-dev libssl-dev zlib1g-dev libnice-dev libglib2.0-dev
	libh2o-evloop-dev libwslay-dev libjansson-dev libxdp-dev libbpf-dev
	libcyaml-dev libyaml-dev # libcyaml's .pc wants it, the package does not
	# to run: drivers that the relay loads, network namespaces, a certificate for the demo
	librte-net-af-packet23 librte-net-af-xdp23 librte-net-memif23 librte-net-tap23
	librte-mempool-ring23 librte-net-null23 librte-net-ring23
	iproute2 ethtool procps util-linux openssl ca-certificates
	# to test: sanitizers and fuzzing, lint, unit tests, traffic generator, real browsers
	clang-14 libclang-rt-14-dev clang-format-14 libcmocka-dev dpdk chromium
	llvm-14 # llvm-symbolizer: without it the leaks to suppress are not known by name
)

say() { echo "bootstrap: $*"; }
fail() {
	echo "bootstrap: $*" >&2
	exit 1
}

# Tests need Node 18 with npm. One from elsewhere serves as well, and Debian's would break it.
node_is_there() {
	local major
	command -v npm >/dev/null || return 1
	major=$(node --version 2>/dev/null | sed -n 's/^v\([0-9]*\)\..*/\1/p')
	[ "${major:-0}" -ge 18 ]
}
node_is_there || packages+=(nodejs npm)

packages_missing() {
	# Packages that dpkg never heard of are errors to dpkg-query, and missing from what it prints.
	local installed
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
		sed -n 's/^installed //p' | sort -u) || true
	comm -13 <(echo "$installed") <(printf '%s\n' "${packages[@]}" | sort -u)
}

packages_install() {
	local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300
		-o Dpkg::Use-Pty=0)
	local log
	[ "$(id -u)" = 0 ] || fail "needs root to install: $*"
	log=$(mktemp)
	say "installing $# packages: $*"
	if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; } \
		</dev/null >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		rm -f "$log"
		fail "apt-get failed"
	fi
	rm -f "$log"
}

# $1: a folder with package.json and package-lock.json
npm_is_current() {
	[ -e "$1/node_modules/.package-lock.json" ] &&
		[ ! "$1/package-lock.json" -nt "$1/node_modules/.package-lock.json" ]
}

npm_install() {
	local log
	log=$(mktemp)
	say "installing the npm packages of $1"
	if ! (cd "$1" && npm ci --no-audit --no-fund --ignore-scripts) </dev/null >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		rm -f "$log"
		fail "npm ci failed in $1"
	fi
	rm -f "$log"
	touch "$1/node_modules/.package-lock.json"
}

command -v dpkg-query >/dev/null || fail "this is not a Debian system; it is made for Debian 12"

mapfile -t missing < <(packages_missing)
if [ ${#missing[@]} -gt 0 ]; then
	[ -z "$check" ] || fail "missing packages: ${missing[*]}"
	packages_install "${missing[@]}"
fi

if [ -e tests/e2e/package.json ] && ! npm_is_current tests/e2e; then
	[ -z "$check" ] || fail "missing: the npm packages of tests/e2e"
	npm_install tests/e2e
fi
say "all ${#packages[@]} packages are there"
