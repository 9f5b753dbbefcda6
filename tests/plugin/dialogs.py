#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Runs programs that look at every control of the dialogs, in each language, on an X server of its own.

Arguments: the folder of the built catalogs, the programs. With DDIM_TEST_SHOW=1 a picture of each dialog in each language is
left in $DDIM_TEST_SHOTS.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from screen import Screen

catalogs, *programs = sys.argv[1:]


class Dialogs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        shots = os.environ['DDIM_TEST_SHOTS'] if 'DDIM_TEST_SHOW' in os.environ else None
        cls.screen = Screen(folder.name, shots, pathlib.Path(programs[0]).name)
        cls.addClassCleanup(cls.screen.close)

    def environment(self, language):
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
        return kept

    def check(self, language):
        environment = self.environment(language)
        for program in programs:
            with self.subTest(program):
                process = subprocess.Popen([program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                           stderr=subprocess.STDOUT, text=True)
                said = []
                for line in process.stdout:
                    said.append(line)
                    if shown := re.fullmatch(r'# (.*) is shown\n', line):
                        time.sleep(2)
                        self.screen.shoot(f'{language or "en"}-{shown[1]}')
                        process.stdin.write('\n')
                        process.stdin.flush()
                process.stdin.close()
                self.assertEqual(process.wait(60), 0, ''.join(said))
                self.assertIn('controls', ''.join(said))

    def test_english(self):
        self.check('')

    def test_german(self):
        self.check('de')

    def test_chinese(self):
        self.check('zh_CN')


if __name__ == '__main__':
    import tap
    if not shutil.which('Xvfb'):
        print('1..0 # SKIP Xvfb is not installed')
        sys.exit(0)
    tap.main('__main__')
