#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""seeds.py FOLDER: write inputs of every kind of each format into FOLDER/TARGET, for fuzzing to begin with.

The committed corpora are what `merge` left of these and of what was found from them.
"""
import io
import json
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


def storage_views():
    view = text(b'a') + b'K\1K\2\x87'
    first = tensor(b'0', 6, (2,), (1,)).replace(b'J\6\0\0\0t', b'J\6\0\0\0' + view + b't')
    yield 'view', b'\x80\2}' + text(b'w') + first + b's.', [bytes(24)]
    yield 'no-view', b'\x80\2}' + text(b'w') + tensor(b'0', 6, (2,), (1,)).replace(b'J\6\0\0\0t', b'J\6\0\0\0Nt') + b's.', [bytes(24)]
    yield 'bad-view', b'\x80\2}' + text(b'w') + first.replace(b'K\2\x87', b'K\7\x87') + b's.', [bytes(24)]


def pts():
    for name, pickle, storages in list(state_dicts()) + list(storage_views()):
        entries = [('a/data.pkl', pickle)] + [(f'a/data/{i}', data) for i, data in enumerate(storages)]
        yield 'zip-' + name, archive(entries)
        yield 'deflated-' + name, archive(entries, zipfile.ZIP_DEFLATED)
        counts = b''.join(struct.pack('<Q', 6) + data for data in storages)
        keys = b'\x80\2](' + b''.join(text(b'%d' % i) for i in range(len(storages))) + b'e.'
        yield 'legacy-' + name, LEGACY + pickle + keys + counts
    good = [('a/data.pkl', b'\x80\2}' + text(b'w') + tensor(b'0', 6, (2, 3), (3, 1)) + b's.'), ('a/data/0', bytes(24))]
    yield 'little', archive(good + [('a/byteorder', b'little')])
    yield 'big', archive(good + [('a/byteorder', b'big')])
    yield 'long-order', archive(good + [('a/byteorder', b'x' * 200)])
    yield 'two-pickles', archive(good + [('b/data.pkl', b'}.')])
    yield 'two-storages', archive(good + [('a/data/0', b'')])
    yield 'no-pickle', archive([('a/x', b'')])
    yield 'bare', archive([('data.pkl', b'}.')])
    yield 'damaged', archive(good).replace(bytes(24), b'\1' + bytes(23), 1)
    for i, start in enumerate([LEGACY.replace(b'\xe9\3', b'\xe8\3'), LEGACY.replace(b'\x88s', b'\x89s'), LEGACY.replace(b'little', b'middle'), LEGACY[:15], LEGACY[:5], b'x' * 20, b'', LEGACY + b'}.N.', LEGACY + b'}.](Ne.', LEGACY + b'}.](X\1\0\0\x000e.',
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
             'bad-map': base | {place + '.safetensors.index.json': b'['}}
    for name, files in kinds.items():
        yield name, b'\n'.join(b'== ' + file.encode() + b'\n' + content for file, content in files.items())


def texts():
    yield 'all', json.dumps({'image_size': 64, 'num_classes': 2, 'class_names': ['a', 'b'], 'name': 'n', 'description': 'd', 'license': 'l', 'learn_sigma': True, 'channel_mult': '1,2', 'attention_resolutions': [16, 8], 'eta': 0.5}).encode()
    for i, value in enumerate(WRONG + ['1,2', '-', '64', 'true', {'a': 1}, 1e-300, ['a', 'b'], [1, 2], [None]]):
        for key in ('image_size', 'class_names', 'name', 'learn_sigma', 'channel_mult', 'diffusion_steps', 'unknown', 'imagesize', 'noise_schedule', 'eta', 'timestep_respacing', 'attention_resolutions'):
            yield f'{key}-{i}', json.dumps({key: value}).encode()
    for i, bad in enumerate([b'', b'{', b'[', b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,', b'[1', b'[1,', b'{a:1}', b'tru', b'-', b'01', b'1.', b'1e', b'1e+', b'1E-5', b'"\\', b'"\\x"', b'"\\u12', b'"\\u0000"', b'"\\ud800"', b'"\\ud800\\u0041"', b'"\\udc00"',
                            b'"\\ud83d\\ude00"', b'"\1"', b'"', b'\xff', b'1 2', b'[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1', b'99999999999999999999', b'{} x', b'\n\n\nx', b'[]', b'1', b'null', b'"a"', b'{"a":1]', b'[1}', b'"\\n\\t\\/\\"\\\\\\b\\f\\r"', b'[1.5e3,-0,0.5,{},[]]', b'"\\ud83dx"']):
        yield f'text{i}', bad


def requests():
    yield from texts()
    for name in os.environ.get('DDIM_OPTIONS', 'model class seed size steps sampler eta cfg count batch width height clip command strength mask image prompt device init-noise rng shard class-map class-colors grid').split():
        for i, value in enumerate(WRONG + ['generate', 'inpaint', 'upscale', 'ddim', 'ddpm', "a'b", 'a\n\x1b', '64x64']):
            yield f'{name}-{i}', json.dumps({name: value}).encode()


SEEDS = {'png': pngs, 'npy': npys, 'npz': npzs, 'zip': zips, 'pt': pts, 'safetensors': safetensors, 'diffusers': diffusers, 'folder': folders, 'json': texts, 'request': requests}


def main(folder):
    for target, seeds in SEEDS.items():
        place = os.path.join(folder, target)
        os.makedirs(place, exist_ok=True)
        for name, data in seeds():
            with open(os.path.join(place, name.replace('/', '_')), 'wb') as file:
                file.write(data)


if __name__ == '__main__':
    main(sys.argv[1])
