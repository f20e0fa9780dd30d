# SPDX-License-Identifier: BSD-3-Clause
"""dpdk-test-crypto-perf (Debian: dpdk-dev): DPDK's own measure of the same cipher library. It has one
key and works in place, so that no cache is missed: an upper bound that anybody can repeat."""
import os
import re
import subprocess

TOOL = 'dpdk-test-crypto-perf'
SIZES = '160,1200'
COMMON = ['--ptest', 'throughput', '--buffer-sz', SIZES, '--total-ops', '2000000', '--silent']
WAYS = [
    ('GCM-128', 'crypto_aesni_gcm', 32,
     ['--optype', 'aead', '--aead-algo', 'aes-gcm', '--aead-op', 'encrypt', '--aead-key-sz', '16',
      '--aead-iv-sz', '12', '--aead-aad-sz', '12', '--digest-sz', '16']),
    ('CM-SHA1-80', 'crypto_aesni_mb', 64,
     ['--optype', 'cipher-then-auth', '--cipher-algo', 'aes-ctr', '--cipher-op', 'encrypt',
      '--cipher-key-sz', '16', '--cipher-iv-sz', '16', '--auth-algo', 'sha1-hmac', '--auth-op',
      'generate', '--auth-key-sz', '64', '--digest-sz', '12']),
]
# lcore, buffer size, burst, enqueued, dequeued, two kinds of failures, Mops
LINE = re.compile(r'^\s*\d+\s+(\d+)\s+(\d+)\s+\d+\s+\d+\s+\d+\s+\d+\s+([0-9.]+)')


def command(device, burst, options, cpus):
    # The tool wants one lcore for itself and one to measure on.
    lcores = f'0@{cpus[-1]},1@{cpus[0]}'
    return [TOOL, '--lcores', lcores, '--no-pci', '--no-huge', '-m', '256', '--no-telemetry',
            '--file-prefix', f'plmbench{os.getpid()}', '--vdev', device, '--',
            '--devtype', device, '--burst-sz', str(burst)] + options + COMMON


def measure(cpus, runs):
    """[{suite, payload, mops, command}]: best of the runs, since the tool does not see when others
    take its core; what does not run is left out."""
    rows = []
    for suite, device, burst, options in WAYS:
        mops = {}
        line = command(device, burst, options, cpus)
        for _ in range(runs):
            try:
                done = subprocess.run(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                      text=True, timeout=60)
            except (OSError, subprocess.TimeoutExpired):
                continue
            for match in filter(None, map(LINE.match, done.stdout.splitlines())):
                mops.setdefault(int(match[1]), []).append(float(match[3]))
        for size, values in sorted(mops.items(), reverse=True):
            rows.append({'suite': suite, 'payload': size, 'mops': max(values),
                         'device': device, 'burst': burst, 'runs': len(values),
                         'command': ' '.join(line)})
    return rows
