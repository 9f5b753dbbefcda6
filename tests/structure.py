#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""structure.py ROOT: whether the include lines keep to the order of the folders that ARCHITECTURE.md describes. Prints TAP.

Three rules. Every include of our own names its file from the root ("core/data/tensor.h"). A file includes only from its
own folder and from folders below it. No files include each other in a circle; a header and its source count as one file.
"""
import pathlib
import re
import sys

# From the bottom to the top. Folders in one line do not see each other.
FLOORS = [
    ['opencl'], # what marks a public function
    ['opencl/kernels'],
    ['opencl/device'],
    ['opencl/plan'],
    ['opencl/ops/amx'],
    ['opencl/ops/matrix', 'opencl/ops/norm', 'opencl/ops'],
    ['opencl/ops/conv'],
    ['opencl/ops/units'],
    ['opencl/ops/attention'],
    ['opencl/ops/gradient'],
    ['opencl/tune'],
    ['opencl/check'],
    ['core/data'],
    ['core/checkpoint', 'core/diffusion'],
    ['core/model'],
    ['core/network', 'core/edit'],
    ['core/job'],
    ['core'],
    ['cli/terminal', 'plugin/image'],
    ['cli/files', 'plugin/work'],
    ['cli/commands', 'plugin/layers'],
    ['cli', 'plugin/edit'],
    ['plugin/dialog'],
    ['plugin/gimp-2.10', 'plugin/gimp-3'],
]
FLOOR = {folder: number for number, floor in enumerate(FLOORS) for folder in floor}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
ROOMS = ('opencl', 'core', 'cli', 'plugin')


def read(root):
    """Each source file's own includes: {path: [path]}, as written."""
    files = (path for room in ROOMS for path in (root / room).rglob('*') if path.suffix in ('.c', '.h'))
    return {str(path.relative_to(root)): INCLUDE.findall(path.read_text()) for path in sorted(files)}


def folder(path):
    return path.rpartition('/')[0]


def find_unnamed(root, includes):
    for path, names in includes.items():
        if folder(path) not in FLOOR:
            yield f'{path} is in a folder that has no floor: add the folder to FLOORS'
        for name in names:
            if name.partition('/')[0] not in ROOMS or not (root / name).is_file():
                yield f'{path} includes "{name}", which is no path from the root'


def find_upward(includes):
    for path, names in includes.items():
        own = folder(path)
        for name in names:
            other = folder(name)
            if other != own and FLOOR.get(other, -1) >= FLOOR.get(own, len(FLOORS)):
                yield f'{path} includes "{name}", which is not below it'


def unit(path):
    """The name that a header, its source and its header for some other files have in common."""
    return re.sub(r'(-private)?\.[ch]$', '', path)


def find_circles(includes):
    edges = {}
    for path, names in includes.items():
        edges.setdefault(unit(path), set()).update(unit(name) for name in names if unit(name) != unit(path))
    done, path, found = set(), [], []

    def visit(node):
        if node in path:
            found.append(' -> '.join(path[path.index(node):] + [node]))
            return
        if node in done:
            return
        path.append(node)
        for other in sorted(edges.get(node, ())):
            visit(other)
        path.pop()
        done.add(node)

    for node in sorted(edges):
        visit(node)
    return found


def main(root):
    includes = read(root)
    results = [
        ('every include names its file from the root', list(find_unnamed(root, includes))),
        ('no folder includes from a folder above it', list(find_upward(includes))),
        ('no files include each other in a circle', find_circles(includes)),
    ]
    for number, (name, problems) in enumerate(results, 1):
        for problem in problems:
            print(f'# {problem}')
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
    print(f'1..{len(results)}')
    return int(any(problems for _, problems in results))


if __name__ == '__main__':
    sys.exit(main(pathlib.Path(sys.argv[1])))
