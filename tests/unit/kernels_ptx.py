#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The kernels for GPUs compiled to PTX by clang and, where NVIDIA's assembler is installed, assembled for its GPUs."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import tap

KERNELS = pathlib.Path(__file__).parents[2] / 'opencl' / 'kernels'
PROFILE = {'VEC': 4, 'NR': 32, 'MR': 4, 'ROW_LOOP': 0, 'EPILOGUE': 1, 'EMB': 1, 'RES': 1}
SMALL, LARGE = {'TM': 64, 'TN': 64}, {'TM': 128, 'TN': 128}
CONV = {'TAPS': 3, 'STRIDE': 2, 'UP': 0}
# activations kept as half
HALF = {'X_HALF': 1, 'Y_HALF': 1}
LIBCLC = pathlib.Path('/usr/lib/clc/nvptx64--nvidiacl.bc')


def clang():
    """clang and its declarations of OpenCL's functions."""
    program = shutil.which('clang')
    if not program:
        return None, None
    folder = subprocess.run([program, '-print-resource-dir'], capture_output=True, text=True, check=True).stdout.strip()
    header = pathlib.Path(folder) / 'include' / 'opencl-c.h'
    return program, header if header.exists() else None


class Ptx(unittest.TestCase):
    def setUp(self):
        self.clang, self.header = clang()
        if not self.header:
            self.skipTest('clang with opencl-c.h is not installed')
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def compile(self, names, options):
        source = self.folder / 'kernel.cl'
        source.write_text(''.join((KERNELS / f'{name}.cl').read_text() for name in ['common', *names]))
        result = self.folder / 'kernel.ptx'
        library = ['-Xclang', '-mlink-builtin-bitcode', '-Xclang', LIBCLC] if LIBCLC.exists() else []
        # NVIDIA's compiler knows asm without GNU extensions.
        subprocess.run([self.clang, '-x', 'cl', '-cl-std=CL1.2', '-target', 'nvptx64-nvidia-nvcl', '-cl-no-stdinc',
                        '-include', self.header, *library, '-Xclang', '-target-feature', '-Xclang', '+ptx70',
                        '-Xclang', '-target-cpu', '-Xclang', 'sm_80', '-O3', '-w', '-Dasm=__asm__',
                        *[f'-D{key}={value}' for key, value in (PROFILE | options).items()],
                        '-S', '-o', result, source], check=True)
        return result

    def assemble(self, ptx):
        """Registers of an item and bytes that do not fit into them, on two generations; None without the assembler."""
        if not shutil.which('ptxas') or not LIBCLC.exists():
            return
        for generation in ['sm_80', 'sm_90']:
            done = subprocess.run(['ptxas', '-v', f'-arch={generation}', ptx, '-o', self.folder / 'cubin'],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(' 0 bytes spill stores', done.stderr)

    def test_matrix_units(self):
        for tile in [SMALL | {'WARPS_M': 2, 'WARPS_N': 2}, LARGE | {'WARPS_M': 4, 'WARPS_N': 2}]:
            for depth in [16, 32]:
                for kind in [{}, CONV, CONV | HALF]:
                    with self.subTest(tile=tile, depth=depth, kind=kind):
                        options = tile | kind | {'HALF_WEIGHTS': 1, 'KB': depth}
                        ptx = self.compile(['mma-loads', 'mma-ptx', 'mma-emulated', 'gemm-mma', 'gemm-tile'], options)
                        instructions = len(re.findall('mma.sync.aligned.m16n8k16', ptx.read_text()))
                        # each does 16 x 8 x 16 of a warp's share of a block
                        share = tile['TM'] * tile['TN'] * depth // (tile['WARPS_M'] * tile['WARPS_N'])
                        self.assertEqual(instructions, share // (16 * 8 * 16))
                        self.assemble(ptx)

    def test_tiles(self):
        for tile in [SMALL | {'RM': 4, 'RN': 4}, LARGE | {'RM': 8, 'RN': 8}]:
            for kind in [{}, CONV, {'HALF_WEIGHTS': 1}, CONV | HALF | {'HALF_WEIGHTS': 1}]:
                with self.subTest(tile=tile, kind=kind):
                    self.assemble(self.compile(['gemm-tile'], tile | kind))

    def test_others(self):
        for types in [{}, HALF]:
            with self.subTest(types=types):
                self.assemble(self.compile(['attention-gpu'], types | {'EDGE': 8, 'CH': 128, 'SLICE': 128}))
                self.assemble(self.compile(['norm-gpu'], types | {'ITEMS': 256}))


if __name__ == '__main__':
    sys.exit(tap.main())
