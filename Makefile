# SPDX-License-Identifier: BSD-3-Clause
# The commands of this tree; meson builds. `make help` lists them.

MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

# Everything that is made lies under build/: the plain build, the one with sanitizers, the fuzzers.
PLAIN := build/gcc
ASAN := build/asan
FUZZ := build/fuzz
JOBS ?= $(shell nproc)

# Of make demo, make fuzz and make test: see make help.
CHECK ?=
TIME ?= 60
TARGET ?=
MERGE ?=
STEPS ?=
export CHECK

# $(call configure,DIRECTORY,COMPILER,OPTIONS): meson setup, once. A directory that meson gave up
# half-way is done again.
configure = [ -e $(1)/build.ninja ] || { rm -rf $(1); CC=$(2) meson setup $(1) -Dwerror=true $(3); }
# Quiet but for what goes wrong; the last line tells that it is done.
compile = ninja -C $(1) -j $(JOBS) --quiet $(2) && echo "built: $(1)"
sanitize := -Db_sanitize=address,undefined -Db_lundef=false

.PHONY: help
help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 18

.PHONY: bootstrap
bootstrap: ## install the packages that are missing (root, when some are)
	@tools/bootstrap.sh

.PHONY: build
build: bootstrap ## build with gcc into build/gcc
	@$(call configure,$(PLAIN),gcc)
	@$(call compile,$(PLAIN))

.PHONY: build-asan
build-asan: bootstrap ## build with clang, AddressSanitizer and UBSan into build/asan
	@$(call configure,$(ASAN),clang-14,$(sanitize))
	@$(call compile,$(ASAN))

.PHONY: demo
demo: ## start the appliance on a software port (root); CHECK=1: measure it unattended and end
	@[ "$$(id -u)" = 0 ] || { echo "make demo needs root: sudo make demo" >&2; exit 1; }
	@$(MAKE) build
	@if [ ! -x tools/demo/demo.sh ]; then \
		echo "The demo is not there yet: tools/demo/demo.sh comes with the control plane." >&2; \
		exit 1; \
	fi
	@BUILD=$(PLAIN) exec tools/demo/demo.sh

.PHONY: test
test: ## install, build and run every test (root); STEPS="lint plain" picks some
	@[ "$$(id -u)" = 0 ] || { \
		echo "make test needs root, for network namespaces: sudo make test" >&2; exit 1; }
	@$(MAKE) build build-asan
	@exec tests/run.py --plain $(PLAIN) --asan $(ASAN) --jobs $(JOBS) $(STEPS)

.PHONY: lint
lint: bootstrap ## includes, headers, format, comments, licences, sizes, secrets
	@$(call configure,$(PLAIN),gcc) >/dev/null
	@exec tools/lint/lint.py

.PHONY: format
format: ## wrap long comments and clang-format all C files
	@git ls-files -z '*.[ch]' | xargs -0 tools/lint/wrap_comments.py
	@git ls-files -z '*.[ch]' | xargs -0 clang-format-14 -i

.PHONY: fuzz
fuzz: bootstrap ## libFuzzer, TIME=60 seconds a target; TARGET=rtp for one; MERGE=1 keeps what is new
	@$(call configure,$(FUZZ),clang-14,$(sanitize) -Dfuzz=true -Dc_args=-fsanitize=fuzzer-no-link)
	@TIME=$(TIME) TARGET="$(TARGET)" MERGE="$(MERGE)" JOBS=$(JOBS) exec tests/fuzz/run.sh $(FUZZ)

.PHONY: bench
bench: build ## measure this machine
	@if [ ! -x tests/bench/run ]; then \
		echo "The benchmarks are not there yet: tests/bench/run comes later." >&2; \
		exit 1; \
	fi
	@BUILD=$(PLAIN) exec tests/bench/run

# Debian's places: the units know the programs by them. The configuration of this machine stays.
.PHONY: install
install: build ## install programs, page, units and sample configuration under $(DESTDIR)/
	install -D -t $(DESTDIR)/usr/bin $(PLAIN)/dataplane/plenum-dataplane \
		$(PLAIN)/controlplane/plenum-control $(PLAIN)/tools/plenumctl/plenumctl
	install -D -m 644 -t $(DESTDIR)/usr/lib/systemd/system configs/systemd/*.service
	install -D -m 644 configs/systemd/plenum.sysusers $(DESTDIR)/usr/lib/sysusers.d/plenum.conf
	install -D -m 644 -t $(DESTDIR)/usr/share/plenum/web controlplane/web/*.*
	[ -e $(DESTDIR)/etc/plenum/plenum.yaml ] || \
		install -D -m 644 configs/plenum.yaml $(DESTDIR)/etc/plenum/plenum.yaml

.PHONY: clean
clean: ## remove build/
	rm -rf build
