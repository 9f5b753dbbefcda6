#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""inpaint.py DDIM FOLDER [--seeds N] [--size WxH] [--box X,Y,W,H] [--flags "..."] …: do holes that were filled show?

Makes pictures with the command DDIM in FOLDER, cuts a hole into each, fills it with the picture's own class, and prints a
line of results. Needs numpy, scipy and Pillow. What is measured of the hole is also measured of squares of its size all over
the untouched pictures of its class (so far as they do not touch the hole), which tells what the texture itself does:

  border    the differences of neighboring pixels across the border of all that changed, feather included, against all differences of
            the untouched picture, by the two-sample Kolmogorov-Smirnov statistic. inner: the same across the border of the
            box, where what is blended begins. textbook: its p for independent values; control: the same at the border before
            anything was filled; fair: the share of the squares whose statistic is at least as large.
  mean      how far the mean color of the hole is from that of a ring around it, of the hole's area, the greatest
            channel, as a part of the range of colors. near: within 0.02; control: of the untouched hole; fair: the share
            of the squares that are at least as far.
"""
import argparse
import json
import pathlib
import subprocess

import numpy as np
from PIL import Image
from scipy.stats import kstwo

TESTS = {'border': ['textbook', 'control', 'fair'], 'inner': ['textbook', 'control', 'fair'], 'mean': ['near', 'control', 'fair']}
LEVEL = 0.01
NEAR = 0.02
CLASSES = 'brick,marble,wood,cobblestone,lava,water,rust,grass,sand,clouds'


def run(options, requests):
    lines = ''.join(json.dumps(request) + '\n' for request in requests if not pathlib.Path(request['output']).exists())
    subprocess.run([options.ddim, 'generate', '--batch-file', '-'], input=lines, text=True, check=True, stdout=subprocess.DEVNULL)


def make(options):
    """Files of the pictures before and after, and their classes."""
    options.folder.mkdir(parents=True, exist_ok=True)
    requests, files = [], []
    for seed in range(1, options.seeds + 1):
        before, after = (options.folder / f'{seed}-{kind}.png' for kind in ('before', options.name))
        name = options.classes[seed % len(options.classes)]
        request = {'model': options.model, 'class': name, 'seed': seed, 'steps': options.steps}
        requests.append(request | {'size': options.size, 'output': str(before)})
        fill = {'command': 'inpaint', 'input': str(before), 'box': options.box, 'output': str(after)}
        fill |= {'quality': options.quality, 'feather': options.feather, 'context': options.context}
        requests.append(request | fill | ({'flags': options.flags} if options.flags else {}))
        files.append((before, after, name))
    run(options, requests)
    return files


def read(path):
    return np.asarray(Image.open(path).convert('RGB')).astype(float)


def cross(gray, box):
    """The differences across the border of @box, inside minus outside, and likewise of any box."""
    x, y, w, h = box
    rows, columns = slice(y, y + h), slice(x, x + w)
    return np.concatenate([gray[rows, x] - gray[rows, x - 1], gray[rows, x + w - 1] - gray[rows, x + w],
                           gray[y, columns] - gray[y - 1, columns], gray[y + h - 1, columns] - gray[y + h, columns]])


def all_differences(gray):
    """Those of the picture, in both directions, as a border has them."""
    found = [np.diff(gray, axis=axis).ravel() for axis in (0, 1)]
    return np.sort(np.concatenate(found + [-d for d in found]))


def shift(picture, box):
    """How far the mean of @box is from that of a ring of its area."""
    x, y, w, h = box
    n = max(1, round((np.sqrt((w + h) ** 2 + 4 * w * h) - (w + h)) / 4))
    top, left = max(0, y - n), max(0, x - n)
    outer = picture[top:y + h + n, left:x + w + n]
    inner = picture[y:y + h, x:x + w]
    ring = (outer.sum((0, 1)) - inner.sum((0, 1))) / (outer.shape[0] * outer.shape[1] - w * h)
    return inner.mean((0, 1)) / 255 - ring / 255


def distance(some, everything):
    """The Kolmogorov-Smirnov statistic. @everything is sorted."""
    some = np.sort(some)
    share = np.searchsorted(everything, some, 'right') / len(everything), np.searchsorted(everything, some, 'left') / len(everything)
    n = len(some)
    upper, lower = np.searchsorted(some, some, 'right') / n, np.searchsorted(some, some, 'left') / n
    return max((upper - share[0]).max(), (share[1] - lower).max())


def p_value(statistic, n, m):
    """The textbook's, of two samples of independent values."""
    return kstwo.sf(statistic, round(n * m / (n + m)))


