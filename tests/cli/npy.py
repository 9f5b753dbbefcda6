# SPDX-License-Identifier: LGPL-3.0-or-later
"""NumPy's .npy and .npz and a little PNG, with nothing but the standard library."""
import ast
import io
import math
import struct
import zipfile
import zlib

CODES = {'<f4': 'f', '<f8': 'd', '<f2': 'e', '|u1': 'B', '<i8': 'q', '<i4': 'i', '|b1': '?'}


class Array:
    """Numbers in C order with their shape and NumPy dtype."""

    def __init__(self, shape, dtype, values):
        self.shape, self.dtype, self.values = tuple(shape), dtype, values

    def __getitem__(self, index):
        """The part at @index of the first axis."""
        size = math.prod(self.shape[1:])
        return Array(self.shape[1:], self.dtype, self.values[index * size:(index + 1) * size])


def parse(data):
    assert data[:6] == b'\x93NUMPY', 'not a .npy'
    wide = data[6] > 1
    length = struct.unpack_from('<I' if wide else '<H', data, 8)[0]
    start = (12 if wide else 10) + length
    header = ast.literal_eval(data[start - length:start].decode('latin-1'))
    assert not header['fortran_order']
    count = math.prod(header['shape'])
    values = struct.unpack(f"<{count}{CODES[header['descr']]}", data[start:])
    return Array(header['shape'], header['descr'], values)


def load(path):
    with open(path, 'rb') as file:
        return parse(file.read())


def load_npz(source):
    """@source: a path or bytes."""
    with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
        return {name.removesuffix('.npy'): parse(archive.read(name)) for name in archive.namelist()}


def save(path, array):
    header = f"{{'descr': '{array.dtype}', 'fortran_order': False, 'shape': {array.shape}, }}"
    header = header.ljust((len(header) + 10 + 1 + 63) // 64 * 64 - 10 - 1) + '\n'
    with open(path, 'wb') as file:
        file.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode())
        file.write(struct.pack(f'<{len(array.values)}{CODES[array.dtype]}', *array.values))


def unfilter(kind, row, above, step):
    """One scan line of the PNG specification, section 9."""
    for i, value in enumerate(row):
        a = row[i - step] if i >= step else 0
        b = above[i]
        c = above[i - step] if i >= step else 0
        p = a + b - c
        paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        row[i] = (value + [0, a, b, (a + b) // 2, paeth][kind]) & 255


def parse_png(data):
    """Pixels as an Array [height][width][channels], and the tEXt chunks."""
    assert data[:8] == b'\x89PNG\r\n\x1a\n', 'not a PNG'
    at, packed, text, header = 8, b'', {}, None
    while at < len(data):
        length, name = struct.unpack_from('>I4s', data, at)
        body = data[at + 8:at + 8 + length]
        assert zlib.crc32(name + body) == struct.unpack_from('>I', data, at + 8 + length)[0], 'checksum'
        if name == b'IHDR':
            header = struct.unpack('>IIBBBBB', body)
        elif name == b'IDAT':
            packed += body
        elif name == b'tEXt':
            key, value = body.split(b'\0', 1)
            text[key.decode('latin-1')] = value.decode('latin-1')
        at += 12 + length
    width, height, depth, color = header[:4]
    assert depth == 8
    channels = {0: 1, 4: 2, 2: 3, 6: 4}[color]
    raw, stride, rows = zlib.decompress(packed), width * channels, []
    above = bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        row = bytearray(raw[start + 1:start + 1 + stride])
        unfilter(raw[start], row, above, channels)
        rows.append(row)
        above = row
    return Array((height, width, channels), '|u1', b''.join(rows)), text


def load_png(path):
    with open(path, 'rb') as file:
        return parse_png(file.read())


def save_png(path, array, depth=8, chunks=()):
    """@array: [height][width][channels]; values of 16 bits with @depth 16. @chunks: (name, body) before the pixels."""
    height, width, channels = array.shape
    code = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    line = width * channels
    rows = b''.join(b'\0' + struct.pack(f">{line}{'H' if depth == 16 else 'B'}", *array.values[y * line:(y + 1) * line])
                    for y in range(height))
    header = struct.pack('>IIBBBBB', width, height, depth, code, 0, 0, 0)
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n')
        for name, body in [(b'IHDR', header), *chunks, (b'IDAT', zlib.compress(rows)), (b'IEND', b'')]:
            file.write(struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body)))
