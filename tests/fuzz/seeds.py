#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""seeds.py FOLDER: write inputs of every kind of each format into FOLDER/TARGET, for fuzzing to begin with.

The committed corpora are what `merge` left of these and of what was found from them.
"""
import gzip
import io
import json
import math
import os
import struct
import sys
import zipfile
import zlib

from large import LEGACY, archive, chunk, npy, tensor, text


def png_rows(width, height, bits, channels, interlaced):
    """Filtered rows of a picture, all five filters in turn."""
    passes = [(0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2)]
    out = b''
    for x0, dx, y0, dy in passes if interlaced else [(0, 1, 0, 1)]:
        columns = (width - x0 + dx - 1) // dx
        for y in range(y0, height, dy):
            if columns > 0:
                out += bytes([y % 5]) + bytes((x * 37 + y) % 256 for x in range((columns * bits * channels + 7) // 8))
    return out


def pngs():
    kinds = {0: (1, [1, 2, 4, 8, 16]), 2: (3, [8, 16]), 3: (1, [1, 2, 4, 8]), 4: (2, [8, 16]), 6: (4, [8, 16])}
    for color, (channels, depths) in kinds.items():
        for bits in depths:
            for interlaced in (0, 1):
                for transparent in (0, 1):
                    if transparent and color > 3:
                        continue
                    chunks = [chunk(b'IHDR', struct.pack('>IIBBBBB', 5, 9, bits, color, 0, 0, interlaced))]
                    if color == 3:
                        chunks.append(chunk(b'PLTE', bytes(range(3 * 2 ** min(bits, 4)))))
                    if transparent:
                        chunks.append(chunk(b'tRNS', {0: b'\0\1', 2: b'\0\1' * 3, 3: b'\0\x80'}[color]))
                    data = zlib.compress(png_rows(5, 9, bits, channels, interlaced))
                    chunks += [chunk(b'IDAT', data[:7]), chunk(b'IDAT', data[7:]), chunk(b'IEND', b'')]
                    yield f'{color}-{bits}-{interlaced}-{transparent}', b'\x89PNG\r\n\x1a\n' + b''.join(chunks)
    profile = b'\0' * 16 + b'CMYK' + b'\0' * 108
    extras = {'text': chunk(b'tEXt', b'ddim\0{"seed":1}'), 'ztext': chunk(b'zTXt', b'a\0\0' + zlib.compress(b'b\xe9')),
              'itext': chunk(b'iTXt', b'a\0\0\0\0\0' + 'ö'.encode()), 'itext-packed': chunk(b'iTXt', b'a\0\1\0de\0A\0' + zlib.compress(b'x')),
              'cmyk': chunk(b'iCCP', b'p\0\0' + zlib.compress(profile)), 'profile': chunk(b'iCCP', b'p\0\0x'),
              'unknown': chunk(b'NEWx', b''), 'bad-utf8': chunk(b'iTXt', b'a\0\0\0\0\0\xff'), 'two': chunk(b'tEXt', b'a\0b') * 2}
    for name, extra in extras.items():
        header = chunk(b'IHDR', struct.pack('>IIBBBBB', 2, 2, 8, 0, 0, 0, 0))
        data = chunk(b'IDAT', zlib.compress(png_rows(2, 2, 8, 1, 0)))
        yield name, b'\x89PNG\r\n\x1a\n' + header + extra + data + chunk(b'IEND', b'')
        yield name + '-behind', b'\x89PNG\r\n\x1a\n' + header + data + extra + chunk(b'IEND', b'')
    header, data = chunk(b'IHDR', struct.pack('>IIBBBBB', 2, 2, 8, 0, 0, 0, 0)), chunk(b'IDAT', zlib.compress(png_rows(2, 2, 8, 1, 0)))
    start, end = b'\x89PNG\r\n\x1a\n' + header, data + chunk(b'IEND', b'')
    yield 'many-texts', start + b''.join(chunk(b'tEXt', b'%d\0' % i) for i in range(40)) + end
    yield 'long-text', start + chunk(b'zTXt', b'a\0\0' + zlib.compress(bytes(3 << 20), 9)) + end
    yield 'large', b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 30000, 30000, 8, 2, 0, 0, 0)) + chunk(b'IDAT', b'') + chunk(b'IEND', b'')


TYPES = {'<f2': 2, '<f4': 4, '<f8': 8, '<i8': 8, '<i4': 4, '<i2': 2, '|i1': 1, '|u1': 1, '|b1': 1, '>f4': 4, '<u2': 2, '<c8': 8, '=f4': 4}


def npys():
    for descr, size in TYPES.items():
        for order in (False, True):
            yield f'{descr[1:]}-{order}-{descr[0] == ">"}', npy((2, 3), descr, order) + bytes(range(6 * size))
    yield 'scalar', npy((), '<f4') + b'\0' * 4
    yield 'nine', npy((1,) * 9) + b'\0' * 4
    yield 'large', npy((1 << 62, 4))
    yield 'huge', npy((1 << 32, 1 << 32, 4))
    yield 'short', npy((4,)) + b'\0'
    yield 'long', npy((1,)) + b'\0' * 9
    for version in (2, 3, 4):
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n"
        yield f'version{version}', b'\x93NUMPY' + bytes([version, 0]) + struct.pack('<I', len(header)) + header + b'\0' * 4
    for i, header in enumerate([b"{}", b"{'descr': '<f4'}", b"{'shape': (1,), 'descr': [('a','<f4')], 'fortran_order': False}", b"x", b"{'shape': 3, 'fortran_order': 0, 'descr': '<f4'}"]):
        yield f'bad{i}', b'\x93NUMPY\1\0' + struct.pack('<H', len(header)) + header


def npzs():
    for name, data in npys():
        yield name, archive([('c.npy', data)])
    array = npy((2, 3)) + b'\0' * 24
    yield 'deflated', archive([('c.npy', array), ('arr_0.npy', array)], zipfile.ZIP_DEFLATED)
    yield 'bare', archive([('c', array)])
    yield 'short', changed(archive([('c.npy', array)]), 24, '<I', 20)
    yield 'cut', changed(archive([('c.npy', array)], 8), 20, '<I', 40)
    yield 'expands', changed(archive([('c.npy', array)], 8), 24, '<I', 1 << 24)
    yield 'other', archive([('d.npy', array)])
    yield 'tiny', archive([('c.npy', b'\x93NU')])
    yield 'damaged', archive([('c.npy', array)]).replace(b'\0' * 24, b'\1' + b'\0' * 23, 1)
    yield 'bzip2', archive([('c.npy', array)], zipfile.ZIP_BZIP2)


def zip64(name, data):
    crc = zlib.crc32(data)
    extra = struct.pack('<HHQQ', 1, 16, len(data), len(data))
    local = struct.pack('<4sHHHHHIIIHH', b'PK\3\4', 45, 0, 0, 0, 0, crc, 0xffffffff, 0xffffffff, len(name), len(extra)) + name + extra + data
    extra = struct.pack('<HHB', 9, 1, 0) + struct.pack('<HHQQQ', 1, 24, len(data), len(data), 0)
    central = struct.pack('<4sHHHHHHIIIHHHHHII', b'PK\1\2', 45, 45, 0, 0, 0, 0, crc, 0xffffffff, 0xffffffff, len(name), len(extra), 0, 0, 0, 0, 0xffffffff) + name + extra
    end = struct.pack('<4sQHHIIQQQQ', b'PK\6\6', 44, 45, 45, 0, 0, 1, 1, len(central), len(local)) + struct.pack('<4sIQI', b'PK\6\7', 0, len(local) + len(central), 1)
    return local + central + end + struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0)


def zips():
    yield 'zip64', zip64(b'a', b'content')
    yield 'empty', archive([])
    for name, method in (('stored', 0), ('deflated', 8), ('bzip2', 12)):
        yield name, archive([('a', b'content' * 9), ('b/c', b'')], method)
    good = archive([('a', b'content' * 9)], 8)
    for name, old, new in (('encrypted', b'PK\1\2\x14\3\x14\0\0\0', b'PK\1\2\x14\3\x14\0\1\0'), ('comment', b'PK\5\6', b'PK\5\6'),
                           ('no-local', b'PK\3\4', b'PK\3\5'), ('other-name', b'\0a', b'\0b')):
        yield name, good.replace(old, new, 1)
    yield 'end-only', good[-22:]
    yield 'with-comment', good[:-2] + b'\3\0xyz'
    yield 'follows', good.replace(b'PK\3\4\x14\0\0\0', b'PK\3\4\x14\0\x08\0').replace(b'PK\1\2\x14\3\x14\0\0\0', b'PK\1\2\x14\3\x14\0\x08\0')
    yield 'zip64-short', zip64(b'a', b'content').replace(struct.pack('<HH', 1, 24), struct.pack('<HH', 1, 4))
    yield 'zip64-lost', zip64(b'a', b'content').replace(b'PK\6\6', b'PK\6\5')


def changed(data, at, code, value):
    """Numbers in the directory's first entry changed, at this distance from its beginning."""
    place = data.index(b'PK\1\2') + at
    return data[:place] + struct.pack(code, value) + data[place + struct.calcsize(code):]


