#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""One job over many processes: mpirun, what srun and Slurm arrays set, --shard, --resume, and `ddim join`."""
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib

import ddim
import npy
import tap

QUICK = ['--steps', '2', '--size', '16', '-q']
MPIRUN = shutil.which('mpirun')
# Root is not asked back, and there may be more ranks than cores.
MPI = [MPIRUN, '--allow-run-as-root', '--oversubscribe', '--mca', 'btl', 'self', '--mca', 'plm', 'isolated']
LAUNCHERS = ('OMPI_', 'PMI_', 'MV2_', 'MPI_', 'SLURM_', 'PMIX_')


def rank(name, number, size):
    return {f'{name}_RANK': str(number), f'{name}_SIZE': str(size)}


def srun(number, size, **more):
    return {'SLURM_JOB_ID': '7', 'SLURM_STEP_ID': '0', 'SLURM_PROCID': str(number), 'SLURM_NTASKS': '99',
            'SLURM_STEP_NUM_TASKS': str(size), 'SLURM_LOCALID': str(number)} | more


def array(task, first, last, step, count, **more):
    names = {'ID': task, 'MIN': first, 'MAX': last, 'STEP': step, 'COUNT': count}
    return {f'SLURM_ARRAY_TASK_{name}': str(value) for name, value in names.items()} | more


def children_of(parent):
    found = []
    for path in pathlib.Path('/proc').glob('[0-9]*/stat'):
        try:
            text = path.read_text()
        except OSError:
            continue  # it has just ended
        if int(text.rpartition(')')[2].split()[1]) == parent:
            found.append(int(path.parent.name))
    return found


class Case(ddim.Case):
    def setUp(self):
        super().setUp()
        for name in [name for name in os.environ if name.startswith(LAUNCHERS)]:
            self.addCleanup(os.environ.__setitem__, name, os.environ.pop(name))

    def files(self, folder):
        return {path.name: path.read_bytes() for path in (self.folder / folder).iterdir()}

    def make(self, folder, *options, **more):
        (self.folder / folder).mkdir(exist_ok=True)
        return self.good('generate', *QUICK, '--seed', '5', *options, '-o', f'{folder}/x.png', **more)


