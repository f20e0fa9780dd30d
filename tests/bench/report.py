# SPDX-License-Identifier: BSD-3-Clause
"""The results as a table for terminals, a Markdown report and plots."""
import os

import plot

STAGES = ['rx', 'classify', 'stun', 'lookup', 'unprotect', 'rtcp', 'route', 'fanout', 'egress',
          'housekeeping']
METHOD = '''\
**How it is measured.** One process holds the dataplane's worker as it is: EAL, port, tables, transports
made by the control thread's functions and claimed by real STUN requests. The port is net_null with
callbacks: what is "received" was encrypted with the publisher's key and put into a ring before the clock
runs; what is sent stays in a ring as deep as a NIC's queue (`depth`), so that buffers come back as cold as
they do from hardware. Timed is `worker_round` alone: receive, classify, lookup, unprotect, route, fan-out,
rewrite, protect, transmit, timers; making the publishers' packets is not. There is no NIC, no PCIe and no
DMA: a real port adds its driver's work. Viewers answer consent checks; they send no RTCP, no losses occur.
Before timing, packets of sample viewers are decrypted and compared; nothing may be lost or changed.

* A *packet* is one frame sent to one viewer. *Gbit/s* counts RTP payload; *wire* adds all headers, the
  SRTP tag, Ethernet's preamble, gap and FCS.
* *ns* is the median of undisturbed samples: while other work had the core for more than 4 % of a run, or
  the core's clock (measured by a chain of multiplications) was below 94 % of usual, it does not count. Rows
  marked `~` had no quiet sample: there the fastest third of all stands.
* *cycles* are of the core: ns x its measured clock. Stages are in TSC ticks for each packet sent.
* *Checksum*: `offload` = a NIC makes IP and UDP checksums (the headline: any NIC does); `software` = the
  worker does, as on veth and memif ports. `zero` (no UDP checksum, allowed for IPv4) is not offered yet.
* *Cipher alone*: intel-ipsec-mb called directly, same keys in the same order, same lengths, buffers cycled
  alike: RTP header and IV written, packet encrypted, and the publisher's packet decrypted once for its
  audience. *Bare loop*: the same with mbufs allocated, 42 bytes of headers and `rte_eth_tx_burst`. Both ran
  right after the row beside them.
* Backend `libsrtp2` is Debian's package.
'''


def count(n):
    return f'{n:,}'


def audience(row):
    if row['publishers'] == 1:
        return count(row['viewers'])
    return f'{row["publishers"]} x {count(row["viewers"])}'


def mark(row):
    return '~' if row['disturbed'] else ''


def percent(value):
    return f'{100 * value:.0f} %'


HEAD = ['suite', 'payload', 'viewers', 'srtp', 'checksum', 'ns', 'cycles', 'Mpps', 'Gbit/s', 'wire',
        'cipher ns', 'ratio', 'loop ns', 'ratio']


def cells(row):
    ceiling = row.get('ceiling')
    return [row['suite'], f'{row["payload"]} B', audience(row), row['backend'], row['checksum'],
            f'{mark(row)}{row["ns"]:.1f}', f'{row["cycles"]:.0f}', f'{row["mpps"]:.2f}',
            f'{row["gbps_payload"]:.1f}', f'{row["gbps_wire"]:.1f}',
            *([f'{ceiling["cipher_ns"]:.1f}', percent(ceiling['ratio_cipher']),
               f'{ceiling["loop_ns"]:.1f}', percent(ceiling['ratio_loop'])] if ceiling
              else ['', '', '', ''])]


def ordered(rows):
    return sorted(rows, key=lambda r: (r['suite'], -r['payload'], r['total_viewers'],
                                       r['publishers'], r['backend'], r['checksum']))


