#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Seamless pictures: `ddim generate --seamless`, `ddim seamless`. Random weights and few steps are enough."""
import json
import random
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


def picture(height, width, channels=3):
    """A picture of random bytes."""
    rand = random.Random(1)
    return npy.Array((height, width, channels), '|u1', [rand.randrange(256) for _ in range(height * width * channels)])


class Make(ddim.Case):
    QUICK = [*MODEL, '--seed', '3', '--steps', '4', '--quality', '1']

    def save(self, name, array, **options):
        npy.save_png(self.folder / name, array, **options)
        return array

    def check(self, before, axes, width, name='out.png'):
        """What lies farther than @width pixels from the edges that meet is as before, nearly all else is not."""
        after = npy.load_png(self.folder / name)[0]
        self.assertEqual(after.shape, before.shape)
        rows, columns, channels = before.shape
        near = changed = 0
        for y in range(rows):
            for x in range(columns):
                at = (y * columns + x) * channels
                same = tuple(after.values[at:at + channels]) == tuple(before.values[at:at + channels])
                inside = 'x' in axes and min(x, columns - 1 - x) < width or 'y' in axes and min(y, rows - 1 - y) < width
                self.assertTrue(same or inside, (x, y))
                near += inside
                changed += not same
        self.assertGreater(changed, 0.9 * near)
        return after

    def test_axes(self):
        """Sizes that are multiples of the stride and such that are not."""
        for rows, columns in [(16, 20), (21, 19), (40, 17)]:
            before = self.save('in.png', picture(rows, columns))
            for axes in ['x', 'y', 'xy']:
                with self.subTest(size=(rows, columns), axes=axes):
                    self.good('seamless', *self.QUICK, '-i', 'in.png', '--axis', axes, '--width', '3', '-o', 'out.png')
                    self.check(before, axes, 3)

    def test_windows(self):
        """A picture that is larger than a window both ways, and one that is so one way; in variants."""
        for rows, columns, axes in [(70, 150, 'xy'), (20, 131, 'y')]:
            before = self.save('in.png', picture(rows, columns))
            self.good('seamless', *self.QUICK, '-i', 'in.png', '--axis', axes, '--width', '4', '--feather', '0', '-n', '2',
                      '-o', 'out.png')
            pictures = [self.check(before, axes, 4, f'out-{i}.png') for i in range(2)]
            self.assertNotEqual(*(made.values for made in pictures))

    def test_settings(self):
        """What was chosen is in the picture, and the command made of it makes it again."""
        self.save('in.png', picture(32, 24))
        self.good('seamless', *MODEL, '--steps', '4', '--seed', '1', '-i', 'in.png', '-o', 'out.png')
        info = json.loads(self.good('info', '--json', 'out.png').stdout)
        request, command = info['request'], info['command']
        self.assertEqual((request['axis'], request['seam-width'], request['quality']), ('xy', 6, 4))
        before = (self.folder / 'out.png').read_bytes()
        self.assertTrue(command.startswith('ddim seamless'), command)
        self.assertIn(' --width 6', command)
        self.good(*shlex.split(command)[1:], '-o', 'out.png')
        self.assertEqual((self.folder / 'out.png').read_bytes(), before)

    def test_kinds(self):
        """Gray pictures get colors with a model of colors, and alpha stays where nothing is made."""
        gray = self.save('gray.png', picture(16, 16, 1))
        self.good('seamless', *self.QUICK, '-i', 'gray.png', '--width', '2', '-o', 'out.png')
        self.check(npy.Array((16, 16, 3), '|u1', [v for v in gray.values for _ in range(3)]), 'xy', 2)
        alpha = self.save('alpha.png', picture(16, 16, 4))
        self.good('seamless', *self.QUICK, '-i', 'alpha.png', '--width', '2', '--feather', '0', '-o', 'out.png')
        after = self.check(alpha, 'xy', 2)
        self.assertEqual({after.values[(y * 16 + x) * 4 + 3] for x in (0, 15) for y in range(16)}, {255})
        model = ['-m', ddim.DATA / 'unet_guided_gray.pt', '--flags', '--image_size 16 --num_heads 4', '--steps', '4']
        self.good('seamless', *model, '-i', 'gray.png', '--width', '2', '-o', 'out.png')
        self.check(gray, 'xy', 2)

    def test_refusals(self):
        def told(*options, code=1):
            return self.refused(code, 'seamless', *MODEL, *options, '-o', 'out.png')
        self.save('in.png', picture(16, 12))
        self.assertIn('at most 5', told('-i', 'in.png', '--width', '6'))
        self.assertIn('at most 7', told('-i', 'in.png', '--axis', 'y', '--width', '8'))
        self.assertRegex(told('-i', 'in.png', '--width', '-1', code=2), 'ddim: --width: .* from 0 to ')
        self.assertIn('expected x, y, xy', told('-i', 'in.png', '--axis', 'z', code=2))
        self.assertIn('no picture is given', told())
        self.save('tiny.png', picture(16, 1))
        self.assertIn('no less than', told('-i', 'tiny.png'))
        options = next(o for c, o in ddim.golden_cases() if c['cls'] == 'superres')
        self.assertIn('only enlarges', self.refused(1, 'seamless', *options[:4], '-i', 'in.png', '-o', 'out.png'))


