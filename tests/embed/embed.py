#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Install into an empty folder, then build embed.c and contract.c against that as another program would, and run them.
Hold the installed headers and the library against each other and against the list of symbols.

Arguments: meson's command, the build folder, the folder with the default model, the list of symbols, the command ddim, the
compiler and its extra arguments.
"""
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import tap

meson, build, models, symbols, ddim, cc, *cc_args = sys.argv[1:]
here = pathlib.Path(__file__).parent
cxx = next(filter(None, map(shutil.which, ('c++', 'g++', 'clang++'))), None)

# A function with its mark: type, name, arguments. A GObject type's macro declares its _get_type().
MARKED = re.compile(r'\bDDIM_AVAILABLE_IN_(\d+)_(\d+)\s+(?:G_DECLARE_\w+_TYPE\(\w+, (\w+)|[^;()]*?\b(ddim_\w+)\s*\()')
DECLARED = re.compile(r'\b(ddim_[a-z0-9_]+)\s*\(|\bG_DECLARE_\w+_TYPE\(\w+, (\w+)')

# What programs see of these may change in every version.
OPAQUE = ['DdimCheckpoint', 'DdimConfig', 'DdimDeviceInfo', 'DdimGenerator', 'DdimImage', 'DdimModelFile', 'DdimRequest', 'DdimRng']

ADVICE = """
The exported functions are a promise, and debian/libddim0.symbols is its text.
Added functions: mark them with the version that will be the first to have them (opencl/since.h), and add them to the list
with that version.
Removed functions, or arguments that changed: programs that are built already would break. Keep the old ones; or, when that
cannot be, raise soversion in core/api/meson.build, rename debian/libddim0.* and the package, and begin the list anew."""


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
            # PoCL's LLVM gives the thread that it starts in a signal stack of its own. Without this option AddressSanitizer
            # takes it for its own when that thread ends, and fails to free it.
            'ASAN_OPTIONS': ':'.join(filter(None, [os.environ.get('ASAN_OPTIONS'), 'use_sigaltstack=0'])),
            'DDIM_MODEL_PATH': models}

    def flags(self, *options):
        return shlex.split(run(['pkg-config', *options, 'libddim'], env=self.env))

    def compile(self, source, name):
        program = self.root / name
        run([*shlex.split(cc), *cc_args, '-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror', '-o', program, source,
             *self.flags('--cflags', '--libs')])
        return program

    def check_syntax(self, compiler, suffix, text):
        source = self.root / ('source' + suffix)
        source.write_text(text)
        run([*compiler, '-fsyntax-only', '-Wall', '-Wextra', '-Werror', source, *self.flags('--cflags')])

    def read_headers(self):
        """{name: text without comments}"""
        return {str(path.relative_to(self.headers.parent)):
                re.sub(r'/\*.*?\*/|^\s*#\s*define[^\n]*$', ' ', path.read_text(), flags=re.DOTALL | re.MULTILINE)
                for path in sorted(self.headers.rglob('*.h'))}

    def read_exports(self):
        lines = run(['nm', '-D', '--defined-only', self.library]).splitlines()
        names = {line.split()[-1] for line in lines}
        return {name for name in names if not name.startswith('_')}  # the linker's and the sanitizers' own

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

    def test_lists(self):
        program = self.compile(here / 'embed.c', 'embed-list')
        lines = run([program], env=self.env).splitlines()
        self.assertIn('model textures', lines)
        self.assertTrue(any(line.startswith('device 0 ') for line in lines), lines)

    def test_interrupt(self):
        """The main thread cancels the job, which has a thread of its own."""
        program, picture = self.compile(here / 'embed.c', 'embed-interrupt'), self.root / 'half.png'
        with subprocess.Popen([program, 'marble', '7', picture, '500'], env=self.env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
            for line in job.stdout:
                if line.startswith('step 1 '):
                    break
            job.send_signal(signal.SIGINT)
            output, errors = job.communicate()
        self.assertEqual((job.returncode, errors.count('\n')), (1, 1), errors)
        self.assertNotIn('step 500 ', output)
        self.assertFalse(picture.exists())

    def test_contract(self):
        program = self.compile(here / 'contract.c', 'contract')
        run([program], env=self.env)

    def test_each_header_alone(self):
        for name in self.read_headers():
            with self.subTest(header=name):
                self.check_syntax([*shlex.split(cc)], '.c', f'#include <{name}>\n')

    @unittest.skipUnless(cxx, 'no C++ compiler')
    def test_each_header_alone_in_cxx(self):
        for name in self.read_headers():
            with self.subTest(header=name):
                self.check_syntax([cxx], '.cc', f'#include <{name}>\n')

    def test_includes(self):
        """Programs need GLib, and nothing else that libddim is made of."""
        headers = self.read_headers()
        allowed = {'<glib.h>', '<glib-object.h>', '<gio/gio.h>'} | {f'"{pathlib.Path(name).name}"' for name in headers}
        for name, text in headers.items():
            with self.subTest(header=name):
                self.assertLessEqual(set(re.findall(r'^\s*#\s*include\s+(\S+)', text, re.MULTILINE)), allowed)

    def test_opaque(self):
        for name in OPAQUE:
            with self.subTest(type=name):
                self.check_syntax([*shlex.split(cc)], '.c', f'#include <ddim/ddim.h>\nvoid f({name} *x);\n')
                with self.assertRaisesRegex(AssertionError, 'incomplete'):
                    self.check_syntax([*shlex.split(cc)], '.c', f'#include <ddim/ddim.h>\nint size = sizeof({name});\n')

    def test_marks(self):
        """Each function that a header declares has a mark, with the version that the list of symbols has."""
        declared, marked = set(), {}
        for text in self.read_headers().values():
            declared |= {function or kind + '_get_type' for function, kind in DECLARED.findall(text)}
            marked |= {function or kind + '_get_type': (major, minor)
                       for major, minor, kind, function in MARKED.findall(text)}
        self.assertEqual(declared, set(marked))
        self.assertEqual(marked, {name: tuple(version.split('.')[:2]) for name, version in self.read_symbols().items()})

    def read_symbols(self):
        lines = pathlib.Path(symbols).read_text().splitlines()
        found = (re.fullmatch(r' (\w+)@Base (\d+\.\d+\.\d+)', line) for line in lines if line.startswith(' '))
        return {match[1]: match[2] for match in found}

    def test_symbols(self):
        """The library exports what the list of symbols says."""
        exported, listed = self.read_exports(), set(self.read_symbols())
        added, removed = sorted(exported - listed), sorted(listed - exported)
        if added or removed:
            self.fail(f'added: {added}; removed: {removed}{ADVICE}')

    def test_version(self):
        version = run(['pkg-config', '--modversion', 'libddim'], env=self.env).strip()
        self.assertTrue((self.library.parent / f'libddim.so.{version}').exists())
        self.assertTrue((self.library.parent / 'libddim.so.0').is_symlink())


if __name__ == '__main__':
    tap.main()
