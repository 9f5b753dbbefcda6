#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures made in windows beside the same made in one piece: windows.py DDIM [--size 512] [--window 128] ...

All start from the same noise. The first table gives what is made in windows as a ratio to what is made in one piece: mean
(as a difference, in parts of the range of colors), variance, and power in each octave of spatial frequency, over all
seeds together. The second holds both against pictures of a window's own size, tile by tile. The last lines tell whether a
grid shows: the autocorrelation of the local contrast at the distance of two windows, in standard deviations of that at
the distances around it.
"""
import argparse
import pathlib
import subprocess
import tempfile

import numpy


def make(options, seed, size, window, folder, count=1):
    path = pathlib.Path(folder) / f'{seed}-{size}-{window}.npy'
    subprocess.run([options.ddim, 'generate', '--class', options.name, '--size', str(size), '--seed', str(seed),
                    '-n', str(count), '--steps', options.steps, '--window', str(window),
                    '--overlap', str(options.overlap if window else -1), '--quiet', '-o', str(path)], check=True)
    return list(numpy.load(path).reshape(-1, 3, size, size).astype(float))


def octaves(picture):
    """The power in each octave: [2^k, 2^(k + 1)) periods over the picture's width."""
    size = picture.shape[-1]
    power = (numpy.abs(numpy.fft.fft2(picture - picture.mean((1, 2), keepdims=True))) ** 2).sum(0)
    along = numpy.fft.fftfreq(size) * size
    radius = numpy.hypot(along[:, None], along)
    edges = 2.0 ** numpy.arange(int(numpy.log2(size)))
    return numpy.array([power[(radius >= edge) & (radius < 2 * edge)].sum() for edge in edges])


def measure(pictures):
    return {'mean': numpy.mean([p.mean() for p in pictures]), 'variance': numpy.mean([p.var() for p in pictures]),
            'octaves': numpy.mean([octaves(p) for p in pictures], axis=0)}


def cut(pictures, side):
    return [p[:, y:y + side, x:x + side] for p in pictures for y in range(0, p.shape[1] - side + 1, side)
            for x in range(0, p.shape[2] - side + 1, side)]


def show(title, pictures, others):
    """@pictures as a ratio to @others."""
    first, second = measure(others), measure(pictures)
    cells = [f'{(second["mean"] - first["mean"]) / 2:+.3f}', f'{second["variance"] / first["variance"]:.2f}']
    cells += [f'{ratio:.2f}' for ratio in second['octaves'] / first['octaves']]
    print(f'| {title} | ' + ' | '.join(cells) + ' |')


def show_head(what, n_octaves):
    heads = ['mean', 'variance'] + [f'{2 ** k}…{2 ** (k + 1)}' for k in range(n_octaves)]
    print(f'\n| {what} | ' + ' | '.join(heads) + ' |\n' + '| --- ' * (len(heads) + 1) + '|')


def correlate(picture, lag, axis):
    """The autocorrelation of the local contrast, without what it owes to its slow changes."""
    gray = picture.mean(0)
    contrast = numpy.abs(numpy.diff(gray, axis=axis)).mean(1 - axis)
    contrast = contrast - numpy.convolve(numpy.pad(contrast, 16, 'edge'), numpy.ones(33) / 33, 'valid')
    return (contrast[lag:] * contrast[:-lag]).mean() / contrast.var()


def find_grid(pictures, stride):
    """How far the autocorrelation at @stride is from that at the distances around it, in their standard deviations."""
    def mean(lag):
        return numpy.mean([correlate(p, lag, axis) for p in pictures for axis in (0, 1)])
    around = [mean(lag) for lag in range(stride - 24, stride + 25) if abs(lag - stride) > 2]
    return (mean(stride) - numpy.mean(around)) / numpy.std(around)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('ddim')
    parser.add_argument('--class', dest='name', default='lava')
    parser.add_argument('--size', type=int, default=512)
    parser.add_argument('--window', type=int, default=128)
    parser.add_argument('--overlap', type=int, default=32)
    parser.add_argument('--steps', default='10')
    parser.add_argument('--seeds', type=int, default=2)
    parser.add_argument('--own', type=int, default=16, help='how many pictures of the window\'s size')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, windows = ([picture for seed in range(options.seeds) for picture in make(options, seed, options.size, window, folder)]
                          for window in (0, options.window))
        own = make(options, 0, options.window, 0, folder, options.own)
    show_head(f'{options.name}, {options.size}', int(numpy.log2(options.size)))
    show('windows to one piece', windows, whole)
    show_head(f'{options.name}, tiles of {options.window}', int(numpy.log2(options.window)))
    show('one piece to own size', cut(whole, options.window), own)
    show('windows to own size', cut(windows, options.window), own)
    n = -(-(options.size - options.overlap) // (options.window - options.overlap))
    stride = round((options.size - options.window) / (n - 1))
    print()
    for name, pictures in (('one piece', whole), ('windows', windows)):
        print(f'Grid at {stride} pixels, {name}: {find_grid(pictures, stride):+.1f} standard deviations.')


if __name__ == '__main__':
    main()
