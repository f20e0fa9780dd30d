#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs every test of the tree and counts: the second half of `make test`.

usage: run.py [--plain BUILD] [--asan BUILD] [--jobs N] [STEP...]

BUILD: a built meson directory (build/gcc, build/asan). The steps, in this order; without any, all:
  lint   the checks of tools/lint, each counted as a test
  plain  suites without root (unit, vectors, fuzz-replay, ...) of the plain build
  asan   the same, built by clang with AddressSanitizer and UBSan
  smoke  suite smoke of the plain build: network namespaces, root, one at a time
  smoke-asan
  e2e    tests/e2e/run, when it is there: real browsers against the plain build
Ends with "N passed, M failed[, K skipped]"; exit status 0 only when nothing failed and something ran.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STEPS = ['lint', 'plain', 'asan', 'smoke', 'smoke-asan', 'e2e']
# Suites that other steps run, or that are no tests.
NOT_PARALLEL = ['smoke', 'e2e', 'bench', 'lint']
E2E_TIMEOUT_S = 900
LOG_LINES = 60
SANITIZER_ENV = {
    'ASAN_OPTIONS': 'detect_leaks=1:strict_string_checks=1:check_initialization_order=1',
    'UBSAN_OPTIONS': 'halt_on_error=1:print_stacktrace=1',
    'ASAN_SYMBOLIZER_PATH': '/usr/lib/llvm-14/bin/llvm-symbolizer',
}


class Result:
    def __init__(self, step, name, outcome, seconds=0.0, log=''):
        self.step = step
        self.name = name
        self.outcome = outcome  # passed, failed or skipped
        self.seconds = seconds
        self.log = log


def title(text):
    print(f'\n== {text}', flush=True)


def tail(text):
    lines = text.rstrip('\n').split('\n')
    if len(lines) > LOG_LINES:
        lines = [f'... ({len(lines) - LOG_LINES} lines before)'] + lines[-LOG_LINES:]
    return '\n'.join(lines)


