#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The procedures that change a picture on every kind of image and layer: the same is made of the same pixels, or one line says what
to do.

Arguments: GIMP's version, the plug-in's program, GIMP's library folder, the source folder, the command `ddim`.
"""
import gimp
from edits import MAJOR, call, picture
from gimp import read_png

WIDTH, HEIGHT = 32, 24
NAMES = ('fill', 'vary', 'seamless', 'upscale', 'colorize')
# All read pixels in the same way; these two choose them in different ways.
SOME = ('fill', 'vary')
PLAIN = {'model': 'tiny', 'steps': '2', 'seed': 5}
OPTIONS = {'fill': {'quality': 1, 'feather': 1}, 'vary': {}, 'seamless': {'quality': 1, 'seam_width': 3},
           'upscale': {'scale': 2, 'new_image': False}, 'colorize': {}}
SELECT = '(gimp-image-select-rectangle image CHANNEL-OP-REPLACE 8 8 16 8)'
NONE = '(gimp-selection-none image)'


def two(second, third):
    """Script-Fu of GIMP 2.10 and of GIMP 3."""
    return second if MAJOR == 2 else third


class Kinds(gimp.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.models = cls.add_tiny_model()
        rows = picture(WIDTH, HEIGHT)
        (cls.folder / 'in.png').write_bytes(gimp.make_png(rows))
        cls.pixels = list(b''.join(rows))
        cls.usual = cls.make_all('')

    @classmethod
    def load(cls):
        path = cls.folder / 'in.png'
        again = f'"{path}"' if MAJOR == 2 else ''
        return (f'(define image (car (gimp-file-load RUN-NONINTERACTIVE "{path}" {again}))) (define layer (bottom image)) '
                '(define given layer)')

    @classmethod
    def make_all(cls, before, names=NAMES, fonts=False, **options):
        """What each procedure makes of `given`, which is `layer` unless @before says otherwise: its error, or (pixels, where it
        lies from the layer, number of the layers beside it)."""
        script = ''
        for name in names:
            made = OPTIONS[name] | PLAIN | options
            script += f'''
                {cls.load()} {SELECT if name == 'fill' else NONE} {before} (gimp-image-clean-all image)
                (let* ((count (length (all-layers image)))
                       (result (attempt (lambda () {call(name, 'given', **made)}))))
                  (if (string? result)
                      (begin (say result) (say (list (- (length (all-layers image)) count) (car (gimp-image-is-dirty image)))))
                      (begin
                        (save result "{cls.folder}/{name}.png")
                        (say "") (say (list (- (car (offsets result)) (car (offsets layer)))
                                            (- (cadr (offsets result)) (cadr (offsets layer)))))))
                  (say (= (car (gimp-item-get-parent layer)) (if (string? result) -1 (car (gimp-item-get-parent result)))))
                  (gimp-image-delete image))'''
        everything = '''
            (define (below items) (apply append (map (lambda (item)
              (cons item (if (is-group item) (below (children item)) '()))) items)))
            (define (all-layers image) (below (layers image)))
            (define (is-group item) (let ((answer (car (gimp-item-is-group item)))) (if (number? answer) (= answer 1) answer)))'''
        said = cls.gimp.run(everything + script, fonts, DDIM_MODEL_PATH=cls.models)
        assert len(said) == 3 * len(names), said
        found = {}
        for name, error, place, beside in zip(names, said[::3], said[1::3], said[2::3]):
            if error:
                assert place in ('(0 0)', '(0 #f)'), (name, error, place)
                found[name] = error
            else:
                found[name] = (read_png(cls.folder / f'{name}.png'), place, beside)
        return found

    def same(self, before, names=SOME, delta=0, **options):
        """Every procedure makes what it makes of the plain layer."""
        for name, made in self.make_all(before, names, **options).items():
            with self.subTest(name):
                self.assertIsInstance(made, tuple, made)
                (width, height, channels, samples), place, beside = self.usual[name]
                self.assertEqual(made[0][:2], (width, height))
                self.assertEqual(made[1:], (place, '#t'))
                found = made[0][3]
                scale = 257 if max(found) > 255 else 1
                if made[0][2] == channels + 1:  # opaque
                    found = [value for i, value in enumerate(found) if i % (channels + 1) < channels]
                for a, b in zip(found, samples, strict=True):
                    self.assertAlmostEqual(a / scale, b, delta=delta)

    def refused(self, before, expected, names=SOME, **options):
        for name, error in self.make_all(before, names, **options).items():
            with self.subTest(name):
                self.assertIsInstance(error, str)
                self.assertRegex(error, expected)

    def test_plain(self):
        for name, (picture_, place, beside) in self.usual.items():
            self.assertEqual((beside, len(picture_[3])), ('#t', picture_[0] * picture_[1] * 3), name)

    # ---- layers ----

    def test_in_a_group(self):
        """The new layer is put beside it."""
        group = '(define group (new-group image)) (gimp-image-insert-layer image group 0 -1) ' \
                '(gimp-image-reorder-item image layer group 0)'
        self.same(group, NAMES)

    def test_a_group(self):
        """It is what it shows."""
        group = '(define group (new-group image)) (gimp-image-insert-layer image group 0 -1) ' \
                '(gimp-image-reorder-item image layer group 0) (set! layer group) (set! given group)'
        self.same(group)

    def test_an_empty_group(self):
        group = '(define group (new-group image)) (gimp-image-insert-layer image group 0 -1) (set! layer group) (set! given group)'
        self.refused(group, 'transparent', [*SOME, 'upscale'])

    def test_locked(self):
        """They are only looked at."""
        locks = '(gimp-item-set-lock-content layer TRUE) (gimp-item-set-lock-position layer TRUE) (gimp-layer-set-lock-alpha layer TRUE)'
        self.same(locks)
        self.same(f'(define group (new-group image)) (gimp-image-insert-layer image group 0 -1) '
                  f'(gimp-image-reorder-item image layer group 0) (gimp-item-set-lock-content group TRUE)')

    def test_hidden(self):
        self.same('(gimp-item-set-visible layer FALSE)')

    def test_alpha(self):
        self.same('(gimp-layer-add-alpha layer)')

    def test_transparent(self):
        """Nothing is there that the new could fit to."""
        clear = '(gimp-layer-add-alpha layer) (gimp-selection-none image) (gimp-drawable-edit-clear layer)'
        self.refused(clear + '(gimp-image-select-rectangle image CHANNEL-OP-REPLACE 8 8 16 8)', 'transparent')

    def test_outside_of_the_canvas(self):
        """A layer is as large as it is, wherever it lies; only what is seen can be selected."""
        self.same('(gimp-layer-set-offsets layer 500 -300)', ['vary'])
        self.refused('(gimp-layer-set-offsets layer 500 -300)', 'transparent', ['fill'])

    def test_text(self):
        text = two('(define text (car (gimp-text-layer-new image "Wombat" "Sans" 12 0)))',
                   '(define text (car (gimp-text-layer-new image "Wombat" (car (gimp-context-get-font)) 12 UNIT-PIXEL)))')
        made = self.make_all(f'{text} (gimp-image-insert-layer image text 0 -1) (set! layer text) (set! given text)', SOME, fonts=True)
        for name, result in made.items():
            with self.subTest(name):
                self.assertIsInstance(result, tuple, result)
                self.assertEqual(result[2], '#t')

    def test_small(self):
        layer = '(define small (new-layer image "small" 1 1 RGB-IMAGE)) (gimp-image-insert-layer image small 0 -1) ' \
                '(gimp-drawable-fill small FILL-WHITE) (set! layer small) (set! given small)'
        self.refused(layer, 'no less than', ['vary', 'colorize', 'seamless'])
        made = self.make_all(layer, ['upscale'])['upscale']
        self.assertEqual(made[0][:2], (2, 2))

    def test_no_layer(self):
        channel = two('(define given (car (gimp-channel-new image 32 24 "c" 100 \'(0 0 0))))',
                      '(define given (car (gimp-channel-new image "c" 32 24 100 \'(0 0 0))))')
        self.refused(f'{channel} (gimp-image-insert-channel image given 0 0)', 'Choose a layer')
        self.refused('(set! given (car (gimp-image-get-selection image)))', 'Choose a layer')

    # ---- images ----

    def test_precisions(self):
        for precision, delta in ((250, 0.01), (600, 0.6)):  # 16 bits; floating-point numbers in linear light
            with self.subTest(precision):
                self.same(f'(gimp-image-convert-precision image {precision})', delta=delta)

    def test_gray(self):
        made = self.make_all('(gimp-image-convert-grayscale image)')
        self.assertIn('RGB', made.pop('colorize'))
        for name, result in made.items():
            with self.subTest(name):
                self.assertIsInstance(result, tuple, result)
                self.assertEqual(result[0][2], 1)

    def test_indexed(self):
        self.refused('(to-indexed image)', 'RGB', NAMES)

    def test_floating_selection(self):
        self.refused(f'{SELECT} (float-selection layer)', 'floating selection', NAMES)

    def test_nothing_selected(self):
        self.refused(NONE, 'Nothing is selected', ['fill'])
        self.refused('(gimp-image-select-rectangle image CHANNEL-OP-REPLACE 100 100 5 5)', 'Nothing is selected', ['fill'])

    # ---- interpolation ----

    def test_interpolate_in_groups(self):
        """A layer is found by its name or by its path, wherever it lies."""
        nested = f'''{self.load()} (gimp-item-set-name layer "one")
            (define group (new-group image)) (gimp-item-set-name group "outer") (gimp-image-insert-layer image group 0 -1)
            (define inner (new-group image)) (gimp-item-set-name inner "inner") (gimp-image-insert-layer image inner group -1)
            (define other (car (gimp-layer-copy layer {two("FALSE", "")}))) (gimp-image-insert-layer image other inner -1)
            (gimp-item-set-name other "two")'''
        options = PLAIN | {'count': 2, 'new_image': False}
        said = self.gimp.run(nested + ''.join(f'''
            (define result (attempt (lambda () {call("interpolate", "layer", **{"from": "one", "to": to}, **options)})))
            (if (string? result) (say result)
                (begin (save (car (children result)) "{self.folder}/{i}.png") (say "")))'''
            for i, to in enumerate(('two', 'outer/inner/two', 'outer/two'))) + '(gimp-image-delete image)', DDIM_MODEL_PATH=self.models)
        self.assertEqual(said[:2], ['', ''])
        self.assertIn('outer/two', said[2])
        self.assertEqual(read_png(self.folder / '0.png'), read_png(self.folder / '1.png'))


if __name__ == '__main__':
    gimp.main('__main__')
