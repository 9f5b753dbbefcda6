#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Run `ddim bench` and openai/improved-diffusion under PyTorch in turn, on the same weights, and print the ratios.

compare.py --ddim build/cli/ddim --original CHECKOUT [--python PYTHON]… [--weights FOLDER] [--rounds N] [NAME…]

CHECKOUT is one of https://github.com/openai/improved-diffusion. Each PYTHON has torch and numpy; the fastest of them counts.
The weights are random and made once, in FOLDER. Both sides run on the same THREADS processors (taskset), alternating, so
that what else the machine does meets both; the figures are medians over the rounds, the ratio is PyTorch's / ddim's.
Without a torch or without the checkout it says so and does nothing (exit status 77).
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CASES = HERE / 'configs.json'
# name, batch, evaluations per round
RUNS = [('cifar', 1, 6), ('imagenet64', 1, 4), ('lsun256', 1, 2), ('cifar', 16, 2)]
THREADS = 2


def skip(why):
    print(f'compare: {why}', file=sys.stderr)
    sys.exit(77)


def run(command, env=None):
    """stdout, wall seconds and peak resident bytes of a command on THREADS processors."""
    processors = ','.join(map(str, sorted(os.sched_getaffinity(0))[:THREADS]))
    start = time.monotonic()
    with subprocess.Popen(['taskset', '-c', processors, *map(str, command)], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.PIPE, env=os.environ | (env or {})) as process:
        with tempfile.TemporaryFile('w+') as errors:
            output = process.stdout.read()
            errors.write(process.stderr.read())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            errors.seek(0)
            if process.returncode:
                raise SystemExit(f'compare: {command} failed ({process.returncode}):\n{errors.read()}')
    return output, time.monotonic() - start, usage.ru_maxrss * 1024


class Torch:
    def __init__(self, python, original):
        self.python, self.original = python, original
        probe = subprocess.run([python, '-c', 'import torch, numpy; print(torch.__version__)'], capture_output=True,
                               text=True, check=False)
        self.version = probe.stdout.strip() if probe.returncode == 0 else None
        self.label = f'PyTorch {self.version}'

    def original_py(self, *arguments):
        return run([self.python, '-W', 'ignore', HERE / 'original.py', *arguments], {'OMP_NUM_THREADS': str(THREADS)})

    def evaluate(self, case, weights, batch, count):
        output, _, rss = self.original_py('eval', self.original, CASES, case['name'], weights, batch,
                                          case['image_size'], count, THREADS)
        return json.loads(output) | {'peak_rss_bytes': rss}

    def first_image(self, folder):
        cases = ROOT / 'tests' / 'data' / 'unets.json'
        return self.original_py('sample', self.original, cases, 'textures_ddim', ROOT / 'models' / 'textures.safetensors',
                                10, 1, folder / 'original.npz')[1:]


class Ddim:
    label = 'ddim'

    def __init__(self, program):
        self.program = pathlib.Path(program).resolve()

    def evaluate(self, case, weights, batch, count):
        # The process's own peak is measured here, as PyTorch's is.
        output, _, rss = run([self.program, 'bench', '-m', weights, '--batch', batch, '--steps', count, '--json'])
        return json.loads(output) | {'peak_rss_bytes': rss}

    def first_image(self, folder):
        return run([self.program, 'generate', '--class', '1', '--seed', '1', '--steps', 'ddim10', '--size', '32x32', '-q',
                    '-o', folder / 'ddim.npz'])[1:]


def report_load():
    """PyTorch's threads wait for each other by spinning: on a busy machine it loses far more than ddim does."""
    load = os.getloadavg()
    print(f"load average {' '.join(f'{value:.2f}' for value in load)}", flush=True)
    return load[0]


def median_of(rounds, key):
    return statistics.median(result[key] for result in rounds)


def print_row(name, what, unit, values):
    """values: label -> number; the first is ddim's."""
    ddim, *others = values.values()
    cells = '  '.join(f'{label} {value:.4g} {unit}' for label, value in values.items())
    print(f'{name:18} {what:12} {cells}  ratio {min(others) / ddim:.2f}', flush=True)


def compare_evaluations(sides, case, weights, batch, count, rounds):
    results = {side.label: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            results[side.label].append(side.evaluate(case, weights, batch, count))
    name = f"{case['name']} batch {batch}"
    print_row(name, 'evaluation', 'ms', {label: median_of(all_, 'ms_per_eval_median') for label, all_ in results.items()})
    print_row(name, 'peak memory', 'MiB',
              {label: median_of(all_, 'peak_rss_bytes') / 2**20 for label, all_ in results.items()})


def compare_first_image(sides, rounds):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        results = {side.label: [] for side in sides}
        for number in range(rounds + 1):  # the first round warms every cache
            for side in sides:
                wall, rss = side.first_image(folder)
                if number:
                    results[side.label].append({'s': wall, 'rss': rss})
    print_row('textures 32x32', 'start to end', 's', {label: median_of(all_, 's') for label, all_ in results.items()})
    print_row('textures 32x32', 'peak memory', 'MiB',
              {label: median_of(all_, 'rss') / 2**20 for label, all_ in results.items()})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--ddim', default=ROOT / 'build' / 'cli' / 'ddim')
    parser.add_argument('--original', default=os.environ.get('IMPROVED_DIFFUSION'))
    parser.add_argument('--python', action='append')
    parser.add_argument('--weights', default=pathlib.Path(tempfile.gettempdir()) / 'ddim-compare', type=pathlib.Path)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    if not options.original or not pathlib.Path(options.original, 'improved_diffusion').is_dir():
        skip('needs --original, a checkout of https://github.com/openai/improved-diffusion')
    torches = [Torch(shutil.which(python), options.original) for python in options.python or ['python3']]
    torches = [torch for torch in torches if torch.version]
    if not torches:
        skip('needs a --python that has torch and numpy')
    sides = [Ddim(options.ddim), *torches]
    options.weights.mkdir(parents=True, exist_ok=True)
    print(f'{THREADS} threads, {options.rounds} rounds', flush=True)
    if report_load() > 0.5:
        print('compare: the machine is busy: these ratios flatter ddim; measure again when it is quiet', file=sys.stderr)
    cases = {case['name']: case for case in json.loads(CASES.read_text())}
    for name, batch, count in RUNS:
        if options.names and name not in options.names:
            continue
        weights = options.weights / f'unet_{name}.pt'
        if not weights.exists():
            run([torches[0].python, '-W', 'ignore', ROOT / 'tests' / 'data' / 'make_oracle.py', options.original, CASES,
                 options.weights, name])
        compare_evaluations(sides, cases[name], weights, batch, count, options.rounds)
    if not options.names or 'textures' in options.names:
        compare_first_image(sides, options.rounds)
    report_load()


if __name__ == '__main__':
    main()
