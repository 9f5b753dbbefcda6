#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The procedures that change a picture, from Script-Fu in a GIMP without windows, against the command `ddim`.

Arguments: GIMP's version, the plug-in's program, GIMP's library folder, the source folder, the command `ddim`.
"""
import json
import math
import pathlib
import random
import subprocess
import sys

import gimp
from gimp import crop, read_png, to_linear

version, program, libdir, source, command = sys.argv[1:6]
MAJOR = int(version.split('.')[0])
SEED = 42

# The arguments of each procedure, in the order in which GIMP 2.10 takes them, with their defaults.
LAST = [('steps', '25'), ('sampler', 'ddim'), ('eta', -1), ('seed', -1), ('device', ''), ('precision', 'f32')]
MODEL = [('model', ''), ('class', ''), ('count', 1)]
VISIBLE, NEW_IMAGE = [('sample-visible', False)], [('new-image', True)]
ARGUMENTS = {
    'fill': [('context', -1), ('feather', 2), ('quality', 0), ('input-noise', 0), ('color', ''), *MODEL, *LAST, *VISIBLE],
    'vary': [('strength', 0.5), ('color', ''), *MODEL, *LAST, *VISIBLE],
    'seamless': [('axis', 'xy'), ('seam-width', 0), ('context', -1), ('feather', 2), ('quality', 0), ('input-noise', 0),
                 ('color', ''), *MODEL, *LAST, *VISIBLE],
    'upscale': [('scale', 0), ('quality', 0), ('input-noise', 0), *MODEL, *LAST, *VISIBLE, *NEW_IMAGE],
    'colorize': [('quality', 0), ('input-noise', 0), ('color', ''), *MODEL, *LAST, *VISIBLE],
    'interpolate': [('from', '1'), ('to', '2'), ('model', ''), ('class', ''), ('width', 0), ('height', 0), ('count', 8),
                    *[(name, value) for name, value in LAST if name != 'sampler'], *NEW_IMAGE],
}


def scheme(value):
    if isinstance(value, bool):
        return 'TRUE' if value else 'FALSE'
    return json.dumps(value, ensure_ascii=False)


def call(name, drawable='(bottom image)', mode='RUN-NONINTERACTIVE', **options):
    """The Script-Fu that calls a procedure and gives its layer."""
    options = {'steps': '3', 'seed': SEED} | {key.replace('_', '-'): value for key, value in options.items()}
    unknown = set(options) - {key for key, _ in ARGUMENTS[name]}
    assert not unknown, unknown
    if MAJOR == 2:
        values = ' '.join(scheme(options.get(key, default)) for key, default in ARGUMENTS[name])
        return f'(car (plug-in-ddim-{name} {mode} image {drawable} {values}))'
    values = ' '.join(f'#:{key} {scheme(value)}' for key, value in options.items())
    return f'(car (plug-in-ddim-{name} #:run-mode {mode} #:image image #:drawables (vector {drawable}) {values}))'


def picture(width, height, channels=3, seed=1):
    """A smooth picture with some noise: rows of bytes."""
    rand = random.Random(seed)
    return [bytes(min(255, max(0, int(128 + 90 * math.sin((x * (c + 1) + y * 2) / 17) + rand.randrange(-9, 10))))
                  for x in range(width) for c in range(channels)) for y in range(height)]


class Edits(gimp.Case):
    def path(self, name):
        return self.folder / name

    def write(self, name, rows):
        self.path(name).write_bytes(gimp.make_png(rows))
        return rows

    def load(self, name):
        path = self.path(name)
        again = f'"{path}"' if MAJOR == 2 else ''
        return f'(define image (car (gimp-file-load RUN-NONINTERACTIVE "{path}" {again})))'

    def ddim(self, *words):
        """Run the command; what it writes is out*.png."""
        for old in self.folder.glob('out*'):
            old.unlink()
        subprocess.run([pathlib.Path(command).resolve(), words[0], '-q', '--steps', '3', '--seed', str(SEED), *words[1:], '-o', self.path('out.png')],
                       check=True, env=self.gimp.environment())
        return read_png(self.path('out.png')) if self.path('out.png').exists() else None

    def write_mask(self, width, height, cover):
        """mask.png of cover(x, y), 0 … 255."""
        self.write('mask.png', [bytes(v for x in range(width) for v in [cover(x, y)] * 3) for y in range(height)])

    def make(self, script, mask=False):
        """Run `script`, which leaves the new layer in `new`; its lines, its pixels, and its mask's or None."""
        keep = f'(save-mask new "{self.path("layer-mask.png")}")' if mask else ''
        said = self.gimp.run(f'{script} (save new "{self.path("layer.png")}") {keep} (say (offsets new)) (gimp-image-delete image)')
        return said, read_png(self.path('layer.png')), read_png(self.path('layer-mask.png')) if mask else None

    def select(self, x, y, w, h, shape='rectangle'):
        return f'(gimp-image-select-{shape} image CHANNEL-OP-REPLACE {x} {y} {w} {h})'