class Ranks(Case):
    def part(self, env, *options):
        """The images that one process of six makes, and whose numbers they have."""
        folder = f'part{len(list(self.folder.iterdir()))}'
        self.make(folder, '-n', '6', *options, env=env)
        names = sorted(path.name for path in (self.folder / folder).iterdir())
        told = json.loads(self.good('info', '--json', f'{folder}/{names[0]}').stdout)
        return [int(name[2]) for name in names], told['request']['rng']

    def test_environment(self):
        per_image, torch, everything = 'torch-per-image', 'torch', list(range(6))
        batch_script = {'SLURM_JOB_ID': '7', 'SLURM_PROCID': '0', 'SLURM_NTASKS': '3', 'SLURM_LOCALID': '0'}
        for env, images, rng in [
                (rank('OMPI_COMM_WORLD', 1, 3), [1, 4], per_image),
                (rank('PMI', 2, 3), [2, 5], per_image),
                (srun(0, 2), [0, 2, 4], per_image),
                ({'SLURM_PROCID': '1', 'SLURM_NTASKS': '3'}, [1, 4], per_image),
                (rank('OMPI_COMM_WORLD', 1, 2) | srun(3, 4), [1, 3, 5], per_image),
                (array(5, 3, 7, 2, 3), [1, 4], per_image),
                (array(9, 8, 9, 1, 2) | srun(1, 2), [3], per_image),
                # What leaves an ordinary call as it is.
                (rank('OMPI_COMM_WORLD', 0, 1), everything, torch),
                (srun(0, 1), everything, torch),
                (batch_script, everything, torch),
                (batch_script | {'SLURM_STEP_ID': '4294967291'}, everything, torch),
                ({'SLURM_JOB_ID': '7', 'SLURM_NTASKS': '4'}, everything, torch),
                (srun(0, 4, SLURM_STEP_ID='4294967290'), everything, torch),
                (array(4, 4, 4, 1, 1), everything, torch)]:
            with self.subTest(env=env):
                self.assertEqual(self.part(env), (images, rng))
        self.assertEqual(self.part(rank('OMPI_COMM_WORLD', 1, 3), '--shard', '0/1'), (everything, torch))
        self.assertEqual(self.part({}, '--shard', '2/4'), ([2], per_image))
        self.assertEqual(self.part({}, '--shard', '1/2', '--batch', '2'), ([2, 3], per_image))
        self.assertEqual(self.part({}, '--shard', '1/2', '--batch', '2', '--rng', 'torch'), ([2, 3], torch))

    def test_one_image_of_an_array(self):
        """Each task of an array may make a picture of its own."""
        self.make('one', '-n', '1', env=array(2, 1, 3, 1, 3))
        self.assertEqual(list(self.files('one')), ['x.png'])

    def test_what_is_said(self):
        loud = [option for option in QUICK if option != '-q']
        done = self.good('generate', *loud, '-n', '2', '-o', 'x.png', env=rank('OMPI_COMM_WORLD', 0, 2))
        for word in ['rank 0 of 2 (OMPI_COMM_WORLD_RANK)', '--rng torch-per-image', '--seed 0']:
            self.assertIn(word, done.stderr)
        self.assertIn('--seed 0', json.loads(self.good('info', '--json', 'x-0.png').stdout)['command'])

    def test_refused(self):
        for env in [rank('OMPI_COMM_WORLD', 3, 3), rank('OMPI_COMM_WORLD', 'x', 3), rank('PMI', -1, 3), rank('PMI', 0, 0),
                    rank('PMI', 0, 10 ** 20), array(2, 1, 9, 1, 3), array(9, 1, 3, 1, 3), array(1, 1, 3, 0, 3), array(1, 3, 1, 1, 3),
                    array(1, 1, 3, 1, 0)]:
            with self.subTest(env=env):
                self.assertRegex(self.refused(2, 'generate', *QUICK, '-n', '6', '-o', 'x.png', env=env),
                                 'COMM_WORLD_RANK|PMI_(RANK|SIZE)|SLURM_ARRAY_TASK')
        for shard in ['3/3', '1', 'a/b', '-1/3', '0/0', '1/2/3', '', '/', '0/9999999999']:
            self.assertIn('--shard', self.refused(2, 'generate', *QUICK, '-n', '6', '-o', 'x.png', '--shard', shard))
        for options in [['-o', 'x.npz'], ['-o', 'x.npy'], ['--grid', '-o', 'x.png'], ['-o', '-']]:
            for part in [['--shard', '0/2'], ['--resume']]:
                self.assertIn('join', self.refused(2, 'generate', *QUICK, '-n', '6', *part, *options))
        (self.folder / 'jobs').write_text('{}\n')
        self.refused(2, 'generate', '--batch-file', 'jobs', '--shard', '0/2')
        self.refused(2, 'generate', '--batch-file', 'jobs', '--resume')

    def test_parts_are_the_whole(self):
        """However the work is divided, and whatever the numbers: those of the original's stream too."""
        for options in [['--rng', 'torch-per-image'], ['--rng', 'torch-per-image', '--batch', '3', '--eta', '0.5'],
                        ['--rng', 'torch', '--batch', '2'], ['--rng', 'torch-cuda:8,1024', '--batch', '3', '--class', 'lava,wood']]:
            with self.subTest(options=options):
                self.make('whole', '-n', '7', *options)
                for number in range(3):
                    self.make('parts', '-n', '7', *options, '--shard', f'{number}/3')
                self.assertEqual(self.files('parts'), self.files('whole'))

    def test_image_by_itself(self):
        """Image k is the picture of the seed + k."""
        self.make('all', '-n', '3', '--rng', 'torch-per-image')
        for number in range(3):
            self.good('generate', *QUICK, '--seed', 5 + number, '-o', 'one.png')
            one, image = (npy.load_png(self.folder / name)[0].values for name in ['one.png', f'all/x-{number}.png'])
            self.assertEqual(one, image)

    def test_other_commands(self):
        self.good('generate', *QUICK, '--seed', '1', '-o', 'in.png')
        for command in [['vary', '-i', 'in.png'], ['interpolate', '--from', '1', '--to', '2']]:
            with self.subTest(command=command[0]):
                options = [*command, '--steps', '2', '-q', '-n', '4', '--seed', '3', '--batch', '2']
                for folder, parts in [('whole', ['0/1']), ('parts', ['0/2', '1/2'])]:
                    (self.folder / folder).mkdir(exist_ok=True)
                    for part in parts:
                        self.good(*options, '--rng', 'torch-per-image', '--shard', part, '-o', f'{folder}/x.png')
                self.assertEqual(self.files('parts'), self.files('whole'))
        self.assertIn('torch-per-image', self.refused(1, 'vary', '-i', 'in.png', '--steps', '2', '-q', '-n', '4', '--batch', '2',
                                                      '--rng', 'torch', '--shard', '1/2', '-o', 'x.png'))