def boxes(shape, size, step=3):
    w, h = size
    return [(x, y, w, h) for y in range(1, shape[0] - h, step) for x in range(1, shape[1] - w, step)]


def rank(value, reference):
    return (1 + sum(r >= value for r in reference)) / (1 + len(reference))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('ddim')
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--name', default='filled', help='of this try, in file names')
    parser.add_argument('--model', default='textures')
    parser.add_argument('--seeds', type=int, default=20)
    parser.add_argument('--size', default='96x96')
    parser.add_argument('--box', default='36,36,24,24')
    parser.add_argument('--steps', default='25')
    parser.add_argument('--quality', type=int, default=0)
    parser.add_argument('--feather', type=int, default=2)
    parser.add_argument('--context', type=int, default=-1)
    parser.add_argument('--flags', default='', help='--image_size N makes windows of at most 4 N pixels')
    parser.add_argument('--class', dest='classes', type=lambda text: text.split(','), default=CLASSES.split(','))
    options = parser.parse_args()
    box = tuple(map(int, options.box.split(',')))
    grown = (box[0] - options.feather, box[1] - options.feather, box[2] + 2 * options.feather, box[3] + 2 * options.feather)
    files = make(options)

    statistics, shifts = {}, {}
    for before, _, name in files:
        picture = read(before)
        gray, everything = picture.mean(2), all_differences(picture.mean(2))
        for other in boxes(gray.shape, grown[2:]):
            statistics.setdefault(name, []).append(distance(cross(gray, other), everything))
            shifts.setdefault(name, []).append(np.abs(shift(picture, other)).max())
    counts = {f'{what} {test}': 0 for what, tests in TESTS.items() for test in tests}
    places, signed = {what: [] for what in TESTS}, []
    for before, after, name in files:
        old, new = read(before), read(after)
        everything = all_differences(old.mean(2))
        for what, where in (('border', grown), ('inner', box)):
            across = cross(new.mean(2), where)
            found, untouched = distance(across, everything), distance(cross(old.mean(2), where), everything)
            p, p_untouched = (p_value(d, len(across), len(everything)) for d in (found, untouched))
            fair = rank(found, statistics[name])
            for test, passed in (('textbook', p > LEVEL), ('control', p_untouched > LEVEL), ('fair', fair > LEVEL)):
                counts[f'{what} {test}'] += passed
            places[what].append(fair)
        far, far_before = shift(new, grown), shift(old, grown)
        fair = rank(np.abs(far).max(), shifts[name])
        for test, passed in (('near', np.abs(far).max() < NEAR), ('control', np.abs(far_before).max() < NEAR),
                             ('fair', fair > LEVEL)):
            counts[f'mean {test}'] += passed
        places['mean'].append(fair)
        signed.append((far.mean(), far_before.mean(), np.abs(far).max(), np.abs(far_before).max()))
    print(f'{options.name}: ' + ', '.join(f'{key} {n} of {len(files)}' for key, n in counts.items()))
    means = np.mean(signed, axis=0)
    print(f'  mean p: border {np.mean(places["border"]):.2f}, mean {np.mean(places["mean"]):.2f}; brightness {means[0]:+.4f} '
          f'(before {means[1]:+.4f}); greatest channel {means[2]:.4f} (before {means[3]:.4f})')
    pairs = [np.concatenate([read(before), read(after)], axis=1) for before, after, _ in files]
    rows = [np.concatenate(pairs[i:i + 5], axis=1) for i in range(0, len(pairs) // 5 * 5, 5)]
    if rows:
        Image.fromarray(np.concatenate(rows).astype(np.uint8)).save(options.folder / f'sheet-{options.name}.png')


if __name__ == '__main__':
    main()
