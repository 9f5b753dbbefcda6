#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The dialogs of the procedures that change a picture, in a GIMP with windows, driven by the keyboard as a user would.

Arguments: GIMP's version, the plug-in's program, GIMP's library folder, the source folder, the command `ddim`.
Pictures of the screen are left in $DDIM_TEST_SHOTS.
"""
import itertools
import os
import pathlib
import signal
import sys
import tempfile
import time
import unittest

import edits
import gimp
from screen import Screen, Session, wait

version, program, libdir, source, command = sys.argv[1:6]

# The letter of the menu entry and the title of the dialog.
FILL, VARY, UPSCALE, COLORIZE, INTERPOLATE = (('f', 'Fill Selection'), ('v', 'Vary Layer'), ('u', 'Upscale Layer'),
                                              ('c', 'Colorize Layer'), ('i', 'Interpolate as Layers'))


class Dialogs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.screen = Screen(folder.name, os.environ.get('DDIM_TEST_SHOTS'), version)
        cls.addClassCleanup(cls.screen.close)

    def start(self, size=(200, 150), before=''):
        """A GIMP showing a white image, with a rectangle selected."""
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        session = Session(self.screen, gimp.Gimp(version, program, libdir, source, folder.name), size, {})
        self.addCleanup(session.quit)
        session.ask(f'(begin (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 60 50 40 30) {before} '
                    '(gimp-image-clean-all image))')
        return session

    def open_menu(self, session, letter, ups):
        """Filters > Generate, which is `ups` from the menu's end, > DDIM, then the entry with `letter`. Returns whether every
        menu came."""
        screen = self.screen
        screen.keys(session.main, 'Escape', 'Escape', 'Escape')
        closed = screen.count()
        for deeper, keys in enumerate((['alt+r'], ['Up'] * ups + ['Right'], ['m']), 1):
            for key in keys:
                screen.tool('key', '--clearmodifiers', key)
                time.sleep(0.3)
            try:
                wait('a menu', lambda: screen.count() >= closed + deeper, 20)
            except AssertionError:
                return False
        screen.tool('key', letter)
        try:
            wait('the menus close', lambda: screen.count() < closed + 3, 20)
        except AssertionError:
            return False
        return True

    def open(self, session, entry):
        letter, title = entry
        places = itertools.cycle((2, 1, 3, 4, 5))
        wait('the menus', lambda: self.open_menu(session, letter, next(places)))
        dialog = wait('the dialog', lambda: self.screen.window(title))[0]
        # The letters are underlined, the lists filled in and the image looked at by then.
        time.sleep(2)
        return dialog

    def ends(self, session, entry):
        wait('the dialog goes', lambda: not self.screen.window(entry[1]))
        wait('the plug-in ends', lambda: session.plugin() is None)

    def check_untouched(self, session):
        self.assertEqual((session.layers(), session.dirty()), (['base'], '0'))

    def run_preview(self, session, dialog):
        self.ended(session, self.begin(session, dialog, 'alt+p'))

    def begin(self, session, dialog, key):
        """Press @key, which begins a run; return the number of its thread."""
        before = session.workers()
        self.screen.keys(dialog, key)
        return wait('a worker thread', lambda: session.first_worker(before))

    def ended(self, session, thread):
        wait('its end', lambda: thread not in session.workers())
        time.sleep(1)

    def undo(self, session):
        self.screen.keys(session.main, 'ctrl+z')
        wait('one Undo', lambda: session.layers() == ['base'])
        self.assertEqual(session.dirty(), '0')

    def test_fill(self):
        """A preview leaves the image alone; what was previewed is put in as it is; Undo and Repeat."""
        session = self.start()
        dialog = self.open(session, FILL)
        self.screen.keys(dialog, 'alt+t')
        self.screen.tool('type', '12')  # of fewer the end would come before it is looked for
        self.run_preview(session, dialog)
        self.check_untouched(session)
        self.screen.shoot('fill', dialog)
        self.screen.keys(dialog, 'alt+f')
        wait('the layer', lambda: len(session.layers()) == 2)
        self.ends(session, FILL)
        self.screen.shoot('fill-done', session.main)
        self.undo(session)
        self.screen.keys(session.main, 'ctrl+f')
        wait('Ctrl+F repeats', lambda: len(session.layers()) == 2)
        self.assertEqual(session.app.printed(), [])

    def test_stop_and_kill(self):
        """Nothing is put in after Stop or when the plug-in is killed, and both can be followed by a run."""
        session = self.start()
        dialog = self.open(session, FILL)
        thread = self.begin(session, dialog, 'alt+f')
        self.check_untouched(session)  # GIMP answers meanwhile
        self.screen.keys(dialog, 'alt+s')
        self.ended(session, thread)
        self.screen.shoot('fill-stopped', dialog)
        self.check_untouched(session)
        self.begin(session, dialog, 'alt+f')
        os.kill(session.plugin(), signal.SIGKILL)
        wait('the dialog goes', lambda: not self.screen.window(FILL[1]))
        self.check_untouched(session)
        self.assertIsNone(session.process.poll())
        # And it can be used again. What is selected meanwhile counts.
        session.ask('(gimp-selection-none image)')
        dialog = self.open(session, FILL)
        self.screen.shoot('fill-nothing', dialog)
        self.screen.keys(dialog, 'alt+t')
        self.screen.tool('type', '3')
        session.ask('(begin (gimp-image-select-rectangle image CHANNEL-OP-REPLACE 20 20 16 12) (gimp-image-clean-all image))')
        self.screen.keys(dialog, 'alt+f')
        wait('the layer', lambda: len(session.layers()) == 2)
        self.assertEqual(session.value('(list (width (car (layers image))) (height (car (layers image))))'), '(20 16)')
        self.ends(session, FILL)
        self.undo(session)

    @unittest.skipUnless(os.environ.get('FAKE_GPU_LIBRARY'), 'a sanitizer takes no library before its own')
    def test_lost_device(self):
        """The dialog says so and stays; the image is as it was, and can be filled once the device is back."""
        session = self.start()
        card = {'LD_PRELOAD': os.environ['FAKE_GPU_LIBRARY'], 'POCL_DEVICES': 'pthread', 'FAKE_LOST': '900'}
        session.app.settings.write_text(''.join(f"export {key}='{value}'\n" for key, value in card.items()))
        dialog = self.open(session, FILL)
        self.ended(session, self.begin(session, dialog, 'alt+f'))
        self.screen.shoot('fill-lost', dialog)
        self.check_untouched(session)
        self.screen.keys(dialog, 'alt+c')
        self.ends(session, FILL)
        self.check_untouched(session)
        session.app.settings.write_text('')
        session.ask(f'(begin {edits.call("fill")} (gimp-displays-flush))')
        self.assertEqual(len(session.layers()), 2)
        self.undo(session)
        self.assertEqual(session.app.printed(), [])

    def test_others(self):
        """Each of the other dialogs makes its layer from a preview, as one undo step."""
        session = self.start((96, 72), '(gimp-selection-none image)')
        for entry, steps, button in ((VARY, 'alt+e', 'alt+v'), (COLORIZE, 'alt+t', 'alt+o')):
            with self.subTest(entry[1]):
                dialog = self.open(session, entry)
                self.screen.keys(dialog, steps)
                self.screen.tool('type', '40')  # of fewer the end would come before it is looked for
                self.run_preview(session, dialog)
                self.check_untouched(session)
                self.screen.shoot(entry[1].split()[0].lower(), dialog)
                self.screen.keys(dialog, button)
                wait('the layer', lambda: len(session.layers()) == 2)
                self.ends(session, entry)
                self.undo(session)
        self.assertEqual(session.app.printed(), [])


if __name__ == '__main__':
    gimp.main('__main__', windows=True)
