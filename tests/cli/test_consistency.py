#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Consistency models and EDM models, from a file to the picture, against tests/data/make-consistency.py."""
import json

import ddim
import npy
import tap

WEIGHTS = ddim.DATA / 'unet_guided_new_order.pt'
SHAPE = '--image_size 16 --num_head_channels 8'
# How a model of consistency_models is told from one of guided-diffusion: its attention has 2D convolutions.
FLAT = ('qkv.weight', 'proj_out.weight')


def flatten(path):
    """The weights of guided-diffusion's attention in @path, a .safetensors, in the shapes of consistency_models'."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], 'little')
    header = json.loads(data[8:start])
    header.pop('__metadata__', None)
    for name, entry in header.items():
        if name.endswith(FLAT):
            entry['shape'] = entry['shape'][:2] + [1, 1]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, 'little') + text + data[start:])


class Consistency(ddim.Case):
    def setUp(self):
        super().setUp()
        for name in ('cd_small', 'edm_small_ema'):
            self.good('convert', WEIGHTS, f'{name}.safetensors', '--flags', SHAPE + ' --use_new_attention_order True')
            flatten(self.folder / f'{name}.safetensors')

    def compare(self, golden, model, *options):
        self.good('generate', '-m', f'{model}.safetensors', '--flags', SHAPE, '-n', '2', '--seed', '42', *options, '-o', 'out.npy')
        made = npy.load(self.folder / 'out.npy')
        expected = npy.load_npz(ddim.DATA / 'sample_consistency.npz')[golden]
        self.assertEqual(made.shape, expected.shape)
        self.assertLess(max(abs(a - b) for a, b in zip(made.values, expected.values)), 1e-3)

    def test_samples(self):
        self.compare('onestep', 'cd_small', '--steps', '1')
        self.compare('multistep', 'cd_small', '--steps', '0,22,39')
        self.compare('heun', 'edm_small_ema', '--steps', '8')
        self.compare('heun', 'edm_small_ema', '--steps', '8', '--sampler', 'heun')

    def test_stated(self):
        """Without the name and without the shapes, flags say it."""
        (self.folder / 'copy.pt').write_bytes(WEIGHTS.read_bytes())
        for schedule, golden, steps in (('consistency', 'onestep', '1'), ('edm', 'heun', '8')):
            self.good('generate', '-m', 'copy.pt', '--flags', f'{SHAPE} --noise_schedule {schedule}', '-n', '2', '--seed', '42',
                      '--steps', steps, '-o', 'out.npy')
            made, expected = npy.load(self.folder / 'out.npy'), npy.load_npz(ddim.DATA / 'sample_consistency.npz')[golden]
            self.assertLess(max(abs(a - b) for a, b in zip(made.values, expected.values)), 1e-3)

    def test_info(self):
        distilled, edm = (self.good('info', f'{name}.safetensors', '--flags', SHAPE).stdout for name in ('cd_small', 'edm_small_ema'))
        self.assertRegex(distilled, 'family +consistency_models')
        self.assertRegex(distilled, 'noise_schedule +consistency')
        self.assertRegex(edm, 'noise_schedule +edm')

    def test_converted(self):
        """A converted file keeps what it is, whatever its name."""
        self.good('convert', 'edm_small_ema.safetensors', 'other.safetensors', '--flags', SHAPE)
        self.compare('heun', 'other', '--steps', '8')

    def test_refused(self):
        model = ['-m', 'cd_small.safetensors', '--flags', SHAPE]
        for options in (['--sampler', 'ddim'], ['--sampler', 'dpm++'], ['--steps', 'ddim25'], ['--steps', '39,0'],
                        ['--steps', '0'], ['--steps', ''], ['--sampler', 'heun', '--steps', '0,22,39'],
                        ['--flags', SHAPE + ' --noise_schedule linear']):
            with self.subTest(options=options):
                self.refused(1, 'generate', *model, *options, '-o', 'x.png')
        self.good('generate', *model, '--steps', '1', '-o', 'in.png')
        for command in (['vary'], ['inpaint', '--box', '2,2,4,4'], ['encode']):
            with self.subTest(command=command):
                message = self.refused(1, command[0], '-i', 'in.png', *command[1:], *model, '-o',
                                       'x.npy' if command[0] == 'encode' else 'x.png')
                self.assertIn('consistency_models', message)


tap.main()
