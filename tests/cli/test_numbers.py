#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""`ddim schedule` and `ddim noise` against tables and noise that the original and PyTorch made."""
import csv
import io
import json
import math
import re

import ddim
import npy
import tap

KEYS = ['betas', 'alphas_cumprod', 'alphas_cumprod_prev', 'posterior_variance', 'posterior_log_variance_clipped',
        'posterior_mean_coef1', 'posterior_mean_coef2', 'timestep_map']


class Schedule(ddim.Case):
    @classmethod
    def setUpClass(cls):
        cls.cases = json.loads((ddim.DATA / 'schedules.json').read_text())
        cls.golden = npy.load_npz(ddim.DATA / 'schedules.npz')

    def options(self, case):
        return ['--noise-schedule', case['schedule'], '--diffusion-steps', case['steps'], '--steps', case['respacing']]

    def compare(self, tables, case):
        self.assertEqual(list(tables), KEYS)
        for key in KEYS:
            expected = self.golden[f"{case['key']}_{key}"].values
            self.assertEqual(len(tables[key]), len(expected))
            for value, true in zip(tables[key], expected):
                self.assertTrue(math.isclose(value, true, rel_tol=1e-12), f'{key}: {value!r}, expected {true!r}')

    def test_json(self):
        for case in self.cases:
            with self.subTest(case=case):
                if case['error']:
                    self.refused(1, 'schedule', *self.options(case))
                else:
                    self.compare(json.loads(self.good('schedule', *self.options(case)).stdout), case)

    def test_csv(self):
        case = next(case for case in self.cases if not case['error'] and case['respacing'])
        text = self.good('schedule', *self.options(case), '--format', 'csv').stdout
        rows = list(csv.DictReader(io.StringIO(text)))
        self.compare({key: [float(row[key]) for row in rows] for key in rows[0]}, case)

    def test_significant_digits(self):
        tables = json.loads(self.good('schedule', '--steps', '5').stdout, parse_float=str)
        self.assertTrue(any(len(re.sub(r'e.*|^0\.0*|\.', '', value)) == 17 for value in tables['betas']))

    def test_refused(self):
        for spec in ['ddim60', 'ddim', 'ddim0', 'x', '1,x', '600,600', '1001', '-1', '5,,5', '99999999999999999999']:
            with self.subTest(spec=spec):
                self.refused(1, 'schedule', '--steps', spec)
        self.refused(1, 'schedule', '--noise-schedule', 'sine')
        self.refused(1, 'schedule', '--diffusion-steps', '19')
        self.refused(1, 'schedule', '--diffusion-steps', '2147483647')
        self.refused(2, 'schedule', '--diffusion-steps', '0')
        self.refused(2, 'schedule', '--diffusion-steps', 'x')
        self.refused(2, 'schedule', '--format', 'xml')

    def test_other_language(self):
        """Numbers have a decimal point even where the language uses a comma."""
        text = self.good('schedule', '--steps', '5', env={'LC_ALL': 'de_DE.UTF-8'}).stdout
        self.assertEqual(text, self.good('schedule', '--steps', '5').stdout)

    def test_closed_output(self):
        with open('/dev/full', 'wb') as full:
            done = ddim.subprocess.run([ddim.DDIM, 'schedule'], stdout=full, stderr=ddim.subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'ddim: ', done.stderr)


class Noise(ddim.Case):
    def draw(self, *options):
        self.good('noise', *options, '-o', 'noise.npy')
        return npy.load(self.folder / 'noise.npy')

    def compare(self, values, expected):
        self.assertEqual(len(values), len(expected))
        self.assertLess(max(abs(a - b) for a, b in zip(values, expected)), 1e-6)

    def test_golden(self):
        golden = npy.load_npz(ddim.DATA / 'torch_cpu_randn.npz')
        for name, expected in golden.items():
            match = re.fullmatch(r'seed(\d+)_n(\d+)', name)
            if not match:
                continue
            with self.subTest(name=name):
                noise = self.draw('--seed', match[1], '--shape', match[2])
                self.assertEqual((noise.dtype, noise.shape), ('<f4', (int(match[2]),)))
                self.compare(noise.values, expected.values)

    def test_draws_in_a_row(self):
        golden = npy.load_npz(ddim.DATA / 'torch_cpu_randn.npz')
        for name in golden:
            match = re.fullmatch(r'seed(\d+)_then_a', name)
            if not match:
                continue
            with self.subTest(name=name):
                noise = self.draw('--seed', match[1], '--shape', '1,3,8,8', '--draws', '2')
                self.assertEqual(noise.shape, (2, 1, 3, 8, 8))
                self.compare(noise[0].values, golden[name].values)
                self.compare(noise[1].values, golden[name.replace('_a', '_b')].values)

    def test_cuda(self):
        noise = self.draw('--seed', '42', '--rng', 'torch-cuda:108,2048', '--shape', '3')
        self.assertEqual([f'{value:.4f}' for value in noise.values], ['0.1940', '2.1614', '-0.1721'])

    def test_standard_output(self):
        done = self.good('noise', '--seed', '1', '--shape', '2,3', '-o', '-', text=False)
        self.assertEqual(npy.parse(done.stdout).shape, (2, 3))

    def test_refused(self):
        for shape in ['', '0', '1,0,3', '-1', '1,,2', 'x', '1.5', '1,1,1,1,1,1,1,1,1', '4294967296,4294967296,4294967296']:
            with self.subTest(shape=shape):
                self.refused(2, 'noise', '--seed', '1', '--shape', shape, '-o', 'x.npy')
        self.refused(1, 'noise', '--seed', '1', '--shape', '4611686018427387904', '-o', 'x.npy')
        self.refused(1, 'noise', '--seed', '1', '--shape', '3', '--rng', 'dice', '-o', 'x.npy')
        self.refused(1, 'noise', '--seed', '1', '--shape', '3', '-o', 'none/such.npy')
        for draws in [-1, 0]:
            self.refused(2, 'noise', '--seed', '1', '--shape', '3', '--draws', draws, '-o', 'x.npy')


if __name__ == '__main__':
    tap.main()
