#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Every command that writes files, stopped at moments all over its work, by Ctrl-C, kill, a closed terminal and kill -9.

What lies there afterwards is the old file, or a whole new one; and nothing else. Only kill -9 may leave a temporary file: a whole
one, if it comes in the instant between naming a new file and renaming it over the old one; any in the cache, and on a file system
without nameless files, which FAT and NFS lack and on which everything is tried once more. The number of moments for each signal is
small unless DDIM_TORTURE tells another.
"""
import hashlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import ddim
import failing
import npy
import tap

MOMENTS = 100 if os.environ.get('DDIM_TORTURE') == 'all' else int(os.environ.get('DDIM_TORTURE', '3'))
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
TINY = ddim.DATA / 'unet_tiny_uncond.pt'
FAT = {'LD_PRELOAD': failing.LIBRARY, 'DDIM_FAIL_CALL': 'tmpfile', 'DDIM_FAIL_AT': '1'}
MODEL = ['-m', TINY, '--steps', '4', '--seed', '1']


def read_safetensors(path):
    data = path.read_bytes()
    size = int.from_bytes(data[:8], 'little')
    assert size + 8 < len(data)


READ = {'.png': npy.load_png, '.npy': npy.load, '.npz': npy.load_npz, '.safetensors': read_safetensors}


class Signals(ddim.Case):
    def setUp(self):
        super().setUp()
        done = ddim.run('generate', *MODEL, '--size', '16', '-o', self.folder / 'made.png')
        self.assertEqual(done.returncode, 0, done.stderr)

    def start(self, args, env):
        # The tests themselves may run under nohup, whose children ignore SIGHUP.
        return subprocess.Popen([ddim.DDIM, *map(str, args)], env=ddim.environment(**env), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder,
                                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))

    def check(self, output, number, nameless):
        """The files are whole; `made.png` is there as it was, @output is old or new."""
        for path in self.folder.iterdir():
            if path.name.startswith('.ddim-') and number == signal.SIGKILL:
                if nameless:
                    READ[pathlib.PurePath(output).suffix](path)
                path.unlink()
                continue
            if path.name == 'lines.json':
                continue
            self.assertTrue(path.name == 'made.png' or path.stem.startswith(output.partition('.')[0]), path.name)
            if path.name == output and path.read_bytes() == b'old':
                continue
            READ[path.suffix](path)
            if path.name not in ('made.png', output):
                path.unlink()

    def signals(self, output, *args, few=False, named=True):
        """Interrupt the command @args, whose last argument is @output where it is @named there.

        @few: it writes with the code of another command, which is tried more often.
        """
        few = few and MOMENTS < 10
        moments = 1 if few else MOMENTS
        args = [*args, output] if named else args
        for nameless, env in [(True, {}), (False, FAT)][few:]:
            began = time.monotonic()
            self.assertEqual(self.start(args, env).wait(timeout=600), 0)
            whole = time.monotonic() - began
            for number in SIGNALS:
                for i in range(moments):
                    for path in [*self.folder.glob(f'{output.partition(".")[0]}*'), *self.folder.glob('.ddim-*')]:
                        path.unlink()
                    (self.folder / output).write_text('old')
                    moment = whole * (i + random.random()) / moments
                    with self.subTest(signal=number, moment=moment, nameless=nameless):
                        process = self.start(args, env)
                        time.sleep(moment)
                        process.send_signal(number)
                        process.wait(timeout=120)
                        self.check(output, number, nameless)

    def test_pictures(self):
        self.signals('x.png', 'generate', *MODEL, '--size', '16', '-n', '3', '-o')

    def test_sheet(self):
        self.signals('x.png', 'generate', *MODEL, '--size', '16', '-n', '3', '--grid', '-o')

    def test_array(self):
        self.signals('x.npz', 'generate', *MODEL, '--size', '16', '-n', '3', '-o')

    def test_inpaint(self):
        self.signals('x.png', 'inpaint', *MODEL, '-i', 'made.png', '--box', '4,4,8,8', '-o')

    def test_encode(self):
        self.signals('x.npy', 'encode', *MODEL, '-i', 'made.png', '-o')

    def test_noise(self):
        self.signals('x.npy', 'noise', '--seed', '1', '--shape', '16,3,128,128', '-o')

    def test_predict(self):
        self.signals('x.npy', 'predict', '-m', TINY, '--input', self.noise(), '--timesteps', '1', '-o')

    def noise(self):
        path = self.folder.parent / f'{self.folder.name}-noise.npy'
        self.addCleanup(path.unlink)
        self.assertEqual(ddim.run('noise', '--seed', '1', '--shape', '1,3,16,16', '-o', path).returncode, 0)
        return path

    def test_convert(self):
        self.signals('x.safetensors', 'convert', 'textures')

    def test_temporary_names(self):
        """A file that has a temporary name when the signal comes goes with the command."""
        for command in [['noise', '--seed', '1', '--shape', '16,3,512,512', '-o', 'x.npy'], ['convert', 'textures', 'x.safetensors']]:
            for number in SIGNALS[:3]:
                with self.subTest(command=command, signal=number):
                    for _ in range(20):
                        process = self.start(command, FAT)
                        while process.poll() is None and not any(self.folder.glob('.ddim-*')):
                            pass
                        process.send_signal(number)
                        process.wait(timeout=120)
                        self.assertEqual(list(self.folder.glob('.ddim-*')), [])
                        if process.returncode != 0:
                            break
                    self.assertNotEqual(process.returncode, 0, 'it was always too late')

    def test_edits(self):
        for command in ['vary', 'upscale', 'colorize', 'seamless']:
            self.signals('x.png', command, *MODEL, '-i', 'made.png', '-o', few=True)

    def test_interpolate(self):
        self.signals('x.npz', 'interpolate', *MODEL, '--size', '16', '--from', '1', '--to', '2', '-n', '3', '-o', few=True)

    def test_join(self):
        self.signals('x.npz', 'join', 'made.png', '-o', few=True)

    def test_batch_file(self):
        lines = [json.dumps({'output': name}) + '\n' for name in ['x-a.png', 'x-b.npz', 'x.png']]
        (self.folder / 'lines.json').write_text(''.join(lines))
        self.signals('x.png', 'generate', *MODEL, '--size', '16', '--batch-file', 'lines.json', few=True, named=False)

    def cached(self, kind, kept, *args, few=False):
        """Interrupt the command @args, which writes into the cache a file of this @kind; only what matches @kept was in it before."""
        cache = ddim.make_cache(self.folder / 'cache')
        env = ddim.cache_environment(cache)
        self.assertEqual(self.start(args, env).wait(timeout=600), 0)
        (path,) = (cache / 'ddim').glob(f'{kind}-*')
        old = re.search(kept, self.unsealed(path))[0]
        others = {other.name for other in (cache / 'ddim').iterdir()}
        began = time.monotonic()
        self.assertEqual(self.start(args, env).wait(timeout=600), 0)
        whole = time.monotonic() - began
        moments = 1 if few and MOMENTS < 10 else MOMENTS
        for number in SIGNALS:
            for i in range(moments):
                path.write_text(f'{self.mark(path)}{hashlib.sha256(old.encode()).hexdigest()}\n{old}')
                moment = whole * (i + random.random()) / moments
                with self.subTest(signal=number, moment=moment):
                    process = self.start(args, env)
                    time.sleep(moment)
                    process.send_signal(number)
                    process.wait(timeout=120)
                    for other in (cache / 'ddim').glob(f'{path.name}.*'):
                        self.assertEqual(number, signal.SIGKILL, other.name)
                        other.unlink()
                    self.assertEqual({other.name for other in (cache / 'ddim').iterdir()}, others)
                    self.assertLessEqual(self.lines(old), self.lines(self.unsealed(path)))

    @staticmethod
    def lines(text):
        """Without the seconds, as a whole `tune` measures everything anew."""
        return {line.partition('=')[0] for line in text.split('\n')}

    @staticmethod
    def mark(path):
        return '#sha256=' if path.suffix == '.ini' else ''

    def unsealed(self, path):
        """The file without the checksum in its first line, which has to be right."""
        head, _, body = path.read_text().partition('\n')
        self.assertEqual(head, self.mark(path) + hashlib.sha256(body.encode()).hexdigest())
        return body

    def test_tune(self):
        """The measurements of the first shape were there."""
        self.cached('tuning', r'(?s)\A.*?\n\n.*?\n\n', 'tune', '-m', TINY, '--size', '16', '-q', few=True)

    def test_check(self):
        """One verdict was there."""
        self.cached('checked', r'\A.*\n', 'check', '-m', TINY, '--json')


if __name__ == '__main__':
    sys.exit(tap.main())
