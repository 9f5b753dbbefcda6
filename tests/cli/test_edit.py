#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""ddim inpaint, vary, upscale, colorize: what stays, changes or is refused. Random weights and few steps are enough."""
import json
import random
import shlex
import struct
import zlib

import ddim
import npy
import tap

MODEL = ['-m', ddim.DATA / 'unet_tiny_uncond.pt', '--steps', '4', '--seed', '3']


def noise(height, width, channels=3, seed=1):
    """A picture of random bytes."""
    rand = random.Random(seed)
    return npy.Array((height, width, channels), '|u1', [rand.randrange(256) for _ in range(height * width * channels)])


def pixel(array, x, y):
    channels = array.shape[2]
    at = (y * array.shape[1] + x) * channels
    return tuple(array.values[at:at + channels])


class Edit(ddim.Case):
    def make(self, name, array, **options):
        npy.save_png(self.folder / name, array, **options)
        return array

    def made(self, name='out.png'):
        return npy.load_png(self.folder / name)[0]

    def again(self, name='out.png'):
        """The command that is stored in a picture makes the same picture again."""
        before = (self.folder / name).read_bytes()
        command = json.loads(self.good('info', '--json', name).stdout)['command']
        self.good(*shlex.split(command)[1:], '-o', name)
        self.assertEqual((self.folder / name).read_bytes(), before)
        return command

    def changed(self, before, after):
        self.assertEqual(after.shape, before.shape)
        height, width = before.shape[:2]
        return {(x, y) for y in range(height) for x in range(width) if pixel(before, x, y) != pixel(after, x, y)}


