#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make-windows.py ORIGINAL OUT: reference data for pictures that are computed in windows, and for blended classes.

ORIGINAL is a checkout of https://github.com/openai/improved-diffusion. Everything is computed in float64 with its network
and its sampling loop, and with windows as they are described in core/network/window-axis.h, written anew here:

  OUT/windows.json  the cases, with the options of `ddim generate` that must give the same
  OUT/windows.npz   NAME: the picture [3][H][W] of each case; NAME_map: the map of classes, bytes [h][w][3]

A case whose "way" is "paper" does what MultiDiffusion (arXiv 2302.08113) says: in each window the loop takes its step by
itself, and the results are averaged. For other cases the network's outputs are averaged, and the loop takes its step with
that. In every second step, the last but one among them, windows lie shifted by half of their distance.
"""
import json
import pathlib
import sys

import make_oracle
import numpy as np
import torch as th

NETWORK = 'small_cond'
STRIDE = 4
CASES = [
    {'name': 'paper', 'way': 'paper', 'size': [56, 40], 'window': 24, 'overlap': 8, 'steps': 'ddim5', 'labels': {3: 1},
     'clip': False},
    {'name': 'uneven', 'size': [44, 60], 'window': 20, 'overlap': 4, 'steps': 'ddim4', 'labels': {7: 1}, 'eta': 0.6},
    {'name': 'learned', 'size': [32, 40], 'window': 24, 'overlap': 12, 'steps': '4', 'labels': {0: 1}, 'sampler': 'ddpm'},
    {'name': 'seamless', 'size': [48, 40], 'window': 24, 'overlap': 8, 'steps': 'ddim4', 'labels': {6: 1}, 'wrap': True},
    {'name': 'blend', 'size': [16, 24], 'window': 0, 'overlap': 0, 'steps': 'ddim4', 'labels': {3: 0.75, 8: 0.25}},
    {'name': 'blend_in_windows', 'size': [16, 40], 'window': 16, 'overlap': 4, 'steps': 'ddim3', 'labels': {1: 0.5, 2: 0.5}},
    {'name': 'regions', 'size': [32, 16], 'window': 0, 'overlap': 0, 'steps': 'ddim4', 'labels': {}, 'map': [32, 16],
     'colors': {2: [255, 0, 0], 5: [0, 0, 255]}},
    {'name': 'regions_in_windows', 'size': [48, 24], 'window': 24, 'overlap': 8, 'steps': 'ddim3', 'labels': {},
     'map': [48, 24], 'colors': {2: [255, 0, 0], 5: [0, 0, 255], 9: [0, 255, 0]}},
]


def down(place):
    return int(place // STRIDE * STRIDE)


def axis(length, window, overlap, shifted):
    """Where windows begin, and [window][pixel] how much each counts at each pixel of the picture."""
    if length <= window or window == 0:
        return [0], np.ones((1, length)), length
    n = max(-(-(length - overlap) // (window - overlap)), 2)
    step = (length - window) / (n - 1)
    places = [int(np.floor(i * step / STRIDE + 0.5)) * STRIDE for i in range(n)]
    if shifted and places[1] >= 2 * STRIDE:
        places = [0] + [down((a + b) / 2) for a, b in zip(places, places[1:])] + [places[-1]]
        n += 1
    middles = [(places[i] + window + places[i + 1]) / 2 for i in range(n - 1)]
    shared = [places[i] + window - places[i + 1] for i in range(n - 1)]
    ramp = min([overlap, *shared, *[int(b - a) for a, b in zip(middles, middles[1:])]])
    at = np.arange(length) + 0.5
    weights = np.ones((n, length))
    for i, middle in enumerate(middles):
        first = np.floor(middle - ramp / 2)
        rise = np.clip((at - first) / ramp, 0, 1)
        weights[i] *= 1 - rise
        weights[i + 1] *= rise
    for i, place in enumerate(places):
        assert not weights[i, :place].any() and not weights[i, place + window:].any()
    return places, weights, window


def ring(length, window, overlap, shifted):
    """The same where the picture's end is followed by its beginning: pixels are counted on through three pictures, of
    which the middle one is kept."""
    n = max(-(-length // (window - overlap)), 2)
    places = [int(np.floor(i * length / n / STRIDE + 0.5)) * STRIDE for i in range(3 * n + 1)]
    if shifted and places[1] >= 2 * STRIDE:
        places = [down((a + b) / 2) for a, b in zip(places, places[1:])]
    middles = [(a + window + b) / 2 for a, b in zip(places, places[1:])]
    shared = [a + window - b for a, b in zip(places, places[1:])]
    ramp = min([overlap, *shared, *[int(b - a) for a, b in zip(middles, middles[1:])]])
    at = np.arange(4 * length) + 0.5
    weights = np.zeros((n, length))
    for i in range(n, 2 * n):
        begin, end = (np.floor(middle - ramp / 2) for middle in (middles[i - 1], middles[i]))
        own = np.clip((at - begin) / ramp, 0, 1) * (1 - np.clip((at - end) / ramp, 0, 1))
        weights[i - n] = own.reshape(4, length).sum(0)
    return places[:n], weights, window


class Windows:
    def __init__(self, case, shifted):
        (width, height), way = case['size'], ring if case.get('wrap') else axis
        self.rows, self.row_weights, self.height = way(height, case['window'], case['overlap'], shifted)
        self.columns, self.column_weights, self.width = way(width, case['window'], case['overlap'], shifted)

    def blend(self, compute, x):
        """The weighted mean of what @compute makes of each window of @x."""
        total, all_weights = 0, 0
        for i, top in enumerate(self.rows):
            for j, left in enumerate(self.columns):
                place = (..., (top + np.arange(self.height))[:, None] % x.shape[-2], (left + np.arange(self.width)) % x.shape[-1])
                result = compute(x[place], place)
                whole = th.zeros(*result.shape[:-2], *x.shape[-2:], dtype=th.float64)
                whole[place] = result
                weight = th.from_numpy(self.row_weights[i][:, None] * self.column_weights[j])
                total, all_weights = total + weight * whole, all_weights + weight
        return total / all_weights


def shares(case):
    """{label: [H][W]}: how much of each pixel it has, from the picture that is the map."""
    colors = {label: np.array(color, float) for label, color in case['colors'].items()}
    rows, columns = case['map'][1], case['map'][0]
    result = {label: np.zeros((rows, columns)) for label in colors}
    for y in range(rows):
        for x in range(columns):
            distances = sorted((np.linalg.norm(case['pixels'][y, x] - color), label) for label, color in colors.items())
            (near, first), (far, second) = distances[:2]
            share = round(255 * near / (near + far)) if near / (near + far) >= 1 / 32 else 0
            result[first][y, x] += (255 - share) / 255
            result[second][y, x] += share / 255
    return result


def draw_map(case):
    """Stripes of the classes' colors, with soft borders."""
    columns, rows = case['map']
    colors = np.array(list(case['colors'].values()), float)
    at = np.clip((np.arange(columns) / (columns - 1) * len(colors) - 0.5) * 1.5 - 0.25 * (len(colors) - 1) / 2, 0, len(colors) - 1)
    low = np.minimum(at.astype(int), len(colors) - 2)
    line = colors[low] + (at - low)[:, None] * (colors[low + 1] - colors[low])
    return np.repeat(np.round(line)[None], rows, axis=0).astype(np.uint8)


