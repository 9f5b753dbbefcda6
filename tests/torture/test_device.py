#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""A graphics card whose calls fail: each of OpenCL's functions in turn says that memory or the device is gone.

The card is tests/fake/fake-gpu.c's, beside a processor that is well; fail.c makes its calls fail. Want of memory has a way on:
fewer images at a time, or the processor, and then the images are those of the usual run to the last bit. A lost card is named,
and costs what it was computing. Whatever happens, nothing of OpenCL stays behind, and no file that is not whole. Which calls fail,
failing.py says.
"""
import json
import os
import re
import sys
import unittest

import ddim
import failing
import npy
import tap

FAKE = os.environ['FAKE_GPU_LIBRARY']
PLACES = failing.wanted(2)
# PoCL offers its processor twice; the first is the card.
CARD = {'LD_PRELOAD': f'{failing.LIBRARY} {FAKE}', 'FAKE_GPU': '1', 'POCL_DEVICES': 'pthread pthread', 'DDIM_KERNELS': 'cpu'}
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


def has_card():
    done = ddim.run('devices', '--json', env=CARD)
    return done.returncode == 0 and [device['kind'] for device in json.loads(done.stdout)] == ['GPU', 'CPU']


@unittest.skipUnless(has_card(), 'no driver here can be made to look like a graphics card')
class Device(ddim.Case):
    def setUp(self):
        super().setUp()
        self.sites = self.folder / 'sites'
        self.sites.touch()
        self.make({}, 0)  # what is done only once here, such as checking the card, is done
        self.usual = self.make({'DDIM_FAIL_CALL': 'none', 'DDIM_FAIL_SITES': str(self.sites)}, 0)[1]
        self.name = json.loads(ddim.run('devices', '--json', env=CARD).stdout)[0]['name']

    def make(self, fail, code, **env):
        """Run the command while the call that @fail describes fails; its messages and the file it wrote."""
        output, count = self.folder / 'out.npy', self.folder / 'count'
        output.write_bytes(b'old')
        count.unlink(missing_ok=True)
        done = ddim.run('generate', *MODEL, '-n', '3', '-o', output, env=CARD | fail | env | {'DDIM_FAIL_COUNT': str(count)})
        _, objects = count.read_text().split()
        self.assertIn(done.returncode, [code, 0], done.stderr)
        self.assertEqual(objects, '0', 'not released')
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ['count', 'out.npy', 'sites'])
        if done.returncode:
            self.assertEqual(output.read_bytes(), b'old')
            self.assertRegex(done.stderr, OURS)
        return done, output.read_bytes()

    def each(self, calls):
        for call in calls:
            yield from failing.places(self.sites, call, PLACES)

    def test_memory(self):
        """One call finds no memory. There is a way on, so no picture is lost, and none is different."""
        for i, fail in enumerate(self.each(WORK)):
            for status in MEMORY if PLACES is None else [MEMORY[i % 3]]:
                with self.subTest(fail=fail, status=status):
                    _, made = self.make(fail, 0, DDIM_FAIL_ONCE='1', DDIM_FAIL_STATUS=str(status))
                    self.assertEqual(made, self.usual)

    def test_lost(self):
        """From one call on the card does not answer, whatever the driver calls that. It is named."""
        for i, fail in enumerate(self.each([call for call in WORK if call not in ('clCreateKernel', 'clSetKernelArg')])):
            for status in STATUSES if PLACES is None else [STATUSES[i % 4]]:
                with self.subTest(fail=fail, status=status):
                    done, made = self.make(fail, 1, DDIM_FAIL_LOST='1', DDIM_FAIL_STATUS=str(status))
                    # The last calls of clFinish() come when the pictures are there already.
                    if done.returncode == 0 and fail['DDIM_FAIL_CALL'] == 'clFinish':
                        self.assertEqual(made, self.usual)
                        continue
                    self.assertEqual((done.returncode, made), (1, b'old'), done.stderr)
                    self.assertIn(self.name, done.stderr)
                    self.assertIn('does not answer any more', done.stderr)

    def test_start(self):
        """Calls that begin: an error of ours, or the usual picture; up to rounding where less is known of the card, which may then
        compute in another way."""
        for i, fail in enumerate(self.each(START)):
            for status in STATUSES if PLACES is None else [STATUSES[i % 4]]:
                for env in HOW_LONG if PLACES is None else [HOW_LONG[i // 4 % 2]]:
                    with self.subTest(fail=fail, status=status, env=env):
                        done, made = self.make(fail, 1, DDIM_FAIL_STATUS=str(status), **env)
                        if done.returncode == 0 and fail['DDIM_FAIL_CALL'] == 'clGetDeviceInfo':
                            self.assertLess(max(abs(a - b) for a, b in zip(*map(self.samples, (made, self.usual)), strict=True)), 2e-3)
                        elif done.returncode == 0:
                            self.assertEqual(made, self.usual)

    @staticmethod
    def samples(data):
        return npy.parse(data).values


if __name__ == '__main__':
    sys.exit(tap.main())
