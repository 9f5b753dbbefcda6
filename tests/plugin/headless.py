#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The procedure plug-in-ddim from Script-Fu in a GIMP without windows.

Arguments: GIMP's version, the plug-in's program, GIMP's library folder, the source folder, the command `ddim`.
"""
import array
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest

import gimp
from gimp import crop, read_png, to_linear

version, program, libdir, source, command = sys.argv[1:6]
SEED = 42
SIDE = 128  # of the images that the default model was trained with
GAMMA = 563 / 256  # a profile holds it as 8.8 bits
COMMON = f"'(steps \"3\") '(seed {SEED})"


def to_perceptual(v):
    return v * 12.92 if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055


def gray(red, green, blue):
    """Luminance relative to D50, which ICC profiles and babl use."""
    return to_perceptual(0.2225 * to_linear(red) + 0.7169 * to_linear(green) + 0.0606 * to_linear(blue))


class Headless(gimp.Case):
    def generate(self, size, *options, suffix='png', **environment):
        """What the command makes of the same settings."""
        out = self.folder / f'command.{suffix}'
        for old in self.folder.glob('command*'):
            old.unlink()
        subprocess.run([pathlib.Path(command).resolve(), 'generate', '-q', '--size', size, '--steps', '3', '--seed', str(SEED), *options, '-o', out],
                       check=True, env=self.gimp.environment(**environment))
        return out

    def generate_cut(self, width, height, *options):
        """What the command makes at the model's size, where that is more, and the middle of it."""
        whole = [max(side + -side % 8, SIDE) for side in (width, height)]
        columns, _, channels, samples = read_png(self.generate('{}x{}'.format(*whole), *options))
        x, y = ((large - side) // 2 for large, side in zip(whole, (width, height)))
        return width, height, channels, crop(samples, channels, columns, x, y, width, height)

    def command_floats(self, size, *options):
        """The command's samples as 0 … 1, pixel by pixel."""
        data = self.generate(size, *options, suffix='npy').read_bytes()
        (length,) = struct.unpack('<H', data[8:10])
        values = array.array('f', data[10 + length:])
        plane = len(values) // 3
        return [min(max((values[c * plane + i] + 1) / 2, 0), 1) for i in range(plane) for c in range(3)]

    def layer(self, script, name='layer.png'):
        """Run `script`, which leaves the new layer in `new`, and read that layer's pixels."""
        path = self.folder / name
        said = self.gimp.run(f'{script} (save new "{path}") (gimp-image-delete image)')
        return said, read_png(path)

    def make(self, kind='RGB', precision=150, size='136 128', before='', options=''):
        return (f'(define image (new-image {size} {kind} {precision})) {before} '
                f'(define new (ddim image (bottom image) {COMMON} {options}))')

    # ---- pixels ----

    def test_bytes_equal_the_command(self):
        _, layer = self.layer(self.make(options="'(class \"marble\")"))
        self.assertEqual(layer, read_png(self.generate('136x128', '--class', 'marble')))

    def test_every_option_reaches_the_sampler(self):
        _, layer = self.layer(self.make(options="'(class \"3\") '(width 40) '(height 24) '(sampler \"ddpm\") "
                                                "'(precision \"f16\")"))
        self.assertEqual(layer, self.generate_cut(40, 24, '--class', '3', '--sampler', 'ddpm', '--precision', 'f16'))
        _, layer = self.layer(self.make(options="'(class \"3\") '(width 40) '(height 24) '(eta 1.0)"))
        self.assertEqual(layer, self.generate_cut(40, 24, '--class', '3', '--eta', '1'))

    def test_a_size_that_is_no_multiple_is_cut_from_the_middle(self):
        _, layer = self.layer(self.make(size='150 133', options="'(class \"wood\")"))
        self.assertEqual(layer, self.generate_cut(150, 133, '--class', 'wood'))

    def test_what_is_smaller_than_the_model_is_cut_from_an_image_of_its_size(self):
        """Models make nothing good at sizes below those they were trained with."""
        for width, height in ((3, 2), (50, 37), (8, 140)):
            _, layer = self.layer(self.make(size=f'{width} {height}', options="'(class \"wood\")"))
            self.assertEqual(layer, self.generate_cut(width, height, '--class', 'wood'))

    def test_variations_are_a_group_of_which_each_can_be_made_alone(self):
        said = self.gimp.run(
            self.make(size='32 32', options="'(count 3) '(class \"wood,lava\")") + f'''
            (say (length (layers image))) (say (name new)) (say (map name (children new)))
            (say (= (active-layer image) (car (children new))))
            (for-each (lambda (child file) (save child (string-append "{self.folder}/" file))
                        (say (settings child)) (say "----"))
              (children new) '("0.png" "1.png" "2.png"))
            (gimp-image-delete image)''')
        names = [f'{name} #{SEED + i} · DDIM textures' for i, name in enumerate(('wood', 'lava', 'wood'))]
        self.assertEqual(said[:4], ['2', f'#{SEED}–{SEED + 2} · DDIM textures', f'({" ".join(names)})', '#t'])
        kept = [json.loads(text.strip('\0\n ')) for text in '\n'.join(said[4:]).split('----') if text.strip('\0\n ')]
        for i, name in enumerate(('wood', 'lava', 'wood')):
            picture = read_png(self.folder / f'{i}.png')
            self.assertEqual(picture, self.generate_cut(32, 32, '--class', name, '--seed', str(SEED + i)))
            self.assertEqual({key: kept[i]['settings'][key] for key in ('seed', 'count', 'class', 'width')},
                             {'seed': SEED + i, 'count': 1, 'class': name, 'width': 32})
            self.assertEqual(self.by_command(kept[i]['command'], 32, 32), picture)

    def by_command(self, line, width, height):
        """The middle of what the command kept in a layer's settings makes."""
        self.assertTrue(line.startswith('ddim '), line)
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        program = pathlib.Path(command).resolve()
        subprocess.run(['bash', '-c', f'ddim() {{ {program} "$@"; }}; {line} -o out.png'], check=True, cwd=folder,
                       env=self.gimp.environment(), capture_output=True)
        columns, rows, channels, samples = read_png(folder / 'out.png')
        return width, height, channels, crop(samples, channels, columns, (columns - width) // 2, (rows - height) // 2, width, height)

    def test_seamless(self):
        """At a size that the model makes, the command's bytes; else all of it, resampled, with edges that fit together."""
        _, layer = self.layer(self.make(options="'(class \"wood\") '(seamless \"xy\")"))
        self.assertEqual(layer, read_png(self.generate('136x128', '--class', 'wood', '--seamless', 'xy')))
        self.check_tiles(100, 90, "'(class \"clouds\") '(seamless \"xy\")")

    def test_seamless_scale(self):
        """What is sampled half as large and enlarged fits together too, at a size that is not twice another one as well."""
        for width, height in ((256, 272), (257, 131)):
            self.check_tiles(width, height, "'(class \"clouds\") '(seamless \"xy\") '(scale 2)")

    def check_tiles(self, width, height, options):
        _, (*size, channels, samples) = self.layer(self.make(size=f'{width} {height}', options=options))
        self.assertEqual(size, [width, height])

        def steps(pairs):
            return sum(abs(samples[a * channels] - samples[b * channels]) for a, b in pairs) / len(pairs)

        across = steps([(y * width, y * width + width - 1) for y in range(height)])
        inside = steps([(y * width + x, y * width + x + 1) for y in range(height) for x in range(width - 1)])
        self.assertLess(across, 2 * inside)
        down = steps([(x, (height - 1) * width + x) for x in range(width)])
        inside = steps([(y * width + x, (y + 1) * width + x) for y in range(height - 1) for x in range(width)])
        self.assertLess(down, 2 * inside)

    def test_color_and_scale(self):
        """The mean is the color asked for, and what is sampled half as large is enlarged to the size asked for."""
        said, (width, height, channels, samples) = self.layer(
            self.make(size='131 129', options="'(class \"clouds\") '(color \"#4060c0\") '(scale 2)") + '(say (settings new))')
        self.assertEqual((width, height), (131, 129))
        for c, wanted in enumerate((0x40, 0x60, 0xc0)):
            self.assertAlmostEqual(sum(samples[c::channels]) / (width * height), wanted, delta=8)
        kept = json.loads('\n'.join(said).rstrip('\0\n '))
        self.assertEqual((kept['settings']['scale'], kept['settings']['width']), (2, 131))
        self.assertIn('ddim upscale', kept['command'])

    def test_gray(self):
        _, layer = self.layer(self.make('GRAY', options="'(class \"lava\")"))
        width, height, channels, samples = layer
        _, _, _, colors = read_png(self.generate('136x128', '--class', 'lava'))
        self.assertEqual((width, height, channels), (136, 128, 1))
        for i, value in enumerate(samples):
            self.assertAlmostEqual(value, 255 * gray(*(v / 255 for v in colors[3 * i:3 * i + 3])), delta=1.01)

    def check_precise(self, precision):
        _, (width, height, channels, samples) = self.layer(self.make(precision=precision, options="'(class \"lava\")"))
        expected = self.command_floats('136x128', '--class', 'lava')
        self.assertEqual((width, height, channels), (136, 128, 3))
        self.assertLess(max(abs(a - 65535 * b) for a, b in zip(samples, expected, strict=True)), 3)

    def test_16_bit(self):
        self.check_precise(250)

    def test_16_bit_linear(self):
        # Rounded twice, and the second time up to 2.3 times as coarsely.
        _, (_, _, _, samples) = self.layer(self.make(precision=200, options="'(class \"lava\")"))
        expected = self.command_floats('136x128', '--class', 'lava')
        for a, b in zip(samples, expected, strict=True):
            self.assertAlmostEqual(to_linear(a / 65535), to_linear(b), delta=2 / 65535)

    def test_float(self):
        self.check_precise(650)

    def test_float_linear(self):
        self.check_precise(600)

    def test_color_profile(self):
        """A profile with sRGB's primaries in another order and another curve: what comes out can be computed by hand."""
        profile = self.folder / 'swapped.icc'
        profile.write_bytes(swapped_profile())
        _, (_, _, channels, samples) = self.layer(
            f'(define profile "{profile}")' +
            self.make(precision=250, before=f'(set-profile image "{profile}")',
                      options="'(class \"lava\")"))
        expected = self.command_floats('136x128', '--class', 'lava')
        self.assertEqual(channels, 3)
        for i in range(0, len(samples), 3):
            for ours, theirs in ((0, 2), (1, 1), (2, 0)):
                self.assertAlmostEqual((samples[i + ours] / 65535) ** GAMMA, to_linear(expected[i + theirs]), delta=1e-3)

    def test_srgb_profile(self):
        """GIMP writes an sRGB profile of its own into PNG files; an image that has it is 8-bit sRGB all the same."""
        picture, profile = self.folder / 'tagged.png', self.folder / 'srgb.icc'
        self.gimp.run(f'(define image (new-image 8 8 RGB 150)) (save-png image "{picture}") (gimp-image-delete image)')
        profile.write_bytes(gimp.read_profile(picture))
        _, layer = self.layer(self.make(before=f'(set-profile image "{profile}")', options="'(class \"marble\")"))
        self.assertEqual(layer, read_png(self.generate('136x128', '--class', 'marble')))

    # ---- where it goes ----

    def test_feathered_selection_of_variations(self):
        """The mask of the group is the selection's every shade."""
        self.gimp.run('''
            (define image (new-image 90 70 RGB 150))
            (gimp-context-set-feather TRUE) (gimp-context-set-feather-radius 9 9)
            (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 20 15 50 40)
            (define bounds (cdr (gimp-selection-bounds image)))
            (define new (ddim image (bottom image) '(steps "2") '(count 2)))
            (say (equal? (offsets new) (list (car bounds) (cadr bounds))))''' + f'''
            (save-mask new "{self.folder}/mask.png")
            (define other (new-layer image "other" (width new) (height new) RGB-IMAGE))
            (gimp-image-insert-layer image other 0 -1) (gimp-layer-set-offsets other (car bounds) (cadr bounds))
            (gimp-layer-add-mask other (car (gimp-layer-create-mask other ADD-MASK-SELECTION)))
            (save-mask other "{self.folder}/expected.png")
            (gimp-image-delete image)''')
        mask = read_png(self.folder / 'mask.png')
        self.assertEqual(mask, read_png(self.folder / 'expected.png'))
        self.assertGreater(len(set(mask[3])), 100)

    def test_selection(self):
        said, layer = self.layer(
            self.make(size='100 80', before='(gimp-image-select-ellipse image CHANNEL-OP-REPLACE 10 20 64 48)',
                      options="'(class \"marble\")") + f'''
            (say (offsets new)) (say (car (gimp-selection-is-empty image)))
            (save-mask new "{self.folder}/mask.png")
            (define other (new-layer image "other" 64 48 RGB-IMAGE))
            (gimp-image-insert-layer image other 0 -1) (gimp-layer-set-offsets other 10 20)
            (gimp-layer-add-mask other (car (gimp-layer-create-mask other ADD-MASK-SELECTION)))
            (save-mask other "{self.folder}/expected.png")''')
        self.assertEqual(said[:2], ['(10 20)', '0'])
        self.assertEqual(layer, self.generate_cut(64, 48, '--class', 'marble'))
        mask = read_png(self.folder / 'mask.png')
        self.assertEqual(mask, read_png(self.folder / 'expected.png'))
        self.assertIn(0, mask[3])
        self.assertIn(255, mask[3])

    def test_above_the_given_drawable(self):
        said = self.gimp.run('''
            (define image (new-image 16 16 RGB 150))
            (define group (new-group image)) (gimp-image-insert-layer image group 0 -1)
            (define inner (new-layer image "inner" 16 16 RGB-IMAGE)) (gimp-image-insert-layer image inner group -1)
            (select-layer image (bottom image))
            (define new (ddim image inner '(steps "2")))
            (say (map name (children group)))
            (define low (ddim image (bottom image) '(steps "2")))
            (say (length (layers image))) (say (= low (cadr (layers image))))
            (gimp-image-delete image)''')
        self.assertRegex(said[0], r'^\(\w+ #\d+ · DDIM textures inner\)$')
        self.assertEqual(said[1:], ['3', '#t'])

    def test_the_original_is_untouched(self):
        said = self.gimp.run(self.make(before='(gimp-context-set-foreground \'(10 200 30)) '
                                              '(gimp-drawable-fill (bottom image) FILL-FOREGROUND)') +
                             f'(save (bottom image) "{self.folder}/base.png") (say (length (layers image))) '
                             '(gimp-image-delete image)')
        self.assertEqual(said, ['2'])
        self.assertEqual(read_png(self.folder / 'base.png')[3], [10, 200, 30] * (136 * 128))

    @unittest.skipIf(version.startswith('2'), 'an image is a must in GIMP 2.10')
    def test_without_an_image(self):
        said = self.gimp.run('''
            (define new (car (plug-in-ddim #:steps "2" #:seed 5 #:class "wood")))
            (define image (car (gimp-item-get-image new)))
            (say (width new)) (say (height new)) (say (car (gimp-image-get-width image))) (say (length (layers image)))
            (gimp-image-delete image)''')
        width, height, _, _ = read_png(self.generate('0', '--class', 'wood'))
        self.assertEqual(said, [str(width), str(height), str(width), '1'])

    # ---- settings ----

    def test_same_seed_same_layer(self):
        script = self.make(size='32 32', options="'(class \"rust\")")
        self.assertEqual(self.layer(script)[1], self.layer(script)[1])

    def test_a_random_seed_can_be_used_again(self):
        said, first = self.layer('(define image (new-image 32 32 RGB 150)) '
                                 '(define new (ddim image (bottom image) \'(steps "3"))) (say (name new))')
        seed = said[0].split()[1]
        self.assertTrue(0 <= int(seed[1:]) < 2 ** 31)
        again = f'(define image (new-image 32 32 RGB 150)) ' \
                f'(define new (ddim image (bottom image) \'(steps "3") \'(seed {seed[1:]})))'
        self.assertEqual(self.layer(again)[1], first)

    def test_name_and_parasite(self):
        said = self.gimp.run(self.make(size='50 37', options="'(class \"13\")") +
                             '(say (name new)) (say (settings new)) (gimp-image-delete image)')
        self.assertEqual(said[0], f'camouflage #{SEED} · DDIM textures')
        kept = json.loads('\n'.join(said[1:]).rstrip('\0\n '))
        self.assertEqual({key: kept['settings'][key] for key in ('width', 'height', 'steps', 'sampler', 'eta', 'seed', 'count')},
                         {'width': 50, 'height': 37, 'steps': '3', 'sampler': 'dpm++sde', 'eta': 1, 'seed': SEED, 'count': 1})
        self.assertEqual((kept['sampled-width'], kept['sampled-height'], kept['enlarged']), (128, 128, False))
        self.assertIn('--seed 42', kept['command'])

    def test_names_keep_the_seed(self):
        """Names are unique, and their seeds are those of the layers."""
        name, other = f'wood #{SEED} · DDIM textures', f'wood #{SEED + 1} · DDIM textures'
        said = self.gimp.run(f'''
            (define image (new-image 8 8 RGB 150))
            (define (again . options) (apply ddim image (bottom image) '(steps "2") '(seed {SEED}) '(class "wood") options))
            (again) (again) (define group (again '(count 2)))
            (for-each (lambda (layer) (say (name layer))) (append (layers image) (children group)))
            (gimp-image-delete image)''')
        self.assertEqual(said, [name, f'{name} (2)', f'wood #{SEED}–{SEED + 1} · DDIM textures', 'base', f'{name} (3)', other])

    def test_last_values(self):
        """Nothing was set before: the defaults."""
        said = self.gimp.run('''
            (define image (new-image 8 8 RGB 150))
            (define new (ddim image (bottom image) (list 'run-mode RUN-WITH-LAST-VALS)))
            (say (length (layers image))) (say (settings new)) (gimp-image-delete image)''')
        self.assertEqual(said[0], '2')
        self.assertEqual(json.loads('\n'.join(said[1:]).rstrip('\0\n '))['settings']['steps'], '15')

    # ---- errors ----

    def failures(self, cases, before='', **environment):
        """The messages of calls that must fail and leave one layer, and the undo history, as they were."""
        attempts = ''.join(f'''
            (let ((result (attempt (lambda () (ddim image (bottom image) {options})))))
              (say (if (string? result) result "no error"))
              (say (list (length (layers image)) (car (gimp-image-is-dirty image)))))''' for options in cases)
        said = self.gimp.run(f'''
            (define image (new-image 64 48 RGB 150)) {before}
            (gimp-image-clean-all image) {attempts}
            (gimp-image-delete image)''', **environment)
        self.assertEqual(len(said), 2 * len(cases), said)
        self.assertEqual(set(said[1::2]), {'(1 0)'})
        return said[::2]

    def test_bad_arguments(self):
        cases = (("'(width -5)", 'width', '0'), ("'(width 99999999)", 'width', '65536'),
                 ("'(height -1)", 'height', '0'), ("'(eta -1.5)", 'eta', '-1'), ("'(eta 1000)", 'eta', '10'),
                 ("'(seed -2)", 'seed', '-1'), ("'(seed 0.5)", 'seed', 'whole'), ("'(count 0)", 'count', '1'),
                 ("'(sampler \"euler\")", 'sampler', 'ddim'), ("'(precision \"f64\")", 'precision', 'f16'),
                 ("'(class \"nothing\")", 'class', 'clouds'), ("'(class \"16\")", 'class', '15'),
                 ("'(steps \"0,\")", 'steps: ', ''), ("'(steps \"5000\")", 'steps: ', '5000'),
                 ("'(model \"nothing\")", 'model', 'textures'), ("'(device \"nothing\")", 'device', ''))
        messages = self.failures([options for options, _, _ in cases])
        for (options, argument, expected), message in zip(cases, messages, strict=True):
            with self.subTest(options):
                self.assertIn(argument, message)
                self.assertIn(expected, message)

    def test_indexed(self):
        self.assertIn('RGB', self.failures([''], before='(to-indexed image)')[0])

    def test_floating_selection(self):
        said = self.gimp.run('''
            (define image (new-image 16 16 RGB 150))
            (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 2 2 8 8)
            (float-selection (bottom image))
            (define result (attempt (lambda () (ddim image (bottom image)))))
            (say (if (string? result) result "no error")) (say (map name (layers image)))
            (gimp-image-delete image)''')
        self.assertIn('floating selection', said[0])
        self.assertNotIn('#', said[1])

    def test_without_opencl(self):
        (message,) = self.failures(["'(steps \"2\")"], OCL_ICD_VENDORS=str(self.folder / 'none'), OPENCL_VENDOR_PATH=str(self.folder / 'none'))
        self.assertIn('OpenCL', message)
        self.assertIn('pocl-opencl-icd', message)

    def test_a_driver_that_crashes(self):
        """It does not take the plug-in with it, and the message repeats its last words."""
        vendors = gimp.crashing_vendors(self.folder)
        (message,) = self.failures(["'(steps \"2\")"], OCL_ICD_VENDORS=vendors, OPENCL_VENDOR_PATH=vendors)
        self.assertIn('crashed', message)
        self.assertIn('LLVM ERROR: unknown processor', message)

    def test_with_little_memory(self):
        """In windows, where one piece does not fit, which takes more than 1 GiB with any kernels: PoCL shows a device of 1 GiB, where it
        heeds the limit."""
        told = subprocess.run([command, 'devices', '--json'], env=self.gimp.environment(POCL_MEMORY_LIMIT='1'),
                              capture_output=True, check=True)
        if json.loads(told.stdout)[0]['global_memory'] > 1 << 30:
            self.skipTest('this driver does not heed POCL_MEMORY_LIMIT')
        said = self.gimp.run('(define image (new-image 8 8 RGB 150)) (define new (ddim image (bottom image) '
                             '\'(width 1024) \'(height 1024) \'(steps "1") \'(seed 3))) (say (settings new)) '
                             '(gimp-image-delete image)', POCL_MEMORY_LIMIT='1')
        self.assertIn('--window 128 --overlap 32', json.loads('\n'.join(said).rstrip('\0\n '))['command'])

    def test_without_the_model(self):
        broken = self.folder / 'broken'
        broken.mkdir(exist_ok=True)
        (broken / 'broken.safetensors').write_bytes(b'\xff' * 64)
        self.assertIn('broken', self.failures(["'(model \"broken\")"], DDIM_MODEL_PATH=str(broken))[0])

    # ---- the README's examples, as they stand there ----

    def example(self, title):
        """The code under the line that begins with `title`, and the command in that line's parentheses."""
        text = (pathlib.Path(source) / 'README.md').read_text()
        found = re.search(rf'^{re.escape(title)}[^\n`]*(?:`([^\n`]*)`\))?:\n\n```\w+\n(.*?)^```', text, re.S | re.M)
        self.assertIsNotNone(found, title)
        return found[2], found[1]

    def check_batch(self, title, script):
        """Run the example's command in a folder of two pictures and return their copies."""
        code, line = self.example(title)
        self.gimp.set_default()
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        pictures = [folder / 'a.png', folder / 'b c.png']
        for picture in pictures:
            self.gimp.run(f'(define image (new-image 32 24 RGB 150)) (save-png image "{picture}") (gimp-image-delete image)')
        before = [picture.read_bytes() for picture in pictures]
        (folder / script).write_text(code)
        done = subprocess.run(['bash', '-c', line.replace('gimp-console-3.0', f'gimp-console-{version}')], cwd=folder,
                              env=self.gimp.environment(), capture_output=True, text=True, timeout=600, check=False)
        self.assertEqual([picture.read_bytes() for picture in pictures], before, 'the pictures themselves stay')
        after = [read_png(folder / 'filled' / picture.name) for picture in pictures]
        for picture in after:
            self.assertEqual(picture[:3], (32, 24, 3), done.stdout + done.stderr)
            self.assertGreater(len(set(picture[3])), 16, done.stdout + done.stderr)
        return after

    def test_example_script_fu(self):
        code, _ = self.example('Script-Fu, 2.10' if version.startswith('2') else 'Script-Fu, 3.x')
        said, layer = self.layer(f'''(define image (new-image 40 32 RGB 150)) (define drawable (bottom image))
                                     (define new (car {code})) (say (name new))''')
        self.assertEqual(said, [f'marble #{SEED} · DDIM textures'])
        self.assertEqual(layer, self.generate_cut(40, 32, '--class', 'marble', '--steps', '15'))

    def test_example_folder(self):
        if version.startswith('2'):
            self.check_batch('and 2.10', 'fill.scm')
        else:
            self.check_batch('Fill copies of every PNG', 'fill.scm')

    @unittest.skipIf(version.startswith('2'), 'Python 3 is for GIMP 3')
    def test_example_python(self):
        if not (self.gimp.plugins / 'python-eval').exists():
            self.skipTest('python-eval is not installed')
        expected = self.generate_cut(32, 24, '--class', 'marble', '--steps', '15', '--seed', '7')
        self.assertEqual(self.check_batch('Python 3', 'fill.py'), [expected, expected])


def swapped_profile():
    """A matrix profile of ICC version 2: primaries of sRGB as blue, green, red."""
    def fixed(value):
        return struct.pack('>i', round(value * 65536))

    def xyz(*values):
        return b'XYZ \0\0\0\0' + b''.join(map(fixed, values))

    red, green, blue = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
    text = b'swapped'
    tags = {b'desc': b'desc\0\0\0\0' + struct.pack('>I', len(text) + 1) + text + bytes(79),
            b'cprt': b'text\0\0\0\0CC0\0', b'wtpt': xyz(0.9642, 1, 0.8249),
            b'rXYZ': xyz(*blue), b'gXYZ': xyz(*green), b'bXYZ': xyz(*red)}
    curve = b'curv\0\0\0\0' + struct.pack('>IH', 1, round(256 * GAMMA)) + bytes(2)
    for name in (b'rTRC', b'gTRC', b'bTRC'):
        tags[name] = curve
    body, table = b'', b''
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack('>II', start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    whole = struct.pack('>I', len(tags)) + table + body
    head = struct.pack('>I4sI4s4s4s', 128 + len(whole), bytes(4), 0x02100000, b'mntr', b'RGB ', b'XYZ ')
    head += struct.pack('>6H', 2026, 1, 1, 0, 0, 0) + b'acsp' + bytes(28) + b''.join(map(fixed, (0.9642, 1, 0.8249)))
    return head + bytes(128 - len(head)) + whole


if __name__ == '__main__':
    gimp.main('__main__')
