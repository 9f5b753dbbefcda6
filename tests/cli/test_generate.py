#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""`ddim generate` and `ddim predict` against what the original makes, and what they write."""
import json
import re
import shlex
import struct
import subprocess

import ddim
import npy
import tap

QUICK = ['--steps', '4', '--size', '16']


def to_byte(value):
    """((value + 1) * 127.5).clamp(0, 255).to(uint8), each step rounded to float32 as the original does."""
    def float32(number):
        return struct.unpack('f', struct.pack('f', number))[0]
    return int(min(max(float32(float32(value + 1) * 127.5), 0), 255))


class Golden(ddim.Case):
    """The bounds are those of the project's promise: samples of random weights and of the trained model."""

    def compare(self, images, expected, equal, most):
        self.assertEqual((images.dtype, images.shape), ('|u1', expected.shape))
        differences = [abs(a - b) for a, b in zip(images.values, expected.values)]
        self.assertLessEqual(max(differences), most)
        self.assertGreaterEqual(differences.count(0) / len(differences), equal)

    def test_samples(self):
        for case, options in ddim.golden_cases():
            with self.subTest(case=case['name']):
                if case['cls'] == 'superres':
                    npy.save(self.folder / 'low.npy', npy.load_npz(ddim.DATA / f"unet_{case['name']}.npz")['low_res'])
                    options += ['--low-res', 'low.npy']
                self.good('generate', *options, '-o', 'out.npz')
                made = npy.load_npz(self.folder / 'out.npz')
                golden = npy.load_npz(ddim.DATA / f"sample_{case['name']}.npz")
                self.compare(made['arr_0'], golden['arr_0'], 0.995, 2)
                labels = case['sample'].get('labels')
                self.assertEqual(list(made), ['arr_0', 'arr_1'] if labels else ['arr_0'])
                if labels:
                    self.assertEqual((made['arr_1'].dtype, list(made['arr_1'].values)), ('<i8', labels))
                self.good('generate', *options, '-o', 'out.npy')
                floats = npy.load(self.folder / 'out.npy')
                self.assertEqual((floats.dtype, floats.shape), ('<f4', golden['sample'].shape))
                self.assertLess(max(abs(a - b) for a, b in zip(floats.values, golden['sample'].values)), 0.01)

    def test_predictions(self):
        for case, options in ddim.golden_cases():
            path = ddim.DATA / f"unet_{case['name']}.npz"
            if not path.exists():
                continue
            with self.subTest(case=case['name']):
                golden = npy.load_npz(path)
                npy.save(self.folder / 'x.npy', golden['x'])
                extra = []
                if 'y' in golden:
                    extra += ['--labels', ','.join(map(str, golden['y'].values))]
                if 'low_res' in golden:
                    npy.save(self.folder / 'low.npy', golden['low_res'])
                    extra += ['--low-res', 'low.npy']
                self.good('predict', *options[:4], '--input', 'x.npy', '--timesteps',
                          ','.join(map(str, golden['t'].values)), *extra, '-o', 'out.npy')
                made = npy.load(self.folder / 'out.npy')
                self.assertEqual((made.dtype, made.shape), ('<f4', golden['out'].shape))
                self.assertLess(max(abs(a - b) for a, b in zip(made.values, golden['out'].values)), 2e-4)


class Graphics(ddim.Case):
    """With the kernels and the choices that a graphics card gets, on whatever device there is."""

    def test_same_picture(self):
        for precision in ['f32', 'f16']:
            with self.subTest(precision=precision):
                made = {}
                for kernels in ['cpu', 'gpu']:
                    self.good('generate', *QUICK, '--seed', '3', '--class', '1', '--precision', precision, '-o',
                              f'{kernels}.npy', env={'DDIM_KERNELS': kernels})
                    made[kernels] = npy.load(self.folder / f'{kernels}.npy').values
                differences = [abs(a - b) for a, b in zip(made['cpu'], made['gpu'])]
                self.assertLess(max(differences), 1e-3 if precision == 'f32' else 0.1)
                self.assertGreater(max(differences), 0)


