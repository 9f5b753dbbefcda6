#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make-schedulers.py: what the schedulers of huggingface/diffusers make with a model in closed form, into diffusers-schedulers.json.

diffusers, torch and numpy are needed; the test only reads the file. Every case runs a scheduler as DDPMPipeline and DDIMPipeline
do: set_timesteps(), then step() for each timestep, on float64 arrays (DPM itself computes in float32). The model, the start and the
draws of noise are those of tests/unit/test-schedulers.c.
"""
import json
import math
import pathlib

import diffusers
import numpy as np
import torch
from diffusers.schedulers import scheduling_ddim, scheduling_ddpm, scheduling_dpmsolver_multistep

IMAGES, PLANE = 2, 8
LINEAR = {'num_train_timesteps': 1000}
COSINE = {'num_train_timesteps': 200, 'beta_schedule': 'squaredcos_cap_v2'}
SCALED = {'beta_start': 0.00085, 'beta_end': 0.012, 'beta_schedule': 'scaled_linear'}
TRAINED = {'num_train_timesteps': 20, 'trained_betas': [round(0.01 + 0.004 * i, 4) for i in range(20)]}
BLIND = {'rescale_betas_zero_snr': True, 'timestep_spacing': 'trailing'}  # its first x0 is limited only
ZERO = {'rescale_betas_zero_snr': True, 'timestep_spacing': 'trailing', 'prediction_type': 'v_prediction'}
THRESHOLD = {'thresholding': True, 'dynamic_thresholding_ratio': 0.8, 'sample_max_value': 1.5}
SDE = {'algorithm_type': 'sde-dpmsolver++'}
OLD = {'algorithm_type': 'dpmsolver', 'final_sigmas_type': 'sigma_min'}

CASES = [
    # (class, fields, steps, eta, channels' variances)
    ('DDIM', {}, 10, 0), ('DDIM', {}, 7, 0.6), ('DDIM', {'clip_sample': False}, 10, 1),
    ('DDIM', {'clip_sample_range': 0.6, 'prediction_type': 'sample'}, 10, 0.3),
    ('DDIM', {'prediction_type': 'v_prediction', **SCALED, 'set_alpha_to_one': False, 'steps_offset': 1}, 12, 0),
    ('DDIM', {'timestep_spacing': 'linspace', **COSINE}, 9, 0.5), ('DDIM', {'timestep_spacing': 'trailing'}, 30, 0),
    ('DDIM', {'timestep_spacing': 'trailing'}, 61, 0),
    ('DDIM', BLIND, 9, 0.5), ('DDPM', BLIND, 8, 0),
    ('DDIM', ZERO, 11, 0), ('DDIM', {**ZERO, **THRESHOLD}, 8, 0.2), ('DDIM', TRAINED, 6, 0), ('DDIM', THRESHOLD, 10, 0),
    ('DDIM', {'clip_sample': False}, 1000, 0), ('DDIM', {}, 1, 0),
    ('DDPM', {}, 10, 0), ('DDPM', {'variance_type': 'fixed_small_log', **COSINE}, 10, 0),
    ('DDPM', {'variance_type': 'fixed_large', 'timestep_spacing': 'trailing'}, 10, 0),
    ('DDPM', {'variance_type': 'learned_range', 'clip_sample': False}, 8, 0),
    ('DDPM', {'variance_type': 'learned', 'prediction_type': 'sample'}, 8, 0),
    ('DDPM', {'timestep_spacing': 'linspace', 'steps_offset': 3, 'beta_schedule': 'sigmoid'}, 15, 0),
    ('DDPM', {'beta_schedule': 'laplace', 'num_train_timesteps': 100, 'prediction_type': 'sample'}, 10, 0),
    ('DDPM', {**ZERO, 'clip_sample_range': 2.0}, 10, 0), ('DDPM', {**THRESHOLD, 'steps_offset': 1}, 10, 0),
    ('DDPM', {}, 1000, 0),
    ('PNDM', {}, 10, 0), ('PNDM', {'skip_prk_steps': True}, 10, 0), ('PNDM', {'skip_prk_steps': True}, 1, 0),
    ('PNDM', {'skip_prk_steps': True}, 2, 0), ('PNDM', {}, 4, 0),
    ('PNDM', {'skip_prk_steps': True, **SCALED, 'steps_offset': 1, 'set_alpha_to_one': True}, 20, 0),
    ('PNDM', {'prediction_type': 'v_prediction', **COSINE}, 12, 0),
    ('PNDM', {'timestep_spacing': 'linspace', 'skip_prk_steps': True, 'prediction_type': 'v_prediction'}, 9, 0),
    ('PNDM', {'timestep_spacing': 'trailing'}, 9, 0), ('PNDM', {}, 50, 0),
    ('DPMSolverMultistep', {}, 10, 0), ('DPMSolverMultistep', {}, 20, 0), ('DPMSolverMultistep', {'solver_order': 1}, 10, 0),
    ('DPMSolverMultistep', {'solver_order': 3}, 12, 0), ('DPMSolverMultistep', {'solver_order': 3, **COSINE}, 20, 0),
    ('DPMSolverMultistep', {'solver_type': 'heun', 'timestep_spacing': 'leading', 'steps_offset': 1}, 10, 0),
    ('DPMSolverMultistep', {'use_karras_sigmas': True}, 12, 0),
    ('DPMSolverMultistep', {'use_karras_sigmas': True, 'beta_schedule': 'squaredcos_cap_v2', 'final_sigmas_type': 'sigma_min'}, 3, 0),
    ('DPMSolverMultistep', {'lower_order_final': False, 'final_sigmas_type': 'sigma_min', 'solver_order': 3}, 10, 0),
    ('DPMSolverMultistep', {'euler_at_final': True, 'timestep_spacing': 'trailing', **SCALED}, 16, 0),
    ('DPMSolverMultistep', {**THRESHOLD, 'prediction_type': 'v_prediction'}, 10, 0),
    ('DPMSolverMultistep', {'prediction_type': 'sample', 'lambda_min_clipped': -2.5, **COSINE}, 10, 0),
    ('DPMSolverMultistep', {**ZERO}, 10, 0), ('DPMSolverMultistep', {'variance_type': 'learned_range'}, 10, 0),
    ('DPMSolverMultistep', SDE, 10, 0), ('DPMSolverMultistep', {**SDE, 'solver_type': 'heun'}, 16, 0),
    ('DPMSolverMultistep', {**SDE, 'solver_order': 3, 'use_karras_sigmas': True}, 16, 0),
    ('DPMSolverMultistep', OLD, 10, 0), ('DPMSolverMultistep', {**OLD, 'solver_order': 3}, 16, 0),
    ('DPMSolverMultistep', {**OLD, 'solver_type': 'heun', **THRESHOLD}, 10, 0),
    ('DPMSolverMultistep', {**OLD, 'algorithm_type': 'sde-dpmsolver', 'solver_type': 'heun', 'prediction_type': 'v_prediction'},
     10, 0),
    ('UniPCMultistep', {}, 10, 0), ('UniPCMultistep', {'solver_order': 3}, 10, 0), ('UniPCMultistep', {'solver_order': 1}, 10, 0),
    ('UniPCMultistep', {'solver_order': 4, **COSINE}, 14, 0), ('UniPCMultistep', {'solver_order': 3, **SCALED}, 20, 0),
    ('UniPCMultistep', {'solver_type': 'bh1', 'final_sigmas_type': 'sigma_min'}, 10, 0),
    ('UniPCMultistep', {'predict_x0': False, 'final_sigmas_type': 'sigma_min', 'solver_order': 3}, 10, 0),
    ('UniPCMultistep', {'disable_corrector': [0, 3, 4]}, 10, 0), ('UniPCMultistep', {'use_karras_sigmas': True}, 12, 0),
    ('UniPCMultistep', {'use_karras_sigmas': True, 'final_sigmas_type': 'sigma_min', 'beta_schedule': 'squaredcos_cap_v2'}, 3, 0),
    ('UniPCMultistep', {**THRESHOLD, 'timestep_spacing': 'leading', 'steps_offset': 1}, 10, 0),
    ('UniPCMultistep', {**ZERO, 'solver_order': 3}, 10, 0), ('UniPCMultistep', {'prediction_type': 'sample'}, 5, 0),
    ('UniPCMultistep', {'lower_order_final': False, 'final_sigmas_type': 'sigma_min'}, 8, 0),
]


def model(x, t, T, learned):
    """The closed form: what a network might say of x at timestep t, and a second half for learned variances."""
    u = (t + 1) / T
    mean = x * (u / (u + 0.1)) + 0.1 * torch.sin(3 * x + t / 100)
    if not learned:
        return mean
    return torch.cat([mean, 0.03 + 0.02 * torch.cos(x + t / 50)], dim=1)


def draw(k):
    i = np.arange(IMAGES * PLANE)
    return torch.from_numpy(1.1 * np.cos(3.0 * k + 0.7 * i)).reshape(IMAGES, 1, PLANE, 1)


def run(name, fields, steps, eta):
    scheduler = getattr(diffusers, name + 'Scheduler')(**fields)
    learned = fields.get('variance_type', '').startswith('learned')
    draws = []

    def randn(shape, **kwargs):
        draws.append(len(draws))
        return draw(draws[-1]).to(kwargs['dtype'])
    for module in (scheduling_ddim, scheduling_ddpm, scheduling_dpmsolver_multistep):
        module.randn_tensor = randn
    scheduler.set_timesteps(steps)
    x = torch.from_numpy(1.3 * np.sin(1.0 + np.arange(IMAGES * PLANE))).reshape(IMAGES, 1, PLANE, 1)
    more = {'eta': eta} if name == 'DDIM' else {}
    for t in scheduler.timesteps:
        output = model(x, int(t), scheduler.config.num_train_timesteps, learned)
        if learned and name == 'DPMSolverMultistep':
            output = output[:, :1]
        x = scheduler.step(output, t, x, **more).prev_sample
    result = x.double().flatten().tolist()
    assert all(map(math.isfinite, result)), (name, fields)
    return {'timesteps': scheduler.timesteps.tolist(), 'draws': len(draws), 'result': [float(f'{v:.9g}') for v in result]}


def ermon_betas(name, T, start=0.0001, end=0.02):
    """get_beta_schedule of ermongroup/ddim."""
    return {'quad': lambda: np.linspace(start**0.5, end**0.5, T)**2, 'linear': lambda: np.linspace(start, end, T),
            'const': lambda: end * np.ones(T), 'jsd': lambda: 1 / np.linspace(T, 1, T),
            'sigmoid': lambda: 1 / (np.exp(-np.linspace(-6, 6, T)) + 1) * (end - start) + start}[name]()


def run_ermon(schedule, T, skip_type, N, eta):
    """sample_image and generalized_steps of ermongroup/ddim, on float64 arrays with its float32 scalars."""
    betas = torch.from_numpy(ermon_betas(schedule, T)).float()
    alphas = (1 - torch.cat([torch.zeros(1), betas])).cumprod(dim=0)
    if skip_type == 'uniform':
        seq = list(range(0, T, T // N))
    else:
        seq = [int(s) for s in np.linspace(0, np.sqrt(T * 0.8), N)**2]
    x = torch.from_numpy(1.3 * np.sin(1.0 + np.arange(IMAGES * PLANE))).reshape(IMAGES, 1, PLANE, 1)
    for k, (i, j) in enumerate(zip(reversed(seq), reversed([-1] + seq[:-1]))):
        at, at_next, et = alphas[i + 1], alphas[j + 1], model(x, i, T, False)
        x0_t = (x - et * (1 - at).sqrt()) / at.sqrt()
        c1 = eta * ((1 - at / at_next) * (1 - at_next) / (1 - at)).sqrt()
        c2 = ((1 - at_next) - c1**2).sqrt()
        x = at_next.sqrt() * x0_t + c1 * draw(k) + c2 * et
    return {'schedule': schedule, 'T': T, 'spec': f'{skip_type}:{N}', 'eta': eta, 'timesteps': seq[::-1],
            'result': [float(f'{v:.9g}') for v in x.flatten().tolist()]}


def denoise(x, sigma, distilled, sigma_min, clip):
    """KarrasDenoiser.denoise of openai/consistency_models; sigma is float32, x float64."""
    data = 0.5
    sigma = torch.tensor(sigma, dtype=torch.float32)
    above = sigma - sigma_min if distilled else sigma
    c_skip = data**2 / (above**2 + data**2)
    c_out = above * data / (sigma**2 + data**2)**0.5
    c_in = 1 / (sigma**2 + data**2)**0.5
    t = 1000 * 0.25 * torch.log(sigma + 1e-44)
    y = c_in * x
    output = 0.7 * y + 0.4 * torch.sin(3 * y + t / 100)
    x0 = c_out * output + c_skip * x
    return x0.clamp(-1, 1) if clip else x0


def run_consistency(sampler, distilled, spec, clip, sigma_min=0.002, sigma_max=80.0):
    """karras_sample: sample_onestep, stochastic_iterative_sampler and sample_heun."""
    rho, draws = 7.0, 0
    x = torch.from_numpy(1.3 * np.sin(1.0 + np.arange(IMAGES * PLANE))).reshape(IMAGES, 1, PLANE, 1) * sigma_max
    most, least = sigma_max**(1 / rho), sigma_min**(1 / rho)
    if sampler == 'heun':
        sigmas = torch.cat([(most + torch.linspace(0, 1, int(spec)) * (least - most))**rho, torch.zeros(1)])
        for s, n in zip(sigmas[:-1], sigmas[1:]):
            draws += 1
            d = (x - denoise(x, s, distilled, sigma_min, clip)) / s
            x2 = x + d * (n - s)
            x = x2 if n == 0 else x + (d + (x2 - denoise(x2, n, distilled, sigma_min, clip)) / n) / 2 * (n - s)
    elif spec == '1':
        x = denoise(x, sigma_max, distilled, sigma_min, clip)
    else:
        ts = [int(t) for t in spec.split(',')] if ',' in spec else [int(np.round(i * 39 / int(spec))) for i in range(int(spec) + 1)]
        for a, b in zip(ts[:-1], ts[1:]):
            x0 = denoise(x, (most + a / ts[-1] * (least - most))**rho, distilled, sigma_min, clip)
            following = np.clip((most + b / ts[-1] * (least - most))**rho, sigma_min, sigma_max)
            x = x0 + draw(draws) * np.sqrt(following**2 - sigma_min**2)
            draws += 1
    return {'sampler': sampler, 'distilled': distilled, 'spec': spec, 'clip': clip, 'sigma_min': sigma_min, 'sigma_max': sigma_max,
            'draws': draws, 'result': [float(f'{v:.9g}') for v in x.flatten().tolist()]}


CONSISTENCY = [('multistep', True, '1', True), ('multistep', True, '1', False), ('multistep', True, '0,22,39', True),
               ('multistep', True, '0,106,200', False), ('multistep', True, '3', True), ('multistep', True, '25', False),
               ('heun', False, '10', True), ('heun', False, '18', False), ('heun', False, '1', True), ('heun', False, '2', False),
               ('heun', True, '7', False), ('multistep', False, '4', False, 0.01, 50.0)]

ERMON = [('linear', 1000, 'uniform', 10, 0), ('linear', 1000, 'uniform', 7, 0.5), ('linear', 1000, 'quad', 10, 0),
         ('linear', 1000, 'quad', 50, 1), ('quad', 1000, 'uniform', 20, 0.2), ('sigmoid', 1000, 'quad', 20, 0),
         ('const', 200, 'uniform', 9, 1), ('jsd', 100, 'quad', 8, 0), ('linear', 1000, 'uniform', 1, 0), ('linear', 1000, 'quad', 1, 0)]


def main():
    out = pathlib.Path(__file__).parent / 'diffusers-schedulers.json'
    cases = [{'class': name + 'Scheduler', 'fields': fields, 'steps': steps, 'eta': eta, **run(name, fields, steps, eta)}
             for name, fields, steps, eta in CASES]
    for case in cases:  # the list of all timesteps says nothing that its ends do not
        if len(case['timesteps']) > 100:
            case['timesteps'] = []
    out.with_name('ermon.json').write_text('[\n' + ',\n'.join(json.dumps(run_ermon(*case)) for case in ERMON) + '\n]\n')
    out.with_name('consistency.json').write_text(
        '[\n' + ',\n'.join(json.dumps(run_consistency(*case)) for case in CONSISTENCY) + '\n]\n')
    out.write_text('[\n' + ',\n'.join(json.dumps(case) for case in cases) + '\n]\n')


if __name__ == '__main__':
    main()
