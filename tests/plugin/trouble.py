#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The plug-in on bad days: a device that is lost or has too little memory (tests/fake/fake-gpu.c), and calls that fail, one after
the other (tests/torture/fail.c). Whatever happens, the image is as it was and GIMP's error says why, or the new layer is as ever.

Arguments: GIMP's version, the plug-in's program, GIMP's library folder, the source folder, the command `ddim`.
Each kind of call is tried at a place or two; with DDIM_TORTURE=all from every place that makes it, as tests/torture/failing.py says.
"""
import os
import pathlib
import unittest

import failing
import gimp
from edits import call
from gimp import read_png

ALL = os.environ.get('DDIM_TORTURE') == 'all'
FILES = ['open', 'read', 'mmap', 'memory']
DEVICE = ['clGetPlatformIDs', 'clGetPlatformInfo', 'clGetDeviceIDs', 'clGetDeviceInfo', 'clCreateContext', 'clCreateCommandQueue',
          'clCreateBuffer', 'clCreateSubBuffer', 'clCreateProgramWithBinary', 'clBuildProgram', 'clGetProgramInfo',
          'clGetProgramBuildInfo', 'clCreateKernel', 'clGetKernelWorkGroupInfo', 'clSetKernelArg', 'clEnqueueNDRangeKernel',
          'clEnqueueReadBuffer', 'clEnqueueWriteBuffer', 'clEnqueueCopyBuffer', 'clEnqueueFillBuffer', 'clWaitForEvents', 'clFlush',
          'clFinish']
CARD = {'LD_PRELOAD': os.environ.get('FAKE_GPU_LIBRARY', ''), 'FAKE_GPU': '1', 'DDIM_KERNELS': 'cpu'}
ALONE, BOTH = CARD | {'POCL_DEVICES': 'pthread'}, CARD | {'POCL_DEVICES': 'pthread pthread'}


class Case(gimp.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.models = cls.add_tiny_model()

    def procedure(self, name, steps):
        """Script-Fu that changes `image`."""
        if name == 'generate':
            return f'(ddim image (bottom image) \'(model "tiny") \'(steps "{steps}") \'(seed 3))'
        options = {'quality': 1, 'feather': 0} if name == 'fill' else {}
        return call(name, model='tiny', steps=str(steps), **options)

    def attempts(self, name, cases, steps=2):
        """What becomes of an image of 32x24 pixels for each environment of the plug-in in @cases: (error or '', the names of its
        layers, whether it was changed, pixels of the layer that was there, those of the new one or None)."""
        script = ''
        for i, case in enumerate(cases):
            lines = ''.join(f"export {key}='{value}'\\n" for key, value in case.items())
            script += f'''
                (let ((file (open-output-file "{self.gimp.settings}"))) (display "{lines}" file) (close-output-port file))
                (define image (new-image 32 24 RGB 150))
                (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 8 8 16 8) (gimp-image-clean-all image)
                (let ((result (attempt (lambda () {self.procedure(name, steps)}))))
                  (say (if (string? result) result ""))
                  (say "|") (say (length (layers image))) (say (car (gimp-image-is-dirty image))) (say "|")
                  (save (bottom image) "{self.folder}/base{i}.png")
                  (if (not (string? result)) (save result "{self.folder}/new{i}.png"))
                  (gimp-image-delete image))'''
        said = '\n'.join(self.gimp.run(script, DDIM_MODEL_PATH=self.models)).split('|')
        self.gimp.settings.write_text('')
        self.assertEqual(len(said), 2 * len(cases) + 1)
        for i, (error, state) in enumerate(zip(said[::2], said[1::2])):
            new = self.folder / f'new{i}.png'
            layers, dirty = state.split()
            yield error.strip(), int(layers), dirty in ('1', '#t'), read_png(self.folder / f'base{i}.png'), \
                read_png(new) if new.exists() else None
            new.unlink(missing_ok=True)

    def whole(self, error, layers, dirty, base, new, usual):
        """Either the image is untouched and the plug-in has said why, or there is one layer more, which is as @usual."""
        self.assertEqual(base, (32, 24, 3, [255] * (32 * 24 * 3)))
        if new:
            self.assertEqual((error, layers), ('', 2))
            # Another kernel may have rounded otherwise.
            self.assertEqual(new[:3], usual[:3])
            self.assertLessEqual(max(abs(a - b) for a, b in zip(new[3], usual[3])), 1)
            return
        self.assertEqual((layers, dirty), (1, False))
        # What GIMP adds when a plug-in has crashed ends here.
        self.assertRegex(error, r'failed: .{12,}', error)


@unittest.skipUnless(CARD['LD_PRELOAD'], 'a sanitizer takes no library before its own')
class Device(Case):
    def refused(self, case, expected, steps):
        for name in ('generate', 'fill', 'vary'):
            with self.subTest(name):
                ((error, *state),) = self.attempts(name, [case], steps)
                self.whole(error, *state, None)
                self.assertRegex(error, expected)

    def test_lost(self):
        """In the middle of the steps."""
        self.refused(ALONE | {'FAKE_LOST': '900'}, 'does not answer any more', 40)

    def test_no_memory(self):
        self.refused(ALONE | {'FAKE_MEMORY': '300000'}, 'memory', 2)

    def test_the_processor_takes_over(self):
        for name in ('generate', 'fill'):
            with self.subTest(name):
                (_, *_, usual), (error, *state) = self.attempts(name, [BOTH, BOTH | {'FAKE_MEMORY': '1500000'}])
                self.whole(error, *state, usual)
                self.assertEqual(error, '')


@unittest.skipUnless(failing.LIBRARY, 'a sanitizer takes no library before its own')
class Torture(Case):
    def environment(self, name, at, once=True, **more):
        settings = {'LD_PRELOAD': failing.LIBRARY, 'DDIM_FAIL_CALL': name, 'DDIM_FAIL_AT': str(at)}
        return settings | more | ({'DDIM_FAIL_ONCE': '1'} if once else {})

    def every_place(self, procedure):
        """The calls that the plug-in makes, failing alone and together with all later ones."""
        sites = self.folder / 'sites'
        list(self.attempts(procedure, [failing.record(sites)]))
        return [self.environment(fail['DDIM_FAIL_CALL'], fail['DDIM_FAIL_AT'], once, DDIM_FAIL_SITE=fail['DDIM_FAIL_SITE'])
                for name in FILES + DEVICE for fail in failing.places(sites, name, None) for once in (False, True)]

    def torture(self, procedure, places):
        """@places: (the call, which one of them fails, whether it alone) for the short form."""
        ((_, *_, usual),) = self.attempts(procedure, [self.environment('none', 0)])
        cases = self.every_place(procedure) if ALL else [self.environment(*place) for place in places]
        failed = 0
        for first in range(0, len(cases), 40):
            some = cases[first:first + 40]
            for case, (error, *state) in zip(some, self.attempts(procedure, some)):
                failed += bool(error)
                with self.subTest(**case):
                    self.whole(error, *state, usual)
        self.assertGreater(failed, len(places) / 4, 'are the calls intercepted?')

    def test_generate(self):
        """While the device and the model are opened."""
        self.torture('generate', [(name, 2, False) for name in [*FILES, *DEVICE[::2]]])

    def test_fill(self):
        """While it samples."""
        self.torture('fill', [('clSetKernelArg', 200, True), ('clEnqueueNDRangeKernel', 300, False), ('clEnqueueWriteBuffer', 20, False),
                              ('clEnqueueReadBuffer', 2, True), ('clFinish', 3, False), ('clFlush', 2, True), ('memory', 30, True),
                              ('read', 20, True), ('clCreateBuffer', 8, False)])


if __name__ == '__main__':
    gimp.main('__main__')
