#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is done about a device that computes wrongly: DDIM_SPOIL makes one way of computing give wrong numbers."""
import json
import os
import pathlib

import ddim
import npy
import tap

MODEL = ['-m', ddim.DATA / 'unet_tiny_uncond.pt', '--flags', '--image_size 16 --num_heads 1']
# What rounding may make of another way to compute: twice what a way may differ from float64.
BOUND = 4e-4


def cache_home():
    return pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache')


class Check(ddim.Case):
    """The verdicts of these tests are in a cache of their own, which shares compiled kernels with the user's."""

    def setUp(self):
        super().setUp()
        self.cache = self.folder / 'cache'
        programs = cache_home() / 'ddim' / 'programs'
        programs.mkdir(parents=True, exist_ok=True)
        (self.cache / 'ddim').mkdir(parents=True)
        (self.cache / 'ddim' / 'programs').symlink_to(programs)
        self.input = self.folder / 'x.npy'
        self.good('noise', '--seed', '1', '--shape', '1,3,16,16', '-o', self.input)

    def env(self, spoiled, kernels):
        return {'XDG_CACHE_HOME': str(self.cache), 'DDIM_KERNELS': kernels, 'DDIM_SPOIL': spoiled,
                'POCL_CACHE_DIR': os.environ.get('POCL_CACHE_DIR') or str(cache_home() / 'pocl')}

    def predict(self, spoiled='', kernels='cpu'):
        """What the model gives, and what the command says on stderr."""
        done = self.good('predict', *MODEL, '--input', self.input, '--timesteps', '500', '-o', 'out.npy',
                         env=self.env(spoiled, kernels))
        return npy.load(self.folder / 'out.npy').values, done.stderr

    def verdicts(self):
        return sorted((self.cache / 'ddim').glob('checked-*'))

    def check_replaced(self, way, kernels):
        right, said = self.predict(kernels=kernels)
        self.assertEqual(said, '')
        for again in range(2):  # found out by a check, then remembered
            with self.subTest(way=way, kernels=kernels, again=again):
                values, said = self.predict(way, kernels)
                self.assertRegex(said, rf'\Addim: [^\n]* {way}; other ways [^\n]*\n\Z')
                self.assertLess(max(abs(a - b) for a, b in zip(values, right, strict=True)), BOUND)

    def test_cpu(self):
        for way in 'direct-packed', 'winograd4-packed':
            self.check_replaced(way, 'cpu')

    def test_gpu(self):
        for way in 'direct-clblast', 'attention-gpu', 'norm-gpu':
            self.check_replaced(way, 'gpu')

    def test_no_other_way(self):
        """Nothing takes the place of the only way to normalise: the user is told."""
        _, said = self.predict('norm-rows')
        self.assertRegex(said, r'\Addim: [^\n]* norm-rows; [^\n]*\n\Z')

    def test_remembered_verdicts(self):
        """A second start checks nothing. A file with other content is not believed, and is written again."""
        self.predict()
        file, = (self.cache / 'ddim').glob('checked-*')
        data, stamp = file.read_bytes(), file.stat().st_mtime_ns
        self.predict()
        self.assertEqual(file.stat().st_mtime_ns, stamp)
        first = data.split(b'\n')[0]
        for hostile in b'', b'\0' * 100, data[:-1], data + b'wrong direct-packed\n', first + b'\nwrong direct-packed\n':
            file.write_bytes(hostile)
            with self.subTest(hostile=hostile[-30:]):
                _, said = self.predict()
                self.assertEqual(said, '')
                self.assertEqual(file.read_bytes(), data)

    def test_unusable_cache(self):
        """Where nothing can be remembered, everything works all the same."""
        self.predict()
        for file in (self.cache / 'ddim').glob('checked-*'):
            file.unlink()
            file.mkdir()
        _, said = self.predict()
        self.assertEqual(said, '')

    def test_report(self):
        done = ddim.run('check', '--json', env=self.env('', 'cpu'))
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report['wrong'], 0)
        ways = {row['way']: row for row in report['ways']}
        for way in 'direct-packed', 'direct-clblast f16', 'norm-rows', 'attention-rows', 'update':
            self.assertEqual(ways[way]['verdict'], 'right', way)
            self.assertLessEqual(ways[way]['error'], ways[way]['bound'])
        self.assertEqual(ways['direct-tile64']['verdict'], 'not here')
        self.assertTrue(ways['direct-tile64']['reason'])
        self.assertEqual(report['evaluation']['verdict'], 'right')
        self.assertGreater(report['evaluation']['error'], 0)

    def test_report_of_a_slow_device(self):
        """A way gets no further case once it has taken its time, and the model is not evaluated."""
        done = ddim.run('check', '--json', env=self.env('', 'cpu') | {'DDIM_CHECK_SECONDS': '0'})
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        ways = {row['way']: row for row in report['ways']}
        for way in 'direct-packed', 'norm-rows', 'attention-rows':
            self.assertEqual(ways[way]['verdict'], 'right', way)
            self.assertRegex(ways[way]['reason'], r'\A\d+ cases are left out')
        self.assertNotIn('reason', ways['update'])
        self.assertEqual(report['evaluation']['verdict'], 'not here')

    def test_report_of_a_liar(self):
        done = ddim.run('check', env=self.env('winograd2-packed,attention-rows', 'cpu'))
        self.assertEqual(done.returncode, 1, done.stderr)
        for way in r'winograd2-packed +\d', r'winograd2-packed f16 +\d', r'attention-rows +\d':
            self.assertRegex(done.stdout, rf'(?m)^WRONG +{way}')
        self.assertRegex(done.stdout, r'(?m)^ok +direct-packed +\d')


if __name__ == '__main__':
    tap.main()
