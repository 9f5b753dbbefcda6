#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Makes the pictures of this page, before and after each command, to be judged by eye. Needs only the standard library.

    tests/gallery/gallery.py --ddim build/cli/ddim FOLDER

writes FOLDER/NAME.png, one sheet for each command, and FOLDER/README.md, the page. The commands run in FOLDER/originals,
which keeps their inputs and results as they were. All inputs are made here, with numbers drawn below or by the default
model from fixed seeds; they are CC0-1.0. What is committed beside this script is a copy of FOLDER without the originals.
"""
import argparse
import dataclasses
import math
import pathlib
import random
import shlex
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
import npy

GAP = 24 # between before and after, with the arrow
MARGIN = 4 # between pictures of one side


@dataclasses.dataclass
class Show:
    """One sheet: what is shown before the arrow and after it, and the commands that make it, in order.

    A panel is the name of a file of the originals, with an instruction where it is not shown as it is: "wall.png 3x3" is
    nine copies that touch, "small.png x4" is enlarged without smoothing.
    """
    name: str
    title: str
    text: str
    commands: list
    before: list
    after: list
    alt: str


SHOWS = [
    Show('generate', 'generate', 'Noise becomes a picture. On the left is the noise that seed 8 gives (`ddim noise --seed 8`).',
         ['ddim generate --class water --seed 8 -o water.png'],
         ['noise.png'], ['water.png'], 'colored noise becomes clear water'),
    Show('generate-seamless', 'generate --seamless',
         'Nine copies side by side: without the option, and with it.',
         ['ddim generate --class brick --size 64 --seed 3 -o edges.png',
          'ddim generate --class brick --size 64 --seed 3 --seamless xy -o no-edges.png'],
         ['edges.png 3x3'], ['no-edges.png 3x3'],
         'nine copies of a brick wall with visible seams; then nine copies without'),
    Show('windows', 'generate --window',
         'From the same noise: in one piece, and in overlapping windows of 128 × 128 pixels, as very large pictures are made.',
         ['ddim generate --class cobblestone --size 192x160 --seed 5 -o whole.png',
          'ddim generate --class cobblestone --size 192x160 --seed 5 --window 128 -o windows.png'],
         ['whole.png'], ['windows.png'], 'a pavement made in one piece; then one made in windows, whose borders do not show'),
    Show('blend', 'generate --class A:0.7,B:0.3',
         'Lava and rust from the same seed, and seven tenths of the one with three of the other.',
         ['ddim generate --class lava --size 96 --seed 4 -o lava.png',
          'ddim generate --class rust --size 96 --seed 4 -o rust.png',
          'ddim generate --class "lava:0.7,rust:0.3" --size 96 --seed 4 -o blend.png'],
         ['lava.png', 'rust.png'], ['blend.png'], 'lava and rust; then a texture between both'),
    Show('class-map', 'generate --class-map', 'Each color of the map stands for a class; where the colors blend, the classes do.',
         ['ddim generate --class-map map.png --class-colors "lava=#ff0000,cobblestone=#0000ff" --seed 2 -o parts.png'],
         ['map.png'], ['parts.png'], 'a red disc on blue becomes a lake of lava in a pavement'),
    Show('inpaint', 'inpaint',
         'A hole of 56 × 56 pixels is filled. What is farther than the feather, 2 pixels, from it keeps its bytes.',
         ['ddim generate --class brick --seed 21 -o wall.png',
          'ddim inpaint -i wall.png --box 36,36,56,56 --class brick --seed 1 -o filled.png'],
         ['hole.png'], ['filled.png'], 'a square hole in a brick wall is filled with bricks that fit'),
    Show('vary', 'vary', 'A drawing becomes a texture; a greater strength keeps less of the drawing.',
         ['ddim vary -i drawing.png --strength 0.4 --class lava --seed 1 -o vary-4.png',
          'ddim vary -i drawing.png --strength 0.6 --class lava --seed 1 -o vary-6.png'],
         ['drawing.png'], ['vary-4.png', 'vary-6.png'], 'a coarse drawing of orange lines becomes lava'),
    Show('seamless', 'seamless', 'Four copies of a picture, before its edges are made anew and after.',
         ['ddim generate --class camouflage --size 96 --seed 6 -o cloth.png',
          'ddim seamless -i cloth.png --class camouflage --seed 1 -o tile.png'],
         ['cloth.png 2x2'], ['tile.png 2x2'],
         'four copies of a camouflage pattern with a visible cross between them; then four copies that fit together'),
    Show('upscale', 'upscale',
         'Each pixel on the left is the mean of 4 × 4 pixels on the right. `small.png` holds such means of another picture, '
         'which `ddim generate --class rust --seed 12` makes.',
         ['ddim upscale -i small.png --scale 4 --class rust --seed 1 -o large.png'],
         ['small.png x4'], ['large.png'], 'a picture of coarse squares becomes sharp rust'),
    Show('colorize', 'colorize', 'The mean of red, green and blue of each pixel stays; the model chooses the rest.',
         ['ddim colorize -i gray.png --class lava --seed 1 -o colored.png'],
         ['gray.png'], ['colored.png'], 'a gray picture becomes glowing lava'),
    Show('interpolate', 'interpolate', 'Two seeds, and the pictures between them.',
         ['ddim interpolate --from 3 --to 4 -n 5 --class water --size 64 -o between.png'],
         ['between-0.png', 'between-4.png'], ['between-1.png', 'between-2.png', 'between-3.png'],
         'two pictures of water; then three between them'),
    Show('color', 'generate --color', 'The same seed, with a mean color that is asked for.',
         ['ddim generate --class brick --seed 1 -o brown.png',
          'ddim generate --class brick --seed 1 --color "#4060c0" -o blue.png'],
         ['brown.png'], ['blue.png'], 'a wall of brown bricks becomes one of blue bricks'),
]


def picture(width, height, pixel):
    """A picture whose pixels are what @pixel gives for x and y."""
    values = [max(0, min(255, round(v))) for y in range(height) for x in range(width) for v in pixel(x, y)]
    return npy.Array((height, width, len(pixel(0, 0))), '|u1', bytes(values))


def pixel_at(image, x, y):
    height, width, channels = image.shape
    at = (y % height * width + x % width) * channels
    return image.values[at:at + channels]


def make_map():
    """A disc with a soft edge."""
    def pixel(x, y):
        inside = max(0, min(1, (40 - math.hypot(x - 63.5, y - 63.5)) / 8 + 0.5))
        return 255 * inside, 0, 255 * (1 - inside)
    return picture(128, 128, pixel)


def find_cells(seed, count, size):
    """For a pavement of @count stones: a function that says how far a pixel is from the joint beside it."""
    draw = random.Random(seed)
    points = [(draw.uniform(0, size), draw.uniform(0, size)) for _ in range(count)]

    def joint(x, y):
        near = sorted(math.hypot(x - a, y - b) for a, b in points)
        return near[1] - near[0]
    return joint


def make_drawing():
    """Orange lines on black."""
    joint = find_cells(4, 9, 128)
    return picture(128, 128, lambda x, y: (250, 130, 20) if joint(x, y) < 7 else (40, 16, 16))


def make_gray():
    """A network of bright lines."""
    joint = find_cells(7, 24, 128)
    return picture(128, 128, lambda x, y: (25 + 190 * math.exp(-joint(x, y) / 4),))


def make_noise(ddim, folder):
    """The noise that a seed gives, as a picture."""
    subprocess.run([ddim, 'noise', '--seed', '8', '--shape', '1,3,128,128', '-o', 'noise.npy'], cwd=folder, check=True)
    values = npy.load(folder / 'noise.npy').values
    return picture(128, 128, lambda x, y: [values[(c * 128 + y) * 128 + x] * 64 + 128 for c in range(3)])


def make_small(ddim, folder):
    """Means of 4x4 pixels of a generated picture."""
    subprocess.run([ddim, 'generate', '--class', 'rust', '--seed', '12', '-q', '-o', 'fine.png'], cwd=folder, check=True)
    fine, _ = npy.load_png(folder / 'fine.png')

    def pixel(x, y):
        square = [pixel_at(fine, 4 * x + i, 4 * y + j) for i in range(4) for j in range(4)]
        return [sum(p[c] for p in square) / 16 for c in range(3)]
    return picture(32, 32, pixel)


def make_hole(folder):
    """What inpaint does not look at is white here; it is for the page only."""
    wall, _ = npy.load_png(folder / 'wall.png')
    return picture(128, 128, lambda x, y: (255, 255, 255) if 36 <= x < 92 and 36 <= y < 92 else pixel_at(wall, x, y))


def make_inputs(ddim, folder):
    npy.save_png(folder / 'map.png', make_map())
    npy.save_png(folder / 'drawing.png', make_drawing())
    npy.save_png(folder / 'gray.png', make_gray())
    npy.save_png(folder / 'noise.png', make_noise(ddim, folder))
    npy.save_png(folder / 'small.png', make_small(ddim, folder))


def load_panel(folder, panel):
    """Rows of red, green and blue."""
    name, _, how = panel.partition(' ')
    image, _ = npy.load_png(folder / name)
    copies = int(how[0]) if how[:1].isdigit() else 1
    zoom = int(how[1:]) if how.startswith('x') else 1
    height, width, channels = image.shape
    return [[tuple(pixel_at(image, x // zoom, y // zoom)) * (3 if channels == 1 else 1)
             for x in range(width * copies * zoom)] for y in range(height * copies * zoom)]


def arrow(height):
    """An arrow to the right in a column of @height."""
    def inside(x, y):
        y = abs(y - height // 2)
        return 4 <= x < 13 and y < 2 or 12 <= x < 20 and y <= 19 - x
    return [[(128, 128, 128) if inside(x, y) else None for x in range(GAP)] for y in range(height)]


def beside(blocks):
    """Blocks of rows side by side, in the middle of the highest. None is nothing."""
    height = max(map(len, blocks))
    rows = [[] for _ in range(height)]
    for block in blocks:
        top = (height - len(block)) // 2
        for y, row in enumerate(rows):
            row += block[y - top] if 0 <= y - top < len(block) else [None] * len(block[0])
    return rows


def make_sheet(folder, show):
    def side(panels):
        blocks = []
        for panel in panels:
            rows = load_panel(folder, panel)
            blocks += [[[None] * MARGIN] * len(rows)] * bool(blocks) + [rows]
        return beside(blocks)
    before, after = side(show.before), side(show.after)
    return beside([before, arrow(max(len(before), len(after))), after])


def choose_palette(rows, count):
    """At most @count colors for these pixels, by median cut: {color: index}, [color]."""
    weights = {}
    for row in rows:
        for color in row:
            weights[color] = weights.get(color, 0) + 1
    weights.pop(None, None)

    def spread(box):
        return max((max(c[i] for c in box) - min(c[i] for c in box), i) for i in range(3))
    boxes = [list(weights)]
    spreads = [spread(boxes[0])]
    while len(boxes) < count and max(spreads)[0]:
        at = max(range(len(boxes)), key=lambda k: (spreads[k][0] * math.sqrt(len(boxes[k]))))
        box, axis = sorted(boxes[at], key=lambda c: c[spreads[at][1]]), spreads[at][1]
        middle = min(max(1, len(box) // 2), len(box) - 1)
        boxes[at:at + 1] = [box[:middle], box[middle:]]
        spreads[at:at + 1] = [spread(box[:middle]), spread(box[middle:])]
    index, palette = {}, []
    for k, box in enumerate(boxes):
        total = sum(weights[c] for c in box)
        palette.append(tuple(round(sum(weights[c] * c[i] for c in box) / total) for i in range(3)))
        index.update((c, k) for c in box)
    return index, palette


def save_sheet(path, rows):
    """A PNG of 8 bits with a palette, which keeps it small. Its last color is nothing."""
    index, palette = choose_palette(rows, 255)
    index[None] = len(palette)
    palette.append((255, 255, 255))
    lines = b''.join(b'\0' + bytes(index[color] for color in row) for row in rows)
    header = struct.pack('>IIBBBBB', len(rows[0]), len(rows), 8, 3, 0, 0, 0)
    colors = b''.join(map(bytes, palette))
    opacity = b'\xff' * (len(palette) - 1) + b'\0'
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n')
        for name, body in ((b'IHDR', header), (b'PLTE', colors), (b'tRNS', opacity), (b'IDAT', zlib.compress(lines, 9)),
                           (b'IEND', b'')):
            file.write(struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body)))


INTRODUCTION = '''# Pictures to judge

What each command makes of a picture, before and after, with the default model. [gallery.py](gallery.py) makes this page and its
pictures; run it again after a change that pictures could show, and compare by eye:

```sh
tests/gallery/gallery.py --ddim build/cli/ddim /tmp/gallery
```

The inputs are drawn by the script (`map.png`, `drawing.png`, `gray.png`), or made by the default model from
fixed seeds. Sheets have at most 256 colors to be small; `originals` in the folder keeps what the commands read and
wrote. All pictures are CC0-1.0.
'''


def write_page(path):
    parts = [INTRODUCTION]
    for show in SHOWS:
        commands = '\n'.join(show.commands)
        parts.append(f'## {show.title}\n\n{show.text}\n\n![{show.alt}]({show.name}.png)\n\n```sh\n{commands}\n```\n')
    path.write_text('\n'.join(parts))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--ddim', default='ddim', help='the command; default: the one that is installed')
    parser.add_argument('--only', metavar='NAME', help='make only this sheet')
    parser.add_argument('folder', type=pathlib.Path)
    given = parser.parse_args()
    ddim = str(pathlib.Path(given.ddim).resolve()) if '/' in given.ddim else given.ddim
    originals = given.folder / 'originals'
    originals.mkdir(parents=True, exist_ok=True)
    make_inputs(ddim, originals)
    for show in SHOWS:
        if given.only not in (None, show.name):
            continue
        for command in show.commands:
            subprocess.run([ddim, *shlex.split(command)[1:], '-q'], cwd=originals, check=True)
        if show.name == 'inpaint':
            npy.save_png(originals / 'hole.png', make_hole(originals))
        save_sheet(given.folder / f'{show.name}.png', make_sheet(originals, show))
    write_page(given.folder / 'README.md')


if __name__ == '__main__':
    main()
