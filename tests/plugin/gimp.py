# SPDX-License-Identifier: LGPL-3.0-or-later
"""Running a real GIMP, 2.10 or 3.x, with the plug-in from the build folder, a minimal profile and Script-Fu."""
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

# What the two Script-Fus call differently, so that the tests are written once. `ddim` takes what differs from the defaults.
SCHEME = {
    2: r"""
(define (ddim image drawable . options)
  (define (option name default) (let ((found (assq name options))) (if found (cadr found) default)))
  (car (plug-in-ddim (option 'run-mode RUN-NONINTERACTIVE) image drawable (option 'model "") (option 'class "")
    (option 'width 0) (option 'height 0) (option 'steps "") (option 'sampler "") (option 'eta -1)
    (option 'seed -1) (option 'count 1) (option 'device "") (option 'precision "") (option 'seamless "")
    (option 'color "") (option 'scale 0))))
(define (new-layer image name w h type) (car (gimp-layer-new image w h type name 100 0)))
(define (layers image) (vector->list (cadr (gimp-image-get-layers image))))
(define (children group) (vector->list (cadr (gimp-item-get-children group))))
(define (select-layer image layer) (gimp-image-set-active-layer image layer))
(define (active-layer image) (car (gimp-image-get-active-layer image)))
(define (save-png image file)
  (file-png-save RUN-NONINTERACTIVE image (car (gimp-image-get-active-layer image)) file file 0 1 0 0 0 0 0))
(define (base-type image) (car (gimp-image-base-type image)))
(define (width drawable) (car (gimp-drawable-width drawable)))
(define (height drawable) (car (gimp-drawable-height drawable)))
(define (offsets drawable) (gimp-drawable-offsets drawable))
(define (to-indexed image) (gimp-image-convert-indexed image 0 0 16 FALSE FALSE ""))
(define (new-group image) (car (gimp-layer-group-new image)))
(define (float-selection layer) (gimp-edit-copy layer) (gimp-edit-paste layer TRUE))
(define (set-profile image file) (gimp-image-set-color-profile-from-file image (string-append "file://" file)))
""",
    3: r"""
(define (ddim image drawable . options)
  (define (option name default) (let ((found (assq name options))) (if found (cadr found) default)))
  (car (plug-in-ddim #:run-mode (option 'run-mode RUN-NONINTERACTIVE) #:image image #:drawables (vector drawable)
    #:model (option 'model "") #:class (option 'class "") #:width (option 'width 0) #:height (option 'height 0)
    #:steps (option 'steps "") #:sampler (option 'sampler "") #:eta (option 'eta -1) #:seed (option 'seed -1)
    #:count (option 'count 1) #:device (option 'device "") #:precision (option 'precision "")
    #:seamless (option 'seamless "") #:color (option 'color "") #:scale (option 'scale 0))))
(define (new-layer image name w h type) (car (gimp-layer-new image name w h type 100 0)))
(define (layers image) (vector->list (car (gimp-image-get-layers image))))
(define (children group) (vector->list (car (gimp-item-get-children group))))
(define (select-layer image layer) (gimp-image-set-selected-layers image (vector layer)))
(define (active-layer image) (vector-ref (car (gimp-image-get-selected-layers image)) 0))
(define (save-png image file)
  (file-png-export #:run-mode RUN-NONINTERACTIVE #:image image #:file file #:include-color-profile TRUE))
(define (base-type image) (car (gimp-image-get-base-type image)))
(define (width drawable) (car (gimp-drawable-get-width drawable)))
(define (height drawable) (car (gimp-drawable-get-height drawable)))
(define (offsets drawable) (gimp-drawable-get-offsets drawable))
(define (to-indexed image) (gimp-image-convert-indexed image 0 0 16 FALSE FALSE ""))
(define (new-group image) (car (gimp-group-layer-new image "group")))
(define (float-selection layer) (gimp-edit-copy (vector layer)) (gimp-edit-paste layer TRUE))
(define (set-profile image file) (gimp-image-set-color-profile-from-file image file))
""",
    'both': r"""
(define throw-error *error-hook*)
; What `thunk` returns, or the text of its error.
(define (attempt thunk)
  (let ((result (call/cc (lambda (exit)
          (set! *error-hook* (lambda args (exit (apply string-append (map (lambda (x) (if (string? x) x "")) args)))))
          (thunk)))))
    (set! *error-hook* throw-error)
    result))
(define (new-image w h type precision)
  (let* ((image (car (gimp-image-new-with-precision w h type precision)))
         (layer (new-layer image "base" w h (if (= type GRAY) GRAY-IMAGE RGB-IMAGE))))
    (gimp-image-insert-layer image layer 0 -1)
    (gimp-drawable-fill layer FILL-WHITE)
    image))
(define (bottom image) (car (reverse (layers image))))
(define (name item) (car (gimp-item-get-name item)))
(define (settings item) (caddr (car (gimp-item-get-parasite item "ddim-settings"))))
; A layer's mask as a gray image.
(define (save-mask owner file)
  (let* ((mask (car (gimp-layer-get-mask owner)))
         (copy (car (gimp-image-new (width mask) (height mask) GRAY)))
         (layer (car (gimp-layer-new-from-drawable mask copy))))
    (gimp-image-insert-layer copy layer 0 -1)
    (gimp-layer-set-offsets layer 0 0)
    (save-png copy file)
    (gimp-image-delete copy)))
(define profile #f)
; The pixels of `drawable` without its mask, in an image of its own of the same mode.
(define (save drawable file)
  (let* ((image (car (gimp-item-get-image drawable)))
         (copy (car (gimp-image-new-with-precision (width drawable) (height drawable) (base-type image)
                      (car (gimp-image-get-precision image))))))
    (if profile (set-profile copy profile))
    (let ((layer (car (gimp-layer-new-from-drawable drawable copy))))
      (gimp-image-insert-layer copy layer 0 -1)
      (gimp-layer-set-offsets layer 0 0)
      (if (> (car (gimp-layer-get-mask layer)) 0) (gimp-layer-remove-mask layer MASK-DISCARD))
      ; Linear and floating-point images as 16 bits, perceptual.
      (if (not (memv (car (gimp-image-get-precision copy)) '(150 250))) (gimp-image-convert-precision copy 250))
      (select-layer copy layer)
      (save-png copy file)
      (gimp-image-delete copy))))
""",
}

