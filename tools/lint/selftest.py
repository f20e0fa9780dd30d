# SPDX-License-Identifier: BSD-3-Clause
"""The checks find what they are for: each rule broken once in a small tree, and nothing else found."""
import json
import os
import tempfile

from tree import Finding, Tree

SPDX = 'SPDX-License-Identifier: BSD-3-Clause'
HEAD = f'// {SPDX}\n'
GUARD = HEAD + '#pragma once\n'

# path -> (text, what must be found: a set of "check:line")
FILES = {
    # Good ones: what looks like a broken rule and is none.
    'common/wire/plm_good.h': (GUARD + 'int good(void); // "/*" is no comment\n', set()),
    'common/wire/plm_good.c': (
        HEAD + '#include "plm_good.h"\n\n#include <plm_api.h>\n\n#include <string.h>\n\n'
        'static const int table[] = {1};\n\nint good(void) {\n\treturn table[0];\n}\n', set()),
    'common/api/plm_api.h': (GUARD + '#include <stdint.h>\n\nstruct plm_x {\n\tuint8_t n;\n};\n', set()),
    'dataplane/worker.c': (
        HEAD + '#include "stages/stages.h"\n\nvoid run(void) {\n\tstage_rx();\n}\n', set()),
    'dataplane/stages/stages.h': (GUARD + 'void stage_rx(void);\n', set()),
    'controlplane/http/server.c': (HEAD + '#include <h2o.h>\n', set()),
    # Who includes whom.
    'dataplane/a.c': (HEAD + '#include "../controlplane/http/server.h"\n', {'includes:2'}),
    'controlplane/http/server.h': (GUARD + '#include <rte_mbuf.h>\n', {'includes:3'}),
    'controlplane/rooms/room.c': (
        HEAD + '#include <h2o.h>\n#include <nice/agent.h>\n#include <openssl/evp.h>\n',
        {'includes:2', 'includes:3', 'includes:4'}),
    'controlplane/rooms/room.h': (GUARD, set()),
    'controlplane/rtc/ice.c': (HEAD + '#include "../rooms/room.h"\n', {'includes:2'}),
    'dataplane/stages/rx.c': (
        HEAD + '#include "../ctl/ctl.h"\n\nvoid stage_rx(void) {\n\tstage_stun();\n}\n',
        {'includes:2', 'includes:5'}),
    'dataplane/ctl/ctl.h': (GUARD, set()),
    'dataplane/ctl/ctl.c': (HEAD + '#include "stages.h"\n', {'includes:2'}),
    # Pure files.
    'dataplane/media/nack.c': (
        HEAD + '#include <plm_log.h>\n\n#include <time.h>\n\nstatic int calls;\n\nint nack(void) {\n'
        '\tprintf("x");\n\treturn ++calls;\n}\n', {'includes:2', 'includes:4', 'includes:6', 'includes:9'}),
    # Texts.
    'dataplane/text.c': (
        '#include <stdint.h>\n/* two */\n// ' + 'x' * 120 + '\n', {'spdx:1', 'comments:2', 'comments:3'}),
    'dataplane/long.c': (HEAD + '\n' * 600, {'size:1', 'format:1'}),
    'dataplane/format.c': (HEAD + '\nint  f(void) {\n\treturn 1;\n}\n', {'format:3'}),
    'tests/e2e/package-lock.json': ('{\n"resolved": "https:' + '//x/y"}\n', {'secrets:2'}),
    'README.md': ('see /wo' + 'rk/main\n-----BEGIN EC PRI' + 'VATE KEY-----\n', {'secrets:1', 'secrets:2'}),
    'tools/broken.sh': (f'#!/bin/bash\n# {SPDX}\nif\n', {'scripts:1'}),
    # A header that needs another, and one that is not guarded.
    'dataplane/alone.h': (GUARD + 'uint8_t alone(void);\n', {'headers:1'}),
    'dataplane/guard.h': (HEAD + 'int guard(void);\n', {'headers:1'}),
}


def check(checks):
    with tempfile.TemporaryDirectory() as root:
        for path, (text, _) in FILES.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), 'w', encoding='utf-8') as f:
                f.write(text)
        os.chmod(os.path.join(root, 'tools/broken.sh'), 0o755)
        with open(os.path.join(os.path.dirname(__file__), '../../.clang-format'), encoding='utf-8') as f:
            style = f.read()
        os.makedirs(os.path.join(root, 'build/gcc'))
        with open(os.path.join(root, '.clang-format'), 'w', encoding='utf-8') as f:
            f.write(style)
        with open(os.path.join(root, 'build/gcc/compile_commands.json'), 'w', encoding='utf-8') as f:
            json.dump([{'directory': os.path.join(root, 'build/gcc'), 'file': '../../dataplane/a.c',
                        'command': 'gcc -std=gnu2x -o a.o -c ../../dataplane/a.c'}], f)
        tree = Tree(root)
        found = {path: set() for path in FILES}
        for name, run in checks.items():
            for finding in run(tree):
                if not finding.warning:
                    found.setdefault(finding.path, set()).add(f'{name}:{finding.line}')
    for path, (_, expected) in FILES.items():
        for what in sorted(expected - found[path]):
            yield Finding(path, int(what.split(':')[1]), f'(self-test) {what.split(":")[0]} missed it')
        for what in sorted(found[path] - expected):
            yield Finding(path, int(what.split(':')[1]), f'(self-test) {what.split(":")[0]} found what is right')
