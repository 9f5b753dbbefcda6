# SPDX-License-Identifier: LGPL-3.0-or-later
"""Whole pictures of other programs from the same seed (tests/data/make_samples.py), and what decides over them."""
import array
import base64
import gzip
import json

import checkpoints
import ddim
import fake_weights
import npy
import tap

CASES = {case['name']: case for case in
         map(json.loads, gzip.decompress((ddim.DATA / 'samples.json.gz').read_bytes()).splitlines())}


def unpack(text, code):
    return array.array(code, base64.b64decode(text))


def write_weights(path, case):
    tensors = {name: ('F32', case['shapes'][name], values.tobytes())
               for name, values in fake_weights.weights(case['name'], case['shapes']).items()}
    checkpoints.write_safetensors(path, tensors)


class Comparison(ddim.Case):
    """The promise: floats within 1e-3 of their range; 99.5 % of the bytes equal, and none off by more than 2."""

    def compare(self, options, sample):
        self.good('generate', *options, '-o', 'out.npy')
        made, expected = npy.load(self.folder / 'out.npy'), unpack(sample['sample'], 'f')
        self.assertEqual((made.dtype, list(made.shape)), ('<f4', sample['shape']))
        worst = max(abs(a - b) for a, b in zip(made.values, expected, strict=True))
        self.assertLess(worst, 1e-3 * (max(expected) - min(expected)))
        self.good('generate', *options, '-o', 'out.npz')
        made, expected = npy.load_npz(self.folder / 'out.npz')['arr_0'].values, unpack(sample['bytes'], 'B')
        differences = [abs(a - b) for a, b in zip(made, expected, strict=True)]
        self.assertLessEqual(max(differences), 2)
        self.assertGreaterEqual(differences.count(0) / len(differences), 0.995)


class Guided(Comparison):

    def guided(self, name):
        """What the case's model and its pictures are asked for with."""
        case = CASES[name]
        write_weights(self.folder / f'{name}.safetensors', case)
        options = ['-m', f'{name}.safetensors', '--flags', case['flags']]
        if case['low_shape']:
            low = [min(max(value, -1), 1) for value in fake_weights.images(name + ' low', case['low_shape'])]
            npy.save(self.folder / 'low.npy', npy.Array(case['low_shape'], '<f4', low))
            options += ['--low-res', 'low.npy']
        return case, options

    def check_guided(self, name):
        case, options = self.guided(name)
        predict = case['predict']
        x = npy.Array(predict['x_shape'], '<f4', fake_weights.images(name, predict['x_shape']))
        npy.save(self.folder / 'x.npy', x)
        labels = ['--labels', ','.join(map(str, predict['labels']))] if predict['labels'] else []
        self.good('predict', *options, '--input', 'x.npy', '--timesteps', ','.join(map(str, predict['t'])), *labels, '-o', 'out.npy')
        out = npy.load(self.folder / 'out.npy')
        self.assertEqual(list(out.shape), predict['shape'])
        self.assertLess(max(abs(a - b) for a, b in zip(out.values, unpack(predict['out'], 'f'), strict=True)), 2e-4)
        for sample in case['samples']:
            with self.subTest(' '.join(sample['options'])):
                self.compare(options + sample['options'], sample)

    def test_light(self):
        """A model that its file's name tells all flags of."""
        self.check_guided('ffhq_10m')
        info = json.loads(self.good('info', '--json', 'ffhq_10m.safetensors').stdout)
        self.assertEqual((info['preset'], info['values']['num_head_channels']), ('ffhq_10m', {'value': 64, 'source': 'preset'}))

    def test_upsampler(self):
        """SuperResModel of guided-diffusion: with classes, learned variances and residual blocks that resample."""
        self.check_guided('upsampler')


class Pipelines(Comparison):
    """A folder of diffusers, whose scheduler decides."""

    def setUp(self):
        super().setUp()
        self.case = CASES['pipeline']
        self.model = self.folder / 'model'
        (self.model / 'unet').mkdir(parents=True)
        (self.model / 'scheduler').mkdir()
        (self.model / 'unet' / 'config.json').write_text(json.dumps(self.case['config']))
        write_weights(self.model / 'unet' / 'diffusion_pytorch_model.safetensors', self.case)

    def set_scheduler(self, **fields):
        name = fields['_class_name']
        (self.model / 'scheduler' / 'scheduler_config.json').write_text(json.dumps(fields))
        (self.model / 'model_index.json').write_text(json.dumps({
            '_class_name': 'DDPMPipeline', 'scheduler': ['diffusers', name], 'unet': ['diffusers', 'UNet2DModel']}))

    def test_schedulers(self):
        for sample in self.case['samples']:
            with self.subTest(**sample['scheduler']):
                self.set_scheduler(**sample['scheduler'])
                self.compare(['-m', self.model, *sample['options']], sample)

    def learned(self, variance_type):
        """Our own ddpm, for all steps there are, is what the scheduler does; also where the model gives the variances."""
        config, shapes = self.case['config'], dict(self.case['shapes'])
        for name in ('conv_out.weight', 'conv_out.bias'):
            shapes[name] = [6, *shapes[name][1:]]
        (self.model / 'unet' / 'config.json').write_text(json.dumps(config | {'out_channels': 6}))
        write_weights(self.model / 'unet' / 'diffusion_pytorch_model.safetensors', self.case | {'shapes': shapes})
        self.set_scheduler(_class_name='DDPMScheduler', num_train_timesteps=12, variance_type=variance_type,
                           trained_betas=[0.01 + 0.02 * i for i in range(12)])
        made = {}
        for sampler in ('own', 'ddpm'):
            self.good('generate', '-m', self.model, '--sampler', sampler, '--steps', '12', '--seed', '3', '-n', '2', '-o', f'{sampler}.npy')
            made[sampler] = npy.load(self.folder / f'{sampler}.npy').values
        self.assertLess(max(abs(a - b) for a, b in zip(made['own'], made['ddpm'], strict=True)), 1e-3)
        return made['own']

    def test_learned(self):
        self.assertNotEqual(self.learned('learned'), self.learned('learned_range'))


tap.main()