class Inpaint(Edit):
    def test_box(self):
        before = self.make('in.png', noise(37, 50))
        self.good('inpaint', *MODEL, '-i', 'in.png', '--box', '20,10,9,12', '--context', '6', '--feather', '0', '-o',
                  'out.png')
        changed = self.changed(before, self.made())
        inside = {(x, y) for x in range(20, 29) for y in range(10, 22)}
        self.assertLessEqual(changed, inside)
        self.assertGreater(len(changed), len(inside) * 0.9)
        command = self.again()
        self.assertTrue(command.startswith('ddim inpaint'), command)
        self.assertIn('--box 20,10,9,12', command)
        self.assertIn('50x37 pixels', self.good(*shlex.split(command)[1:], '-v', '-o', 'out.png').stderr)

    def test_quality(self):
        self.make('in.png', noise(16, 16))
        steps = {}
        for quality in ['1', '3']:
            self.good('inpaint', *MODEL, '-i', 'in.png', '--box', '4,4,8,8', '--quality', quality, '--steps', '10',
                      '-o', f'{quality}.png')
            steps[quality] = json.loads(self.good('info', '--json', f'{quality}.png').stdout)['request']['quality']
        self.assertEqual(steps, {'1': 1, '3': 3})
        self.assertNotEqual(self.made('1.png').values, self.made('3.png').values)

    def test_mask_and_feather(self):
        before = self.make('in.png', noise(32, 32))
        mask = self.make('mask.png', npy.Array((32, 32, 1), '|u1', [255 * (12 <= i % 32 < 16 and 12 <= i // 32 < 16)
                                                                    for i in range(1024)]))
        self.good('inpaint', *MODEL, '-i', 'in.png', '--mask', 'mask.png', '--feather', '0', '-o', 'out.png')
        hole = {(x, y) for x in range(32) for y in range(32) if pixel(mask, x, y) != (0,)}
        self.assertLessEqual(self.changed(before, self.made()), hole)
        self.good('inpaint', *MODEL, '-i', 'in.png', '--mask', 'mask.png', '--feather', '3', '-o', 'out.png')
        changed = self.changed(before, self.made())
        near = {(x, y) for x in range(32) for y in range(32)
                if max(12 - x, x - 15, 0) ** 2 + max(12 - y, y - 15, 0) ** 2 < 16}
        self.assertLessEqual(changed, near)
        self.assertGreater(len(changed), len(hole) + 20)

    def test_alpha(self):
        """Transparent pixels are filled, and are opaque afterwards."""
        before = noise(16, 16, 4)
        hole = {(x, y) for x in range(3, 9) for y in range(5, 11)}
        for y in range(16):
            for x in range(16):
                before.values[(y * 16 + x) * 4 + 3] = 0 if (x, y) in hole else 255
        self.make('in.png', before)
        self.good('inpaint', *MODEL, '-i', 'in.png', '--feather', '0', '-o', 'out.png')
        after = self.made()
        self.assertEqual(self.changed(before, after), hole)
        self.assertTrue(all(pixel(after, x, y)[3] == 255 for x, y in hole))

    def test_windows(self):
        """A hole that is larger than a window, in variants, which differ."""
        before = self.make('in.png', noise(20, 150))
        self.good('inpaint', *MODEL, '-i', 'in.png', '--box', '10,4,130,12', '--quality', '1', '--feather', '0',
                  '-n', '2', '-o', 'out.png')
        pictures = [self.made(f'out-{i}.png') for i in range(2)]
        for picture in pictures:
            changed = self.changed(before, picture)
            self.assertLessEqual(changed, {(x, y) for x in range(10, 140) for y in range(4, 16)})
            self.assertGreater(len(changed), 130 * 12 * 0.9)
        self.assertNotEqual(*(picture.values for picture in pictures))

    def test_gray(self):
        """A gray picture stays gray with a model of gray pictures, and gets colors with one of colors."""
        before = self.make('in.png', noise(16, 16, 1))
        gray = ['-m', ddim.DATA / 'unet_guided_gray.pt', '--flags', '--image_size 16 --num_heads 4', '--steps', '4']
        self.good('inpaint', *gray, '-i', 'in.png', '--box', '4,4,8,8', '-o', 'gray.png')
        near = {(x, y) for x in range(2, 14) for y in range(2, 14)}  # two pixels are blended by default
        self.assertLessEqual(self.changed(before, self.made('gray.png')), near)
        self.good('inpaint', *MODEL, '-i', 'in.png', '--box', '4,4,8,8', '-o', 'rgb.png')
        self.assertEqual(self.made('rgb.png').shape, (16, 16, 3))
        self.assertEqual(pixel(self.made('rgb.png'), 1, 2), pixel(before, 1, 2) * 3)
        self.make('color.png', noise(16, 16))
        told = self.refused(1, 'inpaint', *gray, '-i', 'color.png', '--box', '4,4,8,8', '-o', 'x.png')
        self.assertIn('make it gray first', told)

    def test_color(self):
        self.make('in.png', noise(32, 32))
        self.good('inpaint', *MODEL, '-i', 'in.png', '--box', '8,8,16,16', '--feather', '0', '--color', '#4060a0',
                  '-o', 'out.png')
        after = self.made()
        hole = [pixel(after, x, y) for x in range(8, 24) for y in range(8, 24)]
        for channel, wanted in enumerate([0x40, 0x60, 0xa0]):
            self.assertAlmostEqual(sum(p[channel] for p in hole) / len(hole), wanted, delta=0.5)

    def test_class_keeps_its_colors(self):
        """Lava in sand is dark: what is around a hole does not color it where a class is asked for."""
        textures = ['-m', ddim.DATA.parent.parent / 'models' / 'textures.safetensors', '--steps', '10', '--seed', '1']
        self.good('generate', *textures, '--class', 'sand', '--size', '64', '-o', 'in.png')
        self.good('inpaint', *textures, '-i', 'in.png', '--box', '16,16,32,32', '--class', 'lava', '--quality', '1', '-o', 'out.png')
        image, _ = npy.load_png(self.folder / 'out.png')
        sums = [sum(image.values[(y * 64 + x) * 3:][:3]) for y in range(20, 44) for x in range(20, 44)]
        self.assertGreater(sum(value < 300 for value in sums), len(sums) / 3)

    def test_noisy_input(self):
        self.make('in.png', noise(16, 16))
        self.good('inpaint', *MODEL, '-i', 'in.png', '--box', '4,4,8,8', '--input-noise', '0.1', '-o', 'out.png')
        told = self.refused(1, 'inpaint', *MODEL, '-i', 'in.png', '--box', '4,4,8,8', '--input-noise', '0.1', '--eta', '0',
                            '-o', 'x.png')
        self.assertIn('--eta 1', told)
        told = self.refused(1, 'inpaint', *MODEL, '-i', 'in.png', '--box', '4,4,8,8', '--input-noise', '0.1',
                            '--sampler', 'dpm++', '-o', 'x.png')
        self.assertIn('--eta 1', told)


class FittingClass(Edit):
    """An edit that names no class takes the one that the picture seems to be of."""
    TEXTURES = ['-m', ddim.DATA.parent.parent / 'models' / 'textures.safetensors']

    def texture(self, name):
        self.good('generate', *self.TEXTURES, '--class', name, '--size', '64', '--seed', '8', '-o', f'{name}.png')

    def found(self, command, *options):
        text = self.good(command, *self.TEXTURES, *options, '--steps', '3', '--seed', '3', '--json', '-o', 'out.png').stdout
        return json.loads(text.splitlines()[0])['class']

    def test_commands(self):
        for name in 'brick', 'grass':
            self.texture(name)
            picture = self.made(f'{name}.png')
            size = picture.shape[0]
            self.make('gray.png', npy.Array((size, size, 1), '|u1', [
                sum(pixel(picture, x, y)) // 3 for y in range(size) for x in range(size)]))
            self.make('small.png', npy.Array((16, 16, 3), '|u1', [
                sum(pixel(picture, x * 4 + k % 4, y * 4 + k // 4)[c] for k in range(16)) // 16
                for y in range(16) for x in range(16) for c in range(3)]))
            for options in (['inpaint', '-i', f'{name}.png', '--box', '8,8,40,40', '--quality', '1'], ['vary', '-i', f'{name}.png'],
                            ['seamless', '-i', f'{name}.png', '--quality', '1'], ['colorize', '-i', 'gray.png'],
                            ['upscale', '-i', 'small.png'], ['interpolate', '--from', '5', '--to', f'{name}.png', '-n', '2']):
                with self.subTest(picture=name, command=options[0]):
                    self.assertEqual(self.found(*options), name)

    def test_told(self):
        """The class is told once, does not depend on the seed, and stands in the command that the picture keeps."""
        self.texture('brick')
        for seed in '1', '2':
            said = self.good('vary', *self.TEXTURES, '-i', 'brick.png', '-n', '2', '--grid', '--steps', '2', '--seed', seed, '-o', 'out.png').stderr
            self.assertEqual(said.count('class brick'), 1)
            self.assertNotIn('image 0', said)
        self.assertIn('--class brick', self.again())


class Vary(Edit):
    def test_strength(self):
        before = self.make('in.png', noise(21, 18))
        self.good('vary', *MODEL, '-i', 'in.png', '--strength', '0', '-o', 'out.png')
        self.assertEqual(self.made().values, bytes(before.values))
        distance = {}
        for strength in ['0.25', '0.5', '1']:
            self.good('vary', *MODEL, '-i', 'in.png', '--strength', strength, '-o', 'out.png')
            after = self.made()
            self.assertEqual(after.shape, before.shape)
            distance[strength] = sum(abs(a - b) for a, b in zip(after.values, before.values))
        self.assertLess(distance['0.25'], distance['0.5'])
        self.assertLess(distance['0.5'], distance['1'])
        self.again()


class Upscale(Edit):
    def test_pooling(self):
        """The means of the result's cells are the small picture, within half a byte."""
        small = self.make('in.png', noise(7, 9))
        for scale in [2, 3]:
            self.good('upscale', *MODEL, '-i', 'in.png', '--scale', scale, '-o', 'out.png')
            large = self.made()
            self.assertEqual(large.shape, (7 * scale, 9 * scale, 3))
            for y in range(7):
                for x in range(9):
                    cell = [pixel(large, x * scale + i, y * scale + j) for i in range(scale) for j in range(scale)]
                    for channel, wanted in enumerate(pixel(small, x, y)):
                        self.assertAlmostEqual(sum(p[channel] for p in cell) / len(cell), wanted, delta=0.5)
        self.again()
        # What is said is the size of the result, and so is what a file needs.
        self.assertIn('18x14 pixels', self.good('upscale', *MODEL, '-i', 'in.png', '--scale', 2, '-v', '-o', 'out.png').stderr)

    def test_super_resolution(self):
        """One window is what `generate --low-res` makes; a larger picture takes several."""
        case, options = next((c, o) for c, o in ddim.golden_cases() if c['cls'] == 'superres')
        shared = [*options[:4], '--steps', '8', '--seed', '7', '--class', '4', '--sampler', 'ddpm']
        self.make('in.png', noise(8, 8))
        self.good('generate', *shared, '--low-res', 'in.png', '--size', '32', '-o', 'generated.png')
        self.good('upscale', *shared, '-i', 'in.png', '-o', 'out.png')
        self.assertEqual(self.made().values, self.made('generated.png').values)
        self.make('in.png', noise(11, 13))
        self.good('upscale', *shared, '-i', 'in.png', '-o', 'out.png')
        self.assertEqual(self.made().shape, (44, 52, 3))
        told = self.refused(1, 'inpaint', *shared, '-i', 'in.png', '--box', '1,1,2,2', '-o', 'x.png')
        self.assertIn('only enlarges', told)


class Colorize(Edit):
    def test_means_stay(self):
        before = self.make('in.png', noise(19, 16, 1))
        self.good('colorize', *MODEL, '-i', 'in.png', '--color', '#804020', '-o', 'out.png')
        after = self.made()
        self.assertEqual(after.shape, (19, 16, 3))
        for y in range(19):
            for x in range(16):
                self.assertAlmostEqual(sum(pixel(after, x, y)) / 3, pixel(before, x, y)[0], delta=1)
        self.assertGreater(len({p for p in zip(*[iter(after.values)] * 3) if len(set(p)) > 1}), 100)
        self.again()


class Color(Edit):
    def test_generate(self):
        self.good('generate', *MODEL, '--size', '16', '--color', '#a06030', '-o', 'out.png')
        after = self.made()
        for channel, wanted in enumerate([0xa0, 0x60, 0x30]):
            self.assertAlmostEqual(sum(after.values[channel::3]) / 256, wanted - 0.5, delta=0.6)  # truncated to bytes
        self.again()
        self.make('color.png', npy.Array((1, 2, 3), '|u1', [0xa0, 0x60, 0, 0xa0, 0x60, 0x60]))
        self.good('generate', *MODEL, '--size', '16', '--color', 'color.png', '-o', 'same.png')
        self.assertEqual(self.made('same.png').values, after.values)


class Latent(Edit):
    TEXTURES = ['-m', ddim.DATA.parent.parent / 'models' / 'textures.safetensors', '--class', 'lava']

    def test_encode_and_decode(self):
        """The default model's own sample comes back."""
        self.good('generate', *self.TEXTURES, '--size', '32', '--seed', '4', '--steps', '25', '--eta', '0', '-o', 'in.png')
        told = self.good('encode', *self.TEXTURES, '-i', 'in.png', '-o', 'z.npy', '--json')
        self.assertEqual(npy.load(self.folder / 'z.npy').shape, (1, 3, 32, 32))
        self.good(*shlex.split(json.loads(told.stdout)['decode'])[1:], '-o', 'again.png')
        values = list(zip(self.made('in.png').values, self.made('again.png').values))
        self.assertLess(sum(abs(a - b) for a, b in values) / len(values) / 127.5, 0.01)

    def test_encode_alpha(self):
        """Of a picture with alpha the colors are encoded."""
        for channels in (1, 3):
            colors = noise(16, 16, channels)
            self.make('colors.png', colors)
            shades = [colors.values[i * channels:(i + 1) * channels] + [i] for i in range(256)]
            self.make('alpha.png', npy.Array((16, 16, channels + 1), '|u1', sum(shades, [])))
            for name in ('colors', 'alpha'):
                self.good('encode', *MODEL[:4], '-i', f'{name}.png', '-o', f'{name}.npy')
            self.assertEqual(npy.load(self.folder / 'alpha.npy').values, npy.load(self.folder / 'colors.npy').values)

    def test_interpolate(self):
        """The ends are the plain pictures, from seeds, noise or both."""
        small = [*MODEL[:4], '--size', '16']
        for seed in ['7', '8']:
            self.good('generate', *small, '--seed', seed, '--eta', '0', '-o', f'{seed}.png')
        self.good('interpolate', *small, '--from', '7', '--to', '8', '-n', '5', '-o', 'out.png')
        self.assertEqual(self.made('out-0.png').values, self.made('7.png').values)
        self.assertEqual(self.made('out-4.png').values, self.made('8.png').values)
        self.assertEqual(len({bytes(self.made(f'out-{i}.png').values) for i in range(5)}), 5)
        self.good('noise', '--seed', '8', '--shape', '1,3,16,16', '-o', 'z.npy')
        self.good('interpolate', *small, '--from', '7', '--to', 'z.npy', '-n', '5', '-o', 'noise.png')
        for i in range(5):
            self.assertEqual(self.made(f'noise-{i}.png').values, self.made(f'out-{i}.png').values)
        self.good('interpolate', *small[:4], '--from', '7.png', '--to', '8', '-n', '3', '--grid', '-o', 'sheet.png')
        self.assertEqual(self.made('sheet.png').shape, (32, 32, 3))

    def assert_same(self, one, other):
        """Pictures of batches of other sizes: kernels may add up in another order, which moves a byte here and there by one."""
        differences = [abs(a - b) for a, b in zip(self.made(one).values, self.made(other).values, strict=True)]
        self.assertLessEqual(max(differences), 1)
        self.assertLess(sum(differences), 20)

    def test_interpolate_with_noise(self):
        """Steps that draw noise: the ends are the plain pictures all the same, whatever the batch, and a way from a seed to
        itself stands still."""
        small = [*MODEL[:4], '--size', '16', '--eta', '1']
        for seed in ['7', '8']:
            self.good('generate', *small, '--seed', seed, '-o', f'{seed}.png')
        self.good('interpolate', *small, '--from', '7', '--to', '8', '-n', '5', '-o', 'out.png')
        self.assert_same('out-0.png', '7.png')
        self.assert_same('out-4.png', '8.png')
        self.assertEqual(len({bytes(self.made(f'out-{i}.png').values) for i in range(5)}), 5)
        self.good('interpolate', *small, '--from', '7', '--to', '8', '-n', '5', '--batch', '2', '-o', 'two.png')
        for i in range(5):
            self.assert_same(f'two-{i}.png', f'out-{i}.png')
        self.good('interpolate', *small, '--from', '7', '--to', '7', '-n', '3', '-o', 'still.png')
        for i in range(3):
            self.assert_same(f'still-{i}.png', '7.png')
        self.good('noise', '--seed', '8', '--shape', '1,3,16,16', '-o', 'z.npy')
        self.good('generate', *small[:4], '--eta', '1', '--init-noise', 'z.npy', '--seed', '5', '-o', 'noise.png')
        self.good('interpolate', *small, '--from', '7', '--to', 'z.npy', '--seed', '5', '-n', '3', '-o', 'file.png')
        self.assert_same('file-0.png', '7.png')
        self.assert_same('file-2.png', 'noise.png')
        told = self.refused(1, 'interpolate', *small, '--from', '7.png', '--to', '8', '-n', '3', '-o', 'x.png')
        self.assertIn('--eta 0', told)

    def test_interpolate_default(self):
        """What the model likes is used, so that the ends are the pictures that `generate` makes with DDIM."""
        small = [*self.TEXTURES, '--size', '16', '--steps', '4']
        self.good('generate', *small, '--sampler', 'ddim', '--seed', '7', '-o', '7.png')
        self.good('interpolate', *small, '--from', '7', '--to', '8', '-n', '2', '-o', 'out.png')
        self.assert_same('out-0.png', '7.png')

    def test_refusals(self):
        self.make('in.png', noise(15, 16))
        self.assertIn('multiples of 2', self.refused(1, 'encode', *MODEL[:4], '-i', 'in.png', '-o', 'z.npy'))
        self.assertIn('.npy', self.refused(2, 'encode', *MODEL[:4], '-i', 'in.png', '-o', 'z.png'))
        self.make('one.png', noise(16, 16))
        self.make('two.png', noise(16, 18))
        self.assertIn('must be the same',
                      self.refused(1, 'interpolate', *MODEL[:4], '--from', 'one.png', '--to', 'two.png', '-o', 'x.png'))
        self.assertIn('at least 2', self.refused(1, 'interpolate', *MODEL[:4], '--from', '1', '--to', '2', '-n', '1'))
        self.assertIn('a seed', self.refused(1, 'interpolate', *MODEL[:4], '--from', '1'))
        npy.save(self.folder / 'many.npy', npy.Array((2, 3, 16, 16), '<f4', [0.5] * 1536))
        self.assertIn('expected one', self.refused(1, 'interpolate', *MODEL[:4], '--from', '1', '--to', 'many.npy'))


class Refusals(Edit):
    """One line that says what to do, and nothing is written."""

    def inpaint(self, *options, input='in.png'):
        return self.refused(1, 'inpaint', *MODEL, '-i', input, *options, '-o', 'out.png')

    def test_masks(self):
        self.make('in.png', noise(16, 16))
        self.make('small.png', noise(8, 16, 1))
        self.make('black.png', npy.Array((16, 16, 1), '|u1', [0] * 256))
        self.make('white.png', npy.Array((16, 16, 1), '|u1', [255] * 256))
        self.assertIn('one size', self.inpaint('--mask', 'small.png'))
        self.assertIn('nothing to fill', self.inpaint('--mask', 'black.png'))
        self.assertIn('ddim generate', self.inpaint('--mask', 'white.png'))
        self.assertIn('--mask or --box', self.inpaint())
        self.assertIn('one of the two', self.inpaint('--mask', 'small.png', '--box', '1,1,2,2'))
        self.assertIn('none.png', self.inpaint('--mask', 'none.png'))
        for box in ['1,2,3', '1,2,3,x', '-1,0,4,4', '0,0,0,4', '']:
            self.assertIn('X,Y,W,H', self.inpaint('--box', box))
        self.assertIn('16x16', self.inpaint('--box', '10,10,7,2'))

    def test_pictures(self):
        profile = struct.pack('>I4s4s4s4s', 128, b'lcms', b'\4\0\0\0', b'prtr', b'CMYK') + bytes(108)
        self.make('print.png', noise(16, 16), chunks=[(b'iCCP', b'ink\0\0' + zlib.compress(profile))])
        self.assertIn('convert it to sRGB', self.inpaint('--box', '1,1,4,4', input='print.png'))
        self.make('tiny.png', noise(1, 16))
        self.assertIn('no less than', self.inpaint('--box', '0,0,1,1', input='tiny.png'))
        (self.folder / 'text.png').write_text('hello')
        self.assertIn('not a PNG', self.inpaint('--box', '0,0,1,1', input='text.png'))
        self.assertIn('no picture is given', self.refused(1, 'inpaint', *MODEL, '--box', '0,0,1,1'))

    def test_values(self):
        self.make('in.png', noise(16, 16))
        for strength in ['-0.1', '1.1', 'nan', 'much']:
            self.assertIn('from 0 to 1', self.refused(2, 'vary', *MODEL, '-i', 'in.png', '--strength', strength))
        for color in ['red', '#12', '#12345g', '']:
            self.assertIn('#rrggbb', self.refused(1, 'vary', *MODEL, '-i', 'in.png', '--color', color))
        gray = ['-m', ddim.DATA / 'unet_guided_gray.pt', '--flags', '--image_size 16 --num_heads 4']
        self.assertIn('makes colors', self.refused(1, 'colorize', *gray, '-i', 'in.png'))
        self.assertIn('--low-res', self.refused(2, 'vary', *MODEL, '-i', 'in.png', '--low-res', 'in.png'))


class Kinds(Edit):
    """Every kind of PNG is taken by every command, or refused in one line that says what to do."""
    COMMANDS = {'inpaint': ['--box', '4,4,6,6', '--feather', '0', '--quality', '1'], 'vary': ['--strength', '0'],
                'seamless': ['--width', '2', '--feather', '0', '--quality', '1'], 'upscale': ['--scale', '2'], 'colorize': [],
                'encode': []}

    def save_indexed(self, name, indices, colors):
        """[16][16] of 4 bits each, and a palette."""
        rows = b''.join(b'\0' + bytes(indices[16 * y + x] << 4 | indices[16 * y + x + 1] for x in range(0, 16, 2)) for y in range(16))
        with open(self.folder / name, 'wb') as file:
            file.write(b'\x89PNG\r\n\x1a\n')
            for chunk, body in [(b'IHDR', struct.pack('>IIBBBBB', 16, 16, 4, 3, 0, 0, 0)), (b'PLTE', bytes(sum(colors, ()))),
                                (b'IDAT', zlib.compress(rows)), (b'IEND', b'')]:
                file.write(struct.pack('>I', len(body)) + chunk + body + struct.pack('>I', zlib.crc32(chunk + body)))

    def save_all(self):
        """Files, and the same pictures with 8 bits in each sample and no palette."""
        rand = random.Random(4)
        kinds = {f'{channels}.png': noise(16, 16, channels) for channels in range(1, 5)}
        for name, array in kinds.items():
            self.make(name, array)
        for channels in range(1, 5):
            deep = [rand.randrange(65536) for _ in range(256 * channels)]
            at = (12 * 16 + 4) * channels
            deep[at:at + 4] = [0, 128, 129, 65535]  # 128 / 257 is rounded down, and 129 / 257 up
            self.make(f'deep-{channels}.png', npy.Array((16, 16, channels), '<u2', deep), depth=16)
            kinds[f'deep-{channels}.png'] = npy.Array((16, 16, channels), '|u1', [(v * 2 + 257) // 514 for v in deep])
        colors = [tuple(rand.randrange(256) for _ in range(3)) for _ in range(16)]
        indices = [rand.randrange(16) for _ in range(256)]
        self.save_indexed('indexed.png', indices, colors)
        kinds['indexed.png'] = npy.Array((16, 16, 3), '|u1', [v for i in indices for v in colors[i]])
        return kinds

    def with_colors(self, array):
        """As a model of colors leaves what it does not change."""
        channels = array.shape[2]
        pixels = zip(*[iter(array.values)] * channels)
        return [v for p in pixels for v in (p[:1] * 3 if channels < 3 else p[:3]) + (p[-1:] if channels % 2 == 0 else ())]

    def test_taken(self):
        for name, array in self.save_all().items():
            n = len(self.with_colors(array)) // 256
            for command, options in self.COMMANDS.items():
                if command != 'inpaint' and name not in ('deep-4.png', 'indexed.png'):
                    continue
                expected = self.with_colors(array)
                with self.subTest(command=command, kind=name):
                    out = 'out.npy' if command == 'encode' else 'out.png'
                    model = MODEL[:4] if command == 'encode' else MODEL
                    self.good(command, *model, '-i', name, *options, '-o', out)
                    if command not in ('inpaint', 'vary', 'seamless'):
                        continue
                    after = self.made()
                    self.assertEqual(after.shape, (16, 16, n))
                    if command == 'vary' and n == 4:  # all of it is made, and opaque
                        expected[3::4] = [255] * 256
                    at = 12 * 16 * n  # pixels 3 to 12 of this line belong neither to the hole nor to the seam
                    self.assertEqual(list(after.values[at + 3 * n:at + 13 * n]), expected[at + 3 * n:at + 13 * n])

    def test_refused(self):
        profile = struct.pack('>I4s4s4s4s', 128, b'lcms', b'\4\0\0\0', b'prtr', b'CMYK') + bytes(108)
        self.make('print.png', noise(16, 16), chunks=[(b'iCCP', b'ink\0\0' + zlib.compress(profile))])
        for command, options in self.COMMANDS.items():
            model, out = (MODEL[:4], 'out.npy') if command == 'encode' else (MODEL, 'out.png')
            told = self.refused(1, command, *model, '-i', 'print.png', *options, '-o', out)
            self.assertIn('convert it to sRGB', told)


tap.main()
