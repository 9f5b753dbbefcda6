#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Turn a list of names, one a line, into a C string: embed-names.py OUT.c NAMES.txt HEADER SYMBOL"""
import sys

out, source, header, symbol = sys.argv[1:]
with open(source, encoding='utf-8') as f:
    lines = f.read().splitlines()
with open(out, 'w', encoding='utf-8') as f:
    f.write(f'#include "{header}"\n\nconst char {symbol}[] =\n')
    for i, line in enumerate(lines):
        escaped = line.replace('\\', '\\\\').replace('"', '\\"')
        end = '\\n' if i + 1 < len(lines) else ''
        f.write(f'  "{escaped}{end}"\n')
    f.write(';\n')
