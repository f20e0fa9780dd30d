# SPDX-License-Identifier: BSD-3-Clause
"""Each header compiles alone: it includes what its declarations need."""
import concurrent.futures
import json
import os
import shlex
import subprocess

from tree import Finding


def flags_by_folder(tree, build):
    """Compiler flags of each folder that has compiled files, as the build directory knows them."""
    with open(os.path.join(tree.root, build, 'compile_commands.json'), encoding='utf-8') as f:
        rows = json.load(f)
    flags = {}
    for row in rows:
        words = shlex.split(row['command'])
        path = os.path.normpath(os.path.join(row['directory'], row['file']))
        folder = os.path.dirname(os.path.relpath(path, tree.root))
        kept = []
        skip = False
        for word in words[1:]:
            if skip or word in ('-o', '-c', '-MF', '-MQ'):
                skip = not skip
                continue
            if word not in ('-MD', row['file']):
                kept.append(word)
        # Of several targets the one with the most include directories fits the most headers.
        if len(kept) > len(flags.get(folder, [])):
            flags[folder] = kept
    return flags


def flags_for(flags, header):
    folder = os.path.dirname(header)
    while True:
        if folder in flags:
            return flags[folder]
        inside = [f for f in flags if f.startswith(folder + '/')]
        if inside:
            return max((flags[f] for f in inside), key=len)
        if not folder:
            return None
        folder = os.path.dirname(folder)


def compile_alone(tree, build, flags, header):
    source = f'#include "{os.path.join(tree.root, header)}"\n'
    result = subprocess.run(
        ['gcc', *flags, '-O0', '-w', '-fsyntax-only', '-x', 'c', '-'],
        cwd=os.path.join(tree.root, build), input=source, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode == 0:
        return None
    errors = [line for line in result.stdout.split('\n') if 'error:' in line]
    return Finding(header, 1, 'does not compile alone: ' + (errors or [result.stdout])[0].strip())


def check(tree, build='build/gcc'):
    if not os.path.exists(os.path.join(tree.root, build, 'compile_commands.json')):
        yield Finding(build, 1, 'is not set up: make build')
        return
    flags = flags_by_folder(tree, build)
    headers = [(h, flags_for(flags, h)) for h in tree.select('.h')]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = pool.map(lambda x: compile_alone(tree, build, x[1], x[0]),
                         [x for x in headers if x[1]])
        yield from (finding for finding in found if finding)
    for header, own in headers:
        if '#pragma once' not in (tree.text(header) or ''):
            yield Finding(header, 1, 'no #pragma once')
        if own is None:
            yield Finding(header, 1, 'no compiled file is near: it belongs to no target', warning=True)
