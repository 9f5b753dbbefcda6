# SPDX-License-Identifier: LGPL-3.0-or-later
"""State dicts read and written by other code than the program's: {name: (dtype, shape, bytes)}."""
import collections
import io
import json
import math
import pickle
import struct
import zipfile


def read_safetensors(path):
    """The tensors and the metadata."""
    content = path.read_bytes()
    (length,) = struct.unpack('<Q', content[:8])
    header = json.loads(content[8:8 + length])
    metadata = header.pop('__metadata__', {})
    data = content[8 + length:]
    tensors = {name: (entry['dtype'], entry['shape'], data[slice(*entry['data_offsets'])]) for name, entry in header.items()}
    return tensors, metadata


def write_safetensors(path, tensors, metadata=None):
    header, offset = ({'__metadata__': metadata} if metadata else {}), 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {'dtype': dtype, 'shape': shape, 'data_offsets': [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack('<Q', len(text)) + text + b''.join(data for _, _, data in tensors.values()))


class _Unpickler(pickle.Unpickler):
    """Enough of torch.load() for contiguous tensors of known good files."""
    SIZES = {'FloatStorage': ('F32', 4), 'HalfStorage': ('F16', 2)}

    def __init__(self, archive, prefix):
        super().__init__(io.BytesIO(archive.read(prefix + 'data.pkl')))
        self.archive, self.prefix = archive, prefix

    def find_class(self, module, name):
        if name == '_rebuild_tensor_v2':
            return self.rebuild
        if name == 'OrderedDict':
            return collections.OrderedDict
        return name

    def persistent_load(self, pid):
        return pid

    def rebuild(self, pid, offset, shape, stride, *_):
        dtype, size = self.SIZES[pid[1]]
        assert list(stride) == [math.prod(shape[i + 1:]) for i in range(len(shape))]
        data = self.archive.read(f'{self.prefix}data/{pid[2]}')
        return dtype, list(shape), data[offset * size:(offset + math.prod(shape)) * size]


def read_pt(path):
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith('/data.pkl'))
        return dict(_Unpickler(archive, name.removesuffix('data.pkl')).load())


def to_half(data):
    """float32 bytes rounded to float16 bytes."""
    count = len(data) // 4
    return struct.pack(f'<{count}e', *struct.unpack(f'<{count}f', data))


def from_half(data):
    """float16 bytes as float32 bytes."""
    count = len(data) // 2
    return struct.pack(f'<{count}f', *struct.unpack(f'<{count}e', data))
