#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""ddim info: what it tells of checkpoints, for people and as JSON."""
import json
import re
import shutil

import checkpoints
import tap
from ddim import DATA, Case

TEXTURES = ('clouds marble wood cobblestone brick fabric grass water sand lava rust leather nebula camouflage tiles '
            'parchment').split()


class Info(Case):
    def info(self, *arguments):
        return json.loads(self.good('info', '--json', *arguments).stdout)

    def test_default_model(self):
        info = self.info('textures')
        self.assertEqual(info['class_names'], TEXTURES)
        self.assertEqual(info['license'], 'CC0-1.0')
        self.assertEqual(info['size_multiple'], 8)
        self.assertEqual(info['parameters'], 6495107)
        self.assertEqual(info['dtypes'], {'F16': 6495107})
        self.assertEqual(info['extra_tensors'], [])
        self.assertEqual(info['notes'], [])
        self.assertEqual(info['values']['diffusion_steps'], {'value': 1000, 'source': 'metadata'})
        self.assertEqual(info['values']['rescale_timesteps'], {'value': False, 'source': 'metadata'})
        self.assertEqual(info['values']['channel_mult'], {'value': '1,2,2,2', 'source': 'shapes'})
        self.assertEqual([level['channels'] for level in info['architecture']['levels']], [64, 128, 128, 128])

    def test_modules(self):
        info = self.info('--modules', 'textures')
        modules = {module['name']: module for module in info['modules']}
        self.assertEqual(sum(module['parameters'] for module in info['modules']), info['parameters'])
        self.assertEqual(modules['input_blocks.0.0'], {'name': 'input_blocks.0.0', 'type': 'convolution', 'in': 3,
                                                       'out': 64, 'size_divisor': 1, 'parameters': 1792})
        attention = modules['middle_block.1']
        self.assertEqual([attention[key] for key in ('type', 'size_divisor', 'heads')], ['attention', 8, 4])
        self.assertEqual([modules[name]['out'] for name in ('label_emb', 'out.2')], [256, 3])
        self.assertNotIn('modules', self.info('textures'))
        text = self.good('info', '--modules', 'textures').stdout
        self.assertRegex(text, r'middle_block\.1 +attention +128 → 128 +1/8 +4 +66304\n')
        self.assertNotIn('middle_block', self.good('info', 'textures').stdout)

    def test_family(self):
        file = DATA / 'unet_tiny_uncond.pt'
        self.assertEqual(self.info(file)['architecture']['family'], 'improved-diffusion')
        self.assertRegex(self.good('info', file).stdout, r'family +improved-diffusion\n')
        guided = self.info(file, '--flags', '--num_head_channels 32')
        self.assertEqual(guided['architecture']['family'], 'guided-diffusion')
        self.assertEqual(guided['values']['rescale_timesteps'], {'value': False, 'source': 'default'})

    def test_for_people(self):
        text = self.good('info', 'textures').stdout
        for words in ['CC0-1.0', '6.5 million', 'F16', '1 marble', 'noise_schedule', 'metadata', 'multiple of 8']:
            self.assertIn(words, text)
        text = self.good('info', DATA / 'unet_superres.pt').stdout
        self.assertIn('nothing tells large_size', text)
        self.assertIn('super-resolution', text)

    def test_half_precision(self):
        """How much accuracy --precision f16 costs: less where the weights are already stored in half precision."""
        half, full = self.folder / 'half.safetensors', self.folder / 'full.safetensors'
        self.good('convert', '--half', DATA / 'unet_tiny_uncond.pt', half)
        self.good('convert', half, full)
        self.assertEqual(self.info(full)['f16_error'], 0.005)
        self.assertEqual(self.info(half)['f16_error'], 0.001)
        line = re.compile(r'^ *--precision f16 +(.*)$', re.MULTILINE)
        told = {file: line.search(self.good('info', file).stdout)[1] for file in (half, full)}
        self.assertRegex(told[full], r'by up to 0\.005$')
        self.assertRegex(told[half], r'by up to 0\.001, less than usual')

    def test_sources(self):
        copy = self.folder / 'model.pt'
        shutil.copy(DATA / 'unet_small_cond.pt', copy)
        flags = '--image_size 32 --num_channels 32 --num_res_blocks 2 --class_cond True --attention_resolutions 16,8'
        values = self.info(copy, '--flags', flags)['values']
        self.assertEqual(values['image_size'], {'value': 32, 'source': 'flags'})
        self.assertEqual(values['num_channels'], {'value': 32, 'source': 'shapes'})
        self.assertEqual(values['num_heads'], {'value': 4, 'source': 'default'})
        self.assertEqual(values['num_classes'], {'value': 10, 'source': 'shapes'})
        (self.folder / 'model.json').write_text('{"num_heads": 2, "image_size": 64, "name": "Ten"}')
        info = self.info(copy, '--flags', '--image_size=128')
        self.assertEqual(info['name'], 'Ten')
        self.assertEqual(info['values']['num_heads'], {'value': 2, 'source': 'sidecar'})
        self.assertEqual(info['values']['image_size'], {'value': 128, 'source': 'flags'})

    def test_contradictions(self):
        file = DATA / 'unet_small_cond.pt'
        line = self.refused(1, 'info', file, '--flags', '--num_channels 64')
        self.assertIn('--num_channels 64', line)
        self.assertIn('time_embed.0.weight is [128, 32]', line)
        line = self.refused(1, 'info', file, '--flags', '--num_chanels 64')
        self.assertIn('num_channels', line)

    def test_control_characters(self):
        tensors = checkpoints.read_pt(DATA / 'unet_tiny_uncond.pt')
        file = self.folder / 'm.safetensors'
        checkpoints.write_safetensors(file, tensors, {'name': 'red\x1b[31m', 'description': 'two\nlines\x07'})
        text = self.good('info', file).stdout
        self.assertNotIn('\x1b', text)
        self.assertNotIn('\x07', text)
        self.assertEqual(self.info(file)['name'], 'red\x1b[31m')
        tensors['out.\x1b[2J\n'] = ('F32', [1], bytes(4))
        checkpoints.write_safetensors(file, tensors)
        self.assertNotIn('\x1b', self.refused(1, 'info', file))

    def test_extra_and_missing(self):
        tensors = checkpoints.read_pt(DATA / 'unet_tiny_uncond.pt')
        file = self.folder / 'm.safetensors'
        checkpoints.write_safetensors(file, tensors | {'step': ('I64', [], bytes(8))})
        self.assertEqual(self.info(file)['extra_tensors'], ['step'])
        for name in ['time_embed.2.weight', 'middle_block.1.qkv.bias', 'output_blocks.3.0.skip_connection.weight']:
            checkpoints.write_safetensors(file, {key: value for key, value in tensors.items() if key != name})
            self.assertIn(name, self.refused(1, 'info', file))
        dtype, shape, data = tensors['middle_block.1.proj_out.weight']
        wrong = {'middle_block.1.proj_out.weight': (dtype, [shape[0] // 2, shape[1] * 2, 1], data)}
        checkpoints.write_safetensors(file, tensors | wrong)
        line = self.refused(1, 'info', file)
        self.assertIn('middle_block.1.proj_out.weight', line)
        self.assertIn('[32, 128, 1]', line)
        self.assertIn('[64, 64', line)

    def test_usage(self):
        self.assertIn('FILE', self.refused(2, 'info'))
        self.refused(2, 'info', 'a', 'b')
        self.refused(1, 'info', 'no-such-model')
        self.refused(1, 'info', self.folder)
        (self.folder / 'm.pt').write_bytes(b'not a model')
        self.refused(1, 'info', self.folder / 'm.pt')
        (self.folder / 'link.pt').symlink_to('nothing.pt')
        (self.folder / 'ring.pt').symlink_to('ring.pt')
        for name in ('link.pt', 'ring.pt'):
            self.assertIn('is a link to a file that is not there', self.refused(1, 'info', name))
        self.assertIn('--flags', self.good('info', '--help').stdout)


tap.main()