# Lines that GIMP itself, not the plug-in, may print are not looked at: the plug-in's stderr goes to a file of its own.
WRAPPER = """#!/bin/bash
. '{settings}'
exec -a "$0" '{program}' "$@" 2>>'{log}'
"""


class Gimp:
    """One GIMP of one version with a profile of its own, in `folder`."""

    def __init__(self, version, program, libdir, source, folder):
        self.major = int(version.split('.')[0])
        self.console, self.gui = f'gimp-console-{version}', f'gimp-{version}'
        self.program = pathlib.Path(program).resolve()
        self.folder = pathlib.Path(folder)
        self.log = self.folder / 'plug-in.log'
        self.log.touch()
        # Sourced by each process of the plug-in: environment for it and not for GIMP.
        self.settings = self.folder / 'plug-in.env'
        self.settings.touch()
        plugins = self.plugins = self.folder / 'plug-ins'
        own = plugins / 'ddim'
        own.mkdir(parents=True)
        wrapper = own / 'ddim'
        wrapper.write_text(WRAPPER.format(program=self.program, log=self.log, settings=self.settings))
        wrapper.chmod(0o755)
        for entry in ('ddim.svg', 'help'):
            (own / entry).symlink_to(pathlib.Path(source) / 'plugin' / entry)
        for stock in ('script-fu', 'script-fu-server', 'file-png', 'file-glob', 'python-eval', 'help', 'web-browser'):
            if (pathlib.Path(libdir) / 'plug-ins' / stock).exists():
                (plugins / stock).symlink_to(pathlib.Path(libdir) / 'plug-ins' / stock)
        assert (plugins / 'script-fu').exists(), f'no script-fu in {libdir}'
        rc = ['(plug-in-path "%s")' % plugins, '(color-profile-policy keep)', '(check-updates no)',
              '(save-session-info no)']
        if self.major > 2:
            # Without the version it would greet whoever updates.
            said = subprocess.run([self.console, '--version'], capture_output=True, text=True, check=False).stdout
            release = re.search(r'\d+\.\d+\.\d+', said)
            rc += ['(show-welcome-dialog no)', f'(config-version "{release[0] if release else version}")']
        self.rc = self.folder / 'gimprc'
        self.rc.write_text('\n'.join(rc) + '\n')

    def environment(self, **more):
        """Nothing of the user's environment except the settings of sanitizers and OpenCL, and a shared kernel cache."""
        kept = {key: value for key, value in os.environ.items()
                if key.startswith(('ASAN_', 'LSAN_', 'UBSAN_', 'POCL_', 'OCL_', 'DDIM_', 'XDG_CACHE'))}
        # GEGL loads some forty libraries for its operations and frees few of what they allocate: leaks in a GIMP are not ours.
        if 'ASAN_OPTIONS' in kept:
            kept['ASAN_OPTIONS'] += ':detect_leaks=0'
        return kept | {'PATH': '/usr/bin:/bin', 'HOME': str(self.folder), 'LC_ALL': 'C.UTF-8',
                       f'GIMP{self.major}_DIRECTORY': str(self.folder / 'profile')} | more

    def set_default(self):
        """Let every GIMP in environment() use this gimprc, for commands that do not name it."""
        profile = self.folder / 'profile'
        profile.mkdir(exist_ok=True)
        shutil.copy(self.rc, profile / 'gimprc')

    def watch_what_is_opened(self):
        """Make a stand-in the default program for pages and folders. It writes what it is given to the file returned."""
        data = self.folder / '.local' / 'share' / 'applications'
        data.mkdir(parents=True)
        opened, kinds = self.folder / 'opened', 'text/html;inode/directory;x-scheme-handler/file;x-scheme-handler/https;'
        opened.touch()
        script = self.folder / 'opener'
        script.write_text(f'#!/bin/sh\necho "$@" >> "{opened}"\n')
        script.chmod(0o755)
        (data / 'opener.desktop').write_text(
            f'[Desktop Entry]\nType=Application\nName=Opener\nExec={script} %u\nMimeType={kinds}\n')
        (data / 'mimeapps.list').write_text(
            '[Default Applications]\n' + ''.join(f'{kind}=opener.desktop\n' for kind in kinds.split(';')[:-1]))
        return opened

    def printed(self):
        """What the plug-in printed, but for one line: where nothing can be sandboxed, as in a chroot, GTK's picture loader
        says so in every program."""
        return [line for line in self.log.read_text().splitlines() if 'Glycin running without sandbox' not in line]

    def interpreter(self):
        return ['--batch-interpreter=plug-in-script-fu-eval'] if self.major > 2 else []

    def prelude(self):
        return '(begin' + SCHEME[self.major] + SCHEME['both'] + ')'

    def run(self, script, fonts=False, **environment):
        """Evaluate `script`, in which (say X) adds a line to what this returns; only with `fonts` there can be text."""
        out = self.folder / 'out.txt'
        out.unlink(missing_ok=True)
        said = f'(define out (open-output-file "{out}"))(define (say x) (display x out) (newline out))'
        whole = f'(begin {self.prelude()[6:-1]} {said} {script} (close-output-port out))'
        quit_ = ['--quit'] if self.major > 2 else ['-b', '(gimp-quit 1)']
        done = subprocess.run(
            [self.console, '--gimprc', self.rc, '-i', '-d', *([] if fonts else ['-f']), '-s', *self.interpreter(), '-b', whole, *quit_],
            env=self.environment(**environment), capture_output=True, text=True, timeout=900, check=False)
        text = out.read_text() if out.exists() else ''
        if re.search(r'execution error|^Error:', done.stdout + done.stderr, re.M) or not out.exists():
            raise AssertionError(f'{script}\n{done.stdout}{done.stderr}')
        return text.splitlines()