class Classes(ddim.Case):
    """Classes by their names."""

    def labels(self, names):
        self.good('generate', '-m', 'ten.pt', *QUICK, '--sampler', 'ddim', '-n', '4', '--seed', '1', '--class', names, '-o', 'x.npz')
        return list(npy.load_npz(self.folder / 'x.npz')['arr_1'].values)

    def test_commas(self):
        """A name may have commas in it; the longest name counts."""
        (self.folder / 'ten.pt').write_bytes((ddim.DATA / 'unet_small_cond.pt').read_bytes())
        names = ['tench', 'shark', 'shark, white, great', 'a,b', 'a', 'b', 'x, y', ',', '7', 'z']
        (self.folder / 'ten.json').write_text(json.dumps({'class_names': names, 'image_size': 16}))
        self.assertEqual(self.labels('shark, white, great,tench,shark,a'), [2, 0, 1, 4])
        self.assertEqual(self.labels('a,b,a, b'), [3, 4, 5, 3])
        self.assertEqual(self.labels('x, y , 7 ,9,z'), [6, 8, 9, 9])
        done = ddim.run('generate', '-m', 'ten.pt', *QUICK, '--class', 'x, y:2,shark, white, great:3', '-o', 'y.npz', cwd=self.folder)
        self.assertEqual((done.returncode, list(npy.load_npz(self.folder / 'y.npz')['arr_1'].values)), (0, [2]))
        self.assertIn('white', self.refused(1, 'generate', '-m', 'ten.pt', *QUICK, '--class', 'shark, white', '-o', 'z.npz'))


class Noise(ddim.Case):
    """Which of a seed's random numbers go where."""

    def images(self, *options):
        self.good('generate', *QUICK, *options, '-o', 'x.npz')
        return npy.load_npz(self.folder / 'x.npz')

    def test_seed(self):
        one = self.images('--seed', '5', '--class', '2')['arr_0'].values
        self.assertEqual(self.images('--seed', '5', '--class', '2')['arr_0'].values, one)
        self.assertNotEqual(self.images('--seed', '6', '--class', '2')['arr_0'].values, one)

    def test_random_seed_is_told(self):
        done = self.good('generate', *QUICK, '--class', '1', '-o', 'a.npz')
        seed = re.search(r'(?m)^seed (\d+)$', done.stderr)[1]
        again = self.images('--seed', seed, '--class', '1')
        self.assertEqual(npy.load_npz(self.folder / 'a.npz')['arr_0'].values, again['arr_0'].values)

    def test_random_classes_are_told_and_drawn_first(self):
        done = self.good('generate', *QUICK, '--seed', '5', '-n', '3', '-o', 'a.npz', '--json')
        told = [json.loads(line)['label'] for line in done.stdout.splitlines()]
        made = npy.load_npz(self.folder / 'a.npz')
        self.assertEqual(list(made['arr_1'].values), told)
        self.assertEqual(done.stderr.count('class'), 3)
        given = self.images('--seed', '5', '-n', '3', '--class', ','.join(map(str, told)))
        self.assertNotEqual(given['arr_0'].values, made['arr_0'].values)

    def test_eta_is_what_suits_the_model(self):
        """The default model's maker recommends 1; a model that says nothing gets the original's 0."""
        def eta(*options):
            self.good('generate', *QUICK, '--seed', '1', *options, '-o', 'x.png')
            return json.loads(self.good('info', '--json', 'x.png').stdout)['request']['eta']
        self.assertEqual(eta(), 1)
        self.assertEqual(eta('--eta', '-1'), 1)
        self.assertEqual(eta('--eta', '0'), 0)
        self.assertEqual(eta('--flags', '--eta 0.25'), 0.25)
        self.assertEqual(eta('-m', ddim.DATA / 'unet_tiny_uncond.pt'), 0)

    def test_sampler_and_steps_are_what_suits_the_model(self):
        """What its maker recommends, in metadata or flags; whoever asks for eta or a sampler means it."""
        tiny = ['-m', ddim.DATA / 'unet_tiny_uncond.pt', '--size', '16']
        advised = ['--flags', '--recommended_sampler dpm++ --recommended_steps 3']

        def chosen(*options):
            self.good('generate', '-q', '--seed', '1', *options, '-o', 'x.png')
            request = json.loads(self.good('info', '--json', 'x.png').stdout)['request']
            return request['sampler'], request['steps']
        self.assertEqual(chosen('--size', '16', '--class', '1'), ('dpm++sde', '15'))
        self.assertEqual(chosen(*tiny), ('ddim', '25'))
        self.assertEqual(chosen(*tiny, *advised), ('dpm++', '3'))
        self.assertEqual(chosen(*tiny, *advised, '--steps', '2'), ('dpm++', '2'))
        self.assertEqual(chosen(*tiny, *advised, '--eta', '0'), ('ddim', '25'))
        self.assertEqual(chosen(*tiny, *advised, '--sampler', 'unipc'), ('unipc', '25'))
        self.assertEqual(chosen(*tiny, '--flags', '--recommended_steps 3'), ('ddim', '25'))
        self.assertIn('dpm++sde', self.refused(1, 'generate', *tiny, '--flags', '--recommended_sampler own'))

    def test_classes_repeat(self):
        made = self.images('--seed', '5', '-n', '5', '--batch', '2', '--class', 'Marble,7')
        self.assertEqual(list(made['arr_1'].values), [1, 7, 1, 7, 1])

    def test_last_batch_draws_for_all_its_images(self):
        """Like image_sample.py, which computes whole batches and drops what is too much; with noise in every step."""
        options = ['--seed', '3', '--batch', '3', '--class', '4', '--eta', '1']
        seven = self.images(*options, '-n', '7')['arr_0']
        nine = self.images(*options, '-n', '9')['arr_0']
        self.assertEqual(seven.values, nine.values[:len(seven.values)])

    def test_given_noise(self):
        self.good('noise', '--seed', '11', '--shape', '2,3,16,16', '-o', 'noise.npy')
        given = self.images('-n', '2', '--class', '3', '--eta', '0', '--seed', '1', '--init-noise', 'noise.npy')
        drawn = self.images('-n', '2', '--class', '3', '--eta', '0', '--seed', '11')
        self.assertEqual(given['arr_0'].values, drawn['arr_0'].values)

    def test_given_noise_tells_the_size(self):
        self.good('noise', '--seed', '11', '--shape', '3,24,16', '-o', 'noise.npy')
        self.good('generate', '--steps', '2', '--class', '3', '--init-noise', 'noise.npy', '-o', 'x.npz')
        self.assertEqual(npy.load_npz(self.folder / 'x.npz')['arr_0'].shape, (1, 24, 16, 3))
        self.assertIn('[3, 24, 16]', self.refused(1, 'generate', '-n', '2', '--init-noise', 'noise.npy').replace('[1, ', '['))
        self.refused(1, 'generate', '--size', '16', '--init-noise', 'noise.npy')