def aligned(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return '\n'.join('  '.join(cell.rjust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def markdown(lines):
    head = '| ' + ' | '.join(lines[0]) + ' |\n|' + '---|' * len(lines[0]) + '\n'
    return head + '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines[1:]) + '\n'


def select(results, *tags):
    return [row for row in results['rows'] if row['tag'] in tags]


def headline(results):
    return ordered(select(results, 'main'))


def machine_line(info):
    return (f'{info["cpu"]}, {info["cores"]} cores{" (virtual)" if info["virtual"] else ""}, '
            f'{", ".join(info["features"])}; {info["memory_gib"]} GiB; Linux {info["kernel"]}; '
            f'DPDK {info["dpdk"]}; {info["compiler"]}; load at start {info["load"][0]}; '
            f'commit {info["commit"]}; {info["date"]}; `{info["command"]}`, '
            f'{info["rounds"]} round(s), {info["seconds"]} s')


def table(results):
    parts = [aligned([HEAD] + [cells(row) for row in headline(results)])]
    rest = ordered(select(results, 'checksum', 'libsrtp2', 'rooms', 'one stream', 'gcm256'))
    if rest:
        parts.append(aligned([HEAD] + [cells(row) for row in rest]))
    if results['dpdk_test_crypto_perf']:
        parts.append('\n'.join(tool_lines(results)))
    pairs = pair_lines(results)
    if pairs:
        parts.append(aligned(pairs))
    if any(row['disturbed'] for row in results['rows']):
        parts.append('~ no quiet sample: this machine was busy')
    return '\n\n'.join(parts)


def tool_lines(results):
    return [f'{row["device"]}, {row["suite"]}, {row["payload"]} B, one key in place, '
            f'burst {row["burst"]}: {row["mops"]:.2f} Mpps (best of {row["runs"]})'
            for row in results['dpdk_test_crypto_perf']]


def pair_lines(results):
    """One worker and two with the same peers."""
    rows = {}
    for row in select(results, 'pair'):
        rows.setdefault((row['suite'], row['payload']), {})[row['workers']] = row
    lines = [['suite', 'payload', 'viewers', 'one worker Mpps', 'two workers Mpps', 'factor']]
    for (suite, payload), both in sorted(rows.items()):
        if 1 not in both or 2 not in both:
            continue
        one, two = both[1], both[2]
        lines.append([suite, f'{payload} B', audience(one), f'{mark(one)}{one["mpps"]:.2f}',
                      f'{mark(two)}{two["mpps"]:.2f}', f'{one["ns"] / two["ns"]:.2f}'])
    return lines if len(lines) > 1 else []


def stage_table(rows):
    used = [s for s in STAGES if any(row['stages'][s]['packets'] for row in rows)]
    lines = [['suite', 'payload', 'viewers'] + used]
    for row in rows:
        lines.append([row['suite'], f'{row["payload"]} B', audience(row)]
                     + [f'{row["stages"][s]["tsc_per_out"]:.1f} '
                        f'({row["stages"][s]["packets_per_call"]:.0f})' for s in used])
    return markdown(lines)


def memory_lines(results):
    rows = [row for row in headline(results) if row['total_viewers'] >= 1000]
    seen = {}
    for row in rows:
        seen[(row['suite'], row['total_viewers'])] = row['bytes_per_viewer']
    return [f'* {suite}, {count(n)} viewers: {count(round(value))} bytes of resident memory a viewer '
            '(two streams each: audio and video)' for (suite, n), value in sorted(seen.items())]


def write(results, directory):
    rows = headline(results)
    text = ['# Plenum on this machine\n', machine_line(results['machine']) + '\n', METHOD]
    text.append('## One worker\n\n' + markdown([HEAD] + [cells(row) for row in rows]))
    for name in plot.write_all(rows, directory):
        text.append(f'![{name}]({name})\n')
    others = [
        ('Checksums by software', ['checksum']),
        ("Beside it: Debian's libsrtp2", ['libsrtp2']),
        ('Many small audiences', ['rooms']),
        ('One stream for all, and AEAD_AES_256_GCM', ['one stream', 'gcm256']),
        ('RTP without header extensions', ['plain']),
        ('Buffers freed at once (what net_null does, no NIC)', ['depth']),
    ]
    for title, tags in others:
        found = ordered(select(results, *tags))
        if found:
            text.append(f'## {title}\n\n' + markdown([HEAD] + [cells(row) for row in found]))
    if pair_lines(results):
        text.append('## Two workers\n\nHalf of the publishers and half of each audience belong to '
                    'each worker; every packet crosses by ring once. Frames of both over the time '
                    'of the slower one.\n\n' + markdown(pair_lines(results)))
    if results['dpdk_test_crypto_perf']:
        text.append('## dpdk-test-crypto-perf\n\n'
                    + '\n'.join('* ' + line for line in tool_lines(results)) + '\n\n'
                    + '\n'.join(f'    {command}' for command in
                                dict.fromkeys(r['command'] for r in
                                              results['dpdk_test_crypto_perf'])) + '\n')
    text.append('## Stages\n\nTSC ticks for each packet sent (packets in a call).\n\n'
                + stage_table(rows))
    memory = memory_lines(results)
    if memory:
        text.append('## Memory\n\n' + '\n'.join(memory) + '\n')
    losses = [f'* {row["suite"]} {row["payload"]} B {audience(row)}: {row["drop_text"]}'
              for row in results['rows'] if row['drops']]
    text.append('## Losses\n\n' + ('\n'.join(losses) if losses else 'None in any row.') + '\n')
    with open(os.path.join(directory, 'report.md'), 'w', encoding='utf-8') as out:
        out.write('\n'.join(text))
