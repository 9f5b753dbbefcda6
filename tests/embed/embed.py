#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Install into an empty folder, then build embed.c against that as another program would, and run it.

Arguments: meson's command, the build folder, the compiler, extra compiler arguments.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import tap

meson, build, cc, *cc_args = sys.argv[1:]
here = pathlib.Path(__file__).parent


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise AssertionError(f'{shlex.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}')
    return done.stdout


class Embed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        run([*shlex.split(meson), 'install', '-C', build, '--no-rebuild', '--destdir', cls.root])
        (cls.pc,) = cls.root.rglob('libddim.pc')
        (cls.library,) = cls.root.rglob('libddim.so')
        (cls.headers,) = (path.parent for path in cls.root.rglob('ddim/ddim.h'))
        cls.env = os.environ | {
            'PKG_CONFIG_PATH': str(cls.pc.parent),
            'LD_LIBRARY_PATH': str(cls.library.parent)}

    def flags(self, *options):
        return shlex.split(run(['pkg-config', *options, 'libddim'], env=self.env))

    def compile(self, source, name):
        program = self.root / name
        run([*shlex.split(cc), *cc_args, '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror', '-o', program, source,
             *self.flags('--cflags', '--libs')])
        return program

    def test_program(self):
        program = self.compile(here / 'embed.c', 'embed')
        self.assertEqual(run([program], env=self.env), 'domain ddim-error-quark\n')

    def test_each_header_alone(self):
        for header in sorted(self.headers.rglob('*.h')):
            name = header.relative_to(self.headers.parent)
            with self.subTest(header=str(name)):
                source = self.root / 'alone.c'
                source.write_text(f'#include <{name}>\nint main(void) {{ return 0; }}\n')
                self.compile(source, 'alone')

    def test_exports(self):
        """The library exports ddim_ names only, all of them declared in an installed header."""
        declared = set()
        for header in self.headers.rglob('*.h'):
            declared.update(re.findall(r'\bddim_\w+', header.read_text()))
        symbols = run(['nm', '-D', '--defined-only', self.library]).split('\n')
        exported = {line.split()[2] for line in symbols if line}
        self.assertIn('ddim_error_quark', exported)
        self.assertEqual(exported - declared, set())

    def test_version(self):
        version = run(['pkg-config', '--modversion', 'libddim'], env=self.env).strip()
        self.assertTrue((self.library.parent / f'libddim.so.{version}').exists())
        self.assertTrue((self.library.parent / 'libddim.so.0').is_symlink())


if __name__ == '__main__':
    tap.main()
