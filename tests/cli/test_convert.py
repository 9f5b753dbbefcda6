#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""ddim convert: the same numbers and the whole configuration in one file."""
import json
import os
import shutil
import unittest

import checkpoints
import tap
from ddim import DATA, Case

SMALL = DATA / 'unet_small_cond.pt'  # float16
TINY = DATA / 'unet_tiny_uncond.pt'  # float32


def without_sources(info):
    return {key: entry['value'] for key, entry in info['values'].items()}


class Convert(Case):
    def info(self, *arguments):
        return json.loads(self.good('info', '--json', *arguments).stdout)

    def assert_same(self, tensors, expected):
        """Not assertEqual, which would compare megabytes line by line to explain a difference."""
        self.assertEqual(list(tensors), list(expected))
        for name, (dtype, shape, data) in expected.items():
            self.assertEqual(tensors[name][:2], (dtype, shape), name)
            self.assertTrue(tensors[name][2] == data, f'the numbers of {name} differ')

    def convert(self, *arguments):
        out = self.folder / 'out.safetensors'
        summary = self.good('convert', *arguments, out).stdout
        self.assertEqual(summary.count('\n'), 1)
        return checkpoints.read_safetensors(out)[0]

    def test_same_numbers(self):
        self.assert_same(self.convert(TINY), checkpoints.read_pt(TINY))
        self.assert_same(self.convert('--half', SMALL), checkpoints.read_pt(SMALL))

    def test_to_half(self):
        self.assert_same(self.convert('--half', TINY), {
            name: ('F16', shape, checkpoints.to_half(data)) for name, (_, shape, data) in checkpoints.read_pt(TINY).items()})

    def test_from_half(self):
        self.assert_same(self.convert(SMALL), {
            name: ('F32', shape, checkpoints.from_half(data)) for name, (_, shape, data) in checkpoints.read_pt(SMALL).items()})

    def test_configuration_is_inside(self):
        model, out = self.folder / 'model.pt', self.folder / 'out.safetensors'
        names = [f'kind “{i}”' for i in range(10)]
        shutil.copy(SMALL, model)
        (self.folder / 'model.json').write_text(json.dumps({
            'name': 'Ten kinds', 'license': 'CC0-1.0', 'class_names': names, 'num_heads': 2, 'noise_schedule': 'cosine'}))
        flags = '--image_size 32 --diffusion_steps 500 --rescale_timesteps False --timestep_respacing ddim25'
        self.good('convert', model, out, '--flags', flags)
        before, after = self.info(model, '--flags', flags), self.info(out)
        self.assertEqual(without_sources(after), without_sources(before))
        self.assertEqual(after['values']['diffusion_steps'], {'value': 500, 'source': 'metadata'})
        self.assertEqual(after['name'], 'Ten kinds')
        self.assertEqual(after['license'], 'CC0-1.0')
        self.assertEqual(after['class_names'], names)
        _, metadata = checkpoints.read_safetensors(out)
        self.assertEqual(json.loads(metadata['class_names']), names)
        self.assertEqual(metadata['noise_schedule'], 'cosine')
        again = self.folder / 'again.safetensors'
        self.good('convert', out, again)
        self.assertTrue(again.read_bytes() == out.read_bytes())

    def test_refusals(self):
        out = self.folder / 'out.safetensors'
        self.refused(2, 'convert', SMALL, self.folder / 'out.pt')
        self.refused(2, 'convert', SMALL)
        self.refused(1, 'convert', self.folder / 'none.pt', out)
        self.assertIn('--num_channels 64', self.refused(1, 'convert', SMALL, out, '--flags', '--num_channels 64'))
        self.refused(1, 'convert', SMALL, self.folder / 'no-folder' / 'out.safetensors')
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_not_over_itself(self):
        model, link = self.folder / 'model.safetensors', self.folder / 'link.safetensors'
        self.good('convert', SMALL, model)
        before = model.read_bytes()
        link.symlink_to(model)
        self.refused(2, 'convert', '--half', model, model)
        self.refused(2, 'convert', '--half', model, link)
        self.refused(2, 'convert', '--half', link, model)
        self.assertTrue(model.read_bytes() == before)

    @unittest.skipUnless(os.path.exists('/dev/full'), 'needs /dev/full')
    def test_disk_full(self):
        link = self.folder / 'full.safetensors'
        link.symlink_to('/dev/full')
        self.refused(1, 'convert', SMALL, link)

    @unittest.skipIf(os.geteuid() == 0, 'root may write anywhere')
    def test_read_only_folder(self):
        self.folder.chmod(0o500)
        self.addCleanup(self.folder.chmod, 0o700)
        self.refused(1, 'convert', SMALL, self.folder / 'out.safetensors')
        self.assertEqual(list(self.folder.iterdir()), [])


tap.main()
