#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The kernels for the matrix units of x86 processors compiled by clang to machine code.

Tests on other processors emulate the instructions (kernels/amx-emulated.cl), so at least the assembler reads the real ones.
"""
import re
import subprocess
import sys
import unittest

import tap
from kernels_ptx import KERNELS, clang

HOST = KERNELS.parent / 'ops' / 'amx' / 'amx-tasks.c'
PROFILE = {'VEC': 16, 'NR': 32, 'MR': 8, 'ROW_LOOP': 1}


def operations():
    """The files of the program, as the host joins them."""
    text = HOST.read_text()
    joined = ''.join(re.findall(r'"([^"]*)"', re.search(r'#define OPERATIONS((?:.*\\\n)*.*)', text).group(1)))
    front = re.search(r'#define SOURCE "([^"]*)"', text).group(1)
    return (front + joined).split('+')


class Amx(unittest.TestCase):
    def compile(self, names, *options):
        program, header = clang()
        if not header:
            self.skipTest('clang with opencl-c.h is not installed')
        source = ''.join((KERNELS / f'{name}.cl').read_text() for name in ['common', *names])
        done = subprocess.run([program, '-x', 'cl', '-cl-std=CL1.2', '-target', 'x86_64-linux-gnu', '-march=sapphirerapids',
                               '-cl-no-stdinc', '-include', header, '-O2', '-w',
                               *[f'-D{key}={value}' for key, value in PROFILE.items()], *options, '-S', '-o', '-', '-'],
                              input=source, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def assemble(self, text):
        done = subprocess.run([clang()[0], '-x', 'assembler', '-target', 'x86_64-linux-gnu', '-march=sapphirerapids', '-c',
                               '-o', '/dev/null', '-'], input=text, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_program(self):
        names = operations()
        self.assertIn('amx-units', names)
        text = self.compile(names)
        self.assemble(text)
        for instruction in ['ldtilecfg', 'tilezero', 'tileloadd', 'tileloaddt1', 'tdpbf16ps', 'tilestored', 'tilerelease']:
            self.assertRegex(text, rf'\b{instruction}\b')

    def test_half(self):
        """The same with activations that are kept as half."""
        self.assemble(self.compile(operations(), '-DHALF_ACTIVATIONS'))

    def test_emulated(self):
        """The same operations without such an instruction."""
        names = ['amx-emulated' if name == 'amx-units' else name for name in operations()]
        self.assertNotRegex(self.compile(names), r'%tmm|tileload')


if __name__ == '__main__':
    sys.exit(tap.main())
