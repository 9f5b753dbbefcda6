# SPDX-License-Identifier: LGPL-3.0-or-later
"""A GIMP with windows on an X server of its own, driven by the keyboard and looked into through its Script-Fu server.

Nothing here depends on how fast the machine is: every step waits until the one before has shown an effect.
"""
import itertools
import os
import pathlib
import re
import socket
import struct
import subprocess
import time

import gimp

TITLE = 'DDIM Image'
PATIENCE = 240  # seconds, after which something is broken and not slow


def wait(what, condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f'{what}: not after {seconds} s')
        time.sleep(0.1)


class Screen:
    """An X server, its keyboard and its picture; pictures go into the folder `shots`, named after `version`; `memory` is an
    empty folder."""

    def __init__(self, memory, shots, version, size='1280x900'):
        self.memory = pathlib.Path(memory)
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ['Xvfb', '-displayfd', str(write), '-screen', '0', f'{size}x24', '-ac', '-noreset', '-nolisten', 'tcp',
             '-fbdir', self.memory],
            pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.name = f':{pipe.readline().strip()}'
        self.shots = pathlib.Path(shots) if shots else None
        self.version = version
        self.tool('mousemove', 5000, 5000)  # into the corner

    def close(self):
        self.server.terminate()
        self.server.wait()

    def tool(self, *arguments):
        return subprocess.run(['xdotool', *map(str, arguments)], env=os.environ | {'DISPLAY': self.name},
                              capture_output=True, text=True, check=False).stdout

    def window(self, title):
        return self.tool('search', '--onlyvisible', '--name', title).split()[:1]

    def count(self):
        """How many windows are visible; a menu is one."""
        return len(self.tool('search', '--onlyvisible', '--maxdepth', 1, '--class', '').split())

    def keys(self, window, *keys):
        self.tool('windowfocus', window)
        time.sleep(0.3)
        for key in keys:
            self.tool('key', '--clearmodifiers', key)
            time.sleep(0.2)

    def picture(self, window):
        """What is seen in the window's place, as a PNG, read from the server's memory without asking it: programs that take
        pictures of the screen lock it meanwhile, and may wait for ever."""
        data = (self.memory / 'Xvfb_screen0').read_bytes()
        head = struct.unpack('>25I', data[:100])
        row, pixels = head[12], data[head[0] + 12 * head[19]:]
        x, y, width, height = self.place(window) if window else (0, 0, head[4], head[5])
        rows = []
        for line in range(max(y, 0), min(y + height, head[5])):
            part = pixels[line * row + 4 * max(x, 0):line * row + 4 * min(x + width, head[4])]
            colors = bytearray(len(part) // 4 * 3)
            colors[0::3], colors[1::3], colors[2::3] = part[2::4], part[1::4], part[0::4]
            rows.append(bytes(colors))
        return gimp.make_png(rows)

    def place(self, window):
        """(x, y, width, height) on the screen."""
        said = self.tool('getwindowgeometry', '--shell', window)
        found = [re.search(rf'{name}=(-?\d+)', said) for name in ('X', 'Y', 'WIDTH', 'HEIGHT')]
        return tuple(int(match[1]) for match in found) if all(found) else (0, 0, 0, 0)

    def shoot(self, name, window=None):
        """Keep a picture once nothing moves any more, or after some seconds if something goes on moving."""
        if not self.shots:
            return
        picture, before = self.picture(window), None
        for _ in range(8):
            if picture == before:
                break
            time.sleep(0.7)
            picture, before = self.picture(window), picture
        self.shots.mkdir(parents=True, exist_ok=True)
        (self.shots / f'{self.version}-{name}.png').write_bytes(picture)


class Session:
    """A running GIMP with one image, `image`, of that size (None: no image), and a Script-Fu server to look into it."""

    def __init__(self, screen, app, size, environment):
        self.screen, self.app = screen, app
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        image = f'(define image (new-image {size[0]} {size[1]} RGB 150)) (gimp-display-new image)' if size else ''
        serve = (f'(plug-in-script-fu-server RUN-NONINTERACTIVE "127.0.0.1" {self.port} "")' if app.major == 2 else
                 f'(plug-in-script-fu-server #:run-mode RUN-NONINTERACTIVE #:ip "127.0.0.1" #:port {self.port} #:logfile "")')
        self.process = subprocess.Popen(
            [app.gui, '--gimprc', app.rc, '-n', '-d', '-f', '-s', *app.interpreter(),
             '-b', f'{app.prelude()[:-1]} {image})', '-b', serve],
            env=app.environment(DISPLAY=screen.name, **environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.socket = wait('GIMP starts', self.connect)
        # The server has an interpreter of its own.
        first = '(aref (cadr (gimp-image-list)) 0)' if app.major == 2 else '(vector-ref (car (gimp-get-images)) 0)'
        self.ask(f'{app.prelude()[:-1]} {f"(define image {first})" if size else ""})')
        # Not the dialog "Welcome to GIMP", which some versions show at times, whatever was asked for.
        self.main = wait('the image window', lambda: screen.window(' – GIMP$|^GNU Image Manipulation Program$'))[0]

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

    def value(self, expression):
        return self.ask(f'(begin (display {expression}) (display "|"))').split('|')[0]

    def layers(self):
        names = self.ask('(for-each (lambda (layer) (display (name layer)) (display "|")) (layers image))')
        return names.split('|')[:-1]

    def dirty(self):
        return self.value('(car (gimp-image-is-dirty image))')

    def open_menu(self, ups):
        """Open the submenu that is `ups` from the end of the menu Filters, which has no letter of its own for it, as GIMP's
        have them all, and choose what has the letter D. Returns whether that was DDIM Image."""
        self.screen.keys(self.main, 'Escape', 'Escape', 'Escape')
        closed = self.screen.count()
        for deeper, keys in enumerate((['alt+r'], ['Up'] * ups + ['Right']), 1):
            for key in keys:
                self.screen.tool('key', '--clearmodifiers', key)
                time.sleep(0.3)
            try:
                wait('a menu', lambda: self.screen.count() >= closed + deeper, 20)
            except AssertionError:
                return False
        self.screen.tool('key', 'd')
        # A key may come too early for a menu that has only just appeared: then this menu stays.
        try:
            wait('the menus close', lambda: self.screen.count() < closed + 2 or self.screen.window(TITLE), 20)
            return bool(wait('the dialog', lambda: self.screen.window(TITLE), 30))
        except AssertionError:
            return False

    def open_dialog(self):
        """The dialog, from the menu."""
        places = itertools.cycle((2, 1, 3, 4, 5))
        wait('the menus', lambda: self.open_menu(next(places)))
        dialog = wait('the dialog', lambda: self.screen.window(TITLE))[0]
        # The letters are underlined and the lists filled in by then.
        time.sleep(1)
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

    def is_generating(self):
        """Whether the plug-in has begun to generate at some time."""
        return bool(self.workers())

    def workers(self):
        """The numbers of the threads that generate, and of those that OpenCL began in them: these inherit the name."""
        found = set()
        for task in pathlib.Path(f'/proc/{self.plugin()}/task').glob('*'):
            try:
                if (task / 'comm').read_text() == 'ddim-worker\n':
                    found.add(int(task.name))
            except OSError:  # it has ended
                pass
        return found

    def first_worker(self, but):
        """The number of the thread that generates, once there is one that is not among @but; else None. It began before those that
        OpenCL began in it, but its number may be higher than theirs: the system begins anew when it has come to its highest."""
        found = {}
        for number in self.workers() - but:
            try:
                stat = pathlib.Path(f'/proc/{self.plugin()}/task/{number}/stat').read_text()
                found[number] = int(stat.rpartition(')')[2].split()[19])  # when it began, in clock ticks
            except OSError:  # it has ended
                pass
        return min(found, key=lambda number: (found[number], number), default=None)

    def quit(self):
        try:
            self.ask('(gimp-quit TRUE)')
        except (AssertionError, OSError):
            pass
        self.socket.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
