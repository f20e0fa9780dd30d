#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Wraps // comments that are wider than the columns. usage: wrap_comments.py FILE...

What no longer fits goes to the start of the comment's next line, or to a new one; a comment behind
code that is too wide goes above it. Comments that fit are left as they are.
"""
import re
import sys

sys.dont_write_bytecode = True

from check_text import COLUMNS, width  # noqa: E402
from tree import code_of  # noqa: E402

COMMENT = re.compile(r'^(\s*)// ?(.*)$')
# A line that begins something of its own: a list's item, a drawing, a name that is explained.
OWN = re.compile(r'^($|[-*|+]|\s|\w+(\[\])?:|\d+[.)])')


def wrapped(indent, text):
    """(what fits on a line, the rest)"""
    words = text.split(' ')
    n = len(words)
    while n > 1 and width(f'{indent}// ' + ' '.join(words[:n])) > COLUMNS:
        n -= 1
    return ' '.join(words[:n]), ' '.join(words[n:])


def wrap(lines):
    out = []
    i = 0
    while i < len(lines):
        line = lines[i]
        i += 1
        if width(line) <= COLUMNS or line.endswith('\\'):
            out.append(line)
            continue
        match = COMMENT.match(line)
        code, comment = code_of(line)
        if match:
            indent, text = match.groups()
        elif comment and not code.lstrip().startswith(('}', 'else', '#')):
            indent, text = re.match(r'\s*', line).group(0), comment[2:].strip()
        else:
            out.append(line)
            continue
        head, rest = wrapped(indent, text)
        out.append(f'{indent}// {head}')
        below = COMMENT.match(lines[i]) if match and i < len(lines) else None
        if rest and below and below.group(1) == indent and not OWN.match(below.group(2)):
            lines[i] = f'{indent}// {rest} {below.group(2)}'
        elif rest:
            lines.insert(i, f'{indent}// {rest}')
        if not match:
            at = i + 1 if rest else i
            lines.insert(at, line[:len(line) - len(comment)].rstrip())
    return out


for path in sys.argv[1:]:
    with open(path, encoding='utf-8') as f:
        before = f.read()
    after = '\n'.join(wrap(before.split('\n')))
    if after != before:
        with open(path, 'w', encoding='utf-8') as f:
            f.write(after)
        print(f'wrapped: {path}')