class Outputs(ddim.Case):
    def test_pictures_and_arrays_agree(self):
        options = [*QUICK, '--seed', '5', '-n', '11', '--class', '1,2']
        self.good('generate', *options, '-o', 'x.npz')
        self.good('generate', *options, '-o', 'x.npy')
        self.good('generate', *options, '-o', 'x.png')
        self.good('generate', *options, '-o', 'sheet.png', '--grid')
        array = npy.load_npz(self.folder / 'x.npz')['arr_0']
        floats = npy.load(self.folder / 'x.npy')
        self.assertEqual(floats.shape, (11, 3, 16, 16))
        self.assertEqual(sorted(path.name for path in self.folder.glob('x-*.png')),
                         [f'x-{i:02}.png' for i in range(11)])
        sheet, _ = npy.load_png(self.folder / 'sheet.png')
        self.assertEqual(sheet.shape, (48, 64, 3))
        for i in range(11):
            picture, _ = npy.load_png(self.folder / f'x-{i:02}.png')
            self.assertEqual(picture.values, bytes(array[i].values))
            for c in range(3):
                plane = floats[i][c].values
                self.assertEqual(picture.values[c::3], bytes(to_byte(x) for x in plane))
            for y in range(16):
                start = ((i // 4 * 16 + y) * 64 + i % 4 * 16) * 3
                self.assertEqual(sheet.values[start:start + 48], picture.values[y * 48:(y + 1) * 48])

    def test_default_name_and_one_picture(self):
        self.good('generate', *QUICK, '--seed', '77', '--class', '1')
        self.assertEqual([path.name for path in self.folder.iterdir()], ['ddim-77.png'])

    def test_standard_output(self):
        one = self.good('generate', *QUICK, '--seed', '1', '-o', '-', text=False).stdout
        self.assertEqual(npy.parse_png(one)[0].shape, (16, 16, 3))
        two = self.good('generate', *QUICK, '--seed', '1', '-n', '2', '-o', '-', text=False).stdout
        self.assertEqual(npy.load_npz(two)['arr_0'].shape, (2, 16, 16, 3))
        self.refused(2, 'generate', '--json', '-o', '-')

    def test_json(self):
        """A line for each picture when it is written; the picture is there when a program reads its line."""
        process = ddim.popen('generate', *QUICK, '-n', '3', '--batch', '1', '--class', 'lava,3', '--json', '-q', '-o', 'x.png',
                             cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        told = []
        for line in process.stdout:
            told.append(json.loads(line))
            self.assertEqual(npy.load_png(self.folder / told[-1]['path'])[0].shape, (16, 16, 3))
        self.assertEqual(process.stderr.read(), '')
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertEqual([line['path'] for line in told], ['x-0.png', 'x-1.png', 'x-2.png'])
        self.assertEqual([(line['index'], line['label'], line['class']) for line in told],
                         [(0, 9, 'lava'), (1, 3, 'cobblestone'), (2, 9, 'lava')])
        self.assertEqual({(line['width'], line['height']) for line in told}, {(16, 16)})
        seconds = [line['seconds'] for line in told]
        self.assertTrue(0 < seconds[0] < seconds[1] < seconds[2])
        self.assertEqual(len({line['seed'] for line in told}), 1)
        before = [(self.folder / line['path']).read_bytes() for line in told]
        self.good(*shlex.split(told[1]['command'])[1:], '-o', 'x.png')
        self.assertEqual([(self.folder / line['path']).read_bytes() for line in told], before)

    def test_json_of_one_file(self):
        """Images of an array or a sheet are told when the file is there; a model without classes has none."""
        for name, *options in [('x.npz',), ('x.npy',), ('x.png', '--grid')]:
            with self.subTest(name=name):
                done = self.good('generate', '-m', ddim.DATA / 'unet_tiny_uncond.pt', '--size', '16', '--steps', '2', '-n', '2',
                                 *options, '--json', '--seed', '4', '-o', name)
                told = [json.loads(line) for line in done.stdout.splitlines()]
                self.assertEqual([(line['path'], line['index'], line['seed'], line['class'], line['label']) for line in told],
                                 [(name, 0, 4, None, None), (name, 1, 4, None, None)])

    def test_json_when_the_output_is_full(self):
        with open('/dev/full', 'w', encoding='ascii') as full:
            process = ddim.popen('generate', *QUICK, '-n', '3', '--batch', '1', '--json', '-q', '-o', 'x.png', cwd=self.folder,
                                 stdout=full, stderr=subprocess.PIPE, text=True)
            _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(errors, r'\Addim: writing to standard output [^\n]+\n\Z')
        self.assertEqual([path.name for path in self.folder.iterdir()], ['x-0.png'])

    def test_silent_without_terminal(self):
        self.good('generate', *QUICK, '--seed', '1', '--class', '1', '-o', 'x.png')  # kernels are built now
        done = self.good('generate', *QUICK, '--seed', '1', '--class', '1', '-o', 'x.png')
        self.assertEqual((done.stdout, done.stderr), ('', ''))

    def test_pictures_tell_how_to_make_them_again(self):
        for extra in [['-n', '2'], ['-n', '2', '--class', 'wood,9', '--eta', '0.5'], ['--no-clip', '--sampler', 'ddpm'],
                      ['--sampler', 'dpm++', '--steps', '3'], ['-n', '3', '--grid', '--batch', '2']]:
            with self.subTest(extra=extra):
                self.good('generate', *QUICK, *extra, '-o', 'x.png')
                told = [json.loads(self.good('info', '--json', path.name).stdout)
                        for path in sorted(self.folder.glob('*.png'))]
                command = shlex.split(told[0]['command'])
                self.assertEqual(command[0], 'ddim')
                self.assertTrue(all(other['command'] == told[0]['command'] for other in told))
                before = {path: npy.load_png(path)[0].values for path in self.folder.glob('*.png')}
                for path in before:
                    path.unlink()
                self.good(*command[1:], '-o', 'x.png')
                self.assertEqual({path: npy.load_png(path)[0].values for path in before}, before)
                for path in before:
                    path.unlink()

    def test_info_for_people(self):
        self.good('generate', *QUICK, '--seed', '4', '--class', 'sand', '-o', 'x.png')
        text = self.good('info', 'x.png').stdout
        self.assertRegex(text, r'(?m)^seed +4$')
        self.assertRegex(text, r'(?m)^class +sand$')
        self.assertIn('ddim generate ', text)
        self.assertEqual(npy.load_png(self.folder / 'x.png')[1]['Software'].split()[0], 'ddim')


class Bench(ddim.Case):
    def test_json(self):
        told = json.loads(self.good('bench', '--steps', '2', '--size', '16', '--batch', '2', '--json').stdout)
        for key in ['ms_per_eval_median', 'ms_per_eval_min', 'gflop_per_eval', 'gflops', 'load_s', 'build_s',
                    'first_image_s', 'peak_rss_bytes', 'device_bytes', 'threads']:
            self.assertGreater(told[key], 0, key)
        self.assertLessEqual(told['ms_per_eval_min'], told['ms_per_eval_median'])
        self.assertIsInstance(told['device'], str)
        self.assertEqual(told['batch'], 2)

    def test_work_grows_with_batch_and_size(self):
        def gflop(*options):
            done = self.good('bench', '--steps', '1', '--json', *options)
            return json.loads(done.stdout)['gflop_per_eval']
        one = gflop('--size', '16')
        self.assertAlmostEqual(gflop('--size', '16', '--batch', '3') / one, 3, places=1)
        self.assertGreater(gflop('--size', '32x16') / one, 1.9)

    def test_text(self):
        self.assertIn('GFLOP/s', self.good('bench', '--steps', '1', '--size', '16').stdout)


if __name__ == '__main__':
    tap.main()
