#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The dialog in a GIMP with windows, on an X server of its own, driven by the keyboard as a user would.

Arguments: GIMP's version, the plug-in's program, GIMP's library folder, the source folder, the command `ddim`.
Pictures of the screen are left in $DDIM_TEST_SHOTS.
"""
import os
import pathlib
import signal
import sys
import tempfile
import time
import unittest

import gimp
from screen import Screen, Session, TITLE, wait

version, program, libdir, source, command = sys.argv[1:6]


class Dialog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.screen = Screen(folder.name, os.environ.get('DDIM_TEST_SHOTS'), version)
        cls.addClassCleanup(cls.screen.close)

    def start(self, size, app=None, **environment):
        """A GIMP showing a new image of that size; none for None."""
        if app is None:
            folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            self.addCleanup(folder.cleanup)
            app = gimp.Gimp(version, program, libdir, source, folder.name)
        session = Session(self.screen, app, size, environment)
        self.addCleanup(session.quit)
        return session

    def generate(self, session, dialog, n):
        """Press Generate and wait until there are `n` layers."""
        self.screen.keys(dialog, 'alt+g')
        wait(f'{n} layers', lambda: len(session.layers()) == n)

    def close(self, session, dialog):
        self.screen.keys(dialog, 'alt+c')
        wait('the dialog goes', lambda: not self.screen.window(TITLE))
        wait('the plug-in ends', lambda: session.plugin() is None)

    def check_untouched(self, session):
        self.assertEqual((session.layers(), session.dirty()), (['base'], '0'))

    def begin_long_run(self):
        """A dialog that will generate for minutes."""
        session = self.start((1024, 1024))
        session.ask('(gimp-image-clean-all image)')
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+g')
        wait('a worker thread', session.is_generating)
        return session, dialog

    def test_generate_again_undo_repeat(self):
        session = self.start((480, 320))
        session.ask("(begin (ddim image (bottom image) '(class \"wood\") '(seed 5) '(steps \"10\")) (bottom image)"
                    ' (gimp-image-merge-visible-layers image CLIP-TO-IMAGE) (gimp-item-set-name (bottom image) "base")'
                    ' (gimp-context-set-feather TRUE) (gimp-context-set-feather-radius 12 12)'
                    ' (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 120 70 240 180) (gimp-image-clean-all image))')
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+a', 'alt+l')
        self.screen.tool('type', 'lava')
        self.generate(session, dialog, 2)
        self.generate(session, dialog, 3)
        self.screen.shoot('dialog', dialog)
        first, second, base = session.layers()
        self.assertRegex(first, r'^lava #\d+ · DDIM textures$')
        self.assertRegex(second, r'^lava #\d+ · DDIM textures$')
        self.assertNotEqual(first, second)
        self.assertEqual(base, 'base')
        self.close(session, dialog)
        self.screen.shoot('filled', session.main)
        for left in ([second, base], [base]):
            self.screen.keys(session.main, 'ctrl+z')
            wait('one Undo takes one layer', lambda: session.layers() == left)
        self.assertEqual(session.dirty(), '0')
        self.screen.keys(session.main, 'ctrl+f')
        wait('Ctrl+F repeats', lambda: len(session.layers()) == 2)
        self.assertRegex(session.layers()[0], r'^lava #\d+ · DDIM textures$')
        self.assertEqual(session.app.printed(), [])

        # The settings outlive GIMP.
        session.quit()
        again = self.start((16, 16), session.app)
        again.ask("(ddim image (bottom image) (list 'run-mode RUN-WITH-LAST-VALS))")
        self.assertRegex(again.layers()[0], r'^lava #\d+ · DDIM textures$')
        self.assertEqual(session.app.printed(), [])

    def test_variations_are_one_undo_step(self):
        session = self.start((64, 64))
        session.ask('(begin (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 16 16 32 24) (gimp-image-clean-all image))')
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+v')
        self.screen.tool('type', '3')
        self.generate(session, dialog, 2)
        self.assertEqual(session.value('(length (children (car (layers image))))'), '3')
        self.close(session, dialog)
        self.screen.keys(session.main, 'ctrl+z')
        wait('one Undo', lambda: session.layers() == ['base'])
        self.assertEqual(session.dirty(), '0')

    def test_reuse_settings(self):
        session = self.start((48, 32))
        session.ask("(ddim image (bottom image) '(class \"rust\") '(seed 77) '(steps \"4\") '(eta 0.5))")
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+y')
        self.generate(session, dialog, 3)
        second, first, _ = session.layers()
        self.assertEqual((first, second), ('rust #77 · DDIM textures', 'rust #77 · DDIM textures (2)'))
        folder = session.app.folder
        session.ask(f'(begin (save (car (layers image)) "{folder}/2.png") (save (cadr (layers image)) "{folder}/1.png"))')
        pixels = gimp.read_png(folder / '1.png')
        self.assertEqual(gimp.read_png(folder / '2.png'), pixels)
        self.assertGreater(len(set(pixels[3])), 16)
        self.close(session, dialog)
        self.assertEqual(session.app.printed(), [])

    def test_help_and_models_folder(self):
        """Both are opened with the desktop's programs. A stand-in for these notes what it is asked to open."""
        session = self.start((64, 64))
        opened = session.app.watch_what_is_opened()
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+h')
        wait('the help page', lambda: 'ddim/help/en/index.html' in opened.read_text())
        # The button behind the list.
        self.screen.keys(dialog, 'alt+m', 'Tab', 'space')
        wait('the folder', lambda: '.local/share/ddim/models' in opened.read_text())
        self.close(session, dialog)
        self.assertEqual(session.app.printed(), [])

    @unittest.skipIf(version.startswith('2'), 'GIMP 2.10 greys out filters where no image is open')
    def test_without_an_image(self):
        session = self.start(None)
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+g')
        count = '(vector-length (car (gimp-get-images)))'
        wait('an image', lambda: session.value(count) == '1')
        wait('its window', lambda: self.screen.window('128.128|untitled'))
        self.close(session, dialog)
        self.assertEqual(session.value(count), '1')
        self.assertEqual(session.app.printed(), [])

    def test_stop(self):
        session, dialog = self.begin_long_run()
        self.check_untouched(session)  # GIMP answers meanwhile
        self.screen.shoot('generating', dialog)
        self.screen.keys(dialog, 'alt+s')
        self.screen.shoot('stopped', dialog)
        self.check_untouched(session)
        # What was stopped is not inserted later, and the dialog goes on to the next.
        session.ask('(gimp-image-select-rectangle image CHANNEL-OP-REPLACE 100 100 24 16)')
        self.generate(session, dialog, 2)
        self.assertEqual(session.value('(list (width (car (layers image))) (height (car (layers image))))'), '(24 16)')
        self.close(session, dialog)
        self.assertEqual(len(session.layers()), 2)
        self.assertEqual(session.app.printed(), [])

    def test_close_while_generating(self):
        session, dialog = self.begin_long_run()
        self.close(session, dialog)
        self.check_untouched(session)
        self.assertEqual(session.app.printed(), [])

    def test_kill(self):
        session, _ = self.begin_long_run()
        os.kill(session.plugin(), signal.SIGKILL)
        wait('the dialog goes', lambda: not self.screen.window(TITLE))
        self.check_untouched(session)
        self.assertIsNone(session.process.poll())
        # And it can be used again.
        session.ask("(ddim image (bottom image) '(width 16) '(height 16) '(steps \"2\"))")
        self.assertEqual(len(session.layers()), 2)

    def test_without_opencl(self):
        session = self.start((64, 64), OCL_ICD_VENDORS='/none', OPENCL_VENDOR_PATH='/none')
        session.ask('(gimp-image-clean-all image)')
        dialog = session.open_dialog()
        place = self.screen.place(dialog)
        self.screen.keys(dialog, 'alt+g')
        self.screen.shoot('no-opencl', dialog)
        # The message moves nothing.
        self.assertEqual(self.screen.place(dialog), place)
        self.check_untouched(session)
        self.close(session, dialog)
        self.check_untouched(session)
        self.assertEqual(session.app.printed(), [])


    def test_a_driver_that_crashes(self):
        """The dialog says so, and goes on."""
        session = self.start((64, 64))
        vendors = gimp.crashing_vendors(session.app.folder)
        session.quit()
        session = self.start((64, 64), session.app, OCL_ICD_VENDORS=vendors, OPENCL_VENDOR_PATH=vendors)
        session.ask('(gimp-image-clean-all image)')
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+g')
        self.screen.shoot('crashing-driver', dialog)
        self.check_untouched(session)
        self.close(session, dialog)
        self.check_untouched(session)
        self.assertEqual(session.app.printed(), [])

    def test_a_selection_made_meanwhile_wins(self):
        """Over a size given before, in this dialog and in an earlier one."""
        session = self.start((300, 200))
        dialog = session.open_dialog()
        # No longer as large as the image, but 24 pixels wide; the height stays.
        # The box to tick lies behind the steps.
        self.screen.keys(dialog, 'alt+t', 'Tab', 'space', 'alt+w')
        self.screen.tool('type', '24')
        self.screen.keys(dialog, 'Tab')
        self.generate(session, dialog, 2)
        size = '(list (width (car (layers image))) (height (car (layers image))))'
        self.assertEqual(session.value(size), '(24 200)')
        session.ask('(gimp-image-select-rectangle image CHANNEL-OP-REPLACE 10 10 40 30)')
        time.sleep(2)
        self.generate(session, dialog, 3)
        self.assertEqual(session.value(size), '(40 30)')
        self.close(session, dialog)

    def test_a_draft_comes_by_itself(self):
        """It changes nothing, and another seed shows another one."""
        session = self.start((64, 64))
        session.ask('(gimp-image-clean-all image)')
        dialog = session.open_dialog()
        seen = set()
        for _ in range(2):
            self.screen.keys(dialog, 'alt+n')
            before = self.preview(dialog)
            wait('another draft', lambda: len(set(self.preview(dialog))) > 40 and self.preview(dialog) != before)
            seen.add(self.preview(dialog))
        self.assertEqual(len(seen), 2)
        self.check_untouched(session)
        self.close(session, dialog)
        self.check_untouched(session)
        self.assertEqual(session.app.printed(), [])

    def preview(self, dialog):
        """The colors in the middle of the dialog's preview."""
        path = pathlib.Path(self.screen.memory) / 'preview.png'
        path.write_bytes(self.screen.picture(dialog))
        width, _, channels, samples = gimp.read_png(path)
        return tuple(tuple(samples[(y * width + x) * channels:(y * width + x) * channels + 3])
                     for y in range(100, 180, 4) for x in range(100, 200, 4))

    def test_small_screen(self):
        """The dialog fits, also with all its controls."""
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        small = Screen(folder.name, self.screen.shots, version, '1024x600')
        self.addCleanup(small.close)
        usual = self.screen
        self.screen = small
        self.addCleanup(setattr, self, 'screen', usual)
        session = self.start((64, 64))
        dialog = session.open_dialog()
        small.keys(dialog, 'alt+a')
        small.shoot('small', dialog)
        _, _, width, height = small.place(dialog)
        self.assertTrue(300 < width <= 1024 and 300 < height <= 600, (width, height))
        self.close(session, dialog)

    def test_keep_one_of_several(self):
        session = self.start((32, 32))
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+v')
        self.screen.tool('type', '4')
        self.generate(session, dialog, 2)
        names = session.value('(map name (children (car (layers image))))')
        self.screen.shoot('variations', dialog)
        # The second one of the sheet, which is two by two.
        x, y, _, _ = self.screen.place(dialog)
        self.screen.tool('mousemove', x + 240, y + 80, 'click', '1')
        self.screen.keys(dialog, 'alt+k')
        wait('one is left', lambda: session.value('(length (children (car (layers image))))') == '1')
        self.assertIn(session.value('(name (car (children (car (layers image)))))'), names)
        self.assertEqual(session.value('(= (active-layer image) (car (children (car (layers image)))))'), '#t')
        self.close(session, dialog)
        self.screen.keys(session.main, 'ctrl+z')
        wait('Undo', lambda: session.value('(length (children (car (layers image))))') == '4')
        self.assertEqual(session.app.printed(), [])


if __name__ == '__main__':
    gimp.main('__main__', windows=True)
