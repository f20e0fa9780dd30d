# SPDX-License-Identifier: BSD-3-Clause
"""What was measured on: whatever makes two results comparable or not."""
import os
import platform
import subprocess
import time


def first_line(command, cwd=None):
    try:
        done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return ''
    return done.stdout.split('\n')[0].strip()


def cpu_field(name):
    with open('/proc/cpuinfo', encoding='utf-8') as lines:
        for line in lines:
            if line.startswith(name):
                return line.split(':', 1)[1].strip()
    return ''


def meminfo(name):
    with open('/proc/meminfo', encoding='utf-8') as lines:
        for line in lines:
            if line.startswith(name + ':'):
                return int(line.split()[1])
    return 0


def describe(root):
    flags = cpu_field('flags').split()
    wanted = ['aes', 'avx2', 'avx512f', 'vaes', 'vpclmulqdq', 'sha_ni']
    dirty = first_line(['git', 'status', '--porcelain'], root) != ''
    return {
        'date': time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime()),
        'cpu': f'{cpu_field("model name")} (family {cpu_field("cpu family")}, '
               f'model {cpu_field("model")})',
        'features': [flag for flag in wanted if flag in flags],
        'virtual': 'hypervisor' in flags,
        'cores': os.cpu_count(),
        'memory_gib': round(meminfo('MemTotal') / 1048576, 1),
        'hugepages': meminfo('HugePages_Total'),
        'kernel': platform.release(),
        'load': [round(load, 2) for load in os.getloadavg()],
        'dpdk': first_line(['pkg-config', '--modversion', 'libdpdk']),
        'compiler': first_line(['cc', '--version']),
        'commit': first_line(['git', 'rev-parse', '--short=12', 'HEAD'], root)
                  + (' with changes' if dirty else ''),
    }
