# SPDX-License-Identifier: LGPL-3.0-or-later
"""Networks of diffusers and of ermongroup/ddim, through `ddim predict`, against float64 (tests/data/make_families.py)."""
import array
import base64
import gzip
import json

import checkpoints
import ddim
import fake_weights
import npy
import tap

CASES = {f"{case['family']} {case['name']}": case
         for case in map(json.loads, gzip.decompress((ddim.DATA / 'families.json.gz').read_bytes()).splitlines())}


def tensors_of(case):
    return {name: ('F32', case['shapes'][name], values.tobytes())
            for name, values in fake_weights.weights(case['name'], case['shapes']).items()}


def write_model(folder, case):
    """The case's model as its program would save it. Returns what -m takes."""
    if case['family'] != 'diffusers':
        path = folder / f"{case['name']}.safetensors"
        checkpoints.write_safetensors(path, tensors_of(case))
        return path
    path = folder / case['name']
    (path / 'unet').mkdir(parents=True)
    (path / 'model_index.json').write_text(json.dumps({
        '_class_name': 'DDPMPipeline', '_diffusers_version': '0.30.0', 'scheduler': ['diffusers', 'DDPMScheduler'],
        'unet': ['diffusers', 'UNet2DModel']}))
    (path / 'scheduler').mkdir()
    (path / 'scheduler' / 'scheduler_config.json').write_text(json.dumps({'_class_name': 'DDPMScheduler'}))
    (path / 'unet' / 'config.json').write_text(json.dumps(case['config']))
    checkpoints.write_safetensors(path / 'unet' / 'diffusion_pytorch_model.safetensors', tensors_of(case), {'format': 'pt'})
    return path


class Families(ddim.Case):

    def predict(self, model, case, *options):
        x = npy.Array(case['x_shape'], '<f4', fake_weights.images(case['name'], case['x_shape']))
        npy.save(self.folder / 'x.npy', x)
        labels = ['--labels', ','.join(map(str, case['labels']))] if case['labels'] else []
        self.good('predict', '-m', model, '--input', 'x.npy', '--timesteps', ','.join(map(str, case['t'])), *labels,
                  '-o', 'out.npy', *options)
        return npy.load(self.folder / 'out.npy')

    def worst(self, out, case):
        self.assertEqual(list(out.shape), case['out_shape'])
        expected = array.array('f', base64.b64decode(case['out']))
        return max(abs(a - b) for a, b in zip(out.values, expected, strict=True))

    def test_outputs(self):
        for name, case in CASES.items():
            with self.subTest(name):
                model = write_model(self.folder, case)
                self.assertLess(self.worst(self.predict(model, case), case), 2e-4)


tap.main()
