# SPDX-License-Identifier: BSD-3-Clause
"""Who may include whom. The rules are the tables below; the checks only apply them."""
import os
import re

from tree import Finding, code_of

# A file under FOLDER may include headers of the tree only from these folders.
# The longest folder that fits counts; folders that are not named may include everything.
MAY_INCLUDE = {
    'common/': ['common/'],
    'dataplane/': ['common/', 'dataplane/'],
    'controlplane/': ['common/', 'controlplane/'],
    'hls/': ['common/', 'hls/'],
    'tools/': ['common/', 'tools/'],
    # It makes the tokens that the control plane checks.
    'tools/plenumctl/': ['common/', 'tools/plenumctl/', 'controlplane/auth/'],
    # Traffic generators speak SRTP by the relay's own code.
    'tools/pktgen/': ['common/', 'tools/', 'dataplane/srtp/'],
}

# (files, what they must not include, why). Both are regular expressions; the second is searched in
# system headers as written and in our own by their path from the root.
MUST_NOT_INCLUDE = [
    (r'^common/', r'^(rte_|srtp2/|glib|gio/|nice/|agent\.h|h2o|wslay)', 'common/ is for every process'),
    (r'^common/api/', r'^openssl/', 'the API knows no cryptography'),
    (r'^(controlplane|hls)/', r'^(rte_|srtp2?[/.])', 'only the relay sees DPDK and SRTP'),
    (r'^dataplane/', r'^(h2o|wslay|glib|gio/|nice/|jansson|openssl/ssl|libav)',
     'the relay knows no HTTP, ICE, JSON or TLS'),
    (r'^(?!controlplane/http/|hls/server\.c$|tests/|tools/)', r'^(h2o|wslay)',
     'h2o stays in controlplane/http/ and hls/server.c'),
    (r'^dataplane/stages/', r'^dataplane/ctl/', 'stages/ and ctl/ meet in mailbox.h'),
    (r'^dataplane/ctl/', r'^dataplane/stages/', 'stages/ and ctl/ meet in mailbox.h'),
    (r'^dataplane/(?!worker\.c$|stages/)', r'^dataplane/stages/', 'only worker.c knows the stages'),
    (r'^controlplane/rooms/', r'^(openssl/|nice/|glib|gio/|h2o|wslay)',
     'rooms decide; others do the cryptography, ICE and HTTP'),
    (r'^controlplane/rtc/', r'^controlplane/(rooms|http)/', 'rtc obeys: it knows no rooms and no HTTP'),
    (r'^controlplane/http/', r'^(nice/|glib|gio/)', 'http knows no ICE'),
]

# Pure files: no clock, I/O, log, socket, thread or variable of their own.
PURE = re.compile(
    r'^(common/wire/[^/]*'
    r'|controlplane/rtc/sdp[^/]*'
    r'|dataplane/media/(nack|keyframe|rtx_cache|rewrite|rx_stats|consent)'
    r'|dataplane/srtp/srtp_(index|kdf)'
    r'|hls/playlist[^/]*)\.[ch]$')
IMPURE_HEADER = re.compile(
    r'^(time\.h|sys/(time|socket|un|uio|random|stat|epoll|timerfd)\.h|unistd\.h|fcntl\.h|pthread\.h|'
    r'threads\.h|signal\.h|poll\.h|syslog\.h|netdb\.h|dirent\.h|plm_(log|loop|unixsock|notify)\.h|rte_.*)$')
IMPURE_CALL = re.compile(
    r'\b(printf|fprintf|vfprintf|puts|fputs|putchar|perror|fopen|fdopen|fread|fwrite|open|read|write|'
    r'socket|time|clock_gettime|gettimeofday|rand|random|getrandom|getenv|syslog|plm_log|log_\w+)\s*\(')
# "static int n;" and "static char x[4] = {": a variable. Constants, functions and types are none.
VARIABLE = re.compile(r'^(?:static\s+)?(?!.*\bconst\b)(?:_Thread_local\s+|_Atomic\s+)?'
                      r'(?:unsigned|signed|struct|enum|union|bool|char|short|int|long|float|double|'
                      r'size_t|u?int\d+_t|void)\b[^()=]*(?:=.*|;\s*)$')

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
STAGE = re.compile(r'\b(stage_[a-z]+)\s*\(')


def resolve(tree, path, name, quoted):
    """The tree's header that an #include means, by its path from the root, or None: a system one."""
    if quoted:
        near = os.path.normpath(os.path.join(os.path.dirname(path), name))
        if near in tree.headers:
            return near
    process = path.split('/')[0]
    found = [h for h in tree.headers if h == name or h.endswith('/' + name)]
    # The same name may be there in several processes: the own one is meant.
    own = [h for h in found if h.split('/')[0] == process]
    return (own or found or [None])[0]


def folder_rule(path):
    fits = [folder for folder in MAY_INCLUDE if path.startswith(folder)]
    return max(fits, key=len) if fits else None


def check_include(path, number, written, target):
    rule = folder_rule(path)
    if target and rule and not target.startswith(tuple(MAY_INCLUDE[rule])):
        yield Finding(path, number, f'{rule} must not include {target}')
    for files, headers, why in MUST_NOT_INCLUDE:
        if re.search(files, path) and re.search(headers, target or written):
            yield Finding(path, number, f'must not include {target or written}: {why}')
    if PURE.match(path) and IMPURE_HEADER.match(os.path.basename(target) if target else written):
        yield Finding(path, number, f'must not include {written}: this file is pure')


def check_code(path, number, line):
    code, _ = code_of(line)
    if PURE.match(path):
        call = IMPURE_CALL.search(code)
        if call:
            yield Finding(path, number, f'calls {call.group(1)}(): this file is pure')
        if VARIABLE.match(code) and not code.startswith(('\t', ' ')) and path.endswith('.c'):
            yield Finding(path, number, 'a variable outside functions: this file is pure')
    if path.startswith('dataplane/stages/') and path.endswith('.c') and line[:1] in '\t ':
        for name in STAGE.findall(code):
            yield Finding(path, number, f'calls {name}(): a stage never calls another stage')


def check(tree):
    tree.headers = set(tree.select('.h'))
    for path in tree.c_files():
        for number, line in enumerate(tree.lines(path), 1):
            match = INCLUDE.match(line)
            if match:
                target = resolve(tree, path, match.group(2), match.group(1) == '"')
                yield from check_include(path, number, match.group(2), target)
            else:
                yield from check_code(path, number, line)