class Devices(Case):
    def test_several(self):
        """One device twice makes what it makes alone, with the original's stream of numbers and in order."""
        for options in [[], ['-n', '7', '--batch', '2', '--eta', '0.5'], ['-n', '5', '--rng', 'torch-per-image']]:
            with self.subTest(options=options):
                for device in ['0', '0,0']:
                    told = self.good('generate', *QUICK, '--seed', '5', *options, '--json', '--device', device, '-o', f'{device}.npz')
                    indexes = [json.loads(line)['index'] for line in told.stdout.splitlines()]
                    self.assertEqual(indexes, list(range(len(indexes))))
                self.assertEqual((self.folder / '0.npz').read_bytes(), (self.folder / '0,0.npz').read_bytes())
        self.make('again', '-n', '4', '--batch', '1', '--device', '0,0')
        (self.folder / 'again/x-2.png').unlink()
        before = self.files('again')
        self.make('again', '-n', '4', '--batch', '1', '--device', '0', '--resume')
        self.assertTrue(before.items() <= self.files('again').items())

    def test_refused(self):
        for devices in ['0,', ',', '0,,0', '0,no-such-device', ',0', ','.join(['0'] * 65)]:
            with self.subTest(devices=devices[:30]):
                self.assertIn('no OpenCL device', self.refused(1, 'generate', *QUICK, '-n', '2', '--device', devices, '-o', 'x.png'))


class Resume(Case):
    def test_only_what_is_missing(self):
        self.make('whole', '-n', '5', '--batch', '2')
        before = self.files('whole')
        kept = (self.folder / 'whole/x-1.png').stat().st_ino
        for name in ['x-0.png', 'x-4.png']:
            (self.folder / 'whole' / name).unlink()
        (self.folder / 'whole/x-3.png').write_bytes(before['x-3.png'][:-200])  # a copy that broke off
        told = self.make('whole', '-n', '5', '--batch', '2', '--resume', '--json')
        self.assertEqual([json.loads(line)['index'] for line in told.stdout.splitlines()], [0, 3, 4])
        self.assertEqual(self.files('whole'), before)
        self.assertEqual((self.folder / 'whole/x-1.png').stat().st_ino, kept)
        self.assertEqual(self.make('whole', '-n', '5', '--batch', '2', '--resume', '--json').stdout, '')

    def test_other_pictures_stay(self):
        self.make('x', '-n', '3', '--class', 'lava')
        before = self.files('x')
        for options, word in [(['--class', 'wood'], 'class'), (['--class', 'lava', '--seed', '6'], 'seed'),
                              (['--class', 'lava', '--eta', '0'], 'sampler'), (['--class', 'lava', '-n', '4'], 'count'),
                              (['--class', 'lava', '--rng', 'torch-per-image', '--batch', '3'], 'rng')]:
            errors = self.refused(1, 'generate', *QUICK, '-n', '3', '--seed', '5', *options, '--resume', '-o', 'x/x.png')
            self.assertRegex(errors, rf"'x/x-0.png'.*{word} is")
        (self.folder / 'x/x-0.png').write_bytes(before['x-1.png'])
        self.assertIn('image 1', self.refused(1, 'generate', *QUICK, '-n', '3', '--seed', '5', '--class', 'lava', '--resume', '-o',
                                              'x/x.png'))
        npy.save_png(self.folder / 'x/x-0.png', npy.Array((4, 4, 3), '|u1', [7] * 48))
        self.assertIn('no settings', self.refused(1, 'generate', *QUICK, '-n', '3', '--seed', '5', '--class', 'lava', '--resume', '-o',
                                                  'x/x.png'))
        (self.folder / 'x/x-0.png').unlink()
        self.make('x', '-n', '3', '--class', 'lava', '--resume', '--device', '0')  # another device may go on
        self.assertEqual([name for name in before if self.files('x')[name] != before[name]], ['x-0.png'])

    def test_killed(self):
        """Whichever process is killed, and when: going on with other numbers of processes loses and changes nothing."""
        options = ['-n', '24', '--batch', '2', '--rng', 'torch-per-image']
        self.make('whole', *options)
        seed = random.randrange(1 << 30)
        rng = random.Random(seed)
        for size in [1, 2, 3]:
            processes = [ddim.popen('generate', *QUICK, '--seed', '5', *options, '--resume', '--shard', f'{number}/{size}', '-o',
                                    'killed/x.png', cwd=self.prepare('killed')) for number in range(size)]
            deadline = time.monotonic() + 100
            some = len(list((self.folder / 'killed').iterdir())) + rng.randrange(1, 5)
            while len(list((self.folder / 'killed').iterdir())) < some and time.monotonic() < deadline:
                time.sleep(rng.random() / 200)
            victims = rng.sample(processes, rng.randint(1, size))
            for process in processes:
                if process in victims:
                    process.kill()
                else:
                    process.send_signal(signal.SIGINT)
            for process in processes:
                process.wait(timeout=60)
            whole, killed = self.files('whole'), self.files('killed')
            self.assertTrue(all(name.startswith('.ddim-') or killed[name] == whole[name] for name in killed), seed)
        self.make('killed', *options, '--resume')
        self.assertEqual(self.files('killed'), self.files('whole'), seed)

    def prepare(self, folder):
        (self.folder / folder).mkdir(exist_ok=True)
        return self.folder


