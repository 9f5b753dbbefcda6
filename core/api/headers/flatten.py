#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""flatten.py FOLDER HEADER…: copy the public headers into one folder, where they include each other by name alone."""
import pathlib
import re
import sys

OWN_INCLUDE = re.compile(r'^(#include ")(?:api|core|opencl)/(?:[^"/]+/)*([^"/]+")', re.MULTILINE)


def main(folder, *headers):
    for header in map(pathlib.Path, headers):
        pathlib.Path(folder, header.name).write_text(OWN_INCLUDE.sub(r'\1\2', header.read_text()))


if __name__ == '__main__':
    main(*sys.argv[1:])