class Fill(Edits):
    def check_fill(self, rows, selection, box, grown=0, before='', **options):
        """Fill in GIMP and by the command: the same bytes in the layer. Returns the mask's samples."""
        width, height = len(rows[0]) // 3, len(rows)
        x, y, w, h = box
        self.write('in.png', rows)
        said, layer, mask = self.make(
            f'{self.load("in.png")} {selection} {before} (define new {call("fill", **options)}) '
            f'(save (bottom image) "{self.path("base.png")}") (say (length (layers image))) '
            '(say (car (gimp-selection-is-empty image)))', mask=True)
        self.assertEqual(said, ['2', '0' if MAJOR == 2 else said[1], f'({x} {y})'])
        self.assertIn(said[1], ('0', '#f'))
        self.assertEqual(read_png(self.path('base.png'))[3], list(b''.join(rows)))
        covered = {(x + i, y + j) for j in range(h) for i in range(w) if mask[3][j * w + i]}
        self.write_mask(width, height, lambda i, j: 255 if (i, j) in covered else 0)
        words = [word for key, value in options.items() if key not in ('feather', 'sample_visible', 'color')
                 for word in (f'--{key.replace("_", "-")}', str(value))]
        if 'color' in options:
            words += ['--color', self.color]
        _, _, channels, samples = self.ddim('inpaint', '-i', self.path('in.png'), '--mask', self.path('mask.png'),
                                            '--feather', '0', *words)
        self.assertEqual(layer, (w, h, channels, crop(samples, channels, width, x, y, w, h)))
        self.assertEqual(mask[:2], (w, h))
        return mask[3]

    def test_equals_the_command(self):
        mask = self.check_fill(picture(96, 72), self.select(30, 20, 24, 16), (30, 20, 24, 16), feather=0, quality=1)
        self.assertEqual(set(mask), {255})

    def test_feather_is_the_mask(self):
        """Beside the selection the mask falls off evenly with the distance."""
        mask = self.check_fill(picture(96, 72), self.select(30, 20, 24, 16), (25, 15, 34, 26), feather=5, quality=1,
                               context=20)
        for y in range(26):
            for x in range(34):
                distance = math.hypot(max(5 - x, 0, x - 28), max(5 - y, 0, y - 20))
                # Masks are linear; as an image of its own this one is perceptual.
                self.assertAlmostEqual(to_linear(mask[y * 34 + x] / 255), max(0, 1 - distance / 6), delta=1.5 / 255)

    def test_ellipse(self):
        """An edge of a selection has every shade, and so has the mask."""
        rows = picture(96, 72)
        selection = '(gimp-context-set-feather TRUE) (gimp-context-set-feather-radius 4 4)' + self.select(30, 20, 24, 20, 'ellipse')
        self.write('in.png', rows)
        self.gimp.run(f'''{self.load("in.png")} {selection} (say (gimp-selection-bounds image))
            (define other (new-layer image "other" 96 72 RGB-IMAGE)) (gimp-image-insert-layer image other 0 -1)
            (gimp-layer-add-mask other (car (gimp-layer-create-mask other ADD-MASK-SELECTION)))
            (save-mask other "{self.path("expected.png")}") (gimp-image-delete image)''')
        _, _, _, expected = read_png(self.path('expected.png'))
        places = [(i % 96, i // 96) for i, value in enumerate(expected) if value]
        x, y = min(i for i, _ in places), min(j for _, j in places)
        w, h = max(i for i, _ in places) + 1 - x, max(j for _, j in places) + 1 - y
        mask = self.check_fill(rows, selection, (x, y, w, h), feather=0, quality=1)
        self.assertEqual(mask, crop(expected, 1, 96, x, y, w, h))
        self.assertGreater(len(set(mask)), 20)

    def test_color(self):
        rows = picture(96, 72)
        self.color = '#0ac81e'
        self.check_fill(rows, self.select(30, 20, 24, 16), (30, 20, 24, 16), feather=0, quality=1, color='foreground',
                        before="(gimp-context-set-foreground '(10 200 30))")
        mean = [sum(rows[y][3 * x + c] for y in range(20, 36) for x in range(30, 54)) / (24 * 16) for c in range(3)]
        self.color = '#' + ''.join(f'{int(value + 0.5):02x}' for value in mean)
        self.check_fill(rows, self.select(30, 20, 24, 16), (30, 20, 24, 16), feather=0, quality=1, color='selection')

    def test_partly_outside(self):
        """The layer covers a part of the image, the selection lies partly outside of both. Where nothing is, nothing is known."""
        rows = picture(60, 48)
        self.write('in.png', rows)
        _, layer, mask = self.make(
            f'{self.load("in.png")} (gimp-image-resize image 80 72 8 10) {self.select(-6, 16, 30, 20)} '
            f'(define new {call("fill", feather=0, quality=1)})', mask=True)
        self.assertEqual((layer[:3], set(mask[3])), ((24, 20, 4), {255}))
        # What the command is given has alpha.
        inside = [[tuple(rows[y - 10][3 * (x - 8):3 * (x - 8) + 3]) + (255,) if 8 <= x < 68 and 10 <= y < 58 else (0, 0, 0, 0)
                   for x in range(80)] for y in range(72)]
        self.path('rgba.png').write_bytes(gimp.make_png([bytes(v for pixel in row for v in pixel) for row in inside], 4))
        self.write_mask(80, 72, lambda x, y: 255 if x < 24 and 16 <= y < 36 else 0)
        _, _, channels, samples = self.ddim('inpaint', '-i', self.path('rgba.png'), '--mask', self.path('mask.png'),
                                            '--feather', '0', '--quality', '1')
        self.assertEqual(layer[3], crop(samples, channels, 80, 0, 16, 24, 20))

    def test_visible(self):
        """What is visible is filled, where that is asked for: here a layer that covers the active one."""
        self.write('top.png', picture(96, 72, seed=9))
        layers = (f'{self.load("top.png")} (define top (bottom image)) (define low (new-layer image "low" 96 72 RGB-IMAGE)) '
                  f'(gimp-image-insert-layer image low 0 1) (gimp-drawable-fill low FILL-WHITE) {self.select(30, 20, 24, 16)}')
        options = {'drawable': 'low', 'feather': 0, 'quality': 1}
        _, seen, _ = self.make(f'{layers} (define new {call("fill", sample_visible=True, **options)})')
        _, unseen, _ = self.make(f'{layers} (define new {call("fill", **options)})')
        self.write_mask(96, 72, lambda x, y: 255 if 30 <= x < 54 and 20 <= y < 36 else 0)
        _, _, _, samples = self.ddim('inpaint', '-i', self.path('top.png'), '--mask', self.path('mask.png'), '--feather', '0',
                                     '--quality', '1')
        self.assertEqual(seen[3], crop(samples, 3, 96, 30, 20, 24, 16))
        self.assertNotEqual(unseen, seen)

    def test_precisions(self):
        """The command's bytes come back in 16 bits, and within their rounding in linear light and in gray."""
        rows = picture(64, 48)
        self.write('in.png', rows)
        self.write_mask(64, 48, lambda x, y: 255 if 20 <= x < 40 and 16 <= y < 32 else 0)
        _, _, _, samples = self.ddim('inpaint', '-i', self.path('in.png'), '--mask', self.path('mask.png'), '--feather', '0',
                                     '--quality', '1')
        expected = crop(samples, 3, 64, 20, 16, 20, 16)
        for precision in (250, 650, 200):
            with self.subTest(precision):
                _, layer, _ = self.make(f'{self.load("in.png")} (gimp-image-convert-precision image {precision}) '
                                        f'{self.select(20, 16, 20, 16)} (define new {call("fill", feather=0, quality=1)})')
                self.assertEqual(layer[:3], (20, 16, 3))
                for a, b in zip(layer[3], expected, strict=True):
                    self.assertAlmostEqual(a, b * 257, delta=2 if precision != 200 else 140)
        _, layer, _ = self.make(f'{self.load("in.png")} (gimp-image-convert-grayscale image) '
                                f'{self.select(20, 16, 20, 16)} (define new {call("fill", feather=0, quality=1)})')
        self.assertEqual(layer[:3], (20, 16, 1))
        self.assertGreater(len(set(layer[3])), 8)

    def test_what_may_be_active(self):
        """A layer's mask stands for its layer, and a group for what it shows."""
        self.write('in.png', picture(64, 48))
        begin = f'{self.load("in.png")} {self.select(20, 16, 20, 16)}'
        _, plain, _ = self.make(f'{begin} (define new {call("fill", feather=0, quality=1)})')
        _, masked, _ = self.make(
            f'{begin} (define base (bottom image)) (gimp-layer-add-mask base (car (gimp-layer-create-mask base ADD-MASK-WHITE))) '
            f'(define new {call("fill", "(car (gimp-layer-get-mask base))", feather=0, quality=1)})')
        _, grouped, _ = self.make(
            f'{begin} (define base (bottom image)) (define group (new-group image)) '
            f'(gimp-image-insert-layer image group 0 0) (gimp-image-reorder-item image base group 0) '
            f'(define new {call("fill", "group", feather=0, quality=1)})')
        self.assertEqual(masked, plain)
        self.assertEqual(grouped[3], plain[3])

    def test_several(self):
        """Variations are a group whose mask is the selection's."""
        self.write('in.png', picture(64, 48))
        said = self.gimp.run(f'{self.load("in.png")} {self.select(20, 16, 20, 16)} '
                             f'(define new {call("fill", feather=0, quality=1, count=2)}) (say (length (layers image))) '
                             f'(say (length (children new))) (save-mask new "{self.path("group.png")}") '
                             f'(save (car (children new)) "{self.path("a.png")}") (save (cadr (children new)) "{self.path("b.png")}") '
                             '(gimp-image-delete image)')
        self.assertEqual(said, ['2', '2'])
        self.assertEqual(read_png(self.path('group.png')), (20, 16, 1, [255] * 320))
        self.assertNotEqual(read_png(self.path('a.png')), read_png(self.path('b.png')))

    def test_settings_are_kept(self):
        self.write('in.png', picture(64, 48))
        said = self.gimp.run(f'{self.load("in.png")} {self.select(20, 16, 20, 16)} (define new {call("fill", **{"class": "lava"}, quality=1)}) '
                             '(say (name new)) (say (settings new)) (gimp-image-delete image)')
        self.assertIn('lava', said[0])
        self.assertIn(f'#{SEED}', said[0])
        kept = json.loads('\n'.join(said[1:]).rstrip('\0\n '))
        self.assertTrue(kept['command'].startswith('ddim inpaint'), kept['command'])
        self.assertEqual(kept['settings']['seed'], SEED)

    def test_last_values(self):
        """Nothing was set before: 2.10 takes the defaults, 3.x what is given."""
        self.write('in.png', picture(64, 48))
        said = self.gimp.run(f'{self.load("in.png")} {self.select(28, 20, 8, 8)} '
                             f'(define new {call("fill", mode="RUN-WITH-LAST-VALS")}) (say (length (layers image))) '
                             '(say (settings new)) (gimp-image-delete image)')
        self.assertEqual(said[0], '2')
        kept = json.loads('\n'.join(said[1:]).rstrip('\0\n '))['settings']
        self.assertEqual((kept['steps'], kept['quality']), ('25' if version.startswith('2') else '3', 4))


class Others(Edits):
    def test_vary(self):
        self.write('in.png', picture(64, 48))
        said, layer, _ = self.make(f'{self.load("in.png")} (define new {call("vary", strength=0.7)}) (say (length (layers image)))')
        self.assertEqual(said, ['2', '(0 0)'])
        self.assertEqual(layer, self.ddim('vary', '-i', self.path('in.png'), '--strength', '0.7'))

    def test_vary_a_selection(self):
        """The rectangle around the selection is computed, and the selection is the mask."""
        rows = picture(64, 48)
        self.write('in.png', rows)
        said, layer, mask = self.make(f'{self.load("in.png")} {self.select(16, 8, 32, 24, "ellipse")} (define new {call("vary")})', mask=True)
        self.write('part.png', [row[48:144] for row in rows[8:32]])
        self.assertEqual(said, ['(16 8)'])
        self.assertEqual(layer, self.ddim('vary', '-i', self.path('part.png')))
        self.assertEqual((mask[:2], mask[3][0], mask[3][12 * 32 + 16]), ((32, 24), 0, 255))

    def test_alpha_stays(self):
        self.write('in.png', picture(64, 48))
        _, layer, _ = self.make(f'{self.load("in.png")} (gimp-layer-add-alpha (bottom image)) {self.select(0, 0, 32, 48)} '
                                f'(gimp-drawable-edit-clear (bottom image)) (gimp-selection-none image) (define new {call("vary")})')
        self.assertEqual(layer[:3], (64, 48, 4))

    def test_upscale(self):
        self.write('in.png', picture(24, 16))
        expected = self.ddim('upscale', '-i', self.path('in.png'), '--scale', '2')
        said = self.gimp.run(f'''{self.load("in.png")} (define new {call("upscale", scale=2)})
            (define other (car (gimp-item-get-image new))) (say (= other image)) (say (length (layers image)))
            (say (list (width new) (height new))) (save new "{self.path("new.png")}")
            (define inside {call("upscale", scale=2, new_image=False)}) (say (length (layers image)))
            (save inside "{self.path("inside.png")}") (gimp-image-delete other) (gimp-image-delete image)''')
        self.assertEqual(said, ['#f', '1', '(48 32)', '2'])
        self.assertEqual(read_png(self.path('new.png')), expected)
        self.assertEqual(read_png(self.path('inside.png')), expected)

    def test_seamless(self):
        self.write('in.png', picture(64, 48))
        said, layer, _ = self.make(f'{self.load("in.png")} (define new {call("seamless", axis="x", seam_width=6, quality=1)}) '
                                   '(say (length (layers image)))')
        self.assertEqual(said, ['2', '(0 0)'])
        self.assertEqual(layer, self.ddim('seamless', '-i', self.path('in.png'), '--axis', 'x', '--width', '6', '--quality', '1'))

    def test_colorize(self):
        self.write('in.png', picture(48, 32))
        _, layer, _ = self.make(f'{self.load("in.png")} (define new {call("colorize", **{"class": "lava"})})')
        self.assertEqual(layer, self.ddim('colorize', '-i', self.path('in.png'), '--class', 'lava'))

    def frames(self):
        return [read_png(path) for path in sorted(self.folder.glob('out-*.png'))]

    def test_interpolate_seeds(self):
        """In a new image each picture is a layer of its own, the first one at the bottom."""
        self.ddim('interpolate', '--from', '5', '--to', '9', '-n', '3', '--size', '136x128', '--class', 'wood')
        said = self.gimp.run(f'''(define image (new-image 136 128 RGB 150))
            (define new {call("interpolate", **{"from": "5", "to": "9", "class": "wood"}, count=3)})
            (define other (car (gimp-item-get-image new))) (say (length (layers image))) (say (length (layers other)))
            (say (= new (bottom other)))
            {"".join(f'(save (list-ref (layers other) {2 - i}) "{self.path(f"f{i}.png")}")' for i in range(3))}
            (gimp-image-delete other) (gimp-image-delete image)''')
        self.assertEqual(said, ['1', '3', '#t'])
        self.assertEqual([read_png(self.path(f'f{i}.png')) for i in range(3)], self.frames())

    def test_interpolate_layers(self):
        """Between two layers of a size that the model takes only with a border: the ends look like the layers."""
        self.write('a.png', picture(37, 28, seed=1))
        said = self.gimp.run(f'''{self.load("a.png")} (gimp-item-set-name (bottom image) "first")
            (define other (car (gimp-layer-copy (bottom image) {"FALSE" if MAJOR == 2 else ""}))) (gimp-image-insert-layer image other 0 0)
            (gimp-item-set-name other "second one") (gimp-drawable-invert other FALSE)
            (define new {call("interpolate", **{"from": "first", "to": "second one"}, count=3, steps="10", new_image=False)})
            (say (length (layers image))) (say (length (children new)))
            (save (list-ref (children new) 2) "{self.path("f0.png")}") (save (car (children new)) "{self.path("f2.png")}")
            (gimp-image-delete image)''')
        self.assertEqual(said, ['3', '3'])
        _, _, _, first = read_png(self.path('a.png'))
        for name, expected in (('f0.png', first), ('f2.png', [255 - value for value in first])):
            width, height, channels, samples = read_png(self.path(name))
            self.assertEqual((width, height, channels), (37, 28, 3))
            self.assertLess(sum(abs(a - b) for a, b in zip(samples, expected)) / len(expected), 30)


class Failures(Edits):
    def refused(self, cases, before=''):
        """The messages of calls that must fail and leave one layer, and the undo history, as they were."""
        self.write('in.png', picture(32, 24))
        attempts = ''.join(f'''
            (let ((result (attempt (lambda () {case}))))
              (say (if (string? result) result "no error"))
              (say (list (length (layers image)) (car (gimp-image-is-dirty image)))))''' for case in cases)
        said = self.gimp.run(f'{self.load("in.png")} {before} (gimp-image-clean-all image) {attempts} (gimp-image-delete image)')
        self.assertEqual(len(said), 2 * len(cases), said)
        self.assertIn(set(said[1::2]), ({'(1 0)'}, {'(1 #f)'}))
        return said[::2]

    def check(self, cases, before=''):
        messages = self.refused([case for case, _ in cases], before)
        for (case, expected), message in zip(cases, messages, strict=True):
            with self.subTest(case):
                self.assertIn(expected, message)

    def test_selections(self):
        self.check([(call('fill'), 'Nothing is selected')])
        self.check([(call('fill'), 'cover the whole')], '(gimp-selection-all image)')
        self.check([(call('vary'), 'outside of the layer'), (call('upscale'), 'outside of the layer')],
                   f'(gimp-image-resize image 80 60 0 0) {self.select(60, 40, 10, 10)}')

    def test_images(self):
        every = [call(name) for name in ('fill', 'vary', 'seamless', 'upscale', 'colorize')]
        self.check([(case, 'RGB') for case in every], f'(to-indexed image) {self.select(2, 2, 8, 8)}')
        self.check([(call('colorize'), 'RGB')], '(gimp-image-convert-grayscale image)')
        self.check([(call('vary'), 'no less than 8x8')], self.select(2, 2, 4, 4))
        self.write('in.png', picture(32, 24))
        said = self.gimp.run(f'{self.load("in.png")} {self.select(2, 2, 8, 8)} (float-selection (bottom image)) '
                             f'(say (attempt (lambda () {call("fill")}))) (gimp-image-delete image)')
        self.assertIn('floating selection', said[0])
        channel = ('(define channel (car (gimp-channel-new image 32 24 "c" 100 \'(0 0 0))))' if MAJOR == 2 else
                   '(define channel (car (gimp-channel-new image "c" 32 24 100 \'(0 0 0))))')
        self.check([(call('vary', 'channel'), 'layer')], f'{channel} (gimp-image-insert-channel image channel 0 0)')

    def test_values(self):
        box = self.select(8, 8, 8, 8)
        self.check([(call('fill', feather=-1), 'feather'), (call('fill', context=-2), 'context'),
                    (call('fill', quality=101), 'quality'), (call('fill', color='blue'), 'color'),
                    (call('fill', steps='0,'), 'steps'), (call('fill', seed=-2), 'seed'), (call('fill', sampler='euler'), 'sampler'),
                    (call('fill', **{'class': 'nothing'}), 'class'), (call('fill', model='nothing'), 'textures'),
                    (call('vary', strength=1.5), 'strength'), (call('upscale', scale=17), 'scale'), (call('seamless', axis='z'), 'axis'),
                    (call('interpolate', count=1), 'count'), (call('interpolate', **{'from': 'nobody'}), 'nobody')], box)

    def test_ends_of_two_sizes(self):
        self.write('in.png', picture(32, 24))
        said = self.gimp.run(f'''{self.load("in.png")} (gimp-item-set-name (bottom image) "a")
            (define other (new-layer image "b" 16 16 RGB-IMAGE)) (gimp-image-insert-layer image other 0 0)
            (say (attempt (lambda () {call("interpolate", **{"from": "a", "to": "b"})}))) (gimp-image-delete image)''')
        self.assertIn('one size', said[0])


if __name__ == '__main__':
    gimp.main('__main__')