def more_zips():
    stored, deflated = archive([('a', b'content' * 9)]), archive([('a', b'content' * 9)], 8)
    follows = changed(changed(deflated, 8, '<H', 8), 24, '<I', 1 << 19).replace(b'PK\3\4\x14\0\0\0', b'PK\3\4\x14\0\x08\0')
    yield 'expands', follows
    yield 'hardly', changed(follows, 24, '<I', 1)
    yield 'grows', changed(changed(archive([('a', os.urandom(2000))], 8), 8, '<H', 8), 24, '<I', 1).replace(b'PK\3\4\x14\0\0\0', b'PK\3\4\x14\0\x08\0')
    yield 'checksum', changed(stored, 16, '<I', 1)
    yield 'unknown-method', changed(stored, 10, '<H', 99)
    for at in (20, 24, 28, 30, 32, 42):
        yield f'changed{at}', changed(stored, at, '<H' if 28 <= at < 42 else '<I', 1000)
    yield 'many-bytes', zip64(b'a', b'content').replace(struct.pack('<QQ', 1, 1), struct.pack('<QQ', 1 << 40, 1 << 40))


KINDS = ['Float', 'Double', 'Half', 'BFloat16', 'Long', 'Int', 'Short', 'Char', 'Byte', 'Bool', 'Complex']
SIZES = [4, 8, 2, 2, 8, 4, 2, 1, 1, 1, 8]


def parameter(value):
    return b'ctorch._utils\n_rebuild_parameter\n(' + value + b'\x88ccollections\nOrderedDict\n)RtR'


