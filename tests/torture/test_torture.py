#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Commands whose calls fail, one after the other: each file, memory and OpenCL call of theirs in turn (fail.c).

Whatever fails, the command must either do without and make the same as ever, or end with exit status 1 and a message of
its own; it must never end by a signal or a warning of a library, leave a part of a file, or touch the file that it would
have replaced. Each kind of call is tried at a few places; with DDIM_TORTURE=all at every one of them.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import ddim
import npy
import tap

FAIL = os.environ['DDIM_FAIL_LIBRARY']
PLACES = None if os.environ.get('DDIM_TORTURE') == 'all' else int(os.environ.get('DDIM_TORTURE', '4'))
FILES = ['open', 'read', 'write', 'fsync', 'rename', 'linkat', 'mmap', 'memory']
DEVICE = ['clGetPlatformIDs', 'clGetPlatformInfo', 'clGetDeviceIDs', 'clGetDeviceInfo', 'clCreateContext', 'clCreateCommandQueue',
          'clCreateBuffer', 'clCreateSubBuffer', 'clCreateProgramWithSource', 'clCreateProgramWithBinary', 'clBuildProgram',
          'clGetProgramInfo', 'clGetProgramBuildInfo', 'clCreateKernel', 'clGetKernelWorkGroupInfo', 'clSetKernelArg',
          'clEnqueueNDRangeKernel', 'clEnqueueReadBuffer', 'clEnqueueWriteBuffer', 'clEnqueueCopyBuffer',
          'clEnqueueFillBuffer', 'clWaitForEvents', 'clFlush', 'clFinish']
TINY = ddim.DATA / 'unet_tiny_uncond.pt'
SAMPLE = ['-m', TINY, '--size', '16', '--steps', '2', '--seed', '1']
# No line of GLib's, of a driver's or of a sanitizer's; and the message says something.
OURS = re.compile(r'\A(?:(?!.*(?:CRITICAL|\*\* ?\(|Sanitizer|runtime error)).*\n)*ddim: (?=.*\w{3}).*\n\Z')


def places(count):
    """At which calls of @count to fail: all, or some from first to last."""
    if PLACES is None or count <= PLACES:
        return range(1, count + 1)
    return sorted({1 + i * (count - 1) // (PLACES - 1) for i in range(PLACES)})


class Torture(ddim.Case):
    def call(self, args, call, at, once=False):
        """Run the command in a new folder with the inputs; return it finished, what its folder holds, and the count."""
        folder = self.folder / 'work'
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / 'inputs', folder)
        count = self.folder / 'count'
        count.unlink(missing_ok=True)
        env = {'LD_PRELOAD': FAIL, 'DDIM_FAIL_CALL': call, 'DDIM_FAIL_AT': str(at), 'DDIM_FAIL_COUNT': str(count)}
        env = env | ({'DDIM_FAIL_ONCE': '1'} if once else {})
        done = ddim.run(*args, cwd=folder, env=env)
        # A call that fails for ever may be the one that would write the count.
        number = int(count.read_text().split()[0]) if count.exists() else 0
        return done, {path.name: path.read_bytes() for path in folder.iterdir()}, number

    def torture(self, args, outputs=(), calls=(*FILES, *DEVICE)):
        inputs = self.folder / 'inputs'
        inputs.mkdir(exist_ok=True)
        for name in outputs:
            (inputs / name).write_text('old')
        before = {path.name: path.read_bytes() for path in inputs.iterdir()}
        usual, made, _ = self.call(args, 'none', 0)
        self.assertEqual(usual.returncode, 0, usual.stderr)
        failed = 0
        for call in calls:
            _, _, count = self.call(args, call, 0)
            for at in places(count):
                for once in [False, True] if PLACES is None else [at % 2 == 0]:
                    with self.subTest(call=call, at=at, of=count, once=once):
                        done, left, _ = self.call(args, call, at, once)
                        self.assertIn(done.returncode, [0, 1], done.stderr)
                        if done.returncode == 0:
                            self.assertEqual(done.stdout, usual.stdout, done.stderr)
                            self.same(left, made)
                        else:
                            failed += 1
                            self.assertRegex(done.stderr, OURS)
                            self.assertEqual(left, before)
        self.assertGreater(failed, 0, 'nothing failed: are the calls intercepted?')

    def same(self, left, made):
        """The same files; pictures may differ by a rounding, because another kernel may have made them."""
        self.assertEqual(left.keys(), made.keys())
        for name, content in left.items():
            if not name.endswith(('.png', '.npz')):
                self.assertEqual(content, made[name])
                continue
            pictures = []
            for data in [content, made[name]]:
                path = self.folder / 'compared'
                path.write_bytes(data)
                pictures.append(npy.load_png(path)[0] if name.endswith('.png') else npy.load_npz(path)['arr_0'])
            self.assertEqual(pictures[0].shape, pictures[1].shape)
            self.assertLessEqual(max(abs(a - b) for a, b in zip(pictures[0].values, pictures[1].values)), 1)

    def test_generate(self):
        self.torture(['generate', *SAMPLE, '-o', 'x.png'], ['x.png'])

    def test_generate_array(self):
        self.torture(['generate', *SAMPLE, '-o', 'x.npz'], ['x.npz'], FILES)

    def test_convert(self):
        self.torture(['convert', TINY, 'x.safetensors'], ['x.safetensors'], FILES)

    def test_info(self):
        self.torture(['info', TINY], calls=FILES)

    def test_info_of_a_picture(self):
        (self.folder / 'inputs').mkdir()
        ddim.run('generate', *SAMPLE, '-o', self.folder / 'inputs' / 'made.png')
        self.torture(['info', 'made.png'], calls=FILES)

    def test_inpaint(self):
        (self.folder / 'inputs').mkdir()
        ddim.run('generate', *SAMPLE, '-o', self.folder / 'inputs' / 'made.png')
        self.torture(['inpaint', *SAMPLE[:2], '--steps', '2', '--seed', '1', '-i', 'made.png', '--box', '4,4,8,8', '-o', 'x.png'],
                     ['x.png'], FILES)


if __name__ == '__main__':
    sys.exit(tap.main())
