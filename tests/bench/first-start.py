#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""first-start.py DDIM [--before DDIM] [--cores N,N...] [--runs N] [--kills N]: how long a first start takes.

Seconds of `ddim generate --size 32 --steps 10`, whole command, with empty caches of this program and of PoCL: wall time and
the processor time of it and all its children. For every number of cores (by taskset; default: 1 and all): alone, and two
at once that share their caches. Then later starts, with full caches. With --before the same of another build, in turn, and
the ratios. With --kills the first start is killed at random times, with all its workers, and must then succeed with what
that left in the caches, with the same picture.

On a machine that does something else at the same time only processor time means anything.
"""
import argparse
import os
import pathlib
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

COMMAND = ['generate', '--size', '32', '--steps', '10', '--seed', '1', '-q']


class Caches:
    """Empty caches, and a place for pictures; all is removed at the end."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='ddim-first-start-'))
        (self.folder / 'pocl').mkdir()
        self.env = {key: value for key, value in os.environ.items() if key != 'DDIM_COMPILE_WORKER'}
        self.env |= {'XDG_CACHE_HOME': str(self.folder), 'POCL_CACHE_DIR': str(self.folder / 'pocl')}
        return self

    def __exit__(self, *error):
        shutil.rmtree(self.folder, ignore_errors=True)

    def popen(self, program, cores, name='picture.png'):
        command = ['taskset', '-c', f'0-{cores - 1}', program, *COMMAND, '-o', str(self.folder / name)]
        return subprocess.Popen(command, env=self.env, start_new_session=True)

    def picture(self, name='picture.png'):
        return (self.folder / name).read_bytes()


def timed(caches, program, cores, count=1):
    """Wall and processor seconds of @count commands at once."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    running = [caches.popen(program, cores, f'{number}.png') for number in range(count)]
    for process in running:
        if process.wait() != 0:
            sys.exit(f'{program} failed')
    wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first(program, cores, count):
    with Caches() as caches:
        return timed(caches, program, cores, count)


def median(pairs):
    return tuple(statistics.median(column) for column in zip(*pairs))


def show(what, results):
    cells = [f'{wall:8.2f} {cpu:8.2f}' for wall, cpu in results]
    if len(results) == 2:
        cells.append('   '.join(f'{new / old:.3f}' for new, old in zip(*results)))
    print(f'{what:34}', '   '.join(cells), flush=True)


def compare_firsts(programs, cores, runs):
    for count, name in ((1, 'first start'), (2, 'two first starts at once')):
        results = [[first(program, cores, count) for program in programs] for _ in range(runs)]
        show(f'{name}, {cores} cores', [median(column) for column in zip(*results)])


def compare_later(programs, cores, runs):
    with Caches() as one, Caches() as other:
        pairs = list(zip((one, other), programs))
        for caches, program in pairs:
            timed(caches, program, cores)
        results = [[timed(caches, program, cores) for caches, program in pairs] for _ in range(3 * runs)]
        show(f'later start, {cores} cores', [median(column) for column in zip(*results)])


def kill(program, cores, count):
    """Kill first starts at random times, @count of them. Every picture made afterwards must be the same."""
    with Caches() as caches:
        wall, _ = timed(caches, program, cores)
        good = caches.picture('0.png')
    for _ in range(count):
        with Caches() as caches:
            process = caches.popen(program, cores)
            after = random.uniform(0, wall)
            time.sleep(after)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            timed(caches, program, cores)
            if caches.picture('0.png') != good:
                sys.exit(f'another picture after a kill at {after:.3f} s')
    print(f'killed {count} times within {wall:.1f} s: the next start made the same picture each time')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program')
    parser.add_argument('--before')
    parser.add_argument('--cores', default=f'1,{os.cpu_count()}')
    parser.add_argument('--runs', type=int, default=3)
    parser.add_argument('--kills', type=int, default=0)
    args = parser.parse_args()
    programs = [args.program] + ([args.before] if args.before else [])
    print(f'{"seconds":34}', '   '.join(f'{"wall":>8} {"processor":>9}' for _ in programs),
          '  ratios' if args.before else '')
    for cores in map(int, args.cores.split(',')):
        compare_firsts(programs, cores, args.runs)
        compare_later(programs, cores, args.runs)
        if args.kills:
            kill(args.program, cores, args.kills)


if __name__ == '__main__':
    main()
