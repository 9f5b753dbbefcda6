#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Seamless pictures: `ddim generate --seamless`. Random weights and few steps are enough."""
import json
import shlex

import ddim
import npy
import tap

MODEL = ['-m', ddim.DATA / 'unet_tiny_uncond.pt']
COND = ['-m', ddim.DATA / 'unet_small_cond.pt', '--flags', '--num_heads 4']
SAMPLING = ['--steps', '5', '--eta', '0']


def roll(array, dx, dy):
    """[N, C, H, W] moved by dx to the right and dy down, around the edges."""
    n, channels, height, width = array.shape
    values = [array.values[(p * height + (y - dy) % height) * width + (x - dx) % width]
              for p in range(n * channels) for y in range(height) for x in range(width)]
    return npy.Array(array.shape, array.dtype, values)


def difference(a, b):
    return max(abs(x - y) for x, y in zip(a.values, b.values))


class Generate(ddim.Case):
    def predicted(self, model, noise, axes):
        self.good('predict', *model, '--timesteps', '400', '--input', noise, '--seamless', axes, '-o', 'out.npy')
        return npy.load(self.folder / 'out.npy')

    def made(self, model, noise, axes):
        self.good('generate', *model, *SAMPLING, '--init-noise', noise, '--seamless', axes, '-o', 'out.npy')
        return npy.load(self.folder / 'out.npy')

    def test_rolling(self):
        """Noise that is moved around the edges by the network's stride makes the picture that is moved likewise: the
        network's output but for rounding, of which the steps make at most two of 255 levels."""
        for model, labels, stride, size in [(MODEL, [], 2, (22, 18)), (COND, ['1'], 4, (20, 28))]:
            self.good('noise', '--seed', '5', '--shape', f'1,3,{size[0]},{size[1]}', '-o', 'z.npy')
            noise = npy.load(self.folder / 'z.npy')
            for axes, dx, dy in [('x', 3, 0), ('y', 0, 2), ('xy', 2, 1)]:
                npy.save(self.folder / 'rolled.npy', roll(noise, dx * stride, dy * stride))
                for make, option, bound in [(self.predicted, '--labels', 2e-4), (self.made, '--class', 2 / 127.5)]:
                    with self.subTest(stride=stride, axes=axes, make=make.__name__):
                        whole = model + [option, *labels] * bool(labels)
                        expected = roll(make(whole, 'z.npy', axes), dx * stride, dy * stride)
                        self.assertLess(difference(expected, make(whole, 'rolled.npy', axes)), bound)
                        other = {'x': 'y', 'y': 'x', 'xy': 'none'}[axes]
                        self.assertGreater(difference(expected, make(whole, 'rolled.npy', other)), 10 * bound)

    def test_settings(self):
        """The axes are in the picture, and the command made of it makes it again."""
        self.good('generate', *MODEL, *SAMPLING, '--seed', '3', '--size', '16', '--seamless', 'xy', '-o', 'out.png')
        before = (self.folder / 'out.png').read_bytes()
        info = json.loads(self.good('info', '--json', 'out.png').stdout)
        self.assertIn(' --seamless xy', info['command'])
        self.good(*shlex.split(info['command'])[1:], '-o', 'out.png')
        self.assertEqual((self.folder / 'out.png').read_bytes(), before)
        self.good('generate', *MODEL, *SAMPLING, '--seed', '3', '--size', '16', '-o', 'plain.png')
        self.assertNotEqual(npy.load_png(self.folder / 'plain.png')[0].values,
                            npy.load_png(self.folder / 'out.png')[0].values)
        self.assertNotIn(' --seamless', json.loads(self.good('info', '--json', 'plain.png').stdout)['command'])

    def test_refusals(self):
        for axes in ['z', 'yx', 'X', '']:
            self.assertIn('none, x, y, xy', self.refused(2, 'generate', *MODEL, '--seamless', axes, '-o', 'out.png'))


tap.main()
