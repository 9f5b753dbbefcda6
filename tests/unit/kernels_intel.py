#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The kernels for Intel's matrix units compiled by clang and, where Intel's offline compiler is installed, for its GPUs."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import tap
from kernels_ptx import CONV, HALF, KERNELS, LARGE, PROFILE, SMALL, clang

FILES = ['common', 'mma-loads', 'mma-intel', 'mma-emulated', 'gemm-mma', 'gemm-tile']
# The tiles of opencl/ops/matrix/tile.c by the GPU's smallest sub-group: warps down and across, options of the driver.
REGISTERS = ['-cl-intel-256-GRF-per-thread']
TILES = {
    8: [(SMALL, 4, 4, []), (LARGE, 4, 4, REGISTERS)],
    16: [(SMALL, 4, 2, []), (LARGE, 4, 4, REGISTERS)],
}
GPUS = {8: 'dg2-g10', 16: 'pvc'}


def cases():
    """Sub-group, macros, options of the driver, and how many instructions a block takes: each does 8 x LANES x 16."""
    for lanes, tiles in TILES.items():
        for tile, down, across, options in tiles:
            for kind in [{}, CONV, CONV | HALF]:
                macros = PROFILE | tile | kind | {'HALF_WEIGHTS': 1, 'KB': 16, 'LANES': lanes, 'WARPS_M': down,
                                                  'WARPS_N': across}
                yield lanes, macros, options, tile['TM'] * tile['TN'] // (down * across) // (8 * lanes)


class Intel(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.source = self.folder / 'kernel.cl'
        self.source.write_text(''.join((KERNELS / f'{name}.cl').read_text() for name in FILES))

    def test_calls(self):
        program, header = clang()
        if not header:
            self.skipTest('clang with opencl-c.h is not installed')
        for lanes, macros, _, expected in cases():
            with self.subTest(macros=macros):
                code = subprocess.run([program, '-x', 'cl', '-cl-std=CL1.2', '-target', 'spir64', '-cl-no-stdinc', '-include',
                                       header, '-O2', '-w', *[f'-D{key}={value}' for key, value in macros.items()],
                                       '-S', '-emit-llvm', '-o', '-', self.source],
                                      capture_output=True, text=True, check=True).stdout
                # a vector of 8 ints or shorts, one of 8 ints, one of 8 floats
                name = '@_Z38intel_sub_group_f16_f16_matrix_mad_k16' + ('Dv8_iS_Dv8_f' if lanes == 8 else 'Dv8_sDv8_iDv8_f')
                self.assertEqual(len(re.findall(re.escape(f'call spir_func <8 x float> {name}('), code)), expected)
                self.assertRegex(code, rf'!intel_reqd_sub_group_size !(\d+)(?s:.*)!\1 = !{{i32 {lanes}}}')

    def test_gpus(self):
        if not shutil.which('ocloc'):
            self.skipTest("Intel's ocloc is not installed")
        for lanes, macros, options, expected in cases():
            with self.subTest(macros=macros):
                result = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
                text = ' '.join([*(f'-D{key}={value}' for key, value in macros.items()), *options])
                done = subprocess.run(['ocloc', 'compile', '-file', self.source, '-device', GPUS[lanes], '-options', text,
                                       '-out_dir', result], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertNotIn('spilled', done.stdout + done.stderr)
                self.count(result, GPUS[lanes], expected)

    def count(self, result, gpu, expected):
        """A compiler that ran out of registers may have tried again without unrolling, which leaves fewer instructions."""
        subprocess.run(['ocloc', 'disasm', '-file', next(result.glob('*.bin')), '-device', gpu, '-dump', result / 'dump'],
                       capture_output=True, check=True)
        # needs the assembler's library
        for listing in (result / 'dump').glob('*.asm'):
            self.assertEqual(len(re.findall(r'\bdpas\.8x8 ', listing.read_text())), expected)


if __name__ == '__main__':
    sys.exit(tap.main())
