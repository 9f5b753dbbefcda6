#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures that are computed in windows, or of several classes, against a computation in float64 (tests/data/make-windows.py)."""
import json
import shlex
import signal
import subprocess
import time

import ddim
import npy
import tap

FLAGS = '--image_size 32 --num_heads 4 --class_cond True --noise_schedule cosine --diffusion_steps 1000 ' \
        '--rescale_timesteps True'
SMALL = ['-m', ddim.DATA / 'unet_small_cond.pt', '--flags', FLAGS]
# The network's outputs are within 2e-4 of float64; the steps, and windows that compute the same pixel, add to that.
TOLERANCE = 5e-4


class Golden(ddim.Case):
    @classmethod
    def setUpClass(cls):
        cls.cases = {case['name']: case['options'] for case in json.loads((ddim.DATA / 'windows.json').read_text())}
        cls.golden = npy.load_npz(ddim.DATA / 'windows.npz')

    def compare(self, name, *more):
        self.good('generate', *SMALL, *self.cases[name], *more, '-q', '-o', f'{name}.npy')
        made, golden = npy.load(self.folder / f'{name}.npy').values, self.golden[name].values
        self.assertEqual(len(made), len(golden))
        largest = max(1, max(map(abs, golden)))
        worst = max(abs(a - b) for a, b in zip(made, golden))
        self.assertLess(worst, TOLERANCE * largest, name)
        return made

    def test_paper(self):
        """MultiDiffusion as its paper has it: every window takes the step by itself."""
        self.compare('paper')

    def test_uneven(self):
        """Windows at uneven distances, steps with noise: it is drawn for the whole picture."""
        self.compare('uneven')

    def test_learned(self):
        """Learned variances, and windows that overlap by half."""
        self.compare('learned')

    def test_seamless(self):
        """Windows that go on at the picture's other edge."""
        self.compare('seamless')

    def test_blend(self):
        """The weighted sum of the classes' rows of the label table; weights may have any sum."""
        made = self.compare('blend')
        self.assertEqual(self.compare('blend', '--class', '8:10,3:30'), made)
        self.compare('blend_in_windows')

    def test_regions(self):
        """Every class where the map has its color, mixed where the map is soft."""
        for name in ['regions', 'regions_in_windows']:
            npy.save_png(self.folder / 'map.png', self.golden[name + '_map'])
            self.compare(name, '--class-map', 'map.png')

    def test_windows_matter(self):
        made = self.compare('uneven')
        self.good('generate', *SMALL, *self.cases['uneven'], '--window', '0', '-q', '-o', 'whole.npy')
        whole = npy.load(self.folder / 'whole.npy').values
        self.assertGreater(max(abs(a - b) for a, b in zip(made, whole)), 20 * TOLERANCE)


class Choice(ddim.Case):
    def settings(self, *options):
        self.good('generate', *SMALL, '--class', '1', '--seed', '1', '--steps', '1', *options, '-o', 'x.png')
        return json.loads(self.good('info', '--json', 'x.png').stdout)

    def test_rule(self):
        """In one piece where nothing is said and the picture is small; in one piece if a window holds all of it."""
        for options in [[], ['--window', '0'], ['--window', '32'], ['--window', '64', '--overlap', '8']]:
            self.assertEqual(self.settings('--size', '32x24', *options)['request']['window'], 0)
        found = self.settings('--size', '48x24', '--window', '24')
        self.assertEqual((found['request']['window'], found['request']['overlap']), (24, 6))
        self.assertIn('--window 24 --overlap 6', found['command'])

    def test_large(self):
        """What is larger than 1024x1024 pixels in area is computed in windows of the model's own size."""
        done = self.good('generate', *SMALL, '--class', '1', '--size', '16384x68', '--steps', '1', '-v', '-o', 'x.png')
        self.assertIn('windows of 32 pixels, which overlap by 8', done.stderr)

    def test_same_again(self):
        """info's command makes the same bytes, and batches of pictures are those made one by one."""
        self.good('generate', *SMALL, '--class', '1,4', '--seed', '3', '--steps', '2', '--eta', '0', '--size', '40x24',
                  '--window', '16', '-n', '2', '-o', 'a.png')
        first = (self.folder / 'a-0.png').read_bytes()
        shown = json.loads(self.good('info', '--json', 'a-0.png').stdout)
        self.good(*shlex.split(shown['command'])[1:], '-o', 'b.png')
        self.assertEqual(first, (self.folder / 'b-0.png').read_bytes())

    def test_refused(self):
        size = ['--size', '64x64']
        self.assertIn('window: 30 is not possible, it must be a multiple of 4; the nearest are 28 and 32',
                      self.refused(1, 'generate', *SMALL, *size, '--window', '30', '-o', 'x.png'))
        self.assertIn('overlap: 17 is too much for windows of 32; give at most 16',
                      self.refused(1, 'generate', *SMALL, *size, '--window', '32', '--overlap', '17', '-o', 'x.png'))
        for value in ['-2', '65537', 'x', '1.5', '']:
            self.refused(2, 'generate', *SMALL, *size, '--window', value, '-o', 'x.png')
            self.refused(2, 'generate', *SMALL, *size, '--overlap', value, '-o', 'x.png')


