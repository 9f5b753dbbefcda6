#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make_oracle.py ORIGINAL CASES.json OUT [NAME…]: make reference data with the original code itself.

ORIGINAL is a checkout of https://github.com/openai/improved-diffusion or of https://github.com/openai/guided-diffusion; torch
and numpy are needed. The tests only read what this wrote and never run it.

For every case of CASES.json (unets.json here, whose weights are random) whose "original" is that checkout's package,
improved_diffusion where a case names none:
  OUT/unet_NAME.pt    the state dict, in the case's "dtype"
  OUT/unet_NAME.npz   x, t, and y and low_res where the model wants them, and out: the model's output computed in float64
                      from the weights as stored
  OUT/sample_NAME.npz for cases with "sample": what the original's sampling loop makes in float32 after
                      torch.manual_seed(seed): float `sample` and uint8 `arr_0`
"weights" in a case names an existing state dict instead of random ones; it is rounded to "dtype" and saved again unless
"save" is false.
"""
import importlib
import json
import math
import pathlib
import sys

import numpy as np
import torch as th

IMPROVED, GUIDED = 'improved_diffusion', 'guided_diffusion'


def load_original(folder):
    """The modules script_util and unet of the checkout in @folder."""
    sys.path.insert(0, folder)
    package = GUIDED if (pathlib.Path(folder) / GUIDED).is_dir() else IMPROVED
    script_util, unet = (importlib.import_module(f'{package}.{name}') for name in ('script_util', 'unet'))
    if package == IMPROVED:  # its average pooling passes the stride as the number of dimensions
        unet.avg_pool_nd = lambda stride: th.nn.AvgPool2d(stride, stride)
    return script_util, unet


def original_of(case):
    return case.get('original', IMPROVED)


def build_model(unet, case):
    cls = unet.SuperResModel if case['cls'] == 'superres' else unet.UNetModel
    sizes = [case['in_channels'], case['model_channels'], case['out_channels'], case['num_res_blocks']]
    more = {}
    if original_of(case) == GUIDED:
        sizes.insert(0, case['image_size'])
        more = {key: case[key] for key in ('num_head_channels', 'resblock_updown', 'use_new_attention_order') if key in case}
    return cls(*sizes, tuple(case['attention_resolutions']), channel_mult=tuple(case['channel_mult']),
               conv_resample=case.get('conv_resample', True), num_classes=case['num_classes'],
               num_heads=case['num_heads'], num_heads_upsample=case.get('num_heads_upsample', -1),
               use_scale_shift_norm=case['use_scale_shift_norm'], **more).eval()


def load_weights(path):
    """A state dict from a .pt or a .safetensors file."""
    if path.suffix != '.safetensors':
        return th.load(path, weights_only=True)
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], 'little')
    header = json.loads(data[8:start])
    header.pop('__metadata__', None)
    types = {'F16': np.float16, 'F32': np.float32}
    state = {}
    for name, entry in header.items():
        first, last = entry['data_offsets']
        values = np.frombuffer(data[start + first:start + last], types[entry['dtype']])
        state[name] = th.from_numpy(values.reshape(entry['shape']).copy())
    return state


def randomise(model, seed):
    """Weights with which every layer matters (the original starts many at zero) and whose outputs are of order 1."""
    generator = th.Generator().manual_seed(seed)
    for name, value in model.named_parameters():
        normal = th.randn(value.shape, generator=generator)
        if value.dim() > 1:
            fan_in = value[0].numel()
            value.data = normal / math.sqrt(fan_in)
        else:
            is_norm_weight = name.endswith('weight')
            value.data = normal * 0.1 + (1 if is_norm_weight else 0)


def timestep_embedding_f64(timesteps, dim, max_period=10000):
    half = dim // 2
    angle = timesteps[:, None].double() * th.exp(-math.log(max_period) * th.arange(half, dtype=th.float64) / half)
    embedding = th.cat([th.cos(angle), th.sin(angle)], dim=-1)
    return th.cat([embedding, th.zeros_like(embedding[:, :1])], dim=-1) if dim % 2 else embedding


def evaluate_f64(unet, model, x, t, inputs):
    """The model in float64 throughout: the original falls back to float32 in norms, softmax and the embedding.
    guided_diffusion's also converts its input to the type that its model notes in dtype."""
    to_float, embedding, dtype = th.Tensor.float, unet.timestep_embedding, getattr(model, 'dtype', None)
    th.Tensor.float, unet.timestep_embedding, model.dtype = th.Tensor.double, timestep_embedding_f64, th.float64
    try:
        inputs = {key: value.double() if value.is_floating_point() else value for key, value in inputs.items()}
        return model.double()(x.double(), t, **inputs)
    finally:
        th.Tensor.float, unet.timestep_embedding, model.dtype = to_float, embedding, dtype
        model.float()