def state_dicts():
    """Pickles of state dicts, each with the storages that it has."""
    two = tensor(b'0', 6, (2, 3), (3, 1))
    for kind, size in zip(KINDS, SIZES):
        yield kind, b'\x80\2}' + text(b'w') + two.replace(b'FloatStorage', kind.encode() + b'Storage') + b's.', [bytes(6 * size)]
    dict_of = b'ccollections\nOrderedDict\n)R(' + text(b'module.w') + two + text(b'module.v') + parameter(two) + text(b'n') + b'K\1' + b'u'
    yield 'parallel', b'\x80\2' + dict_of + b'}' + text(b'_metadata') + b'}sb.', [bytes(24)]
    yield 'strided', b'\x80\2}' + text(b'w') + tensor(b'0', 6, (3, 2), (1, 3)) + b's.', [bytes(range(24))]
    yield 'infinite', b'\x80\2}' + text(b'w') + two + b's.', [b'\0\0\x80\x7f' * 6]
    yield 'beyond', b'\x80\2}' + text(b'w') + tensor(b'0', 6, (3, 3), (3, 1)) + b's.', [bytes(24)]
    yield 'nine', b'\x80\2}' + text(b'w') + tensor(b'0', 6, (1,) * 9, (1,) * 9) + b's.', [bytes(24)]
    yield 'small', b'\x80\2}' + text(b'w') + two + b's.', [bytes(8)]
    yield 'lost', b'\x80\2}' + text(b'w') + tensor(b'7', 6, (1,), (1,)) + b's.', [bytes(24)]
    yield 'twice', b'\x80\2(' + (text(b'w') + two) * 2 + b'd.', [bytes(24)]
    yield 'repeats', b'\x80\2(' + b''.join(text(b'%d' % i) + tensor(b'0', 6, (255, 255, 255), (0, 0, 0)) for i in range(3)) + b'd.', [bytes(24)]
    for name in (b'ema', b'state_dict', b'other'):
        yield name.decode(), b'\x80\2}' + text(name) + b'}' + text(b'w') + two + b's' + b's.', [bytes(24)]
    yield 'several', b'\x80\2}' + b''.join(text(name) + b'}' + text(b'w') + two + b'ss' for name in (b'a', b'b')) + b'.', [bytes(24)]
    yield 'list', b'\x80\2]}a}' + text(b'w') + two + b'sa.', [bytes(24)]
    yield 'optimizer', b'\x80\2}' + text(b'state') + b'}s' + text(b'param_groups') + b']s.', [bytes(24)]
    yield 'number', b'\x80\2K\1.', []
    yield 'pairs', b'\x80\2ccollections\nOrderedDict\n](](' + text(b'w') + two + b'eea\x85R.', [bytes(24)]
    yield 'name', b'\x80\2}K\1' + two + b's.', [bytes(24)]
    yield 'control', b'\x80\2}' + text(b'a\n') + two + b's.', [bytes(24)]
    yield 'protocol0', b"(dS'w'\n" + two + b"sVx\nI01\nsVy\nL12L\nsVz\nF1.5\nsI00\nNs.", [bytes(24)]
    yield 'protocol4', b'\x80\4\x95\x09\0\0\0\0\0\0\0}\x94(\x8c\1w\x94' + two + b'\x8c\1a\x8c\1b\x93u.', [bytes(24)]
    every = (b'\x88\x89N' + b'K\1M\1\1J\xff\xff\xff\xff\x8a\1\xff\x8a\0\x8b\1\0\0\0\1\x8a\x09' + b'\1' * 9 + b'G' + b'\0' * 8 + b'I5\nI01\nL7L\nF2.5\nX\1\0\0\0aT\1\0\0\0aU\1aB\1\0\0\0aC\1a\x8c\1a' +
             b"\x8d\1\0\0\0\0\0\0\0a\x8e\1\0\0\0\0\0\0\0aS'a'\nVa\n)}]\x8f(N\x90N\x85NN\x86NNN\x87(Nl(NNd(N\x91]Na](Ne}NNs}(NNu" + b'20' + b'(01(1Np0\ng0\nq\1h\1r\2\0\0\0j\2\0\0\0\x94')
    yield 'every', b'\x80\2(' + every + b't.', []
    for i, bad in enumerate([b'N', b'0.', b't.', b'a.', b'NNs.', b'h\5.', b'g\n.', b'gx\n.', b'Ix\n.', b'NR.', b'Q.', b'NQ.', b'\x93.', b'NN\x93.', b'ios\nsystem\n.', b'cos\nsystem\n.',
                            b'(ccollections\nOrderedDict\n.', b'itorch\nFloatStorage\n.', b'ccollections\nOrderedDict\n(NNtR.', b'ccollections\nOrderedDict\n](Nae\x85R.', b'ctorch\nFloatStorage\n)R.',
                            b'ctorch._utils\n_rebuild_tensor_v2\n)R.', b'ctorch._utils\n_rebuild_parameter\n)R.', b'\xff', b'', b'X\xff\xff\xff\xff', b'I' + b'1' * 50 + b'\n', b'b.', b'Nb.', b'u.', b'e.', b']NNe.', b'(NNe.',
                            b'2.', b'1.', b'\x94.', b'q\1.', b'c\n', b'F', b'G\0', b'\x8a', b'\x8b\0', b'X', b'V', b'(((ttt.', b'}(Nu.', b'N(Na.']):
        yield f'bad{i}', b'\x80\2' + bad, []


DICT = b'ccollections\nOrderedDict\n'
STORAGE = [text(b'storage'), b'ctorch\nFloatStorage\n', text(b'0'), text(b'cpu'), b'K\6']


def called(name, *arguments):
    return b'ctorch._utils\n' + name + b'\n(' + b''.join(arguments) + b'tR'


def storage(*changes, more=()):
    """A persistent id; changes are pairs of a place and what stands there instead."""
    items = dict(enumerate(STORAGE)) | dict(changes)
    return b'(' + b''.join(items.values()) + b''.join(more) + b'tQ'


def arguments(*changes):
    items = dict(enumerate([storage(), b'K\0', b'K\2K\3\x86', b'K\3K\1\x86', b'\x89', DICT + b')R'])) | dict(changes)
    return list(items.values())


