#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make-seamless.py IMPROVED GUIDED: write seamless.npz, outputs of seamless networks.

IMPROVED and GUIDED are checkouts of https://github.com/openai/improved-diffusion and .../guided-diffusion; torch and numpy
are needed. The originals' own models, in float64, with the weights and inputs of unet_NAME.pt and unet_NAME.npz, whose
first image is cut to the size below. Every convolution has its input padded with the other side along the axes, and
with zeros along the other axis: torch's padding_mode="circular", which knows no single axis. In super-resolution the small
picture is padded likewise before it is enlarged. Members NAME-AXES: the output, as float32.
"""
import importlib
import json
import pathlib
import sys

import numpy as np
import torch as th
import torch.nn.functional as F

import make_oracle

HERE = pathlib.Path(__file__).resolve().parent
SIZES = {'tiny_uncond': (10, 14), 'small_cond': (20, 12), 'superres': (16, 24), 'guided_updown': (12, 20),
         'guided_pooled': (20, 12)}


def pad(x, axes, n=1):
    x = F.pad(x, (n, n, 0, 0), mode='circular' if 'x' in axes else 'constant')
    return F.pad(x, (0, 0, n, n), mode='circular' if 'y' in axes else 'constant')


def wrap(model, axes):
    """Let @model's convolutions wrap around."""
    for conv in model.modules():
        if isinstance(conv, th.nn.Conv2d) and conv.padding != (0, 0):
            assert conv.kernel_size == (3, 3) and conv.padding == (1, 1)
            conv.forward = lambda x, conv=conv: F.conv2d(pad(x, axes), conv.weight, conv.bias, conv.stride)


def enlarge(low_res, size, axes):
    """Bilinear, as SuperResModel does it. The edges that do not wrap are repeated."""
    scale = size[0] // low_res.shape[2]
    mode = {True: 'circular', False: 'replicate'}
    low_res = F.pad(low_res, (1, 1, 0, 0), mode=mode['x' in axes])
    low_res = F.pad(low_res, (0, 0, 1, 1), mode=mode['y' in axes])
    large = F.interpolate(low_res, scale_factor=scale, mode='bilinear')
    return large[:, :, scale:-scale, scale:-scale]


@th.no_grad()
def evaluate(unet, case, axes):
    model = make_oracle.build_model(unet, case)
    model.load_state_dict(th.load(HERE / f"unet_{case['name']}.pt", weights_only=True))
    height, width = SIZES[case['name']]
    given = {key: th.from_numpy(value)[:1] for key, value in np.load(HERE / f"unet_{case['name']}.npz").items()}
    x = given['x'][:, :, :height, :width]
    inputs = {key: given[key] for key in ('y', 'low_res') if key in given}
    if 'low_res' in inputs:
        scale = given['x'].shape[2] // given['low_res'].shape[2]
        low_res = given['low_res'][:, :, :height // scale, :width // scale].double()
        inputs['low_res'] = enlarge(low_res, (height, width), axes)
    wrap(model, axes)
    result = make_oracle.evaluate_f64(unet, model, x, given['t'], inputs)
    check_circular(unet, case, model, x, given['t'], inputs, result if axes == 'xy' else None)
    return result.float().numpy()


def check_circular(unet, case, model, x, t, inputs, expected):
    """Along both axes it is what torch's own padding_mode gives."""
    if expected is None:
        return
    for conv in model.modules():
        if isinstance(conv, th.nn.Conv2d) and conv.padding != (0, 0):
            del conv.forward
            conv.padding_mode = 'circular'
            conv._reversed_padding_repeated_twice = [1, 1, 1, 1]
    assert th.equal(make_oracle.evaluate_f64(unet, model, x, t, inputs), expected), case['name']


def main(improved, guided):
    sys.path[:0] = [improved, guided]
    originals = {name: importlib.import_module(f'{name}.unet') for name in (make_oracle.IMPROVED, make_oracle.GUIDED)}
    outputs = {}
    for case in json.loads((HERE / 'unets.json').read_text()):
        if case['name'] in SIZES:
            for axes in ['x', 'y', 'xy']:
                outputs[f"{case['name']}-{axes}"] = evaluate(originals[make_oracle.original_of(case)], case, axes)
    np.savez_compressed(HERE / 'seamless.npz', **outputs)


if __name__ == '__main__':
    main(*sys.argv[1:])
