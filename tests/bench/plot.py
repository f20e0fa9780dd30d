# SPDX-License-Identifier: BSD-3-Clause
"""Plots as SVG, written by hand: lines over the number of viewers, and stacked bars of stages."""
import math
import os

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 60
COLORS = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700', '#8250df', '#57606a', '#bf3989', '#0a7d91',
          '#953800', '#4d2d00']


def escape(text):
    return str(text).replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')


def text(x, y, words, anchor='middle', size=12, extra=''):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" {extra}>'
            f'{escape(words)}</text>')


def nice_top(value):
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    for step in (1, 2, 2.5, 5, 10):
        if value <= step * power:
            return step * power
    return value


def frame(title, y_label, top):
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
             'font-family="sans-serif" fill="#24292f">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
             text(LEFT, 24, title, 'start', 15, 'font-weight="bold"'),
             text(16, (TOP + HEIGHT - BOTTOM) / 2, y_label, 'middle', 12,
                  f'transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2:.0f})"')]
    for i in range(6):
        value = top * i / 5
        y = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * i / 5
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                     'stroke="#d0d7de"/>')
        parts.append(text(LEFT - 8, y + 4, f'{value:g}', 'end'))
    return parts


def legend(parts, i, label, color, dash=''):
    y = TOP + 14 + 18 * i
    parts.append(f'<line x1="{WIDTH - RIGHT + 14}" x2="{WIDTH - RIGHT + 38}" y1="{y - 4}" '
                 f'y2="{y - 4}" stroke="{color}" stroke-width="3" {dash}/>')
    parts.append(text(WIDTH - RIGHT + 44, y, label, 'start', 11))


def save(directory, name, parts):
    with open(os.path.join(directory, name), 'w', encoding='utf-8') as out:
        out.write('\n'.join(parts + ['</svg>']) + '\n')
    return name


def lines_plot(directory, name, title, y_label, series):
    """series: [(label, color, dashed, [(viewers, value)])]"""
    counts = sorted({n for *_, points in series for n, _ in points})
    top = nice_top(max(value for *_, points in series for _, value in points))
    parts = frame(title, y_label, top)

    def x_of(n):
        span = math.log10(counts[-1] / counts[0]) or 1
        return LEFT + 20 + (WIDTH - LEFT - RIGHT - 40) * math.log10(n / counts[0]) / span

    def y_of(value):
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top

    for n in counts:
        parts.append(text(x_of(n), HEIGHT - BOTTOM + 18, f'{n:,}'))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, 'viewers'))
    for i, (label, color, dashed, points) in enumerate(series):
        dash = 'stroke-dasharray="5 4"' if dashed else ''
        path = ' '.join(f'{x_of(n):.1f},{y_of(value):.1f}' for n, value in sorted(points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2" '
                     f'{dash}/>')
        if not dashed:
            parts += [f'<circle cx="{x_of(n):.1f}" cy="{y_of(value):.1f}" r="3.5" '
                      f'fill="{color}"><title>{value:.2f}</title></circle>' for n, value in points]
        legend(parts, i, label, color, dash)
    return save(directory, name, parts)


def rate_plot(rows, directory, payload):
    series = []
    for color, suite in zip(COLORS, ['GCM-128', 'CM-SHA1-80']):
        found = [r for r in rows if r['suite'] == suite and r['payload'] == payload]
        if not found:
            continue
        series.append((suite, color, False, [(r['total_viewers'], r['mpps']) for r in found]))
        limits = [(r['total_viewers'], 1e3 / r['ceiling']['cipher_ns'])
                  for r in found if 'ceiling' in r]
        if limits:
            series.append((f'{suite}, cipher alone', color, True, limits))
    if not series:
        return None
    return lines_plot(directory, f'rate_{payload}.svg',
                      f'Packets sent by one worker, {payload} B payload', 'million packets/s',
                      series)


def stage_plot(rows, directory, payload):
    rows = [r for r in rows if r['payload'] == payload]
    if not rows:
        return None
    names = [s for s in rows[0]['stages'] if any(r['stages'][s]['packets'] for r in rows)]
    sums = [sum(r['stages'][s]['tsc_per_out'] for s in names) for r in rows]
    top = nice_top(max(sums))
    parts = frame(f'Where the time goes, {payload} B payload', 'TSC ticks a packet', top)
    step = (WIDTH - LEFT - RIGHT) / len(rows)
    for i, row in enumerate(rows):
        y = HEIGHT - BOTTOM
        x = LEFT + step * (i + 0.15)
        for color, stage in zip(COLORS, names):
            value = row['stages'][stage]['tsc_per_out']
            height = (HEIGHT - BOTTOM - TOP) * value / top
            y -= height
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" '
                         f'height="{height:.2f}" fill="{color}"><title>{stage}: {value:.1f}'
                         '</title></rect>')
        parts.append(text(x + step * 0.35, HEIGHT - BOTTOM + 16, f'{row["total_viewers"]:,}', size=9))
        parts.append(text(x + step * 0.35, HEIGHT - BOTTOM + 28, row['suite'].split('-')[0], size=9))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, 'viewers, suite'))
    for i, (color, stage) in enumerate(zip(COLORS, names)):
        legend(parts, i, stage, color)
    return save(directory, f'stages_{payload}.svg', parts)


def write_all(rows, directory):
    """Names of the files written."""
    payloads = sorted({row['payload'] for row in rows}, reverse=True)
    names = [rate_plot(rows, directory, p) for p in payloads]
    names += [stage_plot(rows, directory, p) for p in payloads]
    return [name for name in names if name]
