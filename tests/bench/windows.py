#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures made in windows beside the same made in one piece: windows.py DDIM [--size 512] [--window 128] ...

Both start from the same noise. The table gives what is made in windows as a ratio to what is made in one piece: mean
(as a difference, in parts of the range of colors), variance, and power in each octave of spatial frequency, over all
seeds together. The last lines tell whether a grid shows: the autocorrelation of the local contrast at the distance of two
windows, in standard deviations of that at the distances around it.
"""
import argparse
import pathlib
import subprocess
import tempfile

import numpy


def make(options, seed, window, folder):
    path = pathlib.Path(folder) / f'{seed}-{window}.npy'
    subprocess.run([options.ddim, 'generate', '--class', options.name, '--size', str(options.size), '--seed', str(seed),
                    '--steps', options.steps, '--window', str(window), '--overlap', str(options.overlap if window else -1),
                    '--quiet', '-o', str(path)], check=True)
    return numpy.load(path).reshape(-1, options.size, options.size).astype(float)


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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, windows = ([make(options, seed, window, folder) for seed in range(options.seeds)]
                          for window in (0, options.window))
    first, second = measure(whole), measure(windows)
    print(f'| {options.name} | windows to one piece |\n| --- | --- |')
    print(f'| mean | {(second["mean"] - first["mean"]) / 2:+.4f} |')
    print(f'| variance | {second["variance"] / first["variance"]:.3f} |')
    for k, ratio in enumerate(second['octaves'] / first['octaves']):
        print(f'| {2 ** k} … {2 ** (k + 1)} periods | {ratio:.3f} |')
    n = -(-(options.size - options.overlap) // (options.window - options.overlap))
    stride = round((options.size - options.window) / (n - 1))
    for name, pictures in (('one piece', whole), ('windows', windows)):
        print(f'| grid at {stride} pixels, {name} | {find_grid(pictures, stride):+.2f} |')


if __name__ == '__main__':
    main()
