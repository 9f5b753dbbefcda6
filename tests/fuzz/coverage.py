#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""coverage.py READERS: print what llvm-cov exported to standard input, for the files that READERS lists.

A branch is one outcome of a condition that stands in the file itself. Not counted are conditions inside macros
(g_return_if_fail() and assertions, which only a programmer's error reaches, MIN() and MAX()), and functions that no target
calls: they write, or serve other parts of the program. These are listed. Counted, although no input reaches them, are the
outcomes of memory that runs out and of disks that fail; the torture tests reach those.
"""
import collections
import json
import os
import sys

LEAST = 0.9


def main(readers):
    with open(readers, encoding='utf-8') as file:
        wanted = [line.strip() for line in file if line.strip() and line[0] != '#']
    reached = collections.defaultdict(lambda: collections.defaultdict(int))
    called = collections.defaultdict(int)
    for function in json.load(sys.stdin)['data'][0]['functions']:
        path = os.path.relpath(function['filenames'][0])
        if path not in wanted:
            continue
        name = function['name'].split(':')[-1]
        called[path, name] += function['count']
        for line, column, _, _, true, false, place, *_ in function['branches']:
            if place == 0:
                reached[path, name][line, column, True] += true
                reached[path, name][line, column, False] += false
    sums = [0, 0]
    for path in wanted:
        counts = [n for (of, name), outcomes in reached.items() if of == path and called[of, name] for n in outcomes.values()]
        idle = [name for (of, name), n in called.items() if of == path and not n]
        n = sum(count > 0 for count in counts)
        sums[0] += n
        sums[1] += len(counts)
        print(f'{path}: {n} of {len(counts)} branches' + (f"; not called: {', '.join(sorted(idle))}" if idle else ''))
    share = sums[0] / max(sums[1], 1)
    print(f'coverage of the readers by the committed corpora: {100 * share:.1f} % of {sums[1]} branches')
    return share < LEAST


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
