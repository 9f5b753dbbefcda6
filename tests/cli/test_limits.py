#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Small files that ask for gigabytes: the size is judged before memory is spent."""
import os
import struct
import subprocess
import sys
import zipfile
import zlib

import checkpoints
import ddim
import npy
import tap

MIB = 1 << 20


def chunk(name, body):
    return struct.pack('>I', len(body)) + name + body + struct.pack('>I', zlib.crc32(name + body))


def png(width, height, depth, color, pixels, *before):
    """@pixels: what the IDAT chunk holds; @before: chunks in front of it."""
    header = struct.pack('>IIBBBBB', width, height, depth, color, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + b''.join(before) + chunk(b'IDAT', pixels) + chunk(b'IEND', b'')


def deflated(count, byte=b'\0'):
    """@count times @byte, deflated without having them in memory."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(byte * min(MIB, count - at)) for at in range(0, count, MIB)]
    return b''.join(parts) + packer.flush()


def npy_header(kind, shape):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + '\n'
    return b'\x93NUMPY\x01\x00' + struct.pack('<H', len(text)) + text.encode()


class Limits(ddim.Case):
    def within(self, mib, code, *args):
        """The command ends with @code, never had more than @mib MiB, and said one line, which is returned."""
        process = ddim.popen(*args, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with process.stdout, process.stderr:
            told, errors = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, code, errors)
        self.assertLess(usage.ru_maxrss / 1024, mib)
        return told if code == 0 else errors

    def write(self, name, *parts):
        with open(self.folder / name, 'wb') as file:
            for part in parts:
                file.write(part)
        return name

    def test_length_of_text(self):
        """libpng takes the memory for a chunk before it reads the chunk."""
        lie = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 16, 16, 8, 2, 0, 0, 0))
        name = self.write('lie.png', lie, struct.pack('>I', 0x7ffffff0), b'tEXt', b'x' * 1000)
        self.assertRegex(self.within(200, 1, 'info', name), 'lie.png.*truncated')

    def test_many_texts(self):
        """Too long ones, and too many. Letters, because libpng does not keep what is behind a 0."""
        for length in [8 * 1000 * 1000 - 10, 1000 * 1000]:
            with self.subTest(length=length):
                bomb = chunk(b'zTXt', b'Comment\0\0' + deflated(length, b'x'))
                name = self.write('texts.png', png(16, 16, 8, 2, deflated(16 * 49), *[bomb] * 900))
                self.assertIn('not made by ddim', self.within(200, 1, 'info', name))

    def test_palette(self):
        """One bit per pixel in the file, three bytes in memory."""
        side = 32768
        palette = chunk(b'PLTE', bytes(6))
        name = self.write('palette.png', png(side, side, 1, 3, deflated(side * (side // 8 + 1)), palette))
        self.assertLess((self.folder / name).stat().st_size, 200000)
        self.within(200, 1, 'info', name)
        self.assertIn('32768x32768', self.within(400, 1, *self.superres(), '--low-res', name))

    def superres(self):
        return ['generate', '-m', ddim.DATA / 'unet_superres.pt', '--size', '32', '--class', '1']

    def test_array_of_pictures(self):
        shape = (1, 16000, 16000, 3)
        with zipfile.ZipFile(self.folder / 'big.npz', 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            with archive.open('arr_0.npy', 'w') as member:
                member.write(npy_header('|u1', shape))
                for _ in range(16000):
                    member.write(bytes(16000 * 3))
        self.assertLess((self.folder / 'big.npz').stat().st_size, 1000000)
        self.assertIn('16000x16000', self.within(400, 1, *self.superres(), '--low-res', 'big.npz'))

    def sparse_noise(self, side):
        """A file whose zeros are not on the disk."""
        with open(self.folder / 'noise.npy', 'wb') as file:
            file.write(npy_header('<f4', (1, 3, side, side)))
            file.truncate(file.tell() + 12 * side ** 2)
        return 'noise.npy'

    def test_noise(self):
        name = self.sparse_noise(25000)
        self.within(400, 1, 'generate', '--size', '32', '--init-noise', name)
        self.within(2000, 1, 'predict', '--input', name, '--timesteps', '1', '--labels', '1', '-o', 'out.npy')

    def test_picture_beyond_the_memory(self):
        """Windows bound what is computed at once, but not the picture itself."""
        self.assertIn('GiB', self.within(400, 1, 'generate', '--init-noise', self.sparse_noise(60000)))
        self.assertIn('GiB', self.within(400, 1, 'generate', '--size', '60000x60000'))

    def test_text_behind_the_pixels(self):
        """Text after the pixels, where other programs put it."""
        self.good('generate', '--steps', '2', '--size', '16', '--class', '1', '-o', 'x.png')
        data = (self.folder / 'x.png').read_bytes()
        parts, at = {}, 8
        while at < len(data):
            length, name = struct.unpack_from('>I4s', data, at)
            parts.setdefault(name, []).append(data[at:at + 12 + length])
            at += 12 + length
        order = [b'IHDR', b'sRGB', b'IDAT', b'tEXt', b'IEND']
        self.assertEqual(set(order), set(parts))
        self.write('y.png', data[:8], *(part for name in order for part in parts[name]))
        self.assertEqual(self.good('info', 'x.png').stdout, self.good('info', 'y.png').stdout)


class Numbers(ddim.Case):
    def test_noise_that_is_not_finite(self):
        for value in [float('nan'), float('inf')]:
            with self.subTest(value=value):
                npy.save(self.folder / 'noise.npy', npy.Array((1, 3, 16, 16), '<f4', [0.5] * 767 + [value]))
                options = ['--size', '16', '--class', '1', '--init-noise', 'noise.npy']
                self.assertIn('noise.npy', self.refused(1, 'generate', *options, '-o', 'x.png'))
                self.assertIn('noise.npy', self.refused(1, 'predict', '--input', 'noise.npy', '--timesteps', '1',
                                                        '--labels', '1', '-o', 'out.npy'))

    def weights(self, name, value):
        """A model whose tensor @name holds nothing but @value."""
        tensors = checkpoints.read_pt(ddim.DATA / 'unet_tiny_uncond.pt')
        dtype, shape, data = tensors[name]
        tensors[name] = dtype, shape, struct.pack('<f', value) * (len(data) // 4)
        checkpoints.write_safetensors(self.folder / 'model.safetensors', tensors)
        return 'model.safetensors'

    def test_weights_that_are_not_finite(self):
        for name in ['out.2.bias', 'time_embed.2.weight', 'middle_block.0.emb_layers.1.weight',
                     'input_blocks.1.0.in_layers.2.weight']:
            with self.subTest(name=name):
                model = self.weights(name, float('nan'))
                options = ['-m', model, '--size', '16', '--steps', '2', '--seed', '1']
                self.assertIn(name, self.refused(1, 'generate', *options, '-o', 'x.png'))
                self.assertIn(name, self.refused(1, 'convert', model, 'y.safetensors'))

    def test_results_that_are_not_finite(self):
        """Finite weights, but so large that the network's numbers overflow."""
        model = self.weights('input_blocks.0.0.weight', 3e38)
        options = ['-m', model, '--size', '16', '--steps', '2', '--seed', '1']
        for name in ['x.png', 'x.npz', 'x.npy']:
            with self.subTest(name=name):
                self.assertIn('(NaN), from step 1 of 2 on', self.refused(1, 'generate', *options, '-o', name))
        npy.save(self.folder / 'noise.npy', npy.Array((1, 3, 16, 16), '<f4', [0.5] * 768))
        self.assertIn('NaN', self.refused(1, 'predict', '-m', model, '--input', 'noise.npy', '--timesteps', '1', '-o',
                                          'out.npy'))

    def test_damaged_weights(self):
        """One bit of a weight, in a file whose other half is fine."""
        data = bytearray((ddim.DATA / 'unet_tiny_uncond.pt').read_bytes())
        with zipfile.ZipFile(ddim.DATA / 'unet_tiny_uncond.pt') as archive:
            largest = max(archive.infolist(), key=lambda entry: entry.file_size)
        data[largest.header_offset + largest.file_size // 2] ^= 1
        (self.folder / 'model.pt').write_bytes(data)
        self.good('info', 'model.pt')
        for command in [['generate', '-m', 'model.pt', '--size', '16', '--steps', '2', '-o', 'x.png'],
                        ['convert', 'model.pt', 'y.safetensors']]:
            with self.subTest(command=command[0]):
                self.assertIn('checksum', self.refused(1, *command))


if __name__ == '__main__':
    sys.exit(tap.main())
