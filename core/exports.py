#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""exports.py HEADER…: print a linker version script that exports what these public headers declare, and nothing else.

libddim is linked from all of core/ and opencl/, whose insides are of no concern to a program that embeds it.
"""
import re
import sys

COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*', re.DOTALL)
FUNCTION = re.compile(r'\bddim_[a-z0-9_]+(?=\s*\()')


def main(headers):
    names = set()
    for header in headers:
        with open(header, encoding='utf-8') as file:
            names.update(FUNCTION.findall(COMMENT.sub(' ', file.read())))
    print('{')
    print('  global:')
    for name in sorted(names):
        print(f'    {name};')
    print('  local: *;')
    print('};')


if __name__ == '__main__':
    main(sys.argv[1:])
