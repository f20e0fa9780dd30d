# SPDX-License-Identifier: BSD-3-Clause
"""What can be seen in a file's text alone: comments, licence lines, sizes, secrets, scripts."""
import os
import re
import subprocess

from tree import Finding, code_of

COLUMNS = 100
TAB = 8
FILE_LINES = 600
FUNCTION_LINES = 100
SPDX = 'SPDX-License-Identifier: BSD-3-Clause'
SOURCES = ('.c', '.h', '.py', '.sh', '.js', '.mjs', '.ts', '.css', '.build', '.service')


def width(line):
    return len(line.expandtabs(TAB))


def check_comments(tree):
    """// only, and lines that fit."""
    for path in tree.c_files():
        for number, line in enumerate(tree.lines(path), 1):
            code, comment = code_of(line)
            # In a macro of several lines // would end the macro.
            if '/*' in code and not line.endswith('\\'):
                yield Finding(path, number, 'a /* comment: // only')
            if width(line) > COLUMNS:
                # Code that clang-format finds no better break for may stay; comments can be wrapped.
                text = f'{width(line)} columns, more than {COLUMNS}'
                yield Finding(path, number, text, warning=comment is None)


def check_spdx(tree):
    """The licence in the first line, or the one after #! or a doctype."""
    paths = tree.select(*SOURCES) + tree.scripts() + [p for p in tree.files if p == 'Makefile']
    for path in paths:
        lines = tree.lines(path)
        first = 1 if lines and lines[0].startswith(('#!', '<!')) else 0
        if len(lines) <= first or SPDX not in lines[first]:
            yield Finding(path, first + 1, f'no "{SPDX}"')


def check_size(tree):
    """One subject a file, one task a function."""
    for path in tree.c_files():
        lines = tree.lines(path)
        if len(lines) - 1 > FILE_LINES:
            yield Finding(path, 1, f'{len(lines) - 1} lines, more than {FILE_LINES}: split it')
        began = None
        for number, line in enumerate(lines, 1):
            # Formatted code: a function's head starts at column 0, and so does its last brace.
            if line.endswith(') {') and (line[:1].isalpha() or line.startswith(') {')):
                began = number
            elif line == '}' and began is not None:
                n = number - began + 1
                if n > FUNCTION_LINES:
                    text = f'a function of {n} lines, more than {FUNCTION_LINES}'
                    yield Finding(path, began, text, warning=True)
                began = None


# Written so that this file does not find itself.
MACHINE_PATH = re.compile(r'(?:^|[^A-Za-z0-9_.-])/(?:work|farm|root|home)/[a-z]')
LOCK_HOST = re.compile(r'"resolved":\s*"https?://')
PRIVATE_KEY = re.compile(r'-----BEGIN [A-Z ]*' + r'PRIVATE KEY-----')


def check_secrets(tree):
    """Nothing of the machine that it was written on, no keys, no registry's host."""
    for path in tree.files:
        for number, line in enumerate(tree.lines(path), 1):
            if MACHINE_PATH.search(line):
                yield Finding(path, number, 'an absolute path of one machine')
            if PRIVATE_KEY.search(line):
                yield Finding(path, number, 'a private key')
            if path.endswith('package-lock.json') and LOCK_HOST.search(line):
                yield Finding(path, number, 'a registry host: omit-lockfile-registry-resolved=true')


def run(tree, command, paths):
    return subprocess.run(command + paths, cwd=tree.root, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def check_scripts(tree):
    """Shell scripts that bash can read."""
    for path in tree.select('.sh') + tree.scripts():
        if not re.match(r'#!.*\b(ba)?sh\b', tree.lines(path)[0]):
            continue
        result = run(tree, ['bash', '-n'], [path])
        if result.returncode != 0:
            yield Finding(path, 1, result.stdout.strip())
        if not os.access(os.path.join(tree.root, path), os.X_OK) and os.path.basename(path) != 'lib.sh':
            yield Finding(path, 1, 'not executable')


FORMAT_ERROR = re.compile(r'^(\S+?):(\d+):\d+: error: code should be clang-formatted')


def check_format(tree):
    """clang-format 14, whose version is pinned: others format otherwise."""
    paths = tree.c_files()
    for i in range(0, len(paths), 50):
        result = run(tree, ['clang-format-14', '--dry-run', '-Werror'], paths[i:i + 50])
        seen = set()
        for line in result.stdout.split('\n'):
            match = FORMAT_ERROR.match(line)
            # One for each file is enough: `clang-format-14 -i FILE` mends them all.
            if match and match.group(1) not in seen:
                seen.add(match.group(1))
                yield Finding(match.group(1), int(match.group(2)), 'not as clang-format-14 writes it')
        if result.returncode != 0 and not seen:
            yield Finding('.clang-format', 1, result.stdout.strip() or 'clang-format-14 failed')
