#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""large.py TARGET PROGRAM: run a fuzz target on inputs made to fill the memory, and speak TAP.

They are too large, or too regular, for a corpus: what costs most memory per byte of each format, repeated. The target itself
asserts its bound.
"""
import io
import os
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib

MIB = 1 << 20


def chunk(name, data):
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))


def png(*texts, size=(1, 1)):
    header = struct.pack('>IIBBBBB', *size, 1, 0, 0, 0, 0)
    rows = zlib.compress((b'\0' + b'\0' * ((size[0] + 7) // 8)) * size[1], 9)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + b''.join(texts) + chunk(b'IDAT', rows) + chunk(b'IEND', b'')


def png_inputs():
    much = zlib.compress(b'\xe9' * (MIB - 16), 9)
    yield 'inflated texts', png(*(chunk(b'zTXt', b'%d\0\0' % i + much) for i in range(100)))
    yield 'inflated UTF-8', png(*(chunk(b'iTXt', b'%d\0\1\0\0\0' % i + zlib.compress(b'\xff' * (MIB - 16))) for i in range(100)))
    yield 'long texts', png(*(chunk(b'tEXt', b'%d\0' % i + b'\xe9' * (MIB - 16)) for i in range(100)))
    yield 'many texts', png(*(chunk(b'tEXt', b'%d\0' % i) for i in range(100000)))
    yield 'many chunks', png(*(chunk(b'gAMA', b'\0\0\1\0') for _ in range(200000)))
    yield 'large picture', png(size=(30000, 30000))


def archive(entries, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w', method) as file:
        for name, data in entries:
            file.writestr(name, data)
    return out.getvalue()


def many_entries(first, n):
    """An archive whose directory lists n entries that all lie at the same place."""
    one = archive([first])
    at = one.index(b'PK\1\2')
    records = bytearray()
    for i in range(n):
        name = b'a/data/%d' % i
        records += one[at:at + 28] + struct.pack('<H', len(name)) + b'\0' * 12 + struct.pack('<I', 0) + name
    directory = one[at:one.index(b'PK\5\6')] + bytes(records)
    return one[:at] + directory + struct.pack('<4sQHHIIQQQQ', b'PK\6\6', 44, 0x002d, 45, 0, 0, n + 1, n + 1, len(directory), at) + \
        struct.pack('<4sIQI', b'PK\6\7', 0, at + len(directory), 1) + \
        struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, 0xffff, 0xffff, 0xffffffff, 0xffffffff, 0)


def text(value):
    return b'X' + struct.pack('<I', len(value)) + value


def tensor(key, count, shape=(0,), stride=(0,)):
    sizes = [b'(' + b''.join(b'K%c' % n for n in numbers) + b't' for numbers in (shape, stride)]
    return b'ctorch._utils\n_rebuild_tensor_v2\n((' + text(b'storage') + b'ctorch\nFloatStorage\n' + text(key) + text(b'cpu') + \
        b'J' + struct.pack('<i', count) + b'tQK\0' + sizes[0] + sizes[1] + b'\x89ccollections\nOrderedDict\n)RtR'


def pickles(n):
    """Pickles that cost much, of about n bytes."""
    yield 'Nones', b'\x80\2(' + b'N' * n + b't.'
    yield 'empty dicts', b'\x80\2(' + b'}' * n + b't.'
    yield 'copies', b'\x80\2(N' + b'2' * n + b't.'
    yield 'memo', b'\x80\2N' + b'\x94' * n + b'.'
    yield 'marks', b'\x80\2' + b'(' * n + b'.'
    yield 'integers', b'\x80\2(' + b'K\0' * (n // 2) + b't.'
    yield 'tuples', b'\x80\2' + b')' * n + b'.'
    yield 'grown list', b'\x80\2]' + b'(NNNNNNNNNNNNNNNe' * (n // 17) + b'.'
    names = b''.join(text(b'%x' % i) + b'h\0' for i in range(n // 12))
    yield 'one tensor of many names', b'\x80\2' + tensor(b'0', 0) + b'q\0' + b'0}(' + names + b'u.'
    yield 'many tensors', b'\x80\2}(' + b''.join(text(b'%x' % i) + tensor(b'0', 0) for i in range(n // 150)) + b'u.'


LEGACY = b'\x80\2\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\2M\xe9\3.\x80\2}' + text(b'little_endian') + b'\x88s.'


def pt_inputs():
    for n in (MIB // 2, 8 * MIB):
        for name, pickle in pickles(n):
            yield f'legacy, {n} bytes: {name}', LEGACY + pickle + b'\x80\2]' + text(b'0') + b'a.' + b'\0' * 8
            yield f'zip, {n} bytes: {name}', archive([('a/data.pkl', pickle), ('a/data/0', b'')])
            yield f'deflated, {n} bytes: {name}', archive([('a/data.pkl', pickle), ('a/data/0', b'')], zipfile.ZIP_DEFLATED)
    for count in (4 * MIB, 32 * MIB):
        dicts = b'\x80\2}(' + b''.join(text(b'%d' % i) + tensor(b'%d' % i, count // 4, (1,), (1,)) for i in range(8)) + b'u.'
        yield f'8 deflated storages of {count}', archive([('a/data.pkl', dicts)] + [(f'a/data/{i}', b'\0' * count) for i in range(8)],
                                            zipfile.ZIP_DEFLATED)
    yield 'many entries', many_entries(('a/data.pkl', b'}.'), 400000)


def json_texts(n):
    yield 'arrays', b'[' + b'[],' * (n // 3) + b'[]]'
    yield 'numbers', b'[' + b'1,' * (n // 2) + b'1]'
    yield 'texts', b'[' + b'"",' * (n // 3) + b'""]'
    yield 'one text', b'["' + b'a' * n + b'"]'
    yield 'escapes', b'["' + b'\\u0001' * (n // 6) + b'"]'
    yield 'members', b'{' + b','.join(b'"%x":0' % i for i in range(n // 9)) + b'}'
    yield 'objects', b'[' + b'{"":0},' * (n // 7) + b'{}]'
    yield 'class names', b'{"class_names":[' + b'"a",' * (n // 4) + b'"a"]}'
    yield 'weight_map', b'{"weight_map":{' + b','.join(b'"%x":"a.bin"' % i for i in range(n // 15)) + b'}}'
    yield 'betas', b'{"_class_name":"DDPMScheduler","trained_betas":[' + b'1,' * (n // 2) + b'1]}'


def all_json():
    for n in (MIB // 2, 4 * MIB):
        for name, value in json_texts(n):
            yield f'{n} bytes: {name}', value


def safetensors_inputs():
    for n in (MIB // 2, 4 * MIB):
        for name, value in list(json_texts(n)) + [
                ('tensors', b'{' + b','.join(b'"%x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % i for i in range(n // 54)) + b'}'),
                ('metadata', b'{"__metadata__":{' + b','.join(b'"%x":""' % i for i in range(n // 10)) + b'}}')]:
            yield f'{n} bytes: {name}', struct.pack('<Q', len(value)) + value


def npy(shape, descr='<f4', order=False):
    header = ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (descr, order, shape)).encode()
    header += b' ' * (-(len(header) + 11) % 64) + b'\n'
    return b'\x93NUMPY\1\0' + struct.pack('<H', len(header)) + header


def npz_inputs():
    yield 'many entries', many_entries(('c.npy', npy((0,))), 400000)
    for n in (MIB, 32 * MIB):
        yield f'{n} deflated numbers', archive([('c.npy', npy((n,)) + b'\0' * (4 * n))], zipfile.ZIP_DEFLATED)
        yield f'{n} deflated bytes, Fortran', archive([('c.npy', npy((n // 1024, 1024), '|u1', True) + b'\0' * n)], zipfile.ZIP_DEFLATED)
    yield 'a long header', archive([('c.npy', b'\x93NUMPY\2\0' + struct.pack('<I', 64 * MIB) + b' ' * (64 * MIB))], zipfile.ZIP_DEFLATED)


def config_inputs():
    yield 'flags', b'--image_size 64 ' * 200000
    yield 'one flag', b'--x=' + b'a' * (4 * MIB)
    yield 'tensors', b'\n' + b'\n'.join(b'%d 1' % i for i in range(2000))


INPUTS = {'png': png_inputs, 'pt': pt_inputs, 'json': all_json, 'request': all_json, 'diffusers': all_json,
          'safetensors': safetensors_inputs, 'npz': npz_inputs, 'zip': pt_inputs, 'config': config_inputs, 'flags': config_inputs}


def main(target, program):
    n = 0
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'input')
        for name, data in INPUTS[target]():
            n += 1
            with open(path, 'wb') as file:
                file.write(data)
            run = subprocess.run([program, path], capture_output=True, text=True, errors='replace', check=False)
            good = run.returncode == 0
            failed += not good
            print(f'{"" if good else "not "}ok {n} - {name}: {len(data)} bytes', flush=True)
            if not good or os.environ.get('FUZZ_MEMORY'):
                print('\n'.join('# ' + line for line in run.stderr.splitlines()[-3:]), flush=True)
    print(f'1..{n}')
    return failed > 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:3]))