class Upscale(ddim.Case):
    TEXTURES = ['-m', ddim.DATA.parent.parent / 'models' / 'textures.safetensors', '--class', 'brick']

    def check_means(self, small, scale):
        """The means of the result's cells are the small picture, within half a byte."""
        large = npy.load_png(self.folder / 'out.png')[0]
        rows, columns, channels = small.shape
        self.assertEqual(large.shape, (rows * scale, columns * scale, channels))
        sums = [0] * len(small.values)
        for i, value in enumerate(large.values):
            x, y = i // channels % (columns * scale), i // channels // (columns * scale)
            sums[(y // scale * columns + x // scale) * channels + i % channels] += value
        for value, total in zip(small.values, sums):
            self.assertAlmostEqual(total / scale ** 2, value, delta=0.5)
        return large

    def test_means(self):
        """In one window and in several, along one axis and both, for scales that divide a window and those that do not."""
        for rows, columns, scale, all_axes in [(12, 9, 2, ['none', 'x', 'y', 'xy']), (7, 50, 3, ['y', 'xy'])]:
            small = picture(rows, columns)
            npy.save_png(self.folder / 'in.png', small)
            made = {}
            for axes in all_axes:
                with self.subTest(size=(rows, columns), scale=scale, axes=axes):
                    self.good('upscale', *MODEL, '--steps', '4', '--seed', '3', '-i', 'in.png', '--scale', scale,
                              '--seamless', axes, '-o', 'out.png')
                    made[axes] = bytes(self.check_means(small, scale).values)
            self.assertEqual(len(set(made.values())), len(all_axes))
        command = json.loads(self.good('info', '--json', 'out.png').stdout)['command']
        self.assertIn(' --seamless xy', command)
        before = (self.folder / 'out.png').read_bytes()
        self.good(*shlex.split(command)[1:], '-o', 'out.png')
        self.assertEqual((self.folder / 'out.png').read_bytes(), before)

    def border(self, array):
        """The mean difference across the left and right border, over that between columns of the interior where squares
        of four pixels meet as they do there."""
        rows, columns, channels = array.shape

        def step(x):
            line = [abs(array.values[(y * columns + x) * channels + c] - array.values[(y * columns + (x + 1) % columns) * channels + c])
                    for y in range(rows) for c in range(channels)]
            return sum(line) / len(line)
        interior = range(3, columns - 1, 4)
        return step(columns - 1) / (sum(map(step, interior)) / len(interior))

    def test_tiles(self):
        """The default model's picture that tiles, made small and large again, tiles, also in windows."""
        self.good('generate', *self.TEXTURES, '--size', '64', '--seed', '5', '--steps', '10', '--seamless', 'xy', '-o', 'tile.png')
        tile = npy.load_png(self.folder / 'tile.png')[0]
        means = [round(sum(tile.values[((4 * y + j) * 64 + 4 * x + i) * 3 + c] for i in range(4) for j in range(4)) / 16)
                 for y in range(16) for x in range(16) for c in range(3)]
        npy.save_png(self.folder / 'in.png', npy.Array((16, 16, 3), '|u1', means))
        ratios = {}
        for name, options in [('wrapped', ['--seamless', 'x']), ('plain', []),
                              ('windows', ['--seamless', 'x', '--flags', '--image_size 8'])]:
            self.good('upscale', *self.TEXTURES, '-i', 'in.png', '--steps', '10', '--seed', '1', *options, '-o', 'out.png')
            ratios[name] = self.border(npy.load_png(self.folder / 'out.png')[0])
        self.assertLess(max(ratios['wrapped'], ratios['windows']), 1.5, ratios)
        self.assertGreater(ratios['plain'], 1.3 * max(ratios['wrapped'], ratios['windows']), ratios)

    def test_super_resolution(self):
        """A model of this kind too, of a picture that takes several windows."""
        case, options = next((c, o) for c, o in ddim.golden_cases() if c['cls'] == 'superres')
        shared = [*options[:4], '--steps', '3', '--seed', '7', '--class', '4']
        npy.save_png(self.folder / 'in.png', picture(11, 13))
        made = set()
        for axes in ['none', 'x', 'xy']:
            self.good('upscale', *shared, '-i', 'in.png', '--seamless', axes, '-o', 'out.png')
            after = npy.load_png(self.folder / 'out.png')[0]
            self.assertEqual(after.shape, (44, 52, 3))
            made.add(bytes(after.values))
        self.assertEqual(len(made), 3)

    def test_refusals(self):
        npy.save_png(self.folder / 'tiny.png', picture(1, 9))
        model = ['-m', ddim.DATA.parent.parent / 'models' / 'textures.safetensors', '--class', '1']
        self.assertIn('at least 8 pixels long', self.refused(1, 'upscale', *model, '-i', 'tiny.png', '--scale', '3', '--seamless', 'y'))


tap.main()