def objects():
    """Calls and persistent ids that are as they should be but for one thing."""
    v2, minus = b'_rebuild_tensor_v2', b'J\xff\xff\xff\xff'
    wrong = {f'argument{i}-{j}': called(v2, *arguments((i, bad))) for i in range(4) for j, bad in enumerate([b'N', b'K\1', minus, b')', b'K\7K\7K\7\x87'])}
    wrong |= {f'sizes{j}': called(v2, *arguments((2, bad))) for j, bad in enumerate([b'NK\3\x86', minus + b'K\3\x86', b'\x8a\x08' + b'\xff' * 7 + b'\x7fK\3\x86', b'(K\2K\3l'])}
    wrong |= {f'strides{j}': called(v2, *arguments((3, bad))) for j, bad in enumerate([b'NK\3\x86', minus + b'K\3\x86', b'\x8a\x08' + b'\xff' * 7 + b'\x7fK\1\x86'])}
    wrong |= {'offset': called(v2, *arguments((1, b'K\1'))), 'seven': called(v2, *arguments(), b'N'), 'eight': called(v2, *arguments(), b'NN'), 'five': called(v2, *arguments()[:5])}
    wrong |= {f'storage{i}-{j}': called(v2, *arguments((0, storage((i, bad))))) for i in range(5) for j, bad in enumerate([b'N', text(b'storags'), text(b'x' * 101), minus, DICT])}
    wrong |= {'four': called(v2, *arguments((0, b'(' + b''.join(STORAGE[:4]) + b'tQ'))), 'many': called(v2, *arguments((0, storage(more=[b'N', b'N']))))}
    for i, view in enumerate([b'K\1', b'K\1K\1\x86', text(b'a') + b'NK\1\x87', text(b'a') + b'K\1N\x87', text(b'a') + b'K\7K\0\x87', text(b'a') + b'K\0K\6\x87']):
        wrong[f'view{i}'] = called(v2, *arguments((0, storage(more=[view]))))
    wrong |= {'parameter': called(b'_rebuild_parameter', b'N'), 'parameters': called(b'_rebuild_parameter'), 'type': b'ctorch\nFloatStorage\n)R'}
    for name, value in wrong.items():
        yield name, b'\x80\2}' + text(b'w') + value + b's.', [bytes(24)]
    good = called(v2, *arguments())
    pair = b'(' + text(b'w') + good + b't'
    for i, pairs in enumerate([b'N', b'NN', b'](Ne', b'](N\x85e', b'](' + pair + b'e', b'(' + pair + b't', b']N', b'](' + pair * 2 + b'e', b')']):
        yield f'dict{i}', b'\x80\2' + DICT + b'(' + pairs + b'tR.', [bytes(24)]
    named = text(b'w') + good
    yield 'deep', b'\x80\2' + b''.join(b'}' + text(b'%d' % i) for i in range(7)) + b'}' + named + b's' * 8 + b'.', [bytes(24)]
    yield 'deep-model', b'\x80\2' + (b'}' + text(b'model')) * 6 + b'}' + named + b's' * 7 + b'.', [bytes(24)]
    yield 'in-model', b'\x80\2' + (b'}' + text(b'model')) * 2 + b'}' + named + b's' * 3 + b'.', [bytes(24)]
    yield 'itself', b'\x80\2}q\0' + text(b'model') + b'h\0s' + text(b'ema') + b'h\0s.', []
    yield 'same-twice', b'\x80\2}(' + text(b'a') + b'}' + named + b'sq\0' + text(b'b') + b'h\0u.', [bytes(24)]
    yield 'two-in-model', b'\x80\2}' + text(b'model') + b'}(' + text(b'a') + b'}' + named + b's' + text(b'b') + b'}' + named + b'sus.', [bytes(24)]
    yield 'barren', b'\x80\2}(' + text(b'model') + b'}q\0' + text(b'params') + b'h\0' + text(b'x') + b'h\0u.', []
    yield 'state-only', b'\x80\2}' + text(b'state') + b'}s.', []
    yield 'number-named', b'\x80\2}K\1}' + named + b'ss.', [bytes(24)]
    yield 'ill-named', b'\x80\2}' + text(b'\x1b') + b'}' + named + b'ss.', [bytes(24)]
    yield 'long-named', b'\x80\2}' + text(b'x' * 1001) + good + b's.', [bytes(24)]
    yield 'wrapped-twice', b'\x80\2}(' + text(b'module.w') + good + text(b'module.w') + good + b'u.', [bytes(24)]
    yield 'found-twice', b'\x80\2}(' + text(b'a.time_embed.0.weight') + good + text(b'time_embed.0.bias') + good + text(b'a.time_embed.0.bias') + good + b'u.', [bytes(24)]
    yield 'half', b'\x80\2}' + text(b'w') + good.replace(b'FloatStorage', b'DoubleStorage') + b's.', [struct.pack('<d', 1e5) * 6]
    yield 'damaged-infinite', b'\x80\2}' + text(b'w') + good + b's.', [b'\0\0\x80\x7f' * 6]


