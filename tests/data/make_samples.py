#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make_samples.py GUIDED OUT: what whole programs make from a seed, as tests/data/samples.json.gz.

GUIDED is a checkout of https://github.com/openai/guided-diffusion; torch, numpy and diffusers are needed. The tests only read what
this wrote. Weights, inputs and pictures to enlarge are tests/cli/fake_weights.py's.
A case has the names and shapes of its tensors and `samples`. Each of these has the arguments of `ddim generate`, the `sample` that the
program made in float32, and the `bytes` of its pictures, N,H,W,C. `predict`, where there is one, is one evaluation in float64.
"""
import base64
import gzip
import json
import pathlib
import sys

import make_families
import make_oracle
import numpy as np
import torch as th
from make_families import ATTN_DOWN, ATTN_UP, DOWN, UP, fake_weights

# The program's classes and flags, as make_oracle.py takes them.
GUIDED = [
    # The light model of P2-weighting, a quarter as wide. Its name brings all flags.
    {'name': 'ffhq_10m', 'cls': 'unet', 'image_size': 256, 'in_channels': 3, 'out_channels': 6, 'model_channels': 32,
     'num_res_blocks': 1, 'attention_resolutions': [16], 'channel_mult': [1, 1, 2, 2, 4, 4], 'num_heads': 4,
     'num_head_channels': 64, 'resblock_updown': True, 'use_scale_shift_norm': True, 'num_classes': None, 'flags': '',
     'x_shape': [1, 3, 32, 32], 'samples': [
         {'seed': 5, 'batch': 1, 'size': [32, 64], 'respacing': '6', 'sampler': 'ddpm', 'options': ['--sampler', 'ddpm', '--steps', '6']},
         {'seed': 6, 'batch': 1, 'size': [32, 32], 'respacing': 'ddim5', 'options': ['--sampler', 'ddim', '--steps', 'ddim5']}]},
    # OpenAI's upsamplers, small.
    {'name': 'upsampler', 'cls': 'superres', 'image_size': 24, 'in_channels': 3, 'out_channels': 6, 'model_channels': 32,
     'num_res_blocks': 2, 'attention_resolutions': [1, 2], 'channel_mult': [1, 2], 'num_heads': 4, 'num_head_channels': 16,
     'resblock_updown': True, 'use_scale_shift_norm': True, 'num_classes': 7,
     'flags': '--large_size 24 --small_size 6 --num_head_channels 16 --noise_schedule linear --class_cond True',
     'x_shape': [2, 3, 24, 16], 'low_shape': [2, 3, 6, 4], 'labels': [6, 2], 'samples': [
         {'seed': 8, 'batch': 2, 'size': [24, 16], 'labels': [6, 2], 'respacing': '7', 'sampler': 'ddpm',
          'options': ['--sampler', 'ddpm', '--steps', '7']},
         {'seed': 9, 'batch': 2, 'size': [24, 16], 'labels': [0, 5], 'respacing': 'ddim8', 'eta': 0.5,
          'options': ['--sampler', 'ddim', '--steps', 'ddim8', '--eta', '0.5']}]},
]

UNET = {'block_out_channels': [32, 64], 'down_block_types': [DOWN, ATTN_DOWN], 'up_block_types': [ATTN_UP, UP], 'layers_per_block': 1,
        'attention_head_dim': None, 'downsample_padding': 0, 'flip_sin_to_cos': False, 'freq_shift': 1, 'norm_eps': 1e-6,
        'sample_size': 12}
# One folder's UNet with each scheduler: (class, fields, inference steps, eta, seed)
SCHEDULERS = [
    ('DDIMScheduler', {'prediction_type': 'v_prediction', 'set_alpha_to_one': False, 'steps_offset': 1}, 8, 0.4, 21),
    ('DDPMScheduler', {'variance_type': 'fixed_small', 'beta_schedule': 'squaredcos_cap_v2'}, 9, 0, 22),
    ('PNDMScheduler', {'skip_prk_steps': True, 'prediction_type': 'v_prediction'}, 7, 0, 23),
    ('DPMSolverMultistepScheduler', {'thresholding': True, 'sample_max_value': 1.2, 'use_karras_sigmas': True}, 8, 0, 24),
    ('UniPCMultistepScheduler', {'solver_order': 3, 'timestep_spacing': 'trailing', 'prediction_type': 'v_prediction'}, 8, 0, 25),
]


def pack(array, dtype):
    return base64.b64encode(np.ascontiguousarray(array).astype(dtype).tobytes()).decode()


def images(key, shape):
    return th.from_numpy(np.frombuffer(fake_weights.images(key, shape), np.float32).reshape(shape).copy())


def fill(model, name):
    """Give @model its weights; returns the shapes."""
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    state = make_families.state_dict(name, shapes)
    model.load_state_dict({key: value.float() for key, value in state.items()})
    return shapes


def guided_sample(script_util, model, case, spec, low):
    more = {'steps': 1000, 'schedule': 'linear', 'rescale_timesteps': False}
    made = make_oracle.sample(script_util, model, case | {'sample': spec | more}, low)
    pixels = ((made + 1) * 127.5).clamp(0, 255).to(th.uint8).permute(0, 2, 3, 1)
    options = [*spec['options'], '--seed', str(spec['seed']), '-n', str(spec['batch']), '--size', '{1}x{0}'.format(*spec['size'])]
    if 'labels' in spec:
        options += ['--class', ','.join(map(str, spec['labels']))]
    return {'options': options, 'shape': list(made.shape), 'sample': pack(made, '<f4'), 'bytes': pack(pixels, 'u1')}


def guided_case(script_util, unet, case):
    model = make_oracle.build_model(unet, case)
    name = case['name']
    shapes = fill(model, name)
    x, t = images(name, case['x_shape']), [3, 871][:case['x_shape'][0]]
    low = images(name + ' low', case['low_shape']).clamp(-1, 1) if 'low_shape' in case else None
    inputs = {'y': th.tensor(case['labels'])} if 'labels' in case else {}
    if low is not None:
        inputs['low_res'] = low
    out = make_oracle.evaluate_f64(unet, model, x, th.tensor(t), inputs)
    return {'name': name, 'family': 'guided-diffusion', 'flags': case['flags'], 'shapes': shapes, 'low_shape': case.get('low_shape'),
            'predict': {'x_shape': case['x_shape'], 't': t, 'labels': case.get('labels'), 'shape': list(out.shape),
                        'out': pack(out, '<f4')},
            'samples': [guided_sample(script_util, model, case, spec, low) for spec in case['samples']]}


def run_scheduler(unet, scheduler, shape, steps, eta, seed):
    """The loop of DDIMPipeline and DDPMPipeline; the schedulers that draw nothing take no generator."""
    from diffusers.utils.torch_utils import randn_tensor  # pylint: disable=import-outside-toplevel
    generator = th.Generator('cpu').manual_seed(seed)
    more = {}
    if not isinstance(scheduler, (diffusers().PNDMScheduler, diffusers().UniPCMultistepScheduler)):
        more['generator'] = generator
    if isinstance(scheduler, diffusers().DDIMScheduler):
        more['eta'] = eta
    image = randn_tensor(shape, generator=generator)
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        image = scheduler.step(unet(image, t).sample, t, image, **more).prev_sample
    return image


def diffusers():
    import diffusers as package  # pylint: disable=import-outside-toplevel
    return package


def scheduler_sample(unet, name, fields, steps, eta, seed, batch=2):
    scheduler = getattr(diffusers(), name)(**fields)
    shape = (batch, unet.config.in_channels, *[unet.config.sample_size] * 2)
    made = run_scheduler(unet, scheduler, shape, steps, eta, seed)
    decoded = (made / 2 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).numpy()
    pixels = (decoded * 255).round().astype('uint8')
    pipelines = {'DDIMScheduler': diffusers().DDIMPipeline, 'DDPMScheduler': diffusers().DDPMPipeline}
    if name in pipelines:  # the loop above is theirs
        pipeline = pipelines[name](unet, getattr(diffusers(), name)(**fields))
        pipeline.set_progress_bar_config(disable=True)
        more = {'eta': eta} if name == 'DDIMScheduler' else {}
        true = pipeline(batch, th.Generator('cpu').manual_seed(seed), num_inference_steps=steps, output_type='np', **more).images
        assert np.array_equal(true, decoded)
    return {'scheduler': {'_class_name': name} | fields, 'options': ['--steps', str(steps), '--eta', str(eta), '--seed', str(seed), '-n',
                                                                     str(batch)],
            'shape': list(made.shape), 'sample': pack(made, '<f4'), 'bytes': pack(pixels, 'u1')}


def diffusers_case(name, config, schedulers):
    unet = diffusers().UNet2DModel(**config).eval()
    shapes = fill(unet, name)
    written = {'_class_name': 'UNet2DModel', '_diffusers_version': diffusers().__version__} | config
    return {'name': name, 'family': 'diffusers', 'config': written, 'shapes': shapes,
            'samples': [scheduler_sample(unet, *spec) for spec in schedulers]}


@th.no_grad()
def main(guided, out):
    script_util, unet = make_oracle.load_original(guided)
    cases = [guided_case(script_util, unet, case | {'original': make_oracle.GUIDED}) for case in GUIDED]
    cases.append(diffusers_case('pipeline', UNET, SCHEDULERS))
    text = '\n'.join(json.dumps(case) for case in cases) + '\n'
    pathlib.Path(out).write_bytes(gzip.compress(text.encode(), mtime=0))
    for case in cases:
        for sample in case['samples']:
            made = np.frombuffer(base64.b64decode(sample['sample']), '<f4')
            inside = np.mean((made > -1) & (made < 1))
            print(f"{case['name']}: range {made.min():.3f} to {made.max():.3f}, {inside:.0%} inside of (-1, 1)")


if __name__ == '__main__':
    main(*sys.argv[1:])
