#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make-consistency.py GUIDED: seeded samples of a small network as openai/consistency_models makes them, into sample_consistency.npz.

GUIDED is a checkout of https://github.com/openai/guided-diffusion. Its UNetModel with use_new_attention_order is the network of
consistency_models, whose attention needs a graphics card; the weights are those of unet_guided_new_order.pt. The samplers are written
out here after cm/karras_diffusion.py, in float32. torch and numpy are needed; the tests only read what this wrote.
"""
import json
import pathlib
import sys

import numpy as np
import torch as th

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
import make_oracle  # noqa: E402

SIGMA_MIN, SIGMA_MAX, RHO, DATA = 0.002, 80.0, 7.0, 0.5
SHAPE = (2, 3, 16, 16)


class Denoiser:
    def __init__(self, model, distilled):
        self.model, self.distilled = model, distilled

    def __call__(self, x, sigma):
        sigma = th.as_tensor(sigma, dtype=th.float32) * x.new_ones([x.shape[0]])
        above = sigma - SIGMA_MIN if self.distilled else sigma
        c_skip = DATA**2 / (above**2 + DATA**2)
        c_out = above * DATA / (sigma**2 + DATA**2)**0.5
        c_in = 1 / (sigma**2 + DATA**2)**0.5
        wide = lambda c: c[:, None, None, None]
        output = self.model(wide(c_in) * x, 1000 * 0.25 * th.log(sigma + 1e-44))
        return (wide(c_out) * output + wide(c_skip) * x).clamp(-1, 1)


def onestep(denoise):
    return denoise(th.randn(*SHAPE) * SIGMA_MAX, SIGMA_MAX)


def multistep(denoise, ts):
    x, most, least = th.randn(*SHAPE) * SIGMA_MAX, SIGMA_MAX**(1 / RHO), SIGMA_MIN**(1 / RHO)
    for now, then in zip(ts[:-1], ts[1:]):
        x0 = denoise(x, (most + now / ts[-1] * (least - most))**RHO)
        following = np.clip((most + then / ts[-1] * (least - most))**RHO, SIGMA_MIN, SIGMA_MAX)
        x = x0 + th.randn_like(x) * np.sqrt(following**2 - SIGMA_MIN**2)
    return x


def heun(denoise, n):
    x, most, least = th.randn(*SHAPE) * SIGMA_MAX, SIGMA_MAX**(1 / RHO), SIGMA_MIN**(1 / RHO)
    sigmas = th.cat([(most + th.linspace(0, 1, n) * (least - most))**RHO, th.zeros(1)])
    for s, following in zip(sigmas[:-1], sigmas[1:]):
        th.randn_like(x)
        d = (x - denoise(x, s)) / s
        x2 = x + d * (following - s)
        if following > 0:
            x2 = x + (d + (x2 - denoise(x2, following)) / following) / 2 * (following - s)
        x = x2
    return x


@th.no_grad()
def main(original):
    unet = make_oracle.load_original(original)[1]
    case = next(case for case in json.loads((HERE / 'unets.json').read_text()) if case['name'] == 'guided_new_order')
    model = make_oracle.build_model(unet, case)
    state = make_oracle.load_weights(HERE / 'unet_guided_new_order.pt')
    model.load_state_dict({name: value.float() for name, value in state.items()})
    cases = {'onestep': (True, lambda d: onestep(d)), 'multistep': (True, lambda d: multistep(d, [0, 22, 39])),
             'heun': (False, lambda d: heun(d, 8))}
    samples = {}
    for name, (distilled, run) in cases.items():
        th.manual_seed(42)
        samples[name] = run(Denoiser(model, distilled)).numpy()
        print(name, samples[name].std())
    np.savez(HERE / 'sample_consistency.npz', **samples)


if __name__ == '__main__':
    main(*sys.argv[1:])
