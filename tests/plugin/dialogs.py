#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs test-dialog, which looks at every control of the dialogs, in each language, on an X server of its own.

Arguments: the program, the folder of the built catalogs.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from screen import Screen

program, catalogs = sys.argv[1:3]


class Dialogs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.screen = Screen(folder.name, None, 'dialogs')
        cls.addClassCleanup(cls.screen.close)

    def check(self, language):
        # C.UTF-8 turns translations off, whatever LANGUAGE says; any other name of a locale that is there does not.
        kept = os.environ | {'DISPLAY': self.screen.name, 'LC_ALL': 'C.UTF-8', 'DDIM_TEST_LANGUAGE': language,
                             'DDIM_TEST_CATALOGS': str(pathlib.Path(catalogs).resolve()), 'NO_AT_BRIDGE': '1',
                             'GIO_USE_VFS': 'local'}
        if language:
            folder = tempfile.TemporaryDirectory()
            self.addCleanup(folder.cleanup)
            subprocess.run(['localedef', '-i', 'en_US', '-f', 'UTF-8', pathlib.Path(folder.name) / 'en_US.UTF-8'],
                           capture_output=True, check=False)
            # localedef returns 1 for mere warnings, and may leave an empty folder.
            if not (pathlib.Path(folder.name) / 'en_US.UTF-8' / 'LC_CTYPE').exists():
                self.skipTest('no locale can be made: localedef needs the package locales')
            kept |= {'LOCPATH': folder.name, 'LC_ALL': 'en_US.UTF-8', 'LANGUAGE': language}
        done = subprocess.run([program], env=kept, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_english(self):
        self.check('')

    def test_german(self):
        self.check('de')

    def test_chinese(self):
        self.assertIn('controls', self.check('zh_CN'))


if __name__ == '__main__':
    import tap
    if not shutil.which('Xvfb'):
        print('1..0 # SKIP Xvfb is not installed')
        sys.exit(0)
    tap.main('__main__')
