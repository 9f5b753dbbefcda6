#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pictures made in windows beside the same made in one piece: windows.py DDIM FOLDER [--size 512] [--window 128] ...

Pictures are made in FOLDER, unless they are there. All start from the same noise. The first table gives what is made in
windows as a ratio to what is made in one piece: mean (as a difference, in parts of the range of colors), variance, and
power in each octave of spatial frequency, over all seeds together. Behind each ratio stands its standard error, by leaving
out one seed at a time. The second line compares pictures that differ in nothing but their seeds: one piece of every second
seed with one piece of the others. The second table holds both against pictures of a window's own size, tile by tile.

The last lines tell whether a grid shows:
  grid    the autocorrelation of contrast, from each line to the next, at the distance of two windows, in standard deviations of
          that at the distances around it
  blend   contrast within lines, where two windows of the last step are blended, as a ratio to that
          where one counts alone
"""
import argparse
import pathlib
import subprocess

import numpy


def make(options, seed, size, window, count=1):
    overlap = options.overlap if window else -1
    path = options.folder / f'{options.name}-{options.steps}-{seed}-{size}-{window}-{overlap}-{count}.npy'
    if not path.exists():
        subprocess.run([options.ddim, 'generate', '--class', options.name, '--size', str(size), '--seed', str(seed),
                        '-n', str(count), '--steps', options.steps, '--window', str(window), '--overlap', str(overlap),
                        '--quiet', '-o', str(path)], check=True)
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
    """[picture][mean, variance, octaves …]"""
    return numpy.array([[p.mean(), p.var(), *octaves(p)] for p in pictures])


def cut(pictures, side):
    return [p[:, y:y + side, x:x + side] for p in pictures for y in range(0, p.shape[1] - side + 1, side)
            for x in range(0, p.shape[2] - side + 1, side)]


def compare(some, others):
    """How @some differ from @others, both as measure() gives them: the mean's difference, then ratios."""
    a, b = some.mean(0), others.mean(0)
    return numpy.concatenate([[(a[0] - b[0]) / 2], a[1:] / b[1:]])


def jackknife(compute, n):
    """The standard error of compute(which of n seeds)."""
    every = numpy.arange(n)
    values = numpy.array([compute(every[every != i]) for i in every])
    return numpy.sqrt((n - 1) / n * ((values - values.mean(0)) ** 2).sum(0))


def show(title, values, errors):
    cells = [f'{values[0]:+.3f} ± {errors[0]:.3f}'] + [f'{v:.2f} ± {e:.2f}' for v, e in zip(values[1:], errors[1:])]
    print(f'| {title} | ' + ' | '.join(cells) + ' |')


def show_paired(title, some, others):
    """Both have as many pictures of each seed, seed by seed. @some [seeds][pictures][…]"""
    def compute(seeds):
        return compare(some[seeds].reshape(-1, some.shape[-1]), others[seeds].reshape(-1, others.shape[-1]))
    show(title, compute(numpy.arange(len(some))), jackknife(compute, len(some)))


def show_apart(title, some, others):
    """Pictures of different seeds. @some [seeds][pictures][…]"""
    def mean(values):
        return values.reshape(-1, values.shape[-1])
    first, second = mean(some), mean(others)
    errors = [jackknife(lambda seeds: compare(mean(some[seeds]), second), len(some)),
              jackknife(lambda seeds: compare(first, mean(others[seeds])), len(others))]
    show(title, compare(first, second), numpy.hypot(*errors))


def show_head(what, n_octaves):
    heads = ['mean', 'variance'] + [f'{2 ** k}…{2 ** (k + 1)}' for k in range(n_octaves)]
    print(f'\n| {what} | ' + ' | '.join(heads) + ' |\n' + '| --- ' * (len(heads) + 1) + '|')


def get_contrast(picture, axis, within=False):
    """From each line to the next along @axis, or within each line: the mean difference of neighboring pixels."""
    return numpy.abs(numpy.diff(picture.mean(0), axis=1 - axis if within else axis)).mean(1 - axis)


def correlate(picture, lag, axis):
    """The autocorrelation of the contrast along @axis, without what it owes to its slow changes."""
    contrast = get_contrast(picture, axis)
    contrast = contrast - numpy.convolve(numpy.pad(contrast, 16, 'edge'), numpy.ones(33) / 33, 'valid')
    return (contrast[lag:] * contrast[:-lag]).mean() / contrast.var()


def find_grid(pictures, stride):
    """How far the autocorrelation at @stride is from that at the distances around it, in their standard deviations."""
    def mean(lag):
        return numpy.mean([correlate(p, lag, axis) for p in pictures for axis in (0, 1)])
    around = [mean(lag) for lag in range(stride - 24, stride + 25) if abs(lag - stride) > 2]
    return (mean(stride) - numpy.mean(around)) / numpy.std(around)


def find_blend(pictures, options, stride):
    """Contrast within an eighth of a window of the middles of what windows share, to that elsewhere; and its error."""
    size, n = options.size, (options.size - options.window) // stride
    middles = [i * stride + (stride + options.window) / 2 for i in range(n)]
    at = numpy.arange(size) + 0.5
    blended = numpy.min([abs(at - middle) for middle in middles], axis=0) < options.overlap / 4
    inner = (at > options.window / 2) & (at < size - options.window / 2)
    values = numpy.array([[get_contrast(p, axis, True)[which & inner].mean() for axis in (0, 1)]
                          for p in pictures for which in (blended, ~blended)]).mean(1).reshape(-1, 2)

    def compute(seeds):
        return values[seeds, 0].mean() / values[seeds, 1].mean()
    return compute(numpy.arange(len(values))), jackknife(compute, len(values))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ddim')
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--class', dest='name', default='lava')
    parser.add_argument('--size', type=int, default=512)
    parser.add_argument('--window', type=int, default=128)
    parser.add_argument('--overlap', type=int, default=32)
    parser.add_argument('--steps', default='10')
    parser.add_argument('--seeds', type=int, default=4)
    parser.add_argument('--own', type=int, default=16, help='how many pictures of the window\'s size')
    return parser.parse_args()


def main():
    options = read_options()
    options.folder.mkdir(parents=True, exist_ok=True)
    seeds = range(options.seeds)
    whole, windows = ([picture for seed in seeds for picture in make(options, seed, options.size, window)]
                      for window in (0, options.window))
    own = make(options, 0, options.window, 0, options.own)

    show_head(f'{options.name}, {options.size}', int(numpy.log2(options.size)))
    in_one, in_windows = measure(whole)[:, None], measure(windows)[:, None]
    show_paired('windows to one piece', in_windows, in_one)
    if options.seeds > 3:
        show_apart('one piece to others', in_one[::2], in_one[1::2])

    show_head(f'{options.name}, tiles of {options.window}', int(numpy.log2(options.window)))
    own = measure(own)[:, None]
    for title, pictures in (('one piece to own size', whole), ('windows to own size', windows)):
        show_apart(title, numpy.array([measure(cut([p], options.window)) for p in pictures]), own)
    n = -(-(options.size - options.overlap) // (options.window - options.overlap))
    stride = round((options.size - options.window) / (n - 1))
    print()
    for name, pictures in (('one piece', whole), ('windows', windows)):
        print(f'{name}, {stride} pixels: grid {find_grid(pictures, stride):+.1f} standard deviations' +
              (', blend {:.3f} ± {:.3f}'.format(*find_blend(pictures, options, stride)) if options.overlap else ''))


if __name__ == '__main__':
    main()