class Mpi(Case):
    def setUp(self):
        super().setUp()
        if not MPIRUN:
            self.skipTest('there is no mpirun')

    def mpirun(self, size, folder, *options):
        (self.folder / folder).mkdir(exist_ok=True)
        return subprocess.Popen([*MPI, '-n', str(size), ddim.DDIM, 'generate', *QUICK, '--seed', '5', *options, '-o', f'{folder}/x.png'],
                                cwd=self.folder, env=ddim.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def finish(self, process):
        out, errors = process.communicate(timeout=300)
        self.assertEqual(process.returncode, 0, errors)
        return out

    def test_same_files(self):
        self.make('one', '-n', '20', '--rng', 'torch-per-image')
        told = self.finish(self.mpirun(3, 'three', '-n', '20', '--json'))
        self.assertEqual(self.files('three'), self.files('one'))
        self.assertEqual(sorted(json.loads(line)['index'] for line in told.splitlines()), list(range(20)))
        self.finish(self.mpirun(1, 'alone', '-n', '4', '--batch', '2'))
        self.make('plain', '-n', '4', '--batch', '2')
        self.assertEqual(self.files('alone'), self.files('plain'))
        self.finish(self.mpirun(4, 'few', '-n', '2'))  # more ranks than images
        self.assertEqual(set(self.files('few')), {'x-0.png', 'x-1.png'})

    def test_killed_rank(self):
        """mpirun ends all ranks when one is killed."""
        options = ['-n', '90', '--batch', '1', '--rng', 'torch-per-image', '--resume']
        self.make('whole', *options)
        (self.folder / 'killed').mkdir()
        for _ in range(2):
            some = len(list((self.folder / 'killed').iterdir())) + 2
            process = self.mpirun(3, 'killed', *options)
            deadline = time.monotonic() + 100
            while len(list((self.folder / 'killed').iterdir())) < some and time.monotonic() < deadline:
                time.sleep(0.001)
            os.kill(random.choice(children_of(process.pid)), signal.SIGKILL)
            process.communicate(timeout=60)
            self.assertNotEqual(process.returncode, 0)
        self.finish(self.mpirun(2, 'killed', *options))
        files = self.files('killed')
        self.assertEqual({name: files[name] for name in files if not name.startswith('.ddim-')}, self.files('whole'))


class Join(Case):
    def test_same_as_one_run(self):
        for name, options in [('classes', ['--class', 'lava,wood']), ('random', []), ('none', ['-m', ddim.DATA / 'unet_tiny_uncond.pt'])]:
            with self.subTest(name=name):
                self.make(name, '-n', '11', *options)
                self.good('generate', *QUICK, '--seed', '5', '-n', '11', *options, '-o', 'one.npz')
                self.good('join', name, '-o', 'joined.npz')
                self.assertEqual((self.folder / 'joined.npz').read_bytes(), (self.folder / 'one.npz').read_bytes())
                arrays = npy.load_npz(self.folder / 'joined.npz')
                self.assertEqual(arrays['arr_0'].shape, (11, 16, 16, 3))
                self.assertEqual(set(arrays), {'arr_0'} if name == 'none' else {'arr_0', 'arr_1'})
                self.assertEqual(list(arrays['arr_0'].values[768 * 7:768 * 8]), list(npy.load_png(self.folder / name / 'x-07.png')[0].values))

    def test_folders_and_files(self):
        self.make('all', '-n', '4')
        self.good('join', 'all', '-o', 'a.npz')
        for number in range(4):
            folder = self.folder / f'part{number % 2}'
            folder.mkdir(exist_ok=True)
            (self.folder / f'all/x-{number}.png').rename(folder / f'{9 - number}.png')  # names do not matter
        npy.save_png(self.folder / 'part0/other.png', npy.Array((4, 4, 3), '|u1', [7] * 48))
        self.good('generate', *QUICK, '-n', '2', '--grid', '-o', 'part0/sheet.png')
        (self.folder / 'part0/readme.txt').write_text('text')
        self.good('join', 'part0', 'part1/8.png', 'part1/6.png', '-o', 'b.npz')
        self.assertEqual((self.folder / 'a.npz').read_bytes(), (self.folder / 'b.npz').read_bytes())

    def test_other_runs(self):
        """What else lies in the folder is left out, and that is said, where it is clear which run is meant."""
        self.make('all', '-n', '3')
        self.good('join', 'all', '-o', 'a.npz')
        self.good('generate', *QUICK, '-n', '3', '--seed', '6', '-o', 'y.png')
        (self.folder / 'y-1.png').rename(self.folder / 'all/a.png')
        npy.save_png(self.folder / 'all/other.png', npy.Array((4, 4, 3), '|u1', [7] * 48))
        done = self.good('join', 'all', '-o', 'b.npz')
        self.assertIn('2 pictures are not of this run', done.stderr)
        self.assertEqual((self.folder / 'a.npz').read_bytes(), (self.folder / 'b.npz').read_bytes())
        self.assertIn('number 0', self.refused(1, 'join', 'all', 'y-2.png', '-o', 'c.npz'))
        for number in (0, 2):
            (self.folder / f'y-{number}.png').rename(self.folder / f'all/a{number}.png')
        self.assertIn('different runs', self.refused(1, 'join', 'all', '-o', 'c.npz'))
        (self.folder / 'all/x-1.png').rename(self.folder / 'x-1.png')
        self.good('join', 'all', 'x-1.png', '-o', 'c.npz')
        self.assertEqual((self.folder / 'a.npz').read_bytes(), (self.folder / 'c.npz').read_bytes())

    def test_refused(self):
        self.make('x', '-n', '3')
        self.refused(2, 'join', 'x', '-o', 'x.npy')
        self.refused(2, 'join', 'x')
        self.refused(2, 'join', 'x', '-o', '-')
        self.refused(2, 'join', '-o', 'x.npz')
        self.refused(1, 'join', 'nothing', '-o', 'x.npz')
        self.refused(1, 'join', 'x', '-o', 'no/such/folder/x.npz')
        self.assertIn('both', self.refused(1, 'join', 'x', 'x/x-1.png', '-o', 'x.npz'))
        (self.folder / 'x/x-1.png').rename(self.folder / 'one.png')
        self.assertIn('number 1', self.refused(1, 'join', 'x', '-o', 'x.npz'))
        (self.folder / 'empty').mkdir()
        self.assertIn('no pictures', self.refused(1, 'join', 'empty', '-o', 'x.npz'))
        self.good('generate', *QUICK, '-n', '3', '--seed', '6', '-o', 'y.png')
        self.assertIn('seed is', self.refused(1, 'join', 'x', 'y-1.png', '-o', 'x.npz'))
        npy.save_png(self.folder / 'other.png', npy.Array((4, 4, 3), '|u1', [7] * 48))
        self.assertIn('not made by ddim', self.refused(1, 'join', 'x', 'other.png', '-o', 'x.npz'))
        (self.folder / 'text.png').write_text('text')
        self.refused(1, 'join', 'x', 'text.png', '-o', 'x.npz')
        whole = (self.folder / 'one.png').read_bytes()
        (self.folder / 'x/x-1.png').write_bytes(whole[:-100])
        self.refused(1, 'join', 'x', '-o', 'x.npz')

    def test_memory(self):
        """Pictures are read one by one: the array is several times as large as the memory that is used."""
        count, side = 24, 2048
        self.make('one', '-n', '1')
        request = json.loads(self.good('info', '--json', 'one/x.png').stdout)['request'] | {'count': count}

        def chunk(name, body):
            return struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body))
        pixels = zlib.compress(bytes(side * (3 * side + 1)), 1)
        (self.folder / 'large').mkdir()
        for index in range(count):
            texts = {'ddim:request': json.dumps(request), 'ddim:index': str(index), 'ddim:label': str(index)}
            (self.folder / f'large/{index}.png').write_bytes(
                b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0))
                + b''.join(chunk(b'tEXt', f'{key}\0{text}'.encode()) for key, text in texts.items())
                + chunk(b'IDAT', pixels) + chunk(b'IEND', b''))
        process = ddim.popen('join', 'large', '-o', 'x.npz', cwd=self.folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        size = (self.folder / 'x.npz').stat().st_size
        self.assertGreater(size, count * side * side * 3)
        self.assertLess(usage.ru_maxrss * 1024, size / 3)


if __name__ == '__main__':
    sys.exit(tap.main())
