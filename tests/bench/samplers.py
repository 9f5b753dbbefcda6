#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""samplers.py DDIM [--model M] [--size N] [--each N] [--reference STEPS] [--steps N,…] [--samplers NAME,…] [--folder F]

How many steps does a sampler need for the pictures that many DDPM steps give? Pictures of a stochastic sampler have no counterpart to
compare byte by byte, so sets of pictures are compared, by what the model itself says of them: the model's denoising error on a picture
with noise of a few levels, each picture under its own class. Too few steps leave pictures that are smoother or rougher than those that
the model knows, at one scale or another, and this shows as an error that is too small or too large.

Prints for each sampler and number of evaluations the distance of its set to that of the reference: the means of the logarithms of the
errors, class by class, in units of the reference's standard deviation within a class, root mean square over the noise levels. Two sets
of the reference with different seeds differ by what the line "ddpm again" says; a permutation test gives the distance that 95 % of
random divisions of these two sets stay below. A sampler whose distance is below that cannot be told from the reference in this way.

DDIM is the command; numpy is needed. Files go to the folder F and are not made again.
"""
import argparse
import pathlib
import subprocess
import sys

import numpy as np

CLASSES = 16
LEVELS = (20, 60, 150, 300, 500)  # timesteps of the linear schedule with T = 1000
EVALUATIONS = {'heun': lambda n: 2 * n - 1}


def alpha_bar(t):
    return np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))[t]


class Bench:
    def __init__(self, args):
        self.args, self.folder = args, pathlib.Path(args.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.labels = [i % CLASSES for i in range(args.each * CLASSES)]
        rng = np.random.default_rng(1)
        shape = (len(self.labels), 3, args.size, args.size)
        self.noise = {t: rng.standard_normal(shape).astype(np.float32) for t in LEVELS}

    def ddim(self, *arguments):
        subprocess.run([self.args.ddim, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    def make(self, sampler, steps, seed):
        """The pictures of one set, as float samples."""
        name, _, eta = sampler.partition(':')
        path = self.folder / f'{name}{eta}-{steps}-{seed}.npy'
        if not path.exists():
            self.ddim('generate', '-m', self.args.model, '--class', ','.join(map(str, range(CLASSES))), '-n', len(self.labels),
                      '--batch', CLASSES, '--size', self.args.size, '--sampler', name, '--steps', steps, '--eta', eta or 0,
                      '--seed', seed, '-o', path)
        return np.clip(np.load(path), -1, 1)

    def errors(self, pictures):
        """[pictures][levels]: logarithms of the mean squared errors in eps."""
        noisy, out = self.folder / 'x.npy', self.folder / 'eps.npy'
        result = []
        for t in LEVELS:
            a, z = alpha_bar(t), self.noise[t]
            np.save(noisy, (np.sqrt(a) * pictures + np.sqrt(1 - a) * z).astype(np.float32))
            self.ddim('predict', '-m', self.args.model, '--input', noisy, '--timesteps', t,
                      '--labels', ','.join(map(str, self.labels)), '-o', out)
            result.append(np.log(((np.load(out) - z)**2).mean(axis=(1, 2, 3))))
        return np.stack(result, axis=1)

    def measure(self, sampler, steps, seed):
        return self.errors(self.make(sampler, steps, seed))


def by_class(values):
    """[each][class][levels]"""
    return values.reshape(-1, CLASSES, len(LEVELS))


def distance(one, other, spread):
    difference = (by_class(one).mean(axis=0) - by_class(other).mean(axis=0)).mean(axis=0)
    return float(np.sqrt(((difference / spread)**2).mean()))


def permuted(one, other, spread, rounds=2000):
    """The distances of random divisions of both sets, pictures of a class exchanged."""
    rng = np.random.default_rng(2)
    both = np.concatenate([by_class(one), by_class(other)])
    half, result = len(both) // 2, []
    for _ in range(rounds):
        mixed = rng.permuted(np.arange(len(both))[:, None].repeat(CLASSES, 1), axis=0)
        shuffled = np.take_along_axis(both, mixed[:, :, None], axis=0)
        result.append(distance(shuffled[:half], shuffled[half:], spread))
    return np.array(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ddim')
    parser.add_argument('--model', default='textures')
    parser.add_argument('--size', type=int, default=32)
    parser.add_argument('--each', type=int, default=4, help='pictures of each class')
    parser.add_argument('--reference', type=int, default=1000, help='steps of DDPM')
    parser.add_argument('--steps', default='5,8,10,15,20,25,50')
    parser.add_argument('--samplers', default='ddim,ddim:1,dpm++,unipc,plms,heun,dpm++sde,ddpm',
                        help='NAME, or ddim:ETA')
    parser.add_argument('--folder', default='samplers-bench')
    args = parser.parse_args()
    bench = Bench(args)
    reference = bench.measure('ddpm', args.reference, 1)
    again = bench.measure('ddpm', args.reference, 2)
    spread = by_class(reference).std(axis=0, ddof=1).mean(axis=0)
    print(f'ddpm again {args.reference}: {distance(reference, again, spread):.3f}; 95 % of random divisions are below '
          f'{np.quantile(permuted(reference, again, spread), 0.95):.3f}', flush=True)
    for sampler in args.samplers.split(','):
        for steps in map(int, args.steps.split(',')):
            d = distance(reference, bench.measure(sampler, steps, 3), spread)
            print(f'{sampler:9} {steps:4} steps {EVALUATIONS.get(sampler, int)(steps):4} evaluations {d:.3f}', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
