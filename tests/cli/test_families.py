# SPDX-License-Identifier: LGPL-3.0-or-later
"""Networks of diffusers and of ermongroup/ddim, through `ddim predict`, against float64 (tests/data/make_families.py)."""
import array
import base64
import gzip
import json
import os
import pathlib
import shutil

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

    def predict(self, model, case, *options, env=None):
        x = npy.Array(case['x_shape'], '<f4', fake_weights.images(case['name'], case['x_shape']))
        npy.save(self.folder / 'x.npy', x)
        labels = ['--labels', ','.join(map(str, case['labels']))] if case['labels'] else []
        self.good('predict', '-m', model, '--input', 'x.npy', '--timesteps', ','.join(map(str, case['t'])), *labels,
                  '-o', 'out.npy', *options, env=env)
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

    def test_few_channels(self):
        """Channels that are no multiples of 32 are computed with zeros among them, whatever kernels there are."""
        for kernels in ('cpu', 'gpu', 'amx-emulated'):
            for name in ('few_groups', 'uneven', 'one_head'):
                with self.subTest(name, kernels=kernels):
                    case = CASES[f'diffusers {name}']
                    model = self.folder / kernels
                    model.mkdir(exist_ok=True)
                    out = self.predict(write_model(model, case), case, env={'DDIM_KERNELS': kernels})
                    self.assertLess(self.worst(out, case), 2e-4)

    def test_wrapped(self):
        """A network inside of a larger module, as trainers save it: its averaged weights are taken, and what converts has plain names."""
        case = CASES['ermongroup/ddim pooled']
        tensors = tensors_of(case)
        zeros = {f'model.{name}': (dtype, shape, bytes(len(data))) for name, (dtype, shape, data) in tensors.items()}
        averaged = {f'ema_model.module.{name}': tensor for name, tensor in tensors.items()}
        checkpoints.write_safetensors(self.folder / 'w.safetensors', zeros | averaged | {'betas': ('F32', [2], bytes(8))})
        self.assertLess(self.worst(self.predict('w.safetensors', case), case), 2e-4)
        self.assertIn('names begin with “ema_model.module.”', self.good('info', 'w.safetensors').stdout)
        info = json.loads(self.good('info', '--json', 'w.safetensors').stdout)
        self.assertEqual((info['member'], info['prefix']), (None, 'ema_model.module.'))
        self.good('convert', 'w.safetensors', 'plain.safetensors')
        self.assertLess(self.worst(self.predict('plain.safetensors', case), case), 2e-4)
        plain, _ = checkpoints.read_safetensors(self.folder / 'plain.safetensors')
        self.assertEqual({name for name in plain if not name.startswith('model.')} - {'betas'}, set(tensors))

    def test_which_network(self):
        """Of two networks of which none is averaged, none is taken; nor is a latent one."""
        tensors = tensors_of(CASES['ermongroup/ddim pooled'])
        for prefixes in (['one.', 'two.'], ['ema_one.', 'ema_two.'], ['model.diffusion_model.']):
            with self.subTest(prefixes):
                wrapped = {prefix + name: tensor for prefix in prefixes for name, tensor in tensors.items()}
                checkpoints.write_safetensors(self.folder / 'w.safetensors', wrapped)
                self.assertIn('holds', self.refused(1, 'info', 'w.safetensors'))

    def test_converted(self):
        """One file that has everything: configuration, scheduler, and the same numbers."""
        for name in ('diffusers google', 'diffusers uneven', 'ermongroup/ddim pooled'):
            with self.subTest(name):
                case = CASES[name]
                model = write_model(self.folder, case)
                self.good('convert', model, 'one.safetensors')
                self.assertLess(self.worst(self.predict('one.safetensors', case), case), 2e-4)
                old, new = (json.loads(self.good('info', '--json', file).stdout) for file in (model, 'one.safetensors'))
                self.assertEqual({key: item['value'] for key, item in old['values'].items()},
                                 {key: item['value'] for key, item in new['values'].items()})
                for key in ('scheduler', 'architecture', 'classes'):
                    self.assertEqual(old[key], new[key])


