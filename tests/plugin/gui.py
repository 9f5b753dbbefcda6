#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The dialog in a GIMP with windows, on an X server of its own, driven by the keyboard as a user would.

Arguments: GIMP's version, the plug-in's program, GIMP's library folder, the source folder, the command `ddim`.
Pictures of the screen are left in $DDIM_TEST_SHOTS.
"""
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import gimp

version, program, libdir, source, command = sys.argv[1:6]
TITLE = 'DDIM Image'
PATIENCE = 120  # seconds; for what takes time, not for what must be quick


def wait(what, condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.1)
    raise AssertionError(f'{what}: not after {seconds} s')


class Screen:
    """An X server, its keyboard and its picture."""

    def __init__(self):
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ['Xvfb', '-displayfd', str(write), '-screen', '0', '1280x900x24', '-ac', '-nolisten', 'tcp'],
            pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.name = f':{pipe.readline().strip()}'
        shots = os.environ.get('DDIM_TEST_SHOTS')
        self.shots = pathlib.Path(shots) if shots else None

    def close(self):
        self.server.terminate()
        self.server.wait()

    def tool(self, *arguments):
        return subprocess.run(['xdotool', *map(str, arguments)], env=os.environ | {'DISPLAY': self.name},
                              capture_output=True, text=True, check=False).stdout

    def window(self, title):
        return self.tool('search', '--onlyvisible', '--name', title).split()[:1]

    def keys(self, window, *keys):
        self.tool('windowfocus', window)
        time.sleep(0.3)
        for key in keys:
            self.tool('key', '--clearmodifiers', key)
            time.sleep(0.2)

    def shoot(self, name, window='root'):
        if self.shots:
            self.shots.mkdir(parents=True, exist_ok=True)
            subprocess.run(['import', '-window', window, self.shots / f'{version}-{name}.png'],
                           env=os.environ | {'DISPLAY': self.name}, check=False, stderr=subprocess.DEVNULL)


class Session:
    """A running GIMP with one image, `image`, and a Script-Fu server to look into it."""

    def __init__(self, screen, app, width, height):
        self.screen, self.app = screen, app
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        start = f'{app.prelude()[:-1]} (define image (new-image {width} {height} RGB 150)) (gimp-display-new image))'
        serve = (f'(plug-in-script-fu-server RUN-NONINTERACTIVE "127.0.0.1" {self.port} "")' if app.major == 2 else
                 f'(plug-in-script-fu-server #:run-mode RUN-NONINTERACTIVE #:ip "127.0.0.1" #:port {self.port} #:logfile "")')
        self.process = subprocess.Popen(
            [app.gui, '--gimprc', app.rc, '-n', '-d', '-f', '-s', *app.interpreter(), '-b', start, '-b', serve],
            env=app.environment(DISPLAY=screen.name), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.socket = wait('GIMP starts', self.connect)
        # The server has an interpreter of its own.
        self.ask(f'{app.prelude()[:-1]} (define image (aref (cadr (gimp-image-list)) 0)))' if app.major == 2 else
                 f'{app.prelude()[:-1]} (define image (vector-ref (car (gimp-get-images)) 0)))')
        self.main = wait('the image window', lambda: screen.window('GIMP|GNU Image'))[0]

    def connect(self):
        assert self.process.poll() is None, 'GIMP ended'
        try:
            return socket.create_connection(('127.0.0.1', self.port), timeout=PATIENCE)
        except OSError:
            return None

    def read(self, n):
        data = b''
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            assert part, 'the Script-Fu server ended'
            data += part
        return data

    def ask(self, script):
        """What `script` displays."""
        data = script.encode()
        self.socket.sendall(b'G' + struct.pack('>H', len(data)) + data)
        _, failed, length = struct.unpack('>cBH', self.read(4))
        text = self.read(length).decode()
        assert not failed, f'{script}: {text}'
        return text

    def layers(self):
        names = self.ask('(begin (display (map name (layers image))) (newline))')
        return re.findall(r'DDIM .*?#\d+|base', names)

    def dirty(self):
        return self.ask('(display (car (gimp-image-is-dirty image)))')[0]

    def open_dialog(self):
        """Filters > Generate > DDIM Image; "Generic" begins with a G too."""
        def attempt():
            self.screen.keys(self.main, 'alt+r', 'g', 'g', 'Return', 'd')
            try:
                return wait('', lambda: self.screen.window(TITLE), 5)
            except AssertionError:
                self.screen.keys(self.main, 'Escape', 'Escape', 'Escape')
                return None
        self.screen.shoot('before-menu')
        dialog = wait('the dialog', attempt, 60)[0]
        time.sleep(2)  # the lists of models and devices
        return dialog

    def plugin(self):
        """The process id of the plug-in."""
        for path in pathlib.Path('/proc').glob('[0-9]*'):
            try:
                if (path / 'exe').resolve() == self.app.program and self.descends(path):
                    return int(path.name)
            except OSError:
                pass
        return None

    def descends(self, path):
        parent = (path / 'stat').read_text().rsplit(')', 1)[1].split()[1]
        return int(parent) == self.process.pid

    def quit(self):
        try:
            self.ask('(gimp-quit TRUE)')
        except (AssertionError, OSError):
            pass
        self.socket.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Dialog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.screen = Screen()
        cls.addClassCleanup(cls.screen.close)

    def start(self, width, height, app=None):
        if app is None:
            folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
            self.addCleanup(folder.cleanup)
            app = gimp.Gimp(version, program, libdir, source, folder.name)
        session = Session(self.screen, app, width, height)
        self.addCleanup(session.quit)
        return session

    def test_generate_again_and_undo(self):
        session = self.start(192, 128)
        session.ask('(begin (gimp-image-select-ellipse image CHANNEL-OP-REPLACE 16 16 96 64) (gimp-image-clean-all image))')
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+l')
        self.screen.tool('type', 'lava')
        self.screen.keys(dialog, 'alt+v')
        self.screen.shoot('dialog', dialog)
        self.screen.keys(dialog, 'alt+g')
        wait('a layer', lambda: len(session.layers()) == 2)
        self.screen.keys(dialog, 'alt+g')
        wait('another layer', lambda: len(session.layers()) == 3)
        time.sleep(0.5)
        self.screen.shoot('generated', dialog)
        first, second, base = session.layers()
        self.assertRegex(first, r'^DDIM textures lava #\d+$')
        self.assertNotEqual(first, second)
        self.assertEqual(base, 'base')
        self.screen.keys(dialog, 'alt+c')
        wait('the dialog goes', lambda: not self.screen.window(TITLE), 5)
        time.sleep(0.5)
        self.screen.shoot('filled')
        self.screen.keys(session.main, 'ctrl+z')
        wait('one undo, one layer', lambda: session.layers() == [second, base], 10)
        self.screen.keys(session.main, 'ctrl+z')
        wait('the second undo', lambda: session.layers() == [base], 10)
        self.assertEqual(session.app.printed(), [])

        # The settings outlive GIMP.
        session.quit()
        again = self.start(16, 16, session.app)
        again.ask("(ddim image (bottom image) (list 'run-mode RUN-WITH-LAST-VALS))")
        self.assertRegex(again.layers()[0], r'^DDIM textures lava #\d+$')
        self.assertEqual(session.app.printed(), [])

    def test_stop(self):
        session = self.start(640, 512)
        session.ask('(gimp-image-clean-all image)')
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+g')
        time.sleep(4)
        self.screen.shoot('generating', dialog)
        begun = time.monotonic()
        session.layers()
        self.assertLess(time.monotonic() - begun, 5, 'GIMP answers meanwhile')
        self.screen.keys(dialog, 'alt+s')
        time.sleep(0.8)
        self.screen.shoot('stopped', dialog)
        self.assertEqual((session.layers(), session.dirty()), (['base'], '0'))
        self.screen.keys(dialog, 'alt+c')
        wait('the dialog goes', lambda: not self.screen.window(TITLE), 5)
        wait('the plug-in ends', lambda: session.plugin() is None)
        self.assertEqual((session.layers(), session.dirty()), (['base'], '0'))
        self.assertEqual(session.app.printed(), [])

    def test_kill(self):
        session = self.start(640, 512)
        session.ask('(gimp-image-clean-all image)')
        dialog = session.open_dialog()
        self.screen.keys(dialog, 'alt+g')
        time.sleep(4)
        os.kill(session.plugin(), signal.SIGKILL)
        wait('the dialog goes', lambda: not self.screen.window(TITLE), 10)
        self.assertEqual((session.layers(), session.dirty()), (['base'], '0'))
        self.assertIsNone(session.process.poll())
        # And it can be used again.
        session.ask("(ddim image (bottom image) '(width 16) '(height 16) '(steps \"2\"))")
        self.assertEqual(len(session.layers()), 2)


if __name__ == '__main__':
    for tool in (f'gimp-{version}', 'Xvfb', 'xdotool', 'import'):
        if not shutil.which(tool):
            print(f'1..0 # SKIP {tool} is not installed')
            sys.exit(0)
    gimp.main('__main__')