class Embedding(th.nn.Module):
    """In place of the network's own: the weighted sum of some classes' rows, whatever it is asked for."""

    def __init__(self, table):
        super().__init__()
        self.table, self.labels = table, {}

    def forward(self, _):
        return sum(weight * self.table[label] for label, weight in self.labels.items())[None]


def make_function(model, case, windows, timesteps):
    """The network as the sampling loop calls it."""
    model.label_emb = Embedding(model.label_emb.weight.data)

    def network(x, t, labels):
        model.label_emb.labels = labels
        return model(x, t, y=th.zeros(1, dtype=th.long))

    def evaluate(x, t, place):
        if 'map' not in case:
            return network(x, t, case['labels'])
        return sum(th.from_numpy(share)[place] * network(x, t, {label: 1}) for label, share in case['shares'].items())

    def function(x, t, y=None):
        if case.get('way') == 'paper':
            return network(x, t, case['labels'])
        step = timesteps.index(round(t.item()))
        return windows[step % 2].blend(lambda part, place: evaluate(part, t, place), x)
    return function


def run_paper(diffusion, function, windows, x, clip):
    for i in range(diffusion.num_timesteps - 1, -1, -1):
        t = th.tensor([i])
        x = windows[i % 2].blend(lambda part, place: diffusion.ddim_sample(function, part, t, clip_denoised=clip)['sample'], x)
    return x


