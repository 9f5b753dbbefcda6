#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""A graphics card that runs out of memory, or that does not answer any more: tests/fake/fake-gpu.c imitates one."""
import json
import os
import unittest

import ddim
import npy
import tap

MODEL = ['-m', ddim.DATA / 'unet_tiny_uncond.pt', '--flags', '--image_size 16 --num_heads 1']
# PoCL offers its processor twice; the first is the card.
CARD = {'LD_PRELOAD': os.environ.get('FAKE_GPU_LIBRARY', ''), 'FAKE_GPU': '1', 'POCL_DEVICES': 'pthread pthread',
        'DDIM_KERNELS': 'cpu'}


def has_card():
    if not CARD['LD_PRELOAD']:
        return False
    done = ddim.run('devices', '--json', env=CARD)
    return done.returncode == 0 and [device['kind'] for device in json.loads(done.stdout)] == ['GPU', 'CPU']


@unittest.skipUnless(has_card(), 'no driver here can be made to look like a graphics card')
class Memory(ddim.Case):
    def make(self, *command, **fake):
        """The file that @command makes on the card, and the lines on stderr that are warnings."""
        done = self.good(*command, *MODEL, '--steps', '3', '-o', 'out.npy', env=CARD | fake)
        lines = [line for line in done.stderr.splitlines() if line.startswith('ddim: ')]
        return (self.folder / 'out.npy').read_bytes(), lines

    def generate(self, **fake):
        return self.make('generate', '-n', '5', '--eta', '1', '--seed', '3', '--size', '64x64', **fake)

    def test_enough(self):
        _, said = self.generate(FAKE_MEMORY='1000000000')
        self.assertEqual(said, [])

    def test_smaller_batch(self):
        """The images are those of the whole batch, to the last bit."""
        expected, _ = self.generate()
        found, said = self.generate(FAKE_MEMORY='20000000')
        self.assertEqual(found, expected)
        self.assertTrue(said)
        self.assertNotIn('computes instead', ''.join(said))
        for line in said:
            self.assertRegex(line, r'not enough memory for the whole batch; \d images? (is|are) computed at a time')

    def test_processor(self):
        expected, _ = self.generate()
        found, said = self.generate(FAKE_MEMORY='3000000')
        self.assertEqual(found, expected)
        self.assertRegex(said[-1], 'not enough memory for one image; .* computes instead')

    def test_model(self):
        """Not even the weights fit: found out while the network loads."""
        expected, _ = self.generate()
        found, said = self.generate(FAKE_MEMORY='1000')
        self.assertEqual(found, expected)
        self.assertRegex(said[-1], 'not enough memory for the model; .* computes instead')

    def test_smaller_windows(self):
        """Without a processor. The picture says what windows it was made in, and is that picture."""
        large = ['-m', MODEL[1], '--flags', '--image_size 64 --num_heads 1', '--size', '128x64', '--steps', '2', '--seed', '1']
        alone = CARD | {'POCL_DEVICES': 'pthread'}
        said = self.good('generate', *large, '-o', 'x.png', env=alone | {'FAKE_MEMORY': '12000000'}).stderr.splitlines()
        said = [line for line in said if line.startswith('ddim: ')]
        for line, text in zip(said, ['computed in windows', 'one is computed at a time', 'windows of 64 pixels; they get 32'],
                              strict=True):
            self.assertIn(text, line)
        self.assertIn('--window 32 --overlap 8', json.loads(self.good('info', '--json', 'x.png').stdout)['command'])
        self.good('generate', *large, '--window', '32', '--overlap', '8', '-o', 'y.png', env=alone)
        pixels = [npy.load_png(self.folder / name)[0].values for name in ['x.png', 'y.png']]
        self.assertLessEqual(max(abs(a - b) for a, b in zip(*pixels)), 1)

    def test_edits(self):
        """Windows, masks and labels as in the whole batch."""
        self.good('generate', *MODEL, '--steps', '2', '--size', '48x32', '--seed', '5', '-o', 'in.png', env=CARD)
        command = ['inpaint', '-i', 'in.png', '--box', '8,8,16,16', '-n', '4', '--seed', '6', '--quality', '1']
        expected, _ = self.make(*command)
        found, said = self.make(*command, FAKE_MEMORY='6000000')
        self.assertTrue(said)
        self.assertEqual(found, expected)

    def test_ends_of_an_interpolation(self):
        self.good('generate', *MODEL, '--steps', '2', '--size', '32', '--seed', '5', '-o', 'in.png', env=CARD)
        command = ['interpolate', '--from', 'in.png', '--to', '7', '-n', '3']
        expected, _ = self.make(*command)
        found, said = self.make(*command, FAKE_MEMORY='3000000')
        self.assertRegex(said[-1], 'computes instead')
        self.assertEqual(found, expected)

    def test_no_processor(self):
        """The only device is the card: an error that says what to do."""
        alone = CARD | {'POCL_DEVICES': 'pthread', 'FAKE_MEMORY': '3000000'}
        done = ddim.run('generate', *MODEL, '-n', '2', '--size', '64x64', '-o', 'out.npy', env=alone, cwd=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn('not enough memory', done.stderr.splitlines()[-1])
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_lost(self):
        """Images that were finished stay, nothing else does, and the device is named."""
        name = json.loads(ddim.run('devices', '--json', env=CARD).stdout)[0]['name']
        done = ddim.run('generate', *MODEL, '-n', '3', '--batch', '1', '--steps', '4', '-o', 'out.png',
                        env=CARD | {'FAKE_LOST': '1100'}, cwd=self.folder)
        self.assertEqual(done.returncode, 1)
        last = done.stderr.splitlines()[-1]
        self.assertIn(name, last)
        self.assertIn('does not answer any more', last)
        self.assertNotIn('computes instead', done.stderr)
        self.assertNotIn('at a time', done.stderr)
        files = list(self.folder.iterdir())
        self.assertIn(len(files), (1, 2))
        for path in files:
            self.assertRegex(path.name, r'\Aout-\d\.png\Z')
            npy.load_png(path)


if __name__ == '__main__':
    tap.main()