def hungry():
    """Pickles that ask for memory over and over, each kind until there is no more. Deflated they are small."""
    memo = b'\x80\2' + DICT + b'q\0)q\1ctorch._utils\n_rebuild_tensor_v2\nq\2(' + b''.join(arguments()) + b'tq\3(' + b''.join(STORAGE) + b'tq\4(NNNNNNNNtq\5](N\x85q\6' + b'000000'
    kinds = {'dict': b'h\0h\1R0', 'tensor': b'h\2h\3R0', 'storage': b'h\4Q0', 'list': b']0', 'marks': b'(', 'number': b'K\0', 'text': b'U\0', 'float': b'G' + bytes(8),
             'tuple': b'NN\x860', 'collect': b'(NNNt0', 'memo': b'h\1\x94', 'long': b'\x8a\0'}
    for name, code in kinds.items():
        yield 'hungry-' + name, memo + code * (24 * 2 ** 20 // (24 if name != 'tensor' else 72))


def storage_views():
    view = text(b'a') + b'K\1K\2\x87'
    first = tensor(b'0', 6, (2,), (1,)).replace(b'J\6\0\0\0t', b'J\6\0\0\0' + view + b't')
    yield 'view', b'\x80\2}' + text(b'w') + first + b's.', [bytes(24)]
    yield 'no-view', b'\x80\2}' + text(b'w') + tensor(b'0', 6, (2,), (1,)).replace(b'J\6\0\0\0t', b'J\6\0\0\0Nt') + b's.', [bytes(24)]
    yield 'bad-view', b'\x80\2}' + text(b'w') + first.replace(b'K\2\x87', b'K\7\x87') + b's.', [bytes(24)]


def pts():
    for name, pickle, storages in [*state_dicts(), *storage_views(), *objects()]:
        entries = [('a/data.pkl', pickle)] + [(f'a/data/{i}', data) for i, data in enumerate(storages)]
        yield 'zip-' + name, archive(entries)
        yield 'deflated-' + name, archive(entries, zipfile.ZIP_DEFLATED)
        counts = b''.join(struct.pack('<Q', 6) + data for data in storages)
        keys = b'\x80\2](' + b''.join(text(b'%d' % i) for i in range(len(storages))) + b'e.'
        yield 'legacy-' + name, LEGACY + pickle + keys + counts
    for name, pickle in hungry():
        yield name, archive([('a/data.pkl', pickle)], zipfile.ZIP_DEFLATED)
    good = [('a/data.pkl', b'\x80\2}' + text(b'w') + tensor(b'0', 6, (2, 3), (3, 1)) + b's.'), ('a/data/0', bytes(24))]
    yield 'little', archive(good + [('a/byteorder', b'little')])
    yield 'big', archive(good + [('a/byteorder', b'big')])
    yield 'long-order', archive(good + [('a/byteorder', b'x' * 200)])
    yield 'byte-orders', archive(good + [('a/byteorder2', b'')])
    yield 'short-name', archive(good + [('a', b'')])
    yield 'page', b'<!DOCTYPE html>'
    yield 'pointer', b'version https://git-lfs.github.com/spec/v1'
    yield 'gzip', b'\x1f\x8b\x08\0\0\0\0\0\0'
    yield 'two-pickles', archive(good + [('b/data.pkl', b'}.')])
    yield 'two-storages', archive(good + [('a/data/0', b'')])
    yield 'no-pickle', archive([('a/x', b'')])
    yield 'bare', archive([('data.pkl', b'}.')])
    yield 'damaged', archive(good).replace(bytes(24), b'\1' + bytes(23), 1)
    for i, start in enumerate([LEGACY.replace(b'\xe9\3', b'\xe8\3'), LEGACY.replace(b'\x88s', b'\x89s'), LEGACY.replace(b'little', b'middle'), LEGACY[:15], LEGACY[:5], LEGACY + b'}.](X\1\0\0\0' + b'0X\1\0\0\0' + b'0e.', b'x' * 20, b'', LEGACY + b'}.N.', LEGACY + b'}.](Ne.', LEGACY + b'}.](X\1\0\0\x000e.',
                              LEGACY + b'\x80\2}' + text(b'w') + tensor(b'0', 6) + b's.](X\1\0\0\x000e.', LEGACY + b'\x80\2}' + text(b'w') + tensor(b'0', 6) + b's.](X\1\0\0\x000e.' + b'\xff' * 8,
                              LEGACY + b'\x80\2}' + text(b'w') + tensor(b'0', 6) + text(b'v') + tensor(b'0', 6).replace(b'Float', b'Half') + b'us.]' + b'.']):
        yield f'legacy{i}', start


def header(members, data=b''):
    body = members if isinstance(members, bytes) else json.dumps(members).encode()
    return struct.pack('<Q', len(body)) + body + data


def safetensors():
    for kind, size in dict(F64=8, F32=4, F16=2, BF16=2, I64=8, I32=4, I16=2, I8=1, U8=1, BOOL=1, F8_E4M3=1).items():
        yield kind, header({'w': {'dtype': kind, 'shape': [2, 3], 'data_offsets': [0, 6 * size]}, '__metadata__': {'format': 'pt'}}, bytes(6 * size))
    w = {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}
    for i, bad in enumerate([{'w': 1}, {'w': {}}, {'w': w | {'dtype': 1}}, {'w': w | {'shape': 1}}, {'w': w | {'shape': [-1]}}, {'w': w | {'shape': ['a']}}, {'w': w | {'shape': [1] * 9}},
                            {'w': w | {'data_offsets': [0]}}, {'w': w | {'data_offsets': [4, 0]}}, {'w': w | {'data_offsets': [0, 400]}}, {'w': w | {'shape': [2]}}, {'w': w, 'v': w},
                            {'__metadata__': 1}, {'__metadata__': {'a': 1}}, {'w': w | {'more': 1}}, {'w\n': w}, [], {'w': w | {'more': {'a': 1}}}]):
        yield f'bad{i}', header(bad, bytes(4))
    yield 'twice', header(b'{"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}')
    yield 'long', struct.pack('<Q', 1 << 40) + b'{}'
    yield 'infinite', header({'w': w}, b'\0\0\x80\x7f')
    yield 'half', header({'w': {'dtype': 'F64', 'shape': [1], 'data_offsets': [0, 8]}}, struct.pack('<d', 1e300))


UNET = {'_class_name': 'UNet2DModel', 'sample_size': 8, 'in_channels': 3, 'out_channels': 3, 'layers_per_block': 1, 'block_out_channels': [32, 64],
        'down_block_types': ['DownBlock2D', 'AttnDownBlock2D'], 'up_block_types': ['AttnUpBlock2D', 'UpBlock2D'], 'norm_num_groups': 32, 'norm_eps': 1e-5, 'act_fn': 'silu',
        'attention_head_dim': 8, 'flip_sin_to_cos': False, 'freq_shift': 1, 'downsample_padding': 0, 'center_input_sample': False, 'time_embedding_type': 'positional',
        'mid_block_scale_factor': 1, 'add_attention': True, 'resnet_time_scale_shift': 'default', 'num_class_embeds': None, 'class_embed_type': None}
SCHEDULER = {'_class_name': 'DDPMScheduler', 'num_train_timesteps': 20, 'beta_start': 1e-4, 'beta_end': 0.02, 'beta_schedule': 'linear', 'trained_betas': None, 'clip_sample': True,
             'prediction_type': 'epsilon', 'variance_type': 'fixed_small', 'thresholding': False, 'timestep_spacing': 'leading', 'steps_offset': 0, 'rescale_betas_zero_snr': False,
             'solver_order': 2, 'algorithm_type': 'dpmsolver++', 'solver_type': 'midpoint', 'lower_order_final': True, 'use_karras_sigmas': False, 'set_alpha_to_one': True, 'skip_prk_steps': True,
             'final_sigmas_type': 'zero', 'sample_max_value': 1, 'dynamic_thresholding_ratio': 0.995, 'clip_sample_range': 1, 'lambda_min_clipped': -5, 'euler_at_final': False, 'interpolation_type': 'linear'}
WRONG = [None, True, False, 0, -1, 1, 2, 3, 1.5, 1e308, 1 << 40, '', 'a', 'cosine', [], [1], ['a'], [0, 1], {}, [32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32]]
CLASSES = ['DDPM', 'DDIM', 'PNDM', 'EulerDiscrete', 'EulerAncestralDiscrete', 'HeunDiscrete', 'LMSDiscrete', 'DPMSolverMultistep', 'DPMSolverSinglestep', 'UniPCMultistep', 'DEISMultistep', 'KDPM2Discrete', 'ScoreSdeVe', 'CMStochasticIterative',
           'EDMEuler', 'EDMDPMSolverMultistep', 'KarrasVe']
WORDS = {'beta_schedule': ['linear', 'scaled_linear', 'squaredcos_cap_v2', 'sigmoid', 'exp'], 'prediction_type': ['epsilon', 'sample', 'v_prediction'],
         'variance_type': ['fixed_small', 'fixed_small_log', 'fixed_large', 'fixed_large_log', 'learned', 'learned_range'], 'timestep_spacing': ['leading', 'trailing', 'linspace'],
         'algorithm_type': ['dpmsolver', 'dpmsolver++', 'sde-dpmsolver', 'sde-dpmsolver++', 'deis'], 'solver_type': ['midpoint', 'heun', 'bh1', 'bh2', 'logrho'], 'final_sigmas_type': ['zero', 'sigma_min'],
         'trained_betas': [[0.1] * 20, [2], []], 'num_train_timesteps': [1, 2, 1000, 100000], 'time_embedding_type': ['fourier'], 'resnet_time_scale_shift': ['scale_shift'],
         'class_embed_type': ['timestep', 'identity'], 'down_block_types': [['ResnetDownsampleBlock2D', 'DownBlock2D'], ['SkipDownBlock2D', 'x']], 'up_block_types': [['UpBlock2D', 'ResnetUpsampleBlock2D']],
         'block_out_channels': [[32], [33, 64], [0, 0], [32, 64, 96]], 'act_fn': ['swish', 'gelu'], 'num_class_embeds': [10]}


def diffusers():
    for name in CLASSES:
        for key in ('prediction_type', 'timestep_spacing'):
            for word in WORDS[key]:
                yield f'{name}-{word}', json.dumps(SCHEDULER | {'_class_name': name + 'Scheduler', key: word}).encode()
    for base, what in ((UNET, 'unet'), (SCHEDULER, 'scheduler')):
        yield what, json.dumps(base).encode()
        for key in base:
            for i, value in enumerate(WRONG + WORDS.get(key, [])):
                yield f'{what}-{key}-{i}', json.dumps(base | {key: value}).encode()
            yield f'{what}-no-{key}', json.dumps({k: v for k, v in base.items() if k != key}).encode()
    yield 'index', b'{"metadata":{},"weight_map":{"a":"a.bin","b":"a.bin","c":"b.safetensors"}}'
    for i, bad in enumerate(['../a.bin', '.a.bin', 'a.txt', 1, 'a' * 300 + '.bin', '']):
        yield f'index{i}', json.dumps({'weight_map': {'a': bad}}).encode()
    yield 'map', b'{"weight_map":1}'
    for i, unet in enumerate([['diffusers', 'UNet2DModel'], ['diffusers', 'Other'], ['diffusers', None], 1, ['a']]):
        yield f'model{i}', json.dumps({'_class_name': 'DDPMPipeline', 'unet': unet, 'scheduler': ['diffusers', 'DDPMScheduler'], 'size': [1, 2] if i == 3 else 1}).encode()
    yield 'vae', b'{"unet":["diffusers","UNet2DModel"],"vae":["diffusers","AutoencoderKL"]}'
    yield 'no-vae', b'{"unet":["diffusers","UNet2DModel"],"vae":[null,null]}'


SMALL_UNET = UNET | {'block_out_channels': [4], 'down_block_types': ['DownBlock2D'], 'up_block_types': ['UpBlock2D'], 'norm_num_groups': 2, 'attention_head_dim': 4, 'sample_size': [8, 16]}


def block_unet(channels=4, names=('to_q', 'to_k', 'to_v', 'to_out.0')):
    """Names and shapes of SMALL_UNET: one level of one block."""
    c, shapes = channels, {'conv_in': (channels, 3, 3, 3), 'time_embedding.linear_1': (4 * channels, channels), 'time_embedding.linear_2': (4 * channels, 4 * channels)}
    for block, inside in (('down_blocks.0.resnets.0', c), ('mid_block.resnets.0', c), ('mid_block.resnets.1', c), ('up_blocks.0.resnets.0', 2 * c), ('up_blocks.0.resnets.1', 2 * c)):
        shapes |= {block + '.norm1': (inside,), block + '.conv1': (c, inside, 3, 3), block + '.time_emb_proj': (c, 4 * c), block + '.norm2': (c,), block + '.conv2': (c, c, 3, 3)}
        if inside != c:
            shapes[block + '.conv_shortcut'] = (c, inside, 1, 1)
    shapes |= {'mid_block.attentions.0.group_norm': (c,)} | {f'mid_block.attentions.0.{name}': (c, c) for name in names}
    shapes |= {'conv_norm_out': (c,), 'conv_out': (3, c, 3, 3)}
    return {f'{name}.{part}': shape if part == 'weight' else shape[:1] for name, shape in shapes.items() for part in ('weight', 'bias')}


def header_of(shapes):
    """A safetensors file of zeros."""
    at, members = 0, {}
    for name, shape in shapes.items():
        size = 4 * math.prod(shape)
        members[name] = {'dtype': 'F32', 'shape': list(shape), 'data_offsets': [at, at + size]}
        at += size
    return header(members, bytes(at))


def configs():
    """Published networks and small ones, with what is said of them."""
    lists = gzip.open(os.path.join(os.path.dirname(__file__), '../data/architectures.txt.gz'), 'rt').read().split('= ')
    networks = dict(part.split('\n', 1) for part in lists if part)
    pictures = ['', '--num_head_channels 32', '--num_heads_upsample 2', '--attention_resolutions 8,4 --image_size 32', '--image_size 7', '--noise_schedule cosine --image_size 16 --diffusion_steps 100 --num_heads 1', '--class_cond True', '--in_channels 4']
    for name, flags in {'one-level': pictures, 'no-attention': pictures, 'gray-sigma': pictures, 'superres-gray': ['--small_size 32 --large_size 64', '--image_size 64', '--large_size 63'], '64x64_diffusion': ['', '--image_size 128'], 'classifier-conv': ['', '--classifier_pool spatial', '--classifier_width 4', '--image_size 64'],
                        '64x64_classifier': ['', '--image_size 32'], 'classifier-spatial': [''], 'classifier-spatial2': ['--classifier_depth 9']}.items():
        for i, words in enumerate(flags):
            yield f'{name}-{i}', f'{words}\n{networks[name]}'.encode()
    for i, said in enumerate(['name n', 'name ', 'class_names ["a"]', 'class_names [1]', 'class_names {}', 'image_size 4096', 'attention_resolutions 1', 'num_heads x']):
        yield f'said{i}', f'\n{networks["one-level"]}@{said}\n'.encode()
    yield 'names', ('\n' + networks['classifier-conv'] + '@class_names ["a","b"]\n').encode()
    small = ''.join(f'{name} {" ".join(map(str, shape))}\n' for name, shape in block_unet().items())
    old = ''.join(f'{name} {" ".join(map(str, shape))}\n' for name, shape in block_unet(names=('query', 'key', 'value', 'proj_attn')).items())
    unets = [SMALL_UNET, SMALL_UNET | {'sample_size': 8}, SMALL_UNET | {'sample_size': None}, SMALL_UNET | {'attention_head_dim': None}, SMALL_UNET | {'out_channels': 6}, SMALL_UNET | {'in_channels': 5}, SMALL_UNET | {'num_class_embeds': 2}, SMALL_UNET | {'class_embed_type': 'identity'},
             SMALL_UNET | {'add_attention': False}, SMALL_UNET | {'attn_norm_num_groups': 3}, SMALL_UNET | {'up_block_types': ['AttnUpBlock2D']}, SMALL_UNET | {'down_block_types': ['UNetResDownBlock2D']}]
    schedulers = [SCHEDULER, SCHEDULER | {'beta_schedule': 'squaredcos_cap_v2'}, SCHEDULER | {'beta_start': 0.005, 'beta_end': 1}, SCHEDULER | {'_class_name': 'DDIMScheduler', 'prediction_type': 'sample'}, SCHEDULER | {'_class_name': 'x'}, SCHEDULER | {'variance_type': 'learned_range'}, SCHEDULER | {'num_train_timesteps': 1000}]
    for i, unet in enumerate(unets):
        yield f'unet{i}', f'\n{small}@unet_config {json.dumps(unet)}\n'.encode()
    for i, scheduler in enumerate(schedulers):
        yield f'scheduler{i}', f'--eta 1\n{small}@unet_config {json.dumps(SMALL_UNET)}\n@scheduler_config {json.dumps(scheduler)}\n'.encode()
    yield 'flagged', f'--image_size 16 --noise_schedule linear\n{small}@unet_config {json.dumps(SMALL_UNET)}\n@scheduler_config {json.dumps(SCHEDULER)}\n'.encode()
    yield 'old-names', f'\n{old}@unet_config {json.dumps(SMALL_UNET)}\n'.encode()
    yield 'no-unet', f'\n{small}'.encode()


def flags():
    for i, line in enumerate(['--eta .5', '--eta -.5', '--eta -1', '--lr -.1', 'MODEL_FLAGS="--num_channels 4" DIFFUSION_FLAGS="A_FLAGS=B_FLAGS=1"', '--classifier_width 4 --classifier_pool spatial --classifier_depth 2', '--classifier_attention_resolutions 8,4']):
        yield f'line{i}', line.encode()


def folders():
    small = header({'w': {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}}, bytes(4))
    other = header({'v': {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}}, bytes(4))
    index = json.dumps({'weight_map': {'w': 'diffusion_pytorch_model-1.safetensors', 'v': 'diffusion_pytorch_model-2.safetensors'}}).encode()
    model = b'{"unet":["diffusers","UNet2DModel"],"scheduler":["diffusers","DDPMScheduler"]}'
    unet, scheduler = json.dumps(UNET).encode(), json.dumps(SCHEDULER).encode()
    base, place = {'model_index.json': model, 'unet/config.json': unet, 'scheduler/scheduler_config.json': scheduler}, 'unet/diffusion_pytorch_model'
    shards = {place + '.safetensors.index.json': index, place + '-1.safetensors': small, place + '-2.safetensors': other}
    torch = archive([('a/data.pkl', b'\x80\2}' + text(b'w') + tensor(b'0', 1, (1,), (1,)) + b's.'), ('a/data/0', bytes(4))])
    kinds = {'whole': base | {place + '.safetensors': small}, 'torch': base | {place + '.bin': torch}, 'shards': base | shards,
             'shard-lost': base | {k: v for k, v in shards.items() if '-2' not in k}, 'shard-wrong': base | shards | {place + '-2.safetensors': small},
             'tensor-lost': base | shards | {place + '.safetensors.index.json': index.replace(b'"v"', b'"u"')}, 'no-weights': base, 'no-config': {'model_index.json': model},
             'bin-shards': base | {place + '.bin.index.json': b'{"weight_map":{"w":"diffusion_pytorch_model-1.bin"}}', place + '-1.bin': torch},
             'bad-index': base | {'model_index.json': b'{"unet":1}', place + '.safetensors': small}, 'bad-text': base | {'unet/config.json': b'\xff', place + '.safetensors': small},
             'bad-weights': base | {place + '.safetensors': b'x'}, 'empty': base | {place + '.safetensors': b''}, 'no-scheduler': {'unet/config.json': unet, place + '.safetensors': small},
             'bad-map': base | {place + '.safetensors.index.json': b'['}, 'list': base | {'model_index.json': b'[]'}}
    plain = {'config.json': unet, 'diffusion_pytorch_model.safetensors': small}
    bare = {'unet/config.json': unet}
    kinds |= {'plain': plain, 'plain-scheduler': plain | {'scheduler_config.json': scheduler}, 'half': bare | {place + '.fp16.safetensors': small}, 'version': {'refs/main': b'0a\n', 'snapshots/0a/config.json': unet, 'snapshots/0a/diffusion_pytorch_model.safetensors': small},
              'no-version': {'refs/main': b''} | plain, 'ill-version': {'refs/main': b'../x'} | plain, 'long-version': {'refs/main': b'0' * 101} | plain, 'lost-version': {'refs/main': b'0b'} | plain, 'pipe-version': {'refs/main|': b''} | plain,
              'pipe-index': base | {'model_index.json|': b''}, 'pipe-config': {'unet/config.json|': b'', place + '.safetensors': small}, 'pipe-map': bare | {place + '.safetensors.index.json|': b''}, 'pipe-weights': bare | {place + '.safetensors|': b''},
              'pipe-scheduler': {'unet/config.json': unet, 'scheduler/scheduler_config.json|': b'', place + '.safetensors': small}, 'folder-config': {'unet/config.json/': b''} | plain, 'folder-shard': bare | shards | {place + '-2.safetensors': None, place + '-2.safetensors/': b''},
              'nul': {'unet/config.json': b'{\0}', place + '.safetensors': small}, 'twice': bare | {place + '.safetensors': header({'module.a.time_embed.0.weight': {'dtype': 'F32', 'shape': [1], 'data_offsets': [0, 4]}, 'module.time_embed.0.weight': {'dtype': 'F32', 'shape': [1], 'data_offsets': [4, 8]}}, bytes(8))},
              'other-suffix': bare | {place + '.bin.index.json': b'{"weight_map":{}}', place + '-1.safetensors': small, place + '-1.bin': torch}}
    whole = header_of(block_unet())
    for name, more in {'network': {}, 'sidecar': {'../model.json': b'{"name":"n","class_names":["a"]}'}, 'bad-sidecar': {'../model.json': b'['}, 'no-sidecar': {'../model.json': b''}, 'pipe-sidecar': {'../model.json|': b''}, 'unnamed': {'../model.json': b'{"name":"","description":"d","license":"l"}'},
                       'sidecar-of-weights': {'unet/diffusion_pytorch_model.json': b'{"image_size":8,"x":1}'}}.items():
        kinds['whole-' + name] = {'model_index.json': model, 'unet/config.json': json.dumps(SMALL_UNET).encode(), 'scheduler/scheduler_config.json': scheduler, place + '.safetensors': whole} | more
    kinds = {name: {file: content for file, content in files.items() if content is not None} for name, files in kinds.items()}
    for name, files in kinds.items():
        yield name, b'\n'.join(b'== ' + file.encode() + b'\n' + content for file, content in files.items())


def texts():
    yield 'all', json.dumps({'image_size': 64, 'num_classes': 2, 'class_names': ['a', 'b'], 'name': 'n', 'description': 'd', 'license': 'l', 'learn_sigma': True, 'channel_mult': '1,2', 'attention_resolutions': [16, 8], 'eta': 0.5}).encode()
    for i, value in enumerate(WRONG + ['1,2', '-', '64', 'true', {'a': 1}, 1e-300, ['a', 'b'], [1, 2], [None]]):
        for key in ('image_size', 'class_names', 'name', 'learn_sigma', 'channel_mult', 'diffusion_steps', 'unknown', 'imagesize', 'noise_schedule', 'eta', 'timestep_respacing', 'attention_resolutions'):
            yield f'{key}-{i}', json.dumps({key: value}).encode()
    for i, bad in enumerate([b'{"a" 1}', b'\0', b'"\\\0"', b'-x', b'', b'{', b'[', b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'[1', b'[1,', b'{a:1}', b'tru', b'-', b'01', b'1.', b'1e', b'1e+', b'1E-5', b'"\\', b'"\\x"', b'"\\u12', b'"\\u0000"', b'"\\ud800"', b'"\\ud800\\u0041"', b'"\\udc00"',
                            b'"\\ud83d\\ude00"', b'"\1"', b'"', b'\xff', b'1 2', b'[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1', b'99999999999999999999', b'{} x', b'\n\n\nx', b'[]', b'1', b'null', b'"a"', b'{"a":1]', b'[1}', b'"\\n\\t\\/\\"\\\\\\b\\f\\r"', b'[1.5e3,-0,0.5,{},[]]', b'"\\ud83dx"']):
        yield f'text{i}', bad


def requests():
    yield from texts()
    for i, value in enumerate([{'bytes': 'a\\377'}, {'bytes': 1}, {'bytes': None}, {'bytes': 'a', 'b': 1}, {'bytes': 'a\\012b'}, {'b': 'a'}]):
        yield f'bytes{i}', json.dumps({'prompt': value, 'model': value, 'image': value}).encode()
        yield f'bytes-model{i}', json.dumps({'model': value}).encode()
    for i, size in enumerate(['1x2x3', '1x2', '64', 'x', '1x', 64, [1]]):
        yield f'size{i}', json.dumps({'size': size}).encode()
    for i, number in enumerate([0.1, 1 / 3, 0.30000000000000004]):
        yield f'number{i}', json.dumps({'eta': number}).encode()
    for name in os.environ.get('DDIM_OPTIONS', 'model class seed size steps sampler eta cfg count batch width height clip command strength mask image prompt device init-noise rng shard class-map class-colors grid').split():
        for i, value in enumerate(WRONG + ['generate', 'inpaint', 'upscale', 'ddim', 'ddpm', "a'b", 'a\n\x1b', '64x64']):
            yield f'{name}-{i}', json.dumps({name: value}).encode()


SEEDS = {'config': configs, 'flags': flags, 'png': pngs, 'npy': npys, 'npz': npzs, 'zip': lambda: [*zips(), *more_zips()], 'pt': pts, 'safetensors': safetensors, 'diffusers': diffusers, 'folder': folders, 'json': texts, 'request': requests}


def main(folder):
    for target, seeds in SEEDS.items():
        place = os.path.join(folder, target)
        os.makedirs(place, exist_ok=True)
        for name, data in seeds():
            with open(os.path.join(place, name.replace('/', '_')), 'wb') as file:
                file.write(data)


if __name__ == '__main__':
    main(sys.argv[1])