def sample(script_util, model, case):
    width, height = case['size']
    windows = [Windows(case, shifted) for shifted in (False, True)]
    diffusion = script_util.create_gaussian_diffusion(steps=1000, learn_sigma=True, noise_schedule='cosine',
                                                      timestep_respacing=case['steps'], rescale_timesteps=True)
    th.manual_seed(case['seed'])
    x = th.randn(1, 3, height, width).double()
    function = make_function(model, case, windows, list(diffusion.timestep_map))
    if case.get('way') == 'paper':
        return run_paper(diffusion, function, windows, x, case['clip'])
    options = dict(noise=x, clip_denoised=case.get('clip', True), device='cpu', model_kwargs={'y': None})
    if case.get('sampler') == 'ddpm':
        return diffusion.p_sample_loop(function, x.shape, **options)
    return diffusion.ddim_sample_loop(function, x.shape, eta=case.get('eta', 0.0), **options)


def to_options(case):
    options = ['--size', '{}x{}'.format(*case['size']), '--steps', case['steps'], '--seed', str(case['seed']), '--sampler',
               case.get('sampler', 'ddim'), '--eta', str(case.get('eta', 0)), '--window', str(case['window'])]
    if case['window']:
        options += ['--overlap', str(case['overlap'])]
    if case.get('wrap'):
        options += ['--seamless', 'xy']
    if not case.get('clip', True):
        options += ['--no-clip']
    if 'colors' in case:
        options += ['--class-colors', ','.join('{}=#{:02x}{:02x}{:02x}'.format(label, *color)
                                               for label, color in case['colors'].items())]
    elif len(case['labels']) > 1:
        options += ['--class', ','.join(f'{label}:{weight}' for label, weight in case['labels'].items())]
    else:
        options += ['--class', ''.join(map(str, case['labels']))]
    return options


@th.no_grad()
def main(original, out):
    script_util, unet = make_oracle.load_original(original)
    here, out = pathlib.Path(__file__).parent, pathlib.Path(out)
    network = next(case for case in json.loads((here / 'unets.json').read_text()) if case['name'] == NETWORK)
    th.Tensor.float, unet.timestep_embedding = th.Tensor.double, make_oracle.timestep_embedding_f64
    normal = th.randn_like
    th.randn_like = lambda x: th.randn(x.shape).double()  # the numbers of float32, as the loop in float32 draws them
    arrays, cases = {}, []
    for seed, case in enumerate(CASES, 11):
        model = make_oracle.build_model(unet, network)
        model.load_state_dict(make_oracle.load_weights(here / f'unet_{NETWORK}.pt'))
        model = model.double()
        case['seed'] = seed
        if 'map' in case:
            case['pixels'] = arrays[case['name'] + '_map'] = draw_map(case)
            case['shares'] = shares(case)
        arrays[case['name']] = sample(script_util, model, case)[0].numpy()
        cases.append({'name': case['name'], 'options': to_options(case)})
        print(case['name'], arrays[case['name']].std(), flush=True)
    th.randn_like = normal
    np.savez_compressed(out / 'windows.npz', **arrays)
    (out / 'windows.json').write_text('[\n' + ',\n'.join('  ' + json.dumps(case) for case in cases) + '\n]\n')


if __name__ == '__main__':
    main(*sys.argv[1:])
