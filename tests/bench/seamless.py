#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""seamless.py DDIM FOLDER [--seeds N] [--size WxH] [--class NAME,...] [--kernels auto,cpu,gpu,amx-emulated] [--axes x,y,xy]
[--window N] [--what …]: do seams show?

Makes pictures with the command DDIM in FOLDER, needs numpy, scipy and Pillow, and prints a table. For each picture and
each axis that tiles, the gradients across the border (between the last pixel and the first) are set beside those of the
interior, by two two-sample Kolmogorov-Smirnov tests:

  textbook  the border's gradients against all of the interior, as if all were independent. Neighboring pixels are not, so
            this rejects textures that nobody touched. `control` says how often: the same test for a line of the interior,
            the one in the middle, of the same picture.
  fair      the border's distance D from the interior, ranked among the distances of the interior's own lines, each from the
            rest, of all pictures of that class: p is the share of lines that are at least as far as the border. With 100
            lines and more it can be less than 0.01, so seeds must not be too few for the classes.

  strip     how far the mean brightness of a strip around the border, an eighth of the picture on each side of it, is from that of
            the strips beside it, ranked likewise among strips of the untouched interior.

A gradient is the signed difference of gray values, the mean of the three channels. A sheet of 3x3 copies of each kind is written for the eye.
"""
import argparse
import json
import os
import pathlib
import subprocess

import numpy as np
from PIL import Image
from scipy.stats import ks_2samp

KINDS = ['plain', 'generated', 'made']
AXES = ['x', 'y', 'xy']
LEVEL = 0.01


def gradients(picture, axis):
    """[line][pixel along it]: differences to the next pixel; the last line is the border."""
    gray = picture.astype(float).mean(axis=2)
    lines = gray.T if axis == 'x' else gray
    return np.roll(lines, -1, axis=0) - lines


def distance(line, rest):
    return ks_2samp(line, rest.ravel(), method='asymp').statistic


def rank(value, reference):
    return (1 + sum(r >= value for r in reference)) / (1 + len(reference))


def find_strips(picture, axis):
    """The strip's difference from those beside it, and those of strips whose neighbors lie in the interior."""
    lines = picture.astype(float).mean(axis=(2, 0 if axis == 'x' else 1))
    n = max(1, len(lines) // 8)

    def differ(at):
        """Of lines [at - n, at + n)."""
        around = np.roll(lines, 2 * n - at)[:4 * n]
        return abs(around[n:3 * n].mean() - np.concatenate([around[:n], around[3 * n:]]).mean())
    return differ(0), [differ(at) for at in range(2 * n, len(lines) - 2 * n + 1)]


class Border:
    """The border of a picture along one axis, and what its interior is like."""

    def __init__(self, picture, axis):
        lines = gradients(picture, axis)
        self.border, self.interior = lines[-1], lines[:-1]
        self.own = [distance(line, np.delete(self.interior, i, axis=0)) for i, line in enumerate(self.interior)]
        self.strip, self.strips = find_strips(picture, axis)

    def judge(self, reference, strips):
        """p of the border by both tests, of the middle line by the textbook's, and of the strip."""
        found = distance(self.border, self.interior)
        middle = len(self.interior) // 2
        rest = np.delete(self.interior, middle, axis=0).ravel()
        return {'textbook': ks_2samp(self.border, self.interior.ravel(), method='asymp').pvalue,
                'control': ks_2samp(self.interior[middle], rest, method='asymp').pvalue,
                'fair': rank(found, reference), 'strip': rank(self.strip, strips)}


def name_file(options, kernels, seed, kind, axes):
    return options.folder / f'{kernels}-{seed}-{kind}-{axes}.png'


def make(options, kernels, kind, axes):
    """The pictures of all seeds, by one process. Returns their files."""
    requests = []
    files = [name_file(options, kernels, seed, kind, axes) for seed in range(1, options.seeds + 1)]
    for seed, path in enumerate(files, 1):
        request = {'model': options.model, 'class': options.classes[seed % len(options.classes)], 'seed': seed, 'steps': options.steps,
                   'output': str(path)}
        if kind == 'made':
            plain = name_file(options, kernels, seed, 'plain', 'none')
            request |= {'command': 'seamless', 'input': str(plain), 'axis': axes, 'quality': options.quality}
            if options.window:
                request |= {'flags': f'--image_size {options.window // 4}', 'seam-width': 8}
        else:
            request |= {'size': options.size, 'seamless': axes, 'window': options.window}
        if not path.exists():
            requests.append(json.dumps(request) + '\n')
    subprocess.run([options.ddim, 'generate', '--batch-file', '-'], input=''.join(requests), text=True, check=True,
                   stdout=subprocess.DEVNULL, env=os.environ | {'DDIM_KERNELS': kernels})
    return files


def read(path):
    return np.asarray(Image.open(path).convert('RGB'))


def measure(options, kernels, kind, axes, tiles):
    passed = {'textbook': 0, 'control': 0, 'fair': 0, 'strip': 0}
    borders = {}
    for seed, path in enumerate(make(options, kernels, kind, axes), 1):
        picture = read(path)
        tiles.append(np.tile(picture, (3, 3, 1)))
        for axis in axes if axes != 'none' else 'xy':
            borders.setdefault((seed % len(options.classes), axis), []).append(Border(picture, axis))
    tests = 0
    for alike in borders.values():
        reference = [d for border in alike for d in border.own]
        strips = [d for border in alike for d in border.strips]
        for border in alike:
            tests += 1
            for test, p in border.judge(reference, strips).items():
                passed[test] += p > LEVEL
    print(f'{kernels:4} {kind:9} {axes:4}  ' + '  '.join(f'{test} {n:3} of {tests}' for test, n in passed.items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ddim')
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--model', default='textures')
    parser.add_argument('--seeds', type=int, default=20)
    parser.add_argument('--size', default='64x64')
    parser.add_argument('--steps', default='25')
    parser.add_argument('--quality', type=int, default=0)
    parser.add_argument('--window', type=int, default=0, help='the largest side of a window; 0: all in one piece')
    parser.add_argument('--class', dest='classes', type=lambda text: text.split(','),
                        default='brick,marble,wood,cobblestone,lava,water,rust,grass,sand,clouds'.split(','))
    parser.add_argument('--kernels', type=lambda text: text.split(','), default=['auto'])
    parser.add_argument('--axes', type=lambda text: text.split(','), default=AXES)
    parser.add_argument('--what', type=lambda text: text.split(','), default=KINDS, help=', '.join(KINDS))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for kernels in options.kernels:
        for kind in options.what:
            for axes in options.axes if kind != 'plain' else ['none']:
                tiles = []
                measure(options, kernels, kind, axes, tiles)
                rows = [np.concatenate(tiles[i:i + 5], axis=1) for i in range(0, len(tiles) // 5 * 5, 5)]
                if rows:
                    Image.fromarray(np.concatenate(rows)).save(options.folder / f'sheet-{kernels}-{kind}-{axes}.png')


if __name__ == '__main__':
    main()
