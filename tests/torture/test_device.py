#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""A graphics card whose calls fail: each of OpenCL's functions in turn says that memory or the device is gone.

The card is tests/fake/fake-gpu.c's, beside a processor that is well; fail.c makes its calls fail. Want of memory has a way on:
fewer images at a time, or the processor, and then the images are those of the usual run to the last bit. A lost card is named,
and costs what it was computing. Whatever happens, nothing of OpenCL stays behind, and no file that is not whole. Each call is
tried at a few places; with DDIM_TORTURE=all at every one of them.
"""
import json
import os
import re
import sys
import unittest

import ddim
import tap

FAIL, FAKE = os.environ['DDIM_FAIL_LIBRARY'], os.environ['FAKE_GPU_LIBRARY']
PLACES = None if os.environ.get('DDIM_TORTURE') == 'all' else int(os.environ.get('DDIM_TORTURE', '2'))
# PoCL offers its processor twice; the first is the card.
CARD = {'LD_PRELOAD': f'{FAIL} {FAKE}', 'FAKE_GPU': '1', 'POCL_DEVICES': 'pthread pthread', 'DDIM_KERNELS': 'cpu'}
MODEL = ['-m', ddim.DATA / 'unet_tiny_uncond.pt', '--size', '32', '--steps', '2', '--seed', '1']
HOW_LONG = [{'DDIM_FAIL_ONCE': '1'}, {'DDIM_FAIL_LOST': '1'}]
# What comes after the context was made, and does not ask for anything.
WORK = ['clCreateBuffer', 'clCreateKernel', 'clSetKernelArg', 'clEnqueueNDRangeKernel', 'clEnqueueReadBuffer',
        'clEnqueueWriteBuffer', 'clEnqueueCopyBuffer', 'clFinish']
START = ['clGetPlatformIDs', 'clGetPlatformInfo', 'clGetDeviceIDs', 'clGetDeviceInfo', 'clCreateContext', 'clCreateCommandQueue',
         'clCreateProgramWithBinary', 'clBuildProgram', 'clGetKernelWorkGroupInfo', 'clFlush']
# CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY; and CL_DEVICE_NOT_AVAILABLE before them.
MEMORY = [-4, -5, -6]
STATUSES = [-2, *MEMORY]
OURS = re.compile(r'\A(?:(?!.*(?:CRITICAL|WARNING|\*\* ?\(|Sanitizer|runtime error)).*\n)*ddim: (?=.*\w{3}).*\n\Z')


def places(count):
    if PLACES is None or count <= PLACES:
        return range(1, count + 1)
    return sorted({1 + i * (count - 1) // (PLACES - 1) for i in range(PLACES)})


def has_card():
    done = ddim.run('devices', '--json', env=CARD)
    return done.returncode == 0 and [device['kind'] for device in json.loads(done.stdout)] == ['GPU', 'CPU']


@unittest.skipUnless(has_card(), 'no driver here can be made to look like a graphics card')
class Device(ddim.Case):
    def setUp(self):
        super().setUp()
        self.usual = self.make(['none', '0'], 0)[1]
        self.name = json.loads(ddim.run('devices', '--json', env=CARD).stdout)[0]['name']

    def make(self, fail, code, **env):
        """Run the command while @fail, a call and its number, fails; its messages, the file it wrote, and the number of calls."""
        output, count = self.folder / 'out.npy', self.folder / 'count'
        output.write_bytes(b'old')
        count.unlink(missing_ok=True)
        env |= {'DDIM_FAIL_CALL': fail[0], 'DDIM_FAIL_AT': fail[1], 'DDIM_FAIL_COUNT': str(count)}
        done = ddim.run('generate', *MODEL, '-n', '3', '-o', output, env=CARD | env)
        calls, objects = count.read_text().split()
        self.assertIn(done.returncode, [code, 0], done.stderr)
        self.assertEqual(objects, '0', 'not released')
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ['count', 'out.npy'])
        if done.returncode:
            self.assertEqual(output.read_bytes(), b'old')
            self.assertRegex(done.stderr, OURS)
        return done, output.read_bytes(), int(calls)

    def each(self, calls):
        for call in calls:
            _, _, count = self.make([call, '0'], 0)
            for at in places(count):
                yield call, str(at)

    def test_memory(self):
        """One call finds no memory. There is a way on, so no picture is lost, and none is different."""
        for i, fail in enumerate(self.each(WORK)):
            for status in MEMORY if PLACES is None else [MEMORY[i % 3]]:
                with self.subTest(fail=fail, status=status):
                    _, made, _ = self.make(fail, 0, DDIM_FAIL_ONCE='1', DDIM_FAIL_STATUS=str(status))
                    self.assertEqual(made, self.usual)

    def test_lost(self):
        """From one call on the card does not answer, whatever the driver calls that. It is named."""
        for i, fail in enumerate(self.each([call for call in WORK if call not in ('clCreateKernel', 'clSetKernelArg')])):
            for status in STATUSES if PLACES is None else [STATUSES[i % 4]]:
                with self.subTest(fail=fail, status=status):
                    done, made, _ = self.make(fail, 1, DDIM_FAIL_LOST='1', DDIM_FAIL_STATUS=str(status))
                    # The last calls of clFinish() come when the pictures are there already.
                    if done.returncode == 0 and fail[0] == 'clFinish':
                        self.assertEqual(made, self.usual)
                        continue
                    self.assertEqual((done.returncode, made), (1, b'old'), done.stderr)
                    self.assertIn(self.name, done.stderr)
                    self.assertIn('does not answer any more', done.stderr)

    def test_start(self):
        """Calls that begin: an error of ours, or the usual picture."""
        for i, fail in enumerate(self.each(START)):
            for status in STATUSES if PLACES is None else [STATUSES[i % 4]]:
                for env in HOW_LONG if PLACES is None else [HOW_LONG[i // 4 % 2]]:
                    with self.subTest(fail=fail, status=status, env=env):
                        done, made, _ = self.make(fail, 1, DDIM_FAIL_STATUS=str(status), **env)
                        if done.returncode == 0:
                            self.assertEqual(made, self.usual)


if __name__ == '__main__':
    sys.exit(tap.main())
