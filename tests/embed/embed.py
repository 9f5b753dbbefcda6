#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Install into an empty folder, then build embed.c against that as another program would, and run it.

Arguments: meson's command, the build folder, the folder with the default model, the command ddim, the compiler and its
extra arguments.
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

meson, build, models, ddim, cc, *cc_args = sys.argv[1:]
here = pathlib.Path(__file__).parent


def pixels(path):
    """The compressed image data of a PNG, without its texts."""
    data, chunks, at = path.read_bytes(), [], 8
    while at < len(data):
        length = int.from_bytes(data[at:at + 4], 'big')
        if data[at + 4:at + 8] in (b'IHDR', b'IDAT'):
            chunks.append(data[at + 8:at + 8 + length])
        at += length + 12
    return chunks


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
            'LD_LIBRARY_PATH': str(cls.library.parent),
            'DDIM_MODEL_PATH': models}

    def flags(self, *options):
        return shlex.split(run(['pkg-config', *options, 'libddim'], env=self.env))

    def compile(self, source, name):
        program = self.root / name
        run([*shlex.split(cc), *cc_args, '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror', '-o', program, source,
             *self.flags('--cflags', '--libs')])
        return program

    def test_program(self):
        """A program that was built against the installed tree makes the picture that the command makes."""
        program = self.compile(here / 'embed.c', 'embed')
        theirs, ours = self.root / 'theirs.png', self.root / 'ours.png'
        output = run([program, 'marble', '7', theirs], env=self.env)
        self.assertEqual(output.splitlines()[-1], 'step 3 of 3')
        run([ddim, 'generate', '--class', 'marble', '--seed', '7', '--steps', '3', '-q', '-o', ours], env=self.env)
        self.assertEqual(pixels(theirs), pixels(ours))

    def test_error(self):
        program = self.compile(here / 'embed.c', 'embed-error')
        done = subprocess.run([program, 'plush', '7', self.root / 'none.png'], env=self.env, capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr.count('\n')), (1, 1))
        self.assertIn('plush', done.stderr)
        self.assertFalse((self.root / 'none.png').exists())

    def test_each_header_alone(self):
        for header in sorted(self.headers.rglob('*.h')):
            name = header.relative_to(self.headers.parent)
            with self.subTest(header=str(name)):
                source = self.root / 'alone.c'
                source.write_text(f'#include <{name}>\nint main(void) {{ return 0; }}\n')
                self.compile(source, 'alone')

    def test_exports(self):
        """The library exports the functions that the installed headers declare: all of them, and nothing else."""
        declared = set()
        for header in self.headers.rglob('*.h'):
            text = re.sub(r'/\*.*?\*/', ' ', header.read_text(), flags=re.DOTALL)
            inline = set(re.findall(r'static inline[^;{]*?\b(ddim_\w+)\s*\(', text))
            declared |= set(re.findall(r'\b(ddim_[a-z0-9_]+)\s*\(', text)) - inline
        symbols = run(['nm', '-D', '--defined-only', self.library]).split('\n')
        exported = {line.split()[2] for line in symbols if line}
        self.assertEqual(exported, declared)

    def test_version(self):
        version = run(['pkg-config', '--modversion', 'libddim'], env=self.env).strip()
        self.assertTrue((self.library.parent / f'libddim.so.{version}').exists())
        self.assertTrue((self.library.parent / 'libddim.so.0').is_symlink())


if __name__ == '__main__':
    tap.main()