class Folders(ddim.Case):
    """What lies in a folder of diffusers, and what may be wrong with it."""

    def setUp(self):
        super().setUp()
        self.case = CASES['diffusers one_level']
        self.model = write_model(self.folder, self.case)
        self.unet = self.model / 'unet'
        self.weights = self.unet / 'diffusion_pytorch_model.safetensors'

    def edit(self, path, **changes):
        path = self.model / path
        content = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: value for key, value in content.items() if value != 'REMOVE'}))

    def info(self, model=None):
        return json.loads(self.good('info', '--json', model or self.model).stdout)

    def test_sources(self):
        info = self.info()
        self.assertEqual(info['architecture']['family'], 'diffusers')
        self.assertEqual(info['architecture']['class'], 'UNet2DModel')
        self.assertEqual(info['values']['num_res_blocks'], {'value': 2, 'source': 'config'})
        self.assertEqual(info['values']['image_size'], {'value': 7, 'source': 'config'})
        self.assertEqual(info['scheduler']['class'], 'DDPMScheduler')
        self.assertEqual(info['name'], 'one_level')
        for model in (self.model, f'{self.model}/', f'{self.model}{"/" * 50}'):
            text = self.good('info', model).stdout
            for part in (' unet/config.json', ' scheduler/scheduler_config.json', ' model_index.json', 'Scheduler DDPMScheduler'):
                self.assertIn(part, text)

    def test_sidecar(self):
        """It lies beside the folder, also of one that is named with a slash at its end."""
        (self.model.parent / 'one_level.json').write_text(json.dumps({'name': 'Level', 'license': 'CC0-1.0'}))
        for model in (self.model, f'{self.model}/', f'{self.model}//'):
            self.assertEqual(self.info(model)['name'], 'Level')

    def test_bare(self):
        """A UNet without a scheduler, its weights alone, and all parts in one folder as in diffusers' first models."""
        self.assertIsNone(self.info(self.unet)['scheduler'])
        self.assertEqual(self.info(self.weights)['values']['num_res_blocks'], {'value': 2, 'source': 'config'})
        (self.model / 'scheduler' / 'scheduler_config.json').rename(self.unet / 'scheduler_config.json')
        (self.model / 'model_index.json').rename(self.unet / 'model_index.json')
        self.assertEqual(self.info(self.unet)['scheduler']['class'], 'DDPMScheduler')

    def test_cache(self):
        """Hugging Face's cache: a folder for each model, whose versions are links to files without names."""
        place = self.folder / 'hub' / 'models--someone--level'
        snapshots, blobs = place / 'snapshots', place / 'blobs'
        for part in (blobs, snapshots / 'bad0', place / 'refs'):
            part.mkdir(parents=True)
        (place / 'refs' / 'main').write_text('0123abcd')
        for i, file in enumerate(sorted(path for path in self.model.rglob('*') if path.is_file())):
            link = snapshots / '0123abcd' / file.relative_to(self.model)
            link.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, blobs / str(i))
            link.symlink_to(os.path.relpath(blobs / str(i), link.parent))
        expected = self.info(snapshots / '0123abcd')
        self.assertEqual(expected['scheduler']['class'], 'DDPMScheduler')
        info = self.info(place)
        for key in ('architecture', 'scheduler', 'tensors', 'bytes'):
            self.assertEqual(info[key], expected[key])
        self.assertIn('models--someone--level ', self.good('models', '--model-path', place.parent).stdout)
        self.good('info', '--model-path', place.parent, 'models--someone--level')
        for version in ('bad0', '../../..', '', '0' * 200):
            (place / 'refs' / 'main').write_text(version)
            self.assertIn('holds no model', self.refused(1, 'info', place))
        (place / 'refs' / 'main').unlink()
        os.mkfifo(place / 'refs' / 'main')
        self.assertIn('holds no model', self.refused(1, 'info', place))

    def shard(self):
        tensors, _ = checkpoints.read_safetensors(self.weights)
        names = sorted(tensors)
        parts = [names[:len(names) // 2], names[len(names) // 2:]]
        place = {}
        for i, part in enumerate(parts):
            file = f'diffusion_pytorch_model-0000{i + 1}-of-00002.safetensors'
            checkpoints.write_safetensors(self.unet / file, {name: tensors[name] for name in part})
            place |= dict.fromkeys(part, file)
        self.weights.unlink()
        self.index = self.unet / 'diffusion_pytorch_model.safetensors.index.json'
        self.index.write_text(json.dumps({'metadata': {'total_size': 1}, 'weight_map': place}))
        return place

    def test_shards(self):
        whole = self.info()
        self.shard()
        parts = self.info()
        self.assertEqual(parts['tensors'], whole['tensors'])
        self.good('convert', self.model, 'one.safetensors')
        self.assertEqual(self.info('one.safetensors')['tensors'], whole['tensors'])

    def test_index(self):
        """An index names files of its own folder only."""
        place = self.shard()
        name = sorted(place)[0]
        os.mkfifo(self.unet / 'pipe.safetensors')
        (self.folder / 'outside.safetensors').write_bytes(b'x')
        for file, message in (('../../outside.safetensors', name), (str(self.folder / 'outside.safetensors'), name),
                              ('..', name), (7, name), ('pipe.safetensors', 'not a regular file'),
                              ('absent.safetensors', 'absent.safetensors')):
            with self.subTest(file):
                self.index.write_text(json.dumps({'weight_map': place | {name: file}}))
                self.assertIn(message, self.refused(1, 'info', self.model))
        self.index.write_text(json.dumps({'weight_map': place | {'extra.weight': place[name]}}))
        self.assertIn('extra.weight', self.refused(1, 'info', self.model))
        self.index.write_text('[]')
        self.assertIn('index.json', self.refused(1, 'info', self.model))

    def test_missing(self):
        for path in ('unet/config.json', 'unet/diffusion_pytorch_model.safetensors'):
            with self.subTest(path):
                kept = (self.model / path).read_bytes()
                (self.model / path).unlink()
                self.assertIn(pathlib.Path(path).name, self.refused(1, 'info', self.model))
                (self.model / path).write_bytes(kept)
        self.assertIn('config.json', self.refused(1, 'info', self.folder))
        shutil.copy(self.weights, self.folder / 'alone.safetensors')
        self.assertIn('config.json', self.refused(1, 'info', self.folder / 'alone.safetensors'))

    def test_fields(self):
        """A message names the field that is wrong or unknown."""
        config = 'unet/config.json'
        wrong = [(config, {'layers_per_block': value}) for value in ('2', 0, 1.5, None, [2], 1e30)]
        wrong += [(config, {'block_out_channels': value}) for value in (32, [], ['32'], [32.5], [0], [32] * 13)]
        wrong += [(config, {name: value}) for name, value in (
            ('down_block_types', ['CrossAttnDownBlock2D']), ('down_block_types', ['DownBlock2D', 'DownBlock2D']),
            ('down_block_types', 'DownBlock2D'), ('up_block_types', ['SkipUpBlock2D']), ('up_block_types', [3]),
            ('act_fn', 'mish'), ('act_fn', 3), ('time_embedding_type', 'fourier'), ('mid_block_scale_factor', 1.4),
            ('norm_num_groups', 5), ('norm_num_groups', None), ('attention_head_dim', 5), ('norm_eps', 'small'),
            ('resnet_time_scale_shift', 'spatial'), ('class_embed_type', 'identity'), ('downsample_padding', 2),
            ('downsample_type', 'pool'), ('upsample_type', None), ('center_input_sample', 'yes'), ('in_channels', 5),
            ('out_channels', 4), ('freq_shift', 16), ('mid_block_type', 'UNetMidBlock2DCrossAttn'), ('sample_size', [8, 8, 8]),
            ('encoder_hid_dim', 64), ('flip_sin_to_cos', 1), ('_class_name', 'UNet2DConditionModel'),
            ('attn_norm_num_groups', 7))]
        scheduler = 'scheduler/scheduler_config.json'
        wrong += [(scheduler, {name: value}) for name, value in (
            ('beta_schedule', 'quadratic'), ('beta_start', '0.1'), ('num_train_timesteps', 1.5), ('prediction_type', 3),
            ('clip_sample', 1), ('_class_name', 'HeunDiscreteScheduler'), ('_class_name', 'REMOVE'), ('trained_betas', ['x']))]
        wrong += [('model_index.json', {name: value}) for name, value in (
            ('unet', ['diffusers', 'UNet2DConditionModel']), ('vae', ['diffusers', 'AutoencoderKL']), ('unet', 'UNet2DModel'),
            ('unet', 'REMOVE'))]
        for path, change in wrong:
            with self.subTest(path, **change):
                kept = (self.model / path).read_text()
                self.edit(path, **change)
                message = self.refused(1, 'info', self.model)
                self.assertIn(pathlib.Path(path).name, message)
                (field,) = change
                value = change[field]
                if value == 'identity':
                    self.assertIn('takes a vector for each image', message)
                self.assertIn(field if field != '_class_name' or value == 'REMOVE' else value, message)
                (self.model / path).write_text(kept)

    def test_weights_of_another(self):
        """The configuration must be that of the weights."""
        self.edit('unet/config.json', layers_per_block=3)
        self.assertIn('down_blocks.0.resnets.2', self.refused(1, 'info', self.model))
        self.edit('unet/config.json', layers_per_block=1)
        self.assertIn('down_blocks.0.', self.refused(1, 'info', self.model))

    def test_generate(self):
        config = self.model / 'scheduler' / 'scheduler_config.json'
        config.write_text('{"_class_name": "DDPMScheduler", "lambda_min_clipped": -Infinity, "sample_max_value": 1.0}')
        options = ['--steps', '3', '--sampler', 'ddim', '--seed', '4', '--size', '8x8']
        self.good('convert', self.model, 'one.safetensors')
        self.good('generate', '-m', self.model, *options, '-o', 'folder.npy')
        self.good('generate', '-m', 'one.safetensors', *options, '-o', 'file.npy')
        self.assertEqual((self.folder / 'folder.npy').read_bytes(), (self.folder / 'file.npy').read_bytes())

    def test_shape(self):
        """A sample_size of two numbers is height and width, also of what is converted; a flag has one number for both."""
        self.edit('unet/config.json', sample_size=[6, 9])
        self.good('convert', self.model, 'one.safetensors')
        for model in (self.model, 'one.safetensors'):
            self.assertIn('made for 9x6', self.good('info', model).stdout)
            for more, shape in (([], [1, 3, 6, 9]), (['--flags', '--image_size 6'], [1, 3, 6, 6]), (['--size', '4'], [1, 3, 4, 4])):
                self.good('generate', '-m', model, '--steps', '1', '--seed', '1', *more, '-o', 'out.npy')
                self.assertEqual(list(npy.load(self.folder / 'out.npy').shape), shape)


class Models(ddim.Case):
    """A folder of models: what is dropped in is listed."""

    def test_list(self):
        models = self.folder / 'models'
        models.mkdir()
        write_model(models, CASES['diffusers classes'])
        flat = write_model(models, CASES['ermongroup/ddim pooled'])
        flat.rename(flat.with_suffix('.ckpt'))
        (models / 'classes.json').write_text(json.dumps({'class_names': list('abcdefg'), 'license': 'CC-BY-4.0'}))
        (models / 'broken.pt').write_bytes(b'nothing')
        (models / 'pictures').mkdir()
        found = {item['name']: item for item in
                 json.loads(self.good('models', '--json', '--model-path', models).stdout)['models']}
        self.assertEqual({name for name in found if name != 'textures'}, {'classes', 'pooled', 'broken'})
        self.assertEqual((found['classes']['classes'], found['classes']['license']), (7, 'CC-BY-4.0'))
        self.assertEqual(found['classes']['bytes'],
                         (models / 'classes/unet/diffusion_pytorch_model.safetensors').stat().st_size)
        self.assertEqual(found['pooled']['family'], 'ermongroup/ddim')
        self.assertIn('broken.pt', found['broken']['problem'])
        text = self.good('models', '--model-path', models).stdout
        self.assertRegex(text, r'(?m)^classes +\S+\s.B +7 classes, CC-BY-4.0 ')
        self.good('info', '--model-path', models, 'classes')

    def test_check(self):
        models = self.folder / 'models'
        models.mkdir()
        path = write_model(models, CASES['ermongroup/ddim pooled'])
        self.assertIn('pooled: good\n', self.good('models', '--check', '--model-path', models).stdout)
        content = bytearray(path.read_bytes())
        content[-4:] = b'\0\0\xc0\x7f'  # NaN in the last tensor, which only --check reads
        path.write_bytes(content)
        self.good('models', '--model-path', models)
        done = ddim.run('models', '--check', '--model-path', models)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, '(?m)^pooled: .*NaN')


tap.main()
