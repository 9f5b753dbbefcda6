#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""First starts, with empty caches: kernels are built ahead, by workers that may be killed, by two programs at once."""
import os
import pathlib
import signal
import subprocess
import time

import ddim
import tap

MODEL = ['-m', ddim.DATA / 'unet_tiny_uncond.pt', '--flags', '--image_size 16 --num_heads 1']
GENERATE = ['generate', *MODEL, '--steps', '2', '--seed', '1', '-o', '-']


class FirstStart(ddim.Case):
    def setUp(self):
        super().setUp()
        self.caches = self.folder / 'caches'
        (self.caches / 'pocl').mkdir(parents=True)
        self.env = {'XDG_CACHE_HOME': str(self.caches), 'POCL_CACHE_DIR': str(self.caches / 'pocl')}

    def generate(self):
        done = ddim.run(*GENERATE, text=False, env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def start(self, **options):
        return subprocess.Popen([ddim.DDIM, *map(str, GENERATE)], env=ddim.environment(**self.env), stdin=subprocess.DEVNULL,
                                start_new_session=True, **options)

    def programs(self):
        return sorted(path.name for path in self.caches.glob('ddim/programs/*.bin'))

    def test_built_ahead(self):
        done = ddim.run('tune', *MODEL, '--build', env=self.env)
        self.assertEqual((done.returncode, done.stdout), (0, ''), done.stderr)
        built = self.programs()
        self.assertGreater(len(built), 3)
        verbose = ddim.run(*GENERATE, '-v', text=False, env=self.env)
        self.assertEqual(verbose.returncode, 0, verbose.stderr)
        self.assertNotIn(b'kernels', verbose.stderr)
        self.assertEqual(self.programs(), built)

    def test_build_measures_nothing(self):
        for option in [['--json'], ['--search', '1']]:
            done = ddim.run('tune', '--build', *option, env=self.env)
            self.assertEqual(done.returncode, 2)
            self.assertIn('--build', done.stderr)
        self.assertEqual(self.programs(), [])

    def test_progress(self):
        done = ddim.run(*GENERATE, '-v', text=False, env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr.decode(), r'Building kernels for .*: 0 of \d+ done, waiting for \w+ \.\.\.')

    def test_two_at_once(self):
        running = [self.start(stdout=subprocess.PIPE) for _ in range(2)]
        pictures = [process.communicate(timeout=600)[0] for process in running]
        self.assertEqual([process.returncode for process in running], [0, 0])
        self.assertEqual(pictures[0], pictures[1])
        self.assertEqual(pictures[0], self.generate().stdout)
        self.assertEqual(list(self.caches.glob('ddim/programs/*.lock')), [])

    def test_killed(self):
        """Kill it with all its workers, while it builds."""
        for after in [0.3, 1, 2]:
            process = self.start(stdout=subprocess.DEVNULL)
            time.sleep(after)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        first = self.generate().stdout
        self.assertTrue(first.startswith(b'\x89PNG'))
        self.assertEqual(first, self.generate().stdout)

    def test_workers_end(self):
        """The workers of a killed command end by themselves, once they have compiled their current program."""
        process = self.start(stdout=subprocess.DEVNULL)
        time.sleep(1)
        process.kill()
        process.wait()
        end = time.monotonic() + 300
        while time.monotonic() < end and self.members(process.pid):
            time.sleep(0.1)
        self.assertEqual(self.members(process.pid), [])

    @staticmethod
    def members(group):
        """The processes of a group that still run."""
        found = []
        for stat in pathlib.Path('/proc').glob('[0-9]*/stat'):
            try:
                state, _, pgrp = stat.read_text().rpartition(')')[2].split()[:3]
            except OSError:
                continue
            if int(pgrp) == group and state not in 'ZX':
                found.append(stat.parent.name)
        return found


if __name__ == '__main__':
    tap.main()
