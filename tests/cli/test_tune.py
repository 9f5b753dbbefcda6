#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""`ddim tune`: it measures and keeps the results; later runs use them or say why not."""
import hashlib
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import ddim
import npy
import tap

MODEL = ['-m', ddim.DATA / 'unet_tiny_uncond.pt', '--flags', '--image_size 16 --num_heads 1']


class Tune(ddim.Case):
    @classmethod
    def setUpClass(cls):
        """Measured once for all, in a cache of the tests' own that shares compiled kernels with the user's."""
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.measured = ddim.make_cache(pathlib.Path(folder.name))
        cls.done = ddim.run('tune', *MODEL, '--json', env=ddim.cache_environment(cls.measured))
        cls.files = sorted(cls.measured.glob('ddim/tuning-*'))

    def setUp(self):
        super().setUp()
        self.assertEqual(self.done.returncode, 0, self.done.stderr)
        self.assertEqual(len(self.files), 1)

    def cache_with(self, data):
        """The environment where the file of measurements holds @data."""
        folder = self.folder / 'cache'
        folder.mkdir()
        ddim.make_cache(folder)
        (folder / 'ddim' / self.files[0].name).write_bytes(data)
        return ddim.cache_environment(folder)

    def predict(self, env):
        golden = npy.load_npz(ddim.DATA / 'unet_tiny_uncond.npz')
        npy.save(self.folder / 'x.npy', golden['x'])
        steps = ','.join(map(str, golden['t'].values))
        done = self.good('predict', *MODEL, '--input', 'x.npy', '--timesteps', steps, '-o', 'out.npy', env=env)
        out = npy.load(self.folder / 'out.npy')
        self.assertLess(max(abs(a - b) for a, b in zip(out.values, golden['out'].values, strict=True)), 2e-4)
        return done.stderr

    def test_report(self):
        report = json.loads(self.done.stdout)
        self.assertEqual(report['file'], str(self.files[0]))
        self.assertEqual((report['batch'], report['width'], report['height']), (1, 16, 16))
        self.assertGreater(len(report['shapes']), 5)
        for shape in report['shapes']:
            self.assertGreater(shape['ms'], 0)
            self.assertIn(shape['method'], ['direct', 'winograd2', 'winograd4', 'winograd4-lean', 'amx', 'amx-winograd'])
            self.assertIn(shape['provider'], ['packed', 'clblast'])
            if shape['taps'] == 1 or shape['stride'] == 2:
                self.assertIn(shape['method'], ['direct', 'amx'])
        for key, name in [('ms', 'ms'), ('builtin_ms', 'builtin_ms')]:
            total = sum(shape['uses'] * shape[name] for shape in report['shapes'])
            self.assertAlmostEqual(report[key], total, places=6)

    def test_file_holds_every_shape_and_way(self):
        text = self.files[0].read_text()
        for shape in json.loads(self.done.stdout)['shapes']:
            group = f"[{shape['taps']}x{shape['taps']} {shape['in']} to {shape['out']}, "
            self.assertIn(group, text)
        self.assertIn('winograd4-packed=', text)
        self.assertIn('direct-clblast=', text)

    def test_is_used(self):
        """Whatever the measurements say, results stay right; a run without a word on stderr used them."""
        head, _, body = self.files[0].read_text().partition('\n')
        self.assertRegex(head, '^#sha256=')
        for fast in ['direct-packed', 'winograd2-packed', 'winograd4-packed']:
            with self.subTest(fast=fast):
                changed = re.sub(rf'(?m)^{fast}=.*$', f'{fast}=1e-07', body)
                changed = re.sub(r'(?m)^\S+-clblast=.*\n', '', changed)
                folder = self.folder / fast
                folder.mkdir()
                ddim.make_cache(folder)
                data = f'#sha256={hashlib.sha256(changed.encode()).hexdigest()}\n{changed}'
                (folder / 'ddim' / self.files[0].name).write_text(data)
                self.assertEqual(self.predict(ddim.cache_environment(folder)), '')

    def test_damaged_file_is_ignored_with_a_warning(self):
        for data in [b'', b'\0' * 100, self.files[0].read_bytes()[:-1]]:
            with self.subTest(size=len(data)):
                env = self.cache_with(data)
                self.assertRegex(self.predict(env), rf'\Addim: [^\n]*{self.files[0].name} is damaged[^\n]*\n\Z')
                shutil.rmtree(self.folder / 'cache')

    def test_foreign_file_is_ignored_with_a_warning(self):
        body = self.files[0].read_text().partition('\n')[2]
        body = re.sub('(?m)^driver-version=.*$', 'driver-version=another', body)
        env = self.cache_with(f'#sha256={hashlib.sha256(body.encode()).hexdigest()}\n{body}'.encode())
        self.assertRegex(self.predict(env), r"\Addim: [^\n]*driver-version is 'another'[^\n]*\n\Z")
        done = self.good('generate', *MODEL, '--steps', '1', '--seed', '1', '-o', 'x.png', env=env)
        self.assertEqual(len(re.findall('driver-version', done.stderr)), 1)
        done = self.good('generate', *MODEL, '--steps', '1', '--seed', '1', '-q', '-o', 'x.png', env=env)
        self.assertEqual(done.stderr, '')

    @staticmethod
    def read(file, until=None):
        """What a terminal shows, up to @until or to its end."""
        text = b''
        while until is None or until not in text:
            try:
                part = os.read(file, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
        return text

    def test_interrupt_keeps_what_is_measured(self):
        folder = self.folder / 'cache'
        folder.mkdir()
        ddim.make_cache(folder)
        main, terminal = pty.openpty()  # on a terminal every measurement is named at once
        process = subprocess.Popen([ddim.DDIM, 'tune', *map(str, MODEL), '--size', '64'], stdout=subprocess.DEVNULL,
                                   stderr=terminal, stdin=subprocess.DEVNULL,
                                   env=ddim.environment(**ddim.cache_environment(folder)))
        os.close(terminal)
        text = self.read(main, b'Measuring')
        process.send_signal(signal.SIGINT)
        errors = (text + self.read(main)).decode()
        os.close(main)
        self.assertEqual(process.wait(timeout=120), 130, errors)
        made, total = map(int, re.search(r'interrupted; (\d+) of (\d+) measurements', errors).groups())
        self.assertLess(made, total)
        files = list(folder.glob('ddim/tuning-*'))
        self.assertEqual(len(files), 1)
        self.assertEqual(sum(len(re.findall('(?m)^[a-z0-9]+-(?:packed|clblast)=', path.read_text())) for path in files),
                         made)

    @staticmethod
    def file_name(body):
        facts = re.search(r'(?s)\[tuning\]\n(.*?)\n\n', body)[1].split('\n')
        values = b''.join(fact.partition('=')[2].encode() + b'\0' for fact in facts)
        return f'tuning-{hashlib.sha256(values).hexdigest()[:16]}.ini'

    def test_library_parameters(self):
        """As on a graphics card: what CLBlast is told is used at the next start, and never believed blindly."""
        body = self.files[0].read_text().partition('\n')[2]
        self.assertEqual(self.file_name(body), self.files[0].name)
        body = body.replace('\nkernels=cpu\n', '\nkernels=gpu\n')
        folder = ddim.make_cache(self.folder / 'cache')
        env = ddim.cache_environment(folder) | {'DDIM_KERNELS': 'gpu'}
        good = '[clblast]\nXgemm=0;1;32;2;8;8;32;8;8;64;0;0;0;0;4;4;\n' \
               'XgemmDirect=2;8;8;8;8;1;1;1;1;16;\nGemmRoutine=0;\n'
        for group, damaged in [(good, False), (good.replace('64', '63'), True)]:
            with self.subTest(damaged=damaged):
                changed = f'{body}\n{group}'
                data = f'#sha256={hashlib.sha256(changed.encode()).hexdigest()}\n{changed}'
                (folder / 'ddim' / self.file_name(body)).write_text(data)
                self.assertEqual('is damaged' in self.predict(env), damaged)

    def test_bad_search(self):
        for seconds in ['-2', '86401', 'x']:
            self.refused(2, 'tune', *MODEL, '--search', seconds)

    def test_bad_sizes(self):
        env = ddim.cache_environment(self.measured)
        self.assertIn('multiples', self.refused(1, 'tune', *MODEL, '--size', '17', env=env))
        self.refused(2, 'tune', *MODEL, '--batch', '-1', env=env)

    def test_nowhere_to_keep_it(self):
        (self.folder / 'file').write_text('no folder')
        env = ddim.cache_environment(self.measured) | {'XDG_CACHE_HOME': str(self.folder / 'file')}
        done = ddim.run('tune', *MODEL, env=env)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.folder / 'file'), done.stderr)
        self.assertNotIn('Measuring', done.stderr)


if __name__ == '__main__':
    sys.exit(tap.main())
