#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make-diffusion.py IMPROVED_DIFFUSION: write diffusion.{json,npz}, the cases that samplers.* leaves out.

IMPROVED_DIFFUSION is a checkout of openai/improved-diffusion; PyTorch and NumPy are needed. Its sampling loops run in
float64 on the closed-form model of tests/unit/test-diffusion.c, from the noise of samplers.npz; `draws` are sequences
of torch.randn and torch.randint from one seeded CPU generator.
"""
import json
import os
import sys
import types

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))

SAMPLERS = [
    dict(sampler='ddpm', schedule='linear', steps=1000, respacing='15', mean_type='xprev', var_type='fixed_large'),
    dict(sampler='ddim', schedule='cosine', steps=1000, respacing='15', mean_type='xprev', var_type='fixed_small', eta=0.3),
    dict(sampler='ddpm', schedule='cosine', steps=500, respacing='4,5,6', mean_type='xprev', var_type='learned'),
    dict(sampler='ddpm', schedule='linear', steps=1000, respacing='15', mean_type='eps', var_type='learned'),
    dict(sampler='ddpm', schedule='cosine', steps=1000, respacing='15', mean_type='xstart', var_type='learned_range'),
    dict(sampler='ddim', schedule='linear', steps=3000, respacing='ddim30', mean_type='eps', var_type='learned',
         eta=1.0, rescale_timesteps=True),
    dict(sampler='ddim', schedule='cosine', steps=300, respacing='2', mean_type='xstart', var_type='fixed_small', eta=0.7),
    dict(sampler='reverse', schedule='cosine', steps=4000, respacing='25', mean_type='eps', var_type='learned_range',
         clip_denoised=True, rescale_timesteps=True),
    dict(sampler='reverse', schedule='linear', steps=1000, respacing='20', mean_type='xstart', var_type='fixed_large'),
    dict(sampler='ddpm', schedule='linear', steps=40, respacing='', mean_type='eps', var_type='fixed_small',
         clip_denoised=False),
]

DRAWS = [
    dict(seed=7, draws=[['randint', 0, 1000, 6], ['randn', 3], ['randn', 20], ['randn', 2], ['randint', -5, 7, 9],
                        ['randn', 1], ['randn', 16], ['randn', 31], ['randn', 15]]),
    dict(seed=2**32 + 7, draws=[['randn', 5], ['randint', 0, 2**28 - 1, 3], ['randn', 5], ['randint', 0, 2**28, 3],
                                ['randint', 0, 2**40 + 7, 3], ['randint', -2**63, 2**63 - 1, 3], ['randn', 33]]),
    dict(seed=3, draws=[['randint', 0, 16, 4], ['randn', 4 * 3 * 8 * 8], ['randn', 4 * 3 * 8 * 8]]),
]


def run(gd, respace, case, noise):
    diffusion = respace.SpacedDiffusion(
        use_timesteps=respace.space_timesteps(case['steps'], case['respacing'] or [case['steps']]),
        betas=gd.get_named_beta_schedule(case['schedule'], case['steps']),
        model_mean_type={'eps': gd.ModelMeanType.EPSILON, 'xstart': gd.ModelMeanType.START_X,
                         'xprev': gd.ModelMeanType.PREVIOUS_X}[case['mean_type']],
        model_var_type=gd.ModelVarType[case['var_type'].upper()],
        loss_type=gd.LossType.MSE, rescale_timesteps=case['rescale_timesteps'])
    rest = iter(noise[1:])
    gd.th.randn_like = lambda x: next(rest)

    def model(x, t):
        t = t.double().view(-1, 1, 1, 1)
        out = 0.3 * x + 0.2 * torch.sin(3 * x + t / 100)
        if case['var_type'].startswith('learned'):
            out = torch.cat([out, 0.5 * torch.cos(x + t / 50)], 1)
        return out

    def step(x, t):
        options = dict(clip_denoised=case['clip_denoised'])
        if case['sampler'] == 'ddpm':
            return diffusion.p_sample(model, x, t, **options)['sample']
        if case['sampler'] == 'ddim':
            return diffusion.ddim_sample(model, x, t, eta=case['eta'], **options)['sample']
        return diffusion.ddim_reverse_sample(model, x, t, **options)['sample']

    reverse = case['sampler'] == 'reverse'
    x = torch.tanh(noise[0]) if reverse else noise[0]
    order = range(diffusion.num_timesteps)
    for i in order if reverse else reversed(order):
        x = step(x, torch.tensor([i] * len(x)))
    return x.numpy()


def extract_double(table, timesteps, shape):
    return torch.from_numpy(table)[timesteps].view(-1, *[1] * (len(shape) - 1)).expand(shape)


def main(source):
    sys.path.insert(0, source)
    sys.modules['mpi4py'] = types.ModuleType('mpi4py')  # imported there, not needed here
    from improved_diffusion import gaussian_diffusion as gd, respace
    gd._extract_into_tensor = extract_double
    noise = torch.from_numpy(np.load(os.path.join(HERE, 'samplers.npz'))['noise'])
    arrays, samplers, draws = {}, [], []
    for i, case in enumerate(SAMPLERS):
        case = dict(dict(key=f'd{i}', eta=0.0, clip_denoised=True, rescale_timesteps=False), **case)
        case['start'] = 'tanh(noise[0])' if case['sampler'] == 'reverse' else 'noise[0]'
        arrays[case['key'] + '_sample'] = run(gd, respace, case, noise)
        samplers.append(case)
    for i, case in enumerate(DRAWS):
        torch.manual_seed(case['seed'])
        for j, (kind, *args) in enumerate(case['draws']):
            values = torch.randn(args[0]) if kind == 'randn' else torch.randint(args[0], args[1], (args[2],))
            arrays[f'r{i}_{j}'] = values.numpy()
        draws.append(dict(case, key=f'r{i}'))
    np.savez_compressed(os.path.join(HERE, 'diffusion.npz'), **arrays)
    with open(os.path.join(HERE, 'diffusion.json'), 'w', encoding='utf-8') as file:
        json.dump(dict(samplers=samplers, draws=draws), file, indent=1)
        file.write('\n')


if __name__ == '__main__':
    main(sys.argv[1])