def crashing_vendors(folder):
    """A list of OpenCL drivers, in a new folder, of which the only one crashes."""
    vendors = pathlib.Path(folder) / 'vendors'
    vendors.mkdir()
    (vendors / 'crash.icd').write_text(f"{pathlib.Path(os.environ['DDIM_TEST_DRIVER']).resolve()}\n")
    return str(vendors)


class Case(unittest.TestCase):
    """Tests of one GIMP without windows, in a folder of their own, with the arguments that main() describes."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.gimp = Gimp(*sys.argv[1:5], folder.name)

    @classmethod
    def add_tiny_model(cls):
        """A folder for DDIM_MODEL_PATH with the model "tiny", which makes noise of 16x16 pixels in no time."""
        models = cls.folder / 'models'
        models.mkdir()
        weights = pathlib.Path(sys.argv[4]) / 'tests' / 'data' / 'unet_tiny_uncond.pt'
        subprocess.run([pathlib.Path(sys.argv[5]).resolve(), 'convert', weights, models / 'tiny.safetensors', '--flags',
                        '--image_size 16 --num_heads 1'], check=True, capture_output=True, env=cls.gimp.environment())
        return str(models)

    def tearDown(self):
        """The plug-in has printed nothing."""
        self.assertEqual(self.gimp.printed(), [])


def main(module, windows=False):
    """Run the tests of `module` with TAP output for sys.argv: version, program, libdir, source folder, command."""
    import tap
    version = sys.argv[1]
    for tool in [f'gimp-{version}', 'Xvfb', 'xdotool'] if windows else [f'gimp-console-{version}']:
        if not shutil.which(tool):
            print(f'1..0 # SKIP {tool} is not installed')
            sys.exit(0)
    tap.main(module)


def to_linear(v):
    return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4


def crop(samples, channels, width, x, y, w, h):
    return [samples[((y + j) * width + x + i) * channels + c] for j in range(h) for i in range(w) for c in range(channels)]


def make_png(rows, channels=3):
    """A PNG of rows of 8-bit RGB, or RGBA."""
    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))

    head = struct.pack('>IIBBBBB', len(rows[0]) // channels if rows else 0, len(rows), 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    packed = zlib.compress(b''.join(b'\0' + row for row in rows), 9)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', packed) + chunk(b'IEND', b'')


def read_chunks(path):
    """(type, content) of each chunk of a PNG."""
    data = pathlib.Path(path).read_bytes()
    assert data[:8] == b'\x89PNG\r\n\x1a\n', path
    at = 8
    while at < len(data):
        length, kind = struct.unpack('>I4s', data[at:at + 8])
        yield kind, data[at + 8:at + 8 + length]
        at += 12 + length


def read_profile(path):
    """The color profile inside a PNG."""
    (body,) = (body for kind, body in read_chunks(path) if kind == b'iCCP')
    return zlib.decompress(body[body.index(b'\0') + 2:])


def read_png(path):
    """(width, height, channels, list of samples) of a PNG without interlacing, 8 or 16 bits."""
    packed, head = b'', None
    for kind, body in read_chunks(path):
        if kind == b'IHDR':
            head = struct.unpack('>IIBBBBB', body)
        elif kind == b'IDAT':
            packed += body
    width, height, depth, color, _, _, interlace = head
    assert depth in (8, 16) and not interlace
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color]
    step = channels * depth // 8
    raw, rows, previous = zlib.decompress(packed), [], bytes(width * step)
    for y in range(height):
        line = bytearray(raw[y * (width * step + 1) + 1:(y + 1) * (width * step + 1)])
        unfilter(raw[y * (width * step + 1)], line, previous, step)
        rows.append(bytes(line))
        previous = line
    pixels = b''.join(rows)
    samples = list(pixels) if depth == 8 else list(struct.unpack(f'>{len(pixels) // 2}H', pixels))
    return width, height, channels, samples


def unfilter(kind, line, above, step):
    for i, value in enumerate(line):
        left = line[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        if kind == 1:
            value += left
        elif kind == 2:
            value += above[i]
        elif kind == 3:
            value += (left + above[i]) // 2
        elif kind == 4:
            guess = left + above[i] - corner
            near = [abs(guess - left), abs(guess - above[i]), abs(guess - corner)]
            value += (left, above[i], corner)[near.index(min(near))]
        line[i] = value & 255
