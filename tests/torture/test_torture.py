#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Commands whose calls fail, one after the other: each file, memory and OpenCL call of theirs in turn (fail.c).

Whatever fails, the command must either do without and make the same as ever, or end with exit status 1 and a message of
its own; it must never end by a signal or a warning of a library, leave a part of a file, or touch the file that it would
have replaced. Which calls fail, failing.py says.
"""
import hashlib
import re
import shutil
import sys

import ddim
import failing
import npy
import tap

PLACES = failing.wanted(4)
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


class Case(ddim.Case):
    def call(self, args, fail):
        """Run the command in a new folder with the inputs while the call that @fail describes fails; return it finished, and what
        its folder holds."""
        folder = self.folder / 'work'
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder / 'inputs', folder, symlinks=True)
        done = ddim.run(*args, cwd=folder, env={'LD_PRELOAD': failing.LIBRARY} | self.environment() | fail)
        return done, self.files(folder)

    def environment(self):
        return {}

    @staticmethod
    def files(folder):
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*') if path.is_file()}

    def torture(self, args, outputs=(), calls=(*FILES, *DEVICE), limit=PLACES):
        inputs, sites = self.folder / 'inputs', self.folder / 'sites'
        inputs.mkdir(exist_ok=True)
        for name in outputs:
            (inputs / name).write_text('old')
        before = self.files(inputs)
        self.call(args, {})  # what is done only once, such as compiling kernels, is done
        usual, made = self.call(args, failing.record(sites))
        self.assertEqual(usual.returncode, 0, usual.stderr)
        fails = [fail for call in calls for fail in failing.places(sites, call, limit)]
        failed = 0
        for i, fail in enumerate(fails):
            for once in [{}, {'DDIM_FAIL_ONCE': '1'}] if limit is None else [{'DDIM_FAIL_ONCE': '1'} if i % 2 else {}]:
                with self.subTest(**fail, **once):
                    done, left = self.call(args, fail | once)
                    self.assertIn(done.returncode, [0, 1], done.stderr)
                    failed += done.returncode
                    if done.returncode == 0:
                        self.assertEqual(done.stdout, usual.stdout, done.stderr)
                        self.same(left, made)
                    else:
                        self.assertRegex(done.stderr, OURS)
                        self.kept(left, before)
        self.assertGreater(failed, 0, 'nothing failed: are the calls intercepted?')

    def kept(self, left, before):
        """What a command that failed leaves: all as it was."""
        self.assertEqual(left, before)

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


class Torture(Case):
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


class Tune(Case):
    """It writes measurements into the cache. Those that are there stay, and those that are made meanwhile may; a device of which the
    driver tells less looks like another one, whose files lie beside them."""
    OTHER = '[3x3 7 to 7, stride 1, 1 x 5x5, f32]\ndirect-packed=0.001\n'
    LOOP = ['clCreateBuffer', 'clEnqueueNDRangeKernel', 'clEnqueueFillBuffer', 'clFinish']

    def environment(self):
        return ddim.cache_environment(self.folder / 'work' / 'cache')

    def same(self, left, made):
        for name, content in left.items():
            self.assertRegex(name, r'/(tuning-[0-9a-f]{16}\.ini|checked-[0-9a-f]{32}\.txt)\Z')
            head, _, body = content.decode().partition('\n')
            self.assertEqual(head.removeprefix('#sha256='), hashlib.sha256(body.encode()).hexdigest())
            if name in made and 'tuning' in name:
                self.assertIn(self.OTHER, body)
        self.assertLessEqual(made.keys(), left.keys())

    def kept(self, left, before):
        self.same(left, before)

    def test_tune(self):
        args = ['tune', '-m', TINY, '--size', '16', '-q']
        inputs = self.folder / 'inputs'
        cache = ddim.make_cache(inputs / 'cache')
        self.good(*args, env=ddim.cache_environment(cache))
        (path,) = (cache / 'ddim').glob('tuning-*')
        facts = re.search(r'(?s)\[tuning\]\n.*?\n\n', path.read_text())[0]
        body = facts + self.OTHER
        path.write_text(f'#sha256={hashlib.sha256(body.encode()).hexdigest()}\n{body}')
        if PLACES is None:
            self.torture(args)
        else:
            self.torture(args, calls=[*FILES, *self.LOOP], limit=1)


if __name__ == '__main__':
    sys.exit(tap.main())
