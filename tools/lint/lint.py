#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""House rules that no compiler checks. usage: lint.py [CHECK...]

Prints each finding and one line a check, "lint NAME: ok" or "lint NAME: FAILED"; exit status 1 when
one failed. Warnings do not fail.
"""
import os
import sys
import time

sys.dont_write_bytecode = True

import check_headers  # noqa: E402
import check_includes  # noqa: E402
import check_text  # noqa: E402
import selftest  # noqa: E402
from tree import Tree  # noqa: E402

CHECKS = {
    'includes': check_includes.check,
    'headers': check_headers.check,
    'format': check_text.check_format,
    'comments': check_text.check_comments,
    'spdx': check_text.check_spdx,
    'size': check_text.check_size,
    'secrets': check_text.check_secrets,
    'scripts': check_text.check_scripts,
}
CHECKS['selftest'] = lambda tree, checks=dict(CHECKS): selftest.check(checks)


def main():
    wrong = [name for name in sys.argv[1:] if name not in CHECKS]
    if wrong:
        print(f'no such check: {wrong[0]} (checks: {", ".join(CHECKS)})', file=sys.stderr)
        return 2
    tree = Tree(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    status = 0
    for name, check in CHECKS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        began = time.monotonic()
        findings = list(check(tree))
        errors = [f for f in findings if not f.warning]
        for finding in findings:
            print(finding)
        n_warnings = len(findings) - len(errors)
        text = f'FAILED, {len(errors)} findings' if errors else 'ok'
        if n_warnings:
            text += f', {n_warnings} warnings'
        print(f'lint {name}: {text} ({time.monotonic() - began:.1f} s)', flush=True)
        if errors:
            status = 1
    return status


if __name__ == '__main__':
    sys.exit(main())
