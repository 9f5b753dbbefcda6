#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Bad input, full disks, terminals and signals: one line that says why, nothing half-written."""
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

import checkpoints
import ddim
import npy
import tap

QUICK = ['--steps', '4', '--size', '16', '--seed', '1', '--class', '1']


class BadInput(ddim.Case):
    def test_unknown_class(self):
        self.assertIn('granite', self.refused(1, 'generate', '--class', 'granite'))
        self.assertIn('marble', self.refused(1, 'generate', '--class', 'marbel'))
        self.refused(1, 'generate', '--class', '16')
        self.refused(1, 'generate', '--class', '-1')
        self.refused(1, 'generate', '--class', '')
        self.refused(1, 'generate', '--class', 'wood,,sand')

    def test_class_of_a_model_without(self):
        self.refused(1, 'generate', '-m', ddim.DATA / 'unet_tiny_uncond.pt', '--class', '1')

    def test_size(self):
        message = self.refused(1, 'generate', '--size', '50x64')
        self.assertIn('48x64', message)
        self.assertIn('56x64', message)
        self.refused(1, 'generate', '--size', '4')
        self.refused(1, 'generate', '--size', '65536x65536')

    def test_steps(self):
        for spec in ['ddim60', '1001', 'many', '0', '-4', '1,2,x']:
            with self.subTest(spec=spec):
                self.refused(1, 'generate', '--steps', spec)

    def test_rng(self):
        self.refused(1, 'generate', '--rng', 'dice')

    def test_flags(self):
        self.assertIn('num_channels', self.refused(1, 'generate', '--flags', '--num_channels 17'))
        self.refused(1, 'generate', '--flags', '--frobnicate 1')

    def test_kind_of_output(self):
        for name in ['x.jpg', 'x', 'x.png.', 'folder/']:
            with self.subTest(name=name):
                self.refused(1, 'generate', '-o', name)
        self.refused(1, 'generate', '--grid', '-o', 'x.npz')

    def test_arrays(self):
        (self.folder / 'text.npy').write_text('no array')
        npy.save(self.folder / 'int.npy', npy.Array((1, 3, 16, 16), '<i8', [0] * 768))
        npy.save(self.folder / 'flat.npy', npy.Array((768,), '<f4', [0.0] * 768))
        npy.save(self.folder / 'gray.npy', npy.Array((1, 1, 16, 16), '<f4', [0.0] * 256))
        for name in ['text.npy', 'int.npy', 'flat.npy', 'gray.npy', 'missing.npy']:
            with self.subTest(name=name):
                self.assertIn(name.removesuffix('.npy') if name != 'gray.npy' else 'noise',
                              self.refused(1, 'generate', '--size', '16', '--init-noise', name))
                self.refused(1, 'predict', '--input', name, '--timesteps', '1', '--labels', '1', '-o', 'out.npy')

    def test_low_res(self):
        superres = ['-m', ddim.DATA / 'unet_superres.pt', '--size', '32', '--class', '1']
        self.assertIn('low-res', self.refused(1, 'generate', *superres))
        self.refused(1, 'generate', *superres, '--low-res', 'missing.png')
        (self.folder / 'broken.png').write_bytes(b'\x89PNG\r\n\x1a\nxxxx')
        self.assertIn('broken.png', self.refused(1, 'generate', *superres, '--low-res', 'broken.png'))
        npy.save(self.folder / 'two.npy', npy.Array((2, 3, 8, 8), '<f4', [0.0] * 384))
        self.refused(1, 'generate', *superres, '-n', '3', '--low-res', 'two.npy')
        self.refused(1, 'generate', '--low-res', 'two.npy')

    def test_predict(self):
        npy.save(self.folder / 'x.npy', npy.Array((2, 3, 16, 16), '<f4', [0.0] * 1536))
        for options in [['--timesteps', '1,2,3', '--labels', '1'], ['--timesteps', 'x', '--labels', '1'],
                        ['--timesteps', '1'], ['--timesteps', '1', '--labels', '1,2,3'],
                        ['--timesteps', 'nan', '--labels', '1']]:
            with self.subTest(options=options):
                self.refused(1, 'predict', '--input', 'x.npy', *options, '-o', 'out.npy')

    def test_pictures_that_tell_nothing(self):
        self.good('generate', *QUICK, '-o', 'x.png')
        data = (self.folder / 'x.png').read_bytes()
        self.assertIn('not made by ddim', self.refused(1, 'info', self.write('plain.png', without_text(data))))
        self.refused(1, 'info', self.write('cut.png', data[:len(data) // 2]))
        altered = data.replace(b'"count":1', b'"count":0')
        self.assertIn('count', self.refused(1, 'info', self.write('altered.png', mend(altered))))

    def write(self, name, data):
        (self.folder / name).write_bytes(data)
        return name


def chunks(data):
    at = 8
    while at < len(data):
        length, name = struct.unpack_from('>I4s', data, at)
        yield name, data[at + 8:at + 8 + length]
        at += 12 + length


def join(parts):
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(body)) + name + body + struct.pack('>I', npy.zlib.crc32(name + body))
        for name, body in parts)


def without_text(data):
    return join((name, body) for name, body in chunks(data) if name != b'tEXt')


def mend(data):
    """The PNG @data, with the right checksums for chunks that were changed."""
    return join(chunks(data))


class Again(ddim.Case):
    """The command in a picture makes the picture again, whatever the settings are."""
    SAMPLE = ['--size', '16', '--steps', '1', '--seed', '1']

    def again(self, *args):
        """Make a picture, run through sh what `info` says of it, and compare the two."""
        self.good(*args, '-o', 'x.png')
        text = self.good('info', 'x.png').stdout
        command = json.loads(self.good('info', '--json', 'x.png').stdout)['command']
        self.assertEqual(command, text.splitlines()[-1].strip())
        self.assertTrue(all(c.isprintable() and c not in '\u202e\u2066\u2028' for c in command), command)
        # Nothing but the line that a user would paste.
        env = ddim.environment(PATH=f'{pathlib.Path(ddim.DDIM).parent}:{os.environ["PATH"]}')
        done = subprocess.run(['sh', '-c', f'{command} -o y.png'], cwd=self.folder, env=env, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, (command, done.stderr))
        self.assertEqual((self.folder / 'x.png').read_bytes(), (self.folder / 'y.png').read_bytes(), command)

    def test_names_of_files(self):
        names = ["it's $HOME `ls` *.pt", '-x.pt', '--', '%s\\n\\047"!#.pt', ' ', 'new\nline.pt', 'end\n', '\033]0;title\007\033[2J.pt',
                 'txt\u202egnp', '\ufffd.pt', '大.pt', os.fsdecode(b'm\xff.pt'), os.fsdecode(b"\xc3'\n\x80%d\\")]
        for name in names:
            with self.subTest(name=name):
                shutil.copy(ddim.DATA / 'unet_tiny_uncond.pt', self.folder / name)
                self.again('generate', '-m', name, *self.SAMPLE)

    def test_names_of_pictures(self):
        self.good('generate', *self.SAMPLE, '--class', 'wood', '-o', 'made.png')
        for name in ['-made.png', "it's\n.png", os.fsdecode(b'm\xff.png')]:
            with self.subTest(name=name):
                shutil.copy(self.folder / 'made.png', self.folder / name)
                self.again('vary', '-i', name, '--steps', '2', '--seed', '3', '--class', 'wood')

    def test_names_of_classes(self):
        evil = ["it's", '-x', 'new\nline', '\033[2J', 'txt\u202egnp', '$HOME %s \\', '大', '--', ' ', 'a:0.5']
        path = pathlib.Path(json.loads(self.good('models', '--json').stdout)['models'][0]['path'])
        tensors, metadata = checkpoints.read_safetensors(path)
        classes = json.loads(metadata['class_names'])
        metadata['class_names'] = json.dumps(evil + classes[len(evil):])
        checkpoints.write_safetensors(self.folder / 'm.safetensors', tensors, metadata)
        for i, name in enumerate(evil):
            with self.subTest(name=name):
                self.again('generate', '-m', './m.safetensors', '--class', name if i % 2 else i, *self.SAMPLE)

    def test_sizes(self):
        for size in ['16x0', '0x24', '24x16', '0', '0x0']:
            with self.subTest(size=size):
                self.again('generate', '-m', ddim.DATA / 'unet_tiny_uncond.pt', '--steps', '1', '--seed', '1', '--size', size)

    def test_sheet(self):
        self.again('generate', '--class', 'wood', *self.SAMPLE, '-n', '2', '--grid')


class Disk(ddim.Case):
    def test_missing_folder_is_told_before_sampling(self):
        began = time.monotonic()
        self.assertIn('none', self.refused(1, 'generate', '--steps', '', '--size', '512', '-o', 'none/x.png'))
        self.assertLess(time.monotonic() - began, 20)

    def test_output_is_a_folder(self):
        (self.folder / 'x.png').mkdir()
        self.refused(1, 'generate', '-o', 'x.png')

    def test_full_device(self):
        for name in ['x.png', 'x.npz', 'x.npy']:
            with self.subTest(name=name):
                os.symlink('/dev/full', self.folder / name)
                self.refused(1, 'generate', *QUICK, '-o', name)

    def in_namespace(self, script):
        """Run a shell script, as root with mounts of its own; skip where that is not allowed."""
        probe = 'mount -t tmpfs none "$1"'
        unshare = ['unshare', '-m', 'sh', '-ec']
        mounts = os.geteuid() == 0 and shutil.which('unshare') and subprocess.run(
            [*unshare, probe, 'sh', self.folder], capture_output=True, check=False).returncode == 0
        if not mounts:
            self.skipTest('needs to mount file systems')
        return subprocess.run([*unshare, script, 'sh', self.folder, ddim.DDIM, *QUICK], capture_output=True, text=True,
                              check=False, env=ddim.environment(), timeout=600)

    def test_full_folder(self):
        done = self.in_namespace('mount -t tmpfs -o size=4k none "$1"; cd "$1"; d=$2; shift 2; echo old > x.npz; '
                                 'code=0; "$d" generate "$@" -n 3 -o x.npz || code=$?; ls -A; cat x.npz; exit $code')
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, 'x.npz\nold\n')
        self.assertRegex(done.stderr, r'\Addim: [^\n]+\n\Z')

    def test_full_folder_is_told_before_sampling(self):
        began = time.monotonic()
        done = self.in_namespace('mount -t tmpfs -o size=64k none "$1"; cd "$1"; d=$2; shift 2; '
                                 'code=0; "$d" generate "$@" --steps 1000 -n 100 --size 64 -o x.npz || code=$?; ls -A; '
                                 'exit $code')
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertRegex(done.stderr, r"\Addim: 'x.npz' needs [^\n]+\n\Z")
        self.assertLess(time.monotonic() - began, 60)

    def test_names_are_told_before_sampling(self):
        """Names that are too long, or become too long when they are numbered, and links to nothing."""
        os.symlink('nothing', self.folder / 'link.png')
        for args in [['-o', 'x' * 300 + '.png'], ['-n', '100', '-o', 'x' * 250 + '.png'], ['-o', 'link.png']]:
            began = time.monotonic()
            self.refused(1, 'generate', '--steps', '1000', '--size', '512', *args)
            self.assertLess(time.monotonic() - began, 20)

    def commands(self):
        """Every command that writes a file, up to the name of that file."""
        tiny = ['-m', ddim.DATA / 'unet_tiny_uncond.pt', '--steps', '4', '--seed', '1']
        self.good('generate', *tiny, '-n', '2', '-o', 'made.png')
        self.good('noise', '--seed', '1', '--shape', '4,3,64,64', '-o', 'noise.npy')
        picture = ['-i', 'made-0.png']
        for end in ['.png', '.npz', '.npy']:
            yield end, ['generate', *tiny, '-n', '2', '--size', '64', '-o']
        yield '.png', ['inpaint', *tiny, *picture, '--box', '4,4,8,8', '-o']
        for command in ['vary', 'upscale', 'colorize', 'seamless']:
            yield '.png', [command, *tiny, *picture, '-o']
        yield '.npz', ['interpolate', *tiny, '--from', '1', '--to', '2', '-n', '3', '-o']
        yield '.png', ['generate', *tiny, '-n', '2', '--grid', '-o']
        yield '.npy', ['encode', *tiny, *picture, '-o']
        yield '.npy', ['noise', '--seed', '1', '--shape', '4,3,64,64', '-o']
        yield '.npy', ['predict', '-m', ddim.DATA / 'unet_tiny_uncond.pt', '--input', 'noise.npy', '--timesteps', '1', '-o']
        yield '.npz', ['join', 'made-0.png', 'made-1.png', '-o']
        yield '.safetensors', ['convert', 'textures']

    def test_outputs_that_cannot_be(self):
        """Names that are too long, links to nothing, folders, and folders that are not there, for every command."""
        os.symlink('nothing', self.folder / 'link')
        for end in ['.png', '.npz', '.npy', '.safetensors']:
            (self.folder / f'folder{end}').mkdir()
            os.symlink('nothing', self.folder / f'link{end}')
        for i, (end, command) in enumerate(self.commands()):
            for name in ['x' * 300 + end, [f'none/x{end}', f'folder{end}', f'link{end}'][i % 3]]:
                with self.subTest(command=command, name=name):
                    self.refused(2 if command[0] == 'join' and name == 'folder.npz' else 1, *command, name)

    def test_full_folders_are_told_before_the_work(self):
        """Arrays and weights, whose size is known, for the commands that do not sample."""
        for end, command in self.commands():
            if command[0] not in ('noise', 'predict', 'convert', 'join'):
                continue
            with self.subTest(command=command):
                (self.folder / 'full').mkdir(exist_ok=True)
                done = self.on_full_disk('4k' if command[0] == 'join' else '64k', *command, f'full/x{end}')
                self.assertEqual((done.returncode, done.stdout), (1, ''))
                if command[0] != 'join': # two small pictures
                    self.assertRegex(done.stderr, r"\Addim: 'full/x[^\n]+ needs [^\n]+\n\Z")

    def test_full_disks_are_told_before_sampling(self):
        """For every command that samples, whatever it writes, also where only what it makes is too large and not what it is given."""
        commands = [(end, command, '4k') for end, command in self.commands()
                    if command[0] not in ('noise', 'predict', 'convert', 'join', 'encode')]
        self.good('noise', '--seed', '1', '--shape', '1,3,32,32', '-o', 'z.npy')
        tiny = ['-m', ddim.DATA / 'unet_tiny_uncond.pt', '--steps', '4', '--seed', '1']
        self.good('generate', *tiny, '--size', '32', '-o', 'input.png')
        commands += [('.npy', ['encode', *tiny, '-i', 'input.png', '-o'], '8k'),
                     ('.png', ['upscale', *tiny, '--scale', '4', '-i', 'input.png', '-o'], '32k'),
                     ('.png', ['generate', *tiny, '--size', '32', '-n', '16', '--grid', '-o'], '32k')]
        for end, command, size in commands:
            with self.subTest(command=command):
                (self.folder / 'full').mkdir(exist_ok=True)
                done = self.on_full_disk(size, *command, f'full/x{end}')
                self.assertEqual((done.returncode, done.stdout), (1, ''), done.stderr)
                self.assertRegex(done.stderr, r"\Addim: 'full/x[^\n]+ (may need|needs) [^\n]+\n\Z")

    def test_pictures_that_fit_singly(self):
        """Those that are finished are kept, so a warning is enough; and none where all fit."""
        (self.folder / 'full').mkdir()
        command = ['generate', '--steps', '2', '--seed', '1', '--class', 'lava', '--size', '64', '-n', '4', '-o', 'full/x.png']
        done = self.on_full_disk('24k', *command)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(done.stdout.split(), [['x-0.png'], ['x-0.png', 'x-1.png'], ['x-0.png', 'x-1.png', 'x-2.png']])
        self.assertRegex(done.stderr, r'\Addim: all 4 pictures may need [^\n]+\nddim: cannot write [^\n]+\n\Z')
        done = self.on_full_disk('80k', *command)
        self.assertEqual((done.returncode, done.stderr), (0, ''))

    def on_full_disk(self, size, *command):
        """Run @command where `full` is a disk of @size, and list that afterwards."""
        script = f'mount -t tmpfs -o size={size} none full; code=0; "$@" || code=$?; ls -A full; exit $code'
        unshare = ['unshare', '-m', 'sh', '-ec']
        if os.geteuid() != 0 or not shutil.which('unshare') or subprocess.run(
                [*unshare, 'mount -t tmpfs none full'], cwd=self.folder, capture_output=True, check=False).returncode:
            self.skipTest('needs to mount file systems')
        return subprocess.run([*unshare, script, 'sh', ddim.DDIM, *map(str, command)], cwd=self.folder, capture_output=True,
                              text=True, check=False, env=ddim.environment(), timeout=600)

    def test_pipes_without_a_reader(self):
        """The first signal ends the wait, for every command."""
        for end in ['.png', '.npz', '.npy', '.safetensors']:
            os.mkfifo(self.folder / f'x{end}')
        for end, command in self.commands():
            # One for each way to write. `join` writes only files; several pictures have names of their own.
            if command[0] in ('vary', 'upscale', 'colorize', 'seamless', 'interpolate', 'join') or (
                    '-n' in command and '--grid' not in command and end == '.png'):
                continue
            with self.subTest(command=command):
                # Tests that run in the background of a shell would pass on an ignored signal.
                process = ddim.popen(*command, f'x{end}', cwd=self.folder, stderr=subprocess.DEVNULL,
                                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
                self.addCleanup(process.kill)
                time.sleep(1.5)
                self.assertIsNone(process.poll())
                process.send_signal(signal.SIGINT)
                self.assertNotEqual(process.wait(timeout=20), 0)

    def test_pipe(self):
        """The image waits until somebody reads it; that wait can be interrupted."""
        os.mkfifo(self.folder / 'x.png')
        process = ddim.popen('generate', *QUICK, '-o', 'x.png', cwd=self.folder)
        self.assertEqual((self.folder / 'x.png').read_bytes()[:4], b'\x89PNG')
        self.assertEqual(process.wait(timeout=60), 0)
        process = ddim.popen('generate', *QUICK, '-o', 'x.png', cwd=self.folder)
        time.sleep(2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        self.assertNotEqual(process.wait(timeout=10), 0)

    def test_read_only_folder(self):
        done = self.in_namespace('mount -t tmpfs -o ro none "$1"; d=$2; f=$1; shift 2; "$d" generate "$@" -o "$f/x.png"')
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r'\Addim: [^\n]+\n\Z')

    @unittest.skipIf(os.geteuid() == 0, 'root may write everywhere')
    def test_forbidden_folder(self):
        self.folder.chmod(0o555)
        self.addCleanup(self.folder.chmod, 0o755)
        self.refused(1, 'generate', *QUICK, '-o', 'x.png')


class Interrupt(ddim.Case):
    MANY = ['generate', '--steps', '10', '--size', '32', '--seed', '1', '-n', '5000', '--batch', '1']

    def setUp(self):
        super().setUp()
        # The tests themselves may run under nohup, whose children ignore this signal too.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def interrupt(self, process, number):
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, errors)
        return errors

    def test_finished_pictures_are_kept(self):
        for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
            with self.subTest(signal=number):
                process = ddim.popen(*self.MANY, '--class', '1', '-o', 'x.png', cwd=self.folder, stderr=subprocess.PIPE,
                                     text=True)
                self.wait_until(lambda: (self.folder / 'x-0002.png').exists(), process)
                errors = self.interrupt(process, number)
                files = sorted(self.folder.iterdir())
                self.assertGreaterEqual(len(files), 3)
                for i, path in enumerate(files):
                    self.assertEqual(path.name, f'x-{i:04}.png')
                    self.assertEqual(npy.load_png(path)[0].shape, (32, 32, 3))
                    path.unlink()
                self.assertIn(f'{len(files)} of 5000', errors)

    def test_finished_images_of_an_array_are_kept(self):
        for name, number in [('x.npz', signal.SIGHUP), ('x.npy', signal.SIGTERM), ('x.png', signal.SIGINT)]:
            with self.subTest(name=name):
                grid = ['--grid'] if name == 'x.png' else []
                process = ddim.popen(*self.MANY, *grid, '-o', name, cwd=self.folder, stderr=subprocess.PIPE, text=True)
                for line in process.stderr:
                    if line.startswith('image 1'):
                        break
                errors = self.interrupt(process, number)
                kept = int(re.search(r'(\d+) of 5000', errors)[1])
                self.assertGreaterEqual(kept, 2)
                path = self.folder / name
                if name == 'x.npz':
                    self.assertEqual(npy.load_npz(path)['arr_1'].shape, (kept,))
                elif name == 'x.npy':
                    self.assertEqual(npy.load(path).shape, (kept, 3, 32, 32))
                else:
                    self.assertGreaterEqual(npy.load_png(path)[0].shape[0], 32)

    def test_nohup(self):
        """A signal that whoever started the command ignores stays ignored."""
        process = ddim.popen(*self.MANY, '--class', '1', '-o', 'x.png', cwd=self.folder, stderr=subprocess.PIPE, text=True,
                             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.wait_until(lambda: (self.folder / 'x-0000.png').exists(), process)
        process.send_signal(signal.SIGHUP)
        number = len(list(self.folder.iterdir())) + 2
        self.wait_until(lambda: (self.folder / f'x-{number:04}.png').exists(), process)
        self.interrupt(process, signal.SIGINT)

    def test_other_commands_leave_nothing(self):
        """Wherever they are in their work when they are stopped."""
        (self.folder / 'x.safetensors').write_text('old')
        for command in [['convert', 'textures', 'x.safetensors'],
                        ['noise', '--seed', '1', '--shape', '16,3,512,512', '-o', 'y.npy']]:
            began = time.monotonic()
            self.good(*command)
            whole = time.monotonic() - began
            for path in self.folder.iterdir():
                path.write_text('old')
            for i in range(20):
                process = ddim.popen(*command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(whole * i / 20)
                process.send_signal(signal.SIGINT)
                process.wait(timeout=60)
                self.assertLessEqual({path.name for path in self.folder.iterdir()}, {'x.safetensors', 'y.npy'})

    def test_nothing_finished_leaves_the_old_file(self):
        (self.folder / 'x.npz').write_text('old')
        process = ddim.popen('generate', '--steps', '', '--size', '64', '-n', '16', '-v', '-o', 'x.npz', cwd=self.folder,
                             stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if line.startswith('seed'):
                break
        began = time.monotonic()
        self.interrupt(process, signal.SIGINT)
        self.assertLess(time.monotonic() - began, 60)
        self.assertEqual([path.name for path in self.folder.iterdir()], ['x.npz'])
        self.assertEqual((self.folder / 'x.npz').read_text(), 'old')

    def test_before_sampling(self):
        """While a driver compiles, which takes long and cannot be stopped: the caches are empty here."""
        caches = {'XDG_CACHE_HOME': str(self.folder / 'cache'), 'POCL_CACHE_DIR': str(self.folder / 'pocl')}
        process = subprocess.Popen([ddim.DDIM, 'generate', '-v', '-o', 'x.png'], cwd=self.folder, stderr=subprocess.PIPE,
                                   text=True, env=ddim.environment(**caches), stdin=subprocess.DEVNULL)
        process.stderr.readline()
        began = time.monotonic()
        errors = self.interrupt(process, signal.SIGINT)
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn('interrupted', errors)
        self.assertFalse((self.folder / 'x.png').exists())

    def wait_until(self, true, process):
        deadline = time.monotonic() + 300
        while not true():
            self.assertIsNone(process.poll(), 'it ended')
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)


class FullOutput(ddim.Case):
    def test_standard_output(self):
        for args in [['models'], ['models', '--json'], ['devices'], ['devices', '--json'], ['--help'], ['help'],
                     ['help', 'info'], ['generate', '--help'], ['--version'], ['info', 'textures'],
                     ['schedule', '--steps', '10']]:
            with self.subTest(args=args), open('/dev/full', 'w', encoding='ascii') as full:
                process = ddim.popen(*args, stdout=full, stderr=subprocess.PIPE, text=True)
                _, errors = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 1, errors)
                self.assertRegex(errors, r'\Addim: [^\n]+\n\Z')


class OnlyFiles(ddim.Case):
    def test_pipe(self):
        """Nobody writes into the pipe, so waiting for data would never end."""
        os.mkfifo(self.folder / 'pipe')
        superres = ['-m', ddim.DATA / 'unet_superres.pt', '--size', '32', '--class', '1']
        for args in [['info', 'pipe'], ['convert', 'pipe', 'x.safetensors'], ['generate', '-m', './pipe'],
                     ['generate', '--init-noise', 'pipe'], ['generate', *superres, '--low-res', 'pipe']]:
            with self.subTest(args=args):
                began = time.monotonic()
                self.assertIn('regular file', self.refused(1, *args))
                self.assertLess(time.monotonic() - began, 30)


class Terminal(ddim.Case):
    def on_terminal(self, *args):
        """What the command writes on a terminal."""
        try:
            main, terminal = pty.openpty()
        except OSError as error:
            self.skipTest(f'no terminal to be had here: {error}')
        process = ddim.popen(*args, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=terminal)
        os.close(terminal)
        text = b''
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
        os.close(main)
        self.assertEqual(process.wait(timeout=60), 0)
        return text.decode()

    def test_bar(self):
        text = self.on_terminal('generate', *QUICK, '-n', '2', '-o', 'x.png')
        self.assertRegex(text, r'\[=*>? *\] step \d+/4, images \d/2.* left')
        self.assertIn('x-1.png', text)

    def test_quiet(self):
        self.assertEqual(self.on_terminal('generate', *QUICK, '-q', '-o', 'x.png'), '')

    EVIL = 'evil\033]0;title\007\033[2J\n\u202egnp\u009b2J\u2028'

    def test_names_cannot_steer_the_terminal(self):
        """Names of models, files and classes come from anywhere."""
        tensors, metadata = checkpoints.read_safetensors(self.default_model())
        metadata['class_names'] = json.dumps([self.EVIL] * len(json.loads(metadata['class_names'])))
        checkpoints.write_safetensors(self.folder / f'{self.EVIL}.safetensors', tensors, metadata)
        shown = [self.good('models', '--model-path', self.folder).stdout,
                 self.good('info', self.EVIL, '--model-path', self.folder).stdout,
                 self.good('convert', f'{self.EVIL}.safetensors', f'{self.EVIL}2.safetensors').stdout,
                 self.on_terminal('generate', '-m', self.EVIL, '--model-path', self.folder, '-v', '--steps', '2', '--size',
                                  '16', '--seed', '1', '-n', '8', '-o', f'{self.EVIL}.png')]
        shown += [self.good('models', '--json', '--model-path', self.folder).stdout,
                  self.good('info', '--json', self.EVIL, '--model-path', self.folder).stdout]
        for text in shown:
            self.assertIn('evil', text)
            for bad in ['\033]', '\033[2J', '\007', '\u202e', '\u009b', '\u2028']:
                self.assertNotIn(bad, text)
        self.assertEqual([text.count('\n') for text in shown[2:3] + shown[4:5]], [1, 1])
        self.assertIn(self.EVIL, json.loads(shown[-1])['class_names'])
        self.assertEqual(shown[0].count('\n'), len(shown[0].splitlines()))
        self.assertTrue(all('safetensors' in line for line in shown[0].splitlines()))

    def default_model(self):
        return pathlib.Path(json.loads(self.good('models', '--json').stdout)['models'][0]['path'])

    def test_image_is_not_written_to_a_terminal(self):
        try:
            main, terminal = pty.openpty()
        except OSError as error:
            self.skipTest(f'no terminal to be had here: {error}')
        process = ddim.popen('generate', *QUICK, '-o', '-', stdout=terminal, stderr=subprocess.PIPE)
        _, errors = process.communicate(timeout=120)
        os.close(terminal)
        os.close(main)
        self.assertEqual(process.returncode, 2)
        self.assertIn(b'terminal', errors)


if __name__ == '__main__':
    sys.exit(tap.main())