def make_inputs(case):
    """x, t and the model's keyword arguments. They have their own seed, so that weights may change."""
    generator = th.Generator().manual_seed(case.get('input_seed', 1))
    height, width = case.get('size', [case['image_size']] * 2)
    t = th.tensor(case.get('timesteps', [3, 871]))
    x = th.randn(len(t), case['in_channels'], height, width, generator=generator)
    inputs = {}
    if case['num_classes'] is not None:
        inputs['y'] = th.randint(case['num_classes'], (len(t),), generator=generator)
    if case['cls'] == 'superres':
        low = case['low_size']
        inputs['low_res'] = th.rand(len(t), case['in_channels'], *low, generator=generator) * 2 - 1
    return x, t, inputs


def sample(script_util, model, case, low_res):
    spec = case['sample']
    diffusion = script_util.create_gaussian_diffusion(
        steps=spec['steps'], learn_sigma=case['out_channels'] != case['in_channels'], noise_schedule=spec['schedule'],
        timestep_respacing=spec['respacing'], rescale_timesteps=spec['rescale_timesteps'],
        predict_xstart=spec.get('predict_xstart', False), sigma_small=spec.get('sigma_small', False))
    inputs = {}
    if spec.get('labels') is not None:
        inputs['y'] = th.tensor(spec['labels'])
    if low_res is not None:
        inputs['low_res'] = low_res[:spec['batch']]
    size = spec.get('size', case.get('size', [case['image_size']] * 2))
    shape = (spec['batch'], case['in_channels'], *size)
    th.manual_seed(spec['seed'])
    options = dict(clip_denoised=spec.get('clip', True), model_kwargs=inputs, device='cpu')
    if spec.get('sampler', 'ddim') == 'ddpm':
        return diffusion.p_sample_loop(model, shape, **options)
    return diffusion.ddim_sample_loop(model, shape, eta=spec.get('eta', 0.0), **options)


@th.no_grad()
def make(script_util, unet, case, folder, out):
    model = build_model(unet, case)
    if 'weights' in case:
        model.load_state_dict(load_weights(folder / case['weights']))
    else:
        randomise(model, case['seed'])
    dtype = getattr(th, case.get('dtype', 'float32'))
    state = {key: value.to(dtype) for key, value in model.state_dict().items()}
    model.load_state_dict(state)
    name = case['name']
    if case.get('save', True):
        th.save(state, out / f'unet_{name}.pt')
    inputs = {}
    if case.get('evaluate', True):
        x, t, inputs = make_inputs(case)
        result = evaluate_f64(unet, model, x, t, inputs)
        in_f32 = model(x, t, **inputs)
        arrays = {'x': x, 't': t, **inputs, 'out': result}
        np.savez(out / f'unet_{name}.npz', **{key: value.numpy() for key, value in arrays.items()})
        parameters = sum(value.numel() for value in state.values())
        print(f'{name}: {parameters} parameters, output deviation {result.std():.3f}, '
              f'float32 here differs by {(result - in_f32).abs().max():.1e}', flush=True)
    if 'sample' in case:
        images = sample(script_util, model, case, inputs.get('low_res'))
        pixels = ((images + 1) * 127.5).clamp(0, 255).to(th.uint8).permute(0, 2, 3, 1).contiguous()
        np.savez(out / f'sample_{name}.npz', sample=images.numpy(), arr_0=pixels.numpy())


def main(original, cases, out, *names):
    script_util, unet = load_original(original)
    cases, out = pathlib.Path(cases), pathlib.Path(out)
    for case in json.loads(cases.read_text()):
        if original_of(case) == unet.__package__ and (not names or case['name'] in names):
            make(script_util, unet, case, cases.parent, out)


if __name__ == '__main__':
    main(*sys.argv[1:])
