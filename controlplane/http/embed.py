#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Turns a file into a C array: embed.py FILE OUTPUT.c NAME"""
import sys

source, output, name = sys.argv[1:]
with open(source, 'rb') as f:
    data = f.read()
with open(output, 'w', encoding='ascii') as f:
    f.write(f'// Made from {name} by embed.py.\n\n#include "{name}.h"\n\n')
    f.write(f'const unsigned char {name}[] = {{\n')
    for i in range(0, len(data), 16):
        f.write('\t' + ' '.join(f'0x{b:02x},' for b in data[i:i + 16]) + '\n')
    f.write(f'}};\nconst size_t {name}_len = sizeof({name});\n')