def run_streamed(command, env=None, timeout=None):
    """Shows the output while it comes; returns (exit status, output). Status 124: out of time."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors='replace', start_new_session=True)
    timer = None
    timed_out = []
    if timeout:
        import signal
        import threading

        def stop():
            # First a chance to take namespaces and processes down.
            timed_out.append(True)
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, stop)
        timer.start()
    output = []
    try:
        for line in process.stdout:
            output.append(line)
            sys.stdout.write(line)
            sys.stdout.flush()
        status = process.wait()
    finally:
        if timer:
            timer.cancel()
        if process.poll() is None:
            process.terminate()
    return 124 if timed_out else status, ''.join(output)


def step_lint(results):
    began = time.monotonic()
    status, output = run_streamed([sys.executable, 'tools/lint/lint.py'])
    # One line per check: "lint NAME: ok ..." or "lint NAME: FAILED ...", findings before it.
    findings = []
    n = 0
    for line in output.split('\n'):
        match = re.match(r'lint (\S+): (ok|FAILED)', line)
        if not match:
            findings.append(line)
            continue
        n += 1
        outcome = 'passed' if match.group(2) == 'ok' else 'failed'
        results.append(Result('lint', match.group(1), outcome, 0, '\n'.join(findings)))
        findings = []
    failed = any(r.step == 'lint' and r.outcome == 'failed' for r in results)
    if n == 0 or (status != 0 and not failed):
        results.append(Result('lint', 'tools/lint', 'failed', time.monotonic() - began, output))


def suites_of(build):
    """The names of the suites that have tests, or None when the directory is not set up."""
    try:
        text = subprocess.run(
            ['meson', 'introspect', '--tests', build], cwd=ROOT, check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return {s.split(':')[-1] for test in json.loads(text) for s in test['suite']}


def step_meson(results, step, build, suites, jobs, env):
    log = os.path.join(ROOT, build, 'meson-logs', f'{step}.json')
    command = ['meson', 'test', '-C', build, '--no-rebuild', '--num-processes', str(jobs),
               '--timeout-multiplier', '3', '--logbase', step]
    for suite in sorted(suites):
        command += ['--suite', suite]
    if os.path.exists(log):
        os.unlink(log)
    began = time.monotonic()
    status, output = run_streamed(command, env={**os.environ, **env})
    failed = False
    try:
        with open(log, encoding='utf-8') as f:
            rows = [json.loads(line) for line in f]
    except (OSError, ValueError):
        rows = []
    for row in rows:
        outcome = {'OK': 'passed', 'EXPECTEDFAIL': 'passed', 'SKIP': 'skipped'}.get(
            row['result'], 'failed')
        failed = failed or outcome == 'failed'
        text = row.get('stdout', '') + row.get('stderr', '')
        if outcome == 'failed':
            text = f"{text.rstrip()}\n[{row['result']}, exit status {row.get('returncode')}]"
        results.append(Result(step, row['name'].split(' / ')[-1], outcome, row['duration'], text))
    if not rows or (status != 0 and not failed):
        results.append(Result(step, f'meson test -C {build}', 'failed', time.monotonic() - began, output))


def step_suites(results, step, build, jobs, smoke):
    suites = suites_of(build)
    if suites is None:
        print(f'{build} is not built')
        results.append(Result(step, build, 'failed', 0, f'{build} is not built'))
        return
    suites = suites & {'smoke'} if smoke else suites - set(NOT_PARALLEL)
    if not suites:
        print('no tests yet')
        return
    env = SANITIZER_ENV if step.endswith('asan') else {}
    step_meson(results, step, build, suites, 1 if smoke else jobs, env)


def counts_of(output):
    """Passed, failed, skipped as the last closing line of another runner says, or None."""
    for line in reversed(output.split('\n')):
        match = re.match(r'(?:\S+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$', line)
        if match:
            return [int(n or 0) for n in match.groups()]
    node = {key: re.findall(rf'^(?:#|ℹ) {key} (\d+)$', output, re.M) for key in
            ('pass', 'fail', 'cancelled', 'skipped')}
    if node['pass'] and node['fail']:
        last = {key: int(found[-1]) if found else 0 for key, found in node.items()}
        return [last['pass'], last['fail'] + last['cancelled'], last['skipped']]
    return None


def step_e2e(results, build):
    if not os.access(os.path.join(ROOT, 'tests/e2e/run'), os.X_OK):
        print('tests/e2e/run is not there yet')
        return
    began = time.monotonic()
    env = {**os.environ, 'BUILD': build}
    status, output = run_streamed(['tests/e2e/run'], env=env, timeout=E2E_TIMEOUT_S)
    seconds = time.monotonic() - began
    if status == 77:
        results.append(Result('e2e', 'e2e', 'skipped', seconds, output))
        return
    passed, failed, skipped = counts_of(output) or ([1, 0, 0] if status == 0 else [0, 1, 0])
    if status != 0 and failed == 0:
        failed = 1
    for n, outcome in ((passed, 'passed'), (failed, 'failed'), (skipped, 'skipped')):
        for i in range(n):
            # The output is one for all: it belongs to the first.
            log = output if i == 0 else ''
            results.append(Result('e2e', f'e2e {i + 1}', outcome, seconds if i == 0 else 0, log))


def report(results, began):
    failed = [r for r in results if r.outcome == 'failed']
    skipped = [r for r in results if r.outcome == 'skipped']
    for r in failed:
        if r.log:
            title(f'log of {r.step}: {r.name}')
            print(tail(r.log))
    title('summary')
    for step in STEPS:
        rows = [r for r in results if r.step == step]
        if rows:
            count = {o: sum(r.outcome == o for r in rows) for o in ('passed', 'failed', 'skipped')}
            print(f"{step:<11} {count['passed']:>4} passed {count['failed']:>4} failed "
                  f"{count['skipped']:>4} skipped {sum(r.seconds for r in rows):>7.1f} s")
    for r in skipped:
        reason = r.log.strip().split('\n')[-1] if r.log.strip() else ''
        print(f'skipped  {r.step:<11} {r.name}  {reason}')
    for r in failed:
        print(f'FAILED   {r.step:<11} {r.name}  {r.seconds:.1f} s')
    print(f'{time.monotonic() - began:.0f} seconds')
    n_passed = len(results) - len(failed) - len(skipped)
    if not n_passed and not failed:
        print('no test ran')
    line = f'{n_passed} passed, {len(failed)} failed'
    print(f'{line}, {len(skipped)} skipped' if skipped else line, flush=True)
    return 0 if n_passed and not failed else 1


def main():
    parser = argparse.ArgumentParser(usage='run.py [--plain BUILD] [--asan BUILD] [--jobs N] [STEP...]')
    parser.add_argument('--plain', default='build/gcc')
    parser.add_argument('--asan', default='build/asan')
    parser.add_argument('--jobs', type=int, default=max(len(os.sched_getaffinity(0)), 1))
    parser.add_argument('steps', nargs='*', metavar='STEP', help=', '.join(STEPS))
    args = parser.parse_args()
    wrong = [s for s in args.steps if s not in STEPS]
    if wrong:
        parser.error(f'no such step: {wrong[0]} (steps: {", ".join(STEPS)})')
    steps = [s for s in STEPS if s in (args.steps or STEPS)]
    if any(s.startswith('smoke') or s == 'e2e' for s in steps) and os.geteuid() != 0:
        print('network namespaces need root: sudo make test', file=sys.stderr)
        return 1
    results = []
    began = time.monotonic()
    for step in steps:
        title(step)
        if step == 'lint':
            step_lint(results)
        elif step == 'e2e':
            step_e2e(results, args.plain)
        else:
            build = args.asan if step.endswith('asan') else args.plain
            step_suites(results, step, build, args.jobs, step.startswith('smoke'))
    return report(results, began)


if __name__ == '__main__':
    sys.exit(main())