class Classes(ddim.Case):
    def setUp(self):
        super().setUp()
        npy.save_png(self.folder / 'map.png', npy.Array((2, 4, 3), '|u1', bytes([255, 0, 0, 0, 0, 255] * 4)))

    def make(self, name, *options):
        self.good('generate', *SMALL, '--seed', '1', '--steps', '2', *options, '-o', name)
        return json.loads(self.good('info', '--json', name).stdout)

    def test_one_color_is_one_class(self):
        npy.save_png(self.folder / 'red.png', npy.Array((1, 1, 3), '|u1', bytes([255, 0, 0])))
        self.make('map-made.png', '--size', '32', '--class-map', 'red.png', '--class-colors', '4=#ff0000,5=#00f')
        self.make('plain.png', '--size', '32', '--class', '4')
        self.make('blend.png', '--size', '32', '--class', '4:2,7:0')
        plain = npy.load_png(self.folder / 'plain.png')[0].values
        self.assertEqual(npy.load_png(self.folder / 'map-made.png')[0].values, plain)
        self.assertEqual(npy.load_png(self.folder / 'blend.png')[0].values, plain)

    def test_made_again(self):
        for number, options in enumerate([['--class', '4:0.7,5:0.3'],
                                          ['--class-map', 'map.png', '--class-colors', '4=#ff0000,5=#0000ff']]):
            told = self.make(f'{number}.png', '--size', '64x32', *options)
            self.assertTrue(set(options) <= set(shlex.split(told['command'])))
            self.good(*shlex.split(told['command'])[1:], '-o', 'again.png')
            self.assertEqual((self.folder / 'again.png').read_bytes(), (self.folder / f'{number}.png').read_bytes())

    def test_refused(self):
        def refused(*options):
            return self.refused(1, 'generate', *SMALL, '--size', '64x32', '-o', 'x.png', *options)

        self.assertIn("class: '-0.5' is no weight", refused('--class', '3:-0.5,4:1'))
        for weight in ['nan', 'inf', '', 'x', '1x', '1e999']:
            self.assertIn('is no weight', refused('--class', f'3:{weight},4:1'))
        self.assertIn('have no sum', refused('--class', '3:0,4:0'))
        self.assertIn('give every class one, or none', refused('--class', '3:0.5,4'))
        self.assertIn('class', refused('--class', '3:0.5,10:1'))
        self.assertIn('class', refused('--class', 'rust:0.5,3:1'))
        colors = ['--class-colors', '4=#ff0000,5=#0000ff']
        self.assertIn('give --class-colors', refused('--class-map', 'map.png'))
        self.assertIn('give --class-map', refused(*colors))
        self.assertIn('give one of the two', refused('--class-map', 'map.png', *colors, '--class', '3'))
        for wrong in ['', '4', '4=', '4=red', '4=#ff00', '=#ff0000', '4=#ff0000,', '77=#ff0000', '4=#gg0000', '4=#f00,5=#ff0000']:
            refused('--class-map', 'map.png', '--class-colors', wrong)
        refused('--class-map', 'none.png', *colors)
        (self.folder / 'broken.png').write_bytes((self.folder / 'map.png').read_bytes()[:40])
        refused('--class-map', 'broken.png', *colors)
        npy.save_png(self.folder / 'tall.png', npy.Array((8, 4, 3), '|u1', bytes(96)))
        self.assertIn("other proportions than the picture's 64x32", refused('--class-map', 'tall.png', *colors))
        npy.save_png(self.folder / 'dot.png', npy.Array((1, 1, 3), '|u1', bytes(3)))
        many = ','.join(f'4=#0000{i:02x}' for i in range(17))  # of 16384x16384 bytes each
        self.assertIn('too large for so many classes', refused('--size', '16384', '--class-map', 'dot.png', '--class-colors', many))

    def test_no_classes(self):
        npy.save_png(self.folder / 'square.png', npy.Array((1, 1, 3), '|u1', bytes(3)))
        model = ['-m', ddim.DATA / 'unet_tiny_uncond.pt', '--flags', '--image_size 16', '--size', '16', '-o', 'x.png']
        for options in [['--class', '1:1'], ['--class-map', 'square.png', '--class-colors', '1=#ff0000']]:
            self.assertIn('has no classes', self.refused(1, 'generate', *model, *options))


class Stop(ddim.Case):
    def test_within_a_step(self):
        """Ctrl-C is answered between two windows, and leaves nothing behind."""
        process = ddim.popen('generate', *SMALL, '--class', '1', '--size', '2048', '--steps', '2', '-v', '-o', 'x.png',
                             cwd=self.folder, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith('windows of'):
                break
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        process.stderr.close()
        self.assertNotEqual(process.wait(60), 0)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == '__main__':
    tap.main()
