#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make-checkpoints.py: write checkpoint/*, small files in every form that torch.save() has, with PyTorch itself.

The tests only read what this wrote and never run it. test-checkpoint.c holds the expected values.
"""
import collections
import io
import pathlib
import zipfile

import torch

OUT = pathlib.Path(__file__).parent / 'checkpoint'


def ramp(n, dtype=torch.float32):
    """-2, -1, 0, 1 …"""
    return (torch.arange(n) - 2).to(dtype)


def make_forms():
    shared = ramp(24)
    forms = collections.OrderedDict()
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16,
                  torch.int8):
        forms[str(dtype)[6:]] = ramp(6, dtype).reshape(2, 3)
    forms['uint8'] = torch.arange(6, dtype=torch.uint8).reshape(2, 3)
    forms['bool'] = torch.tensor([True, False, True])
    forms['scalar'] = torch.tensor(2.5)
    forms['empty'] = torch.zeros(0, 3)
    forms['transposed'] = ramp(6).reshape(2, 3).t()
    forms['shared.whole'] = shared.reshape(4, 6)
    forms['shared.rows'] = shared.reshape(4, 6)[1:3]
    forms['shared.column'] = shared.reshape(4, 6)[:, 2]
    forms['shared.every.other'] = shared[1::2]
    forms['expanded'] = torch.tensor([7.0]).expand(2, 4)
    forms['channels.last'] = ramp(24).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    forms['parameter'] = torch.nn.Parameter(ramp(4))
    forms['näme'] = ramp(2)
    return forms


def save(name, value, **options):
    torch.save(value, OUT / name, **options)


class Pipe(io.RawIOBase):
    """A file that cannot seek: zipfile writes sizes behind the data then."""
    def __init__(self, file):
        self.file = file

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)


def repack(source, target, method, zip64=False, stream=False):
    """The same archive as other zip tools make it."""
    with zipfile.ZipFile(OUT / source) as old, open(OUT / target, 'wb') as file, \
            zipfile.ZipFile(Pipe(file) if stream else file, 'w', method) as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with new.open(info, 'w', force_zip64=zip64) as entry:
                entry.write(old.read(name))


def main():
    OUT.mkdir(exist_ok=True)
    torch.manual_seed(0)
    forms = make_forms()
    save('forms.pt', forms)
    save('forms-protocol4.pt', forms, pickle_protocol=4)
    save('forms-legacy.pt', forms, _use_new_zipfile_serialization=False)
    repack('forms.pt', 'forms-deflated.pt', zipfile.ZIP_DEFLATED)
    repack('forms.pt', 'forms-zip64.pt', zipfile.ZIP_STORED, zip64=True)
    repack('forms.pt', 'forms-streamed.pt', zipfile.ZIP_STORED, stream=True)

    weights = {'a': ramp(4), 'b': ramp(3)}
    averaged = {'a': ramp(4) + 10, 'b': ramp(3) + 10}
    parallel = {'module.' + name: value for name, value in averaged.items()}
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.BatchNorm2d(1))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 1, 1, 1)).sum().backward()
    optimizer.step()

    save('module-prefix.pt', parallel)
    save('trainer-list.pth', [weights, optimizer.state_dict(), 3, 1200, parallel])
    save('trainer-list-without-ema.pth', [weights, optimizer.state_dict(), 3, 1200])
    save('nested-state-dict.pt', {'epoch': 3, 'loss': 0.25, 'state_dict': weights, 'optimizer': optimizer.state_dict()})
    save('nested-ema.pt', {'step': 1200, 'model': weights, 'ema': averaged})
    save('nested-unclear.pt', {'one': weights, 'other': averaged})
    save('nested-twice.pt', {'step': 1200, 'model': {'raw': weights, 'ema': averaged}})
    save('compiled.pt', {'_orig_mod.module.' + name: value for name, value in averaged.items()})
    # As PyTorch Lightning saves a module that has the network, its average and the betas.
    inside = {'time_embed.0.weight': 'a', 'out.0.bias': 'b'}
    module = collections.OrderedDict({'model.' + name: weights[key] for name, key in inside.items()})
    module |= {'ema_model.net.' + name: averaged[key] for name, key in inside.items()} | {'betas': ramp(2)}
    save('lightning.ckpt', {'epoch': 3, 'global_step': 1200, 'pytorch-lightning_version': '2.1.0', 'state_dict': module, 'loops': {},
                            'callbacks': {'Checkpoint': {'best': torch.tensor(0.5)}}, 'optimizer_states': [optimizer.state_dict()],
                            'lr_schedulers': [], 'hyper_parameters': {
                                'lr': 0.001, 'dtype': torch.bfloat16, 'device': torch.device('cuda', 1), 'tags': {'a', 'b'},
                                'shape': torch.Size([3, 8]), 'seen': collections.Counter([1, 1, 2])}})
    save('optimizer.pt', optimizer.state_dict())
    save('model-state-dict.pt', model.state_dict())
    save('whole-model.pt', model)
    save('single-tensor.pt', ramp(4))
    save('with-settings.pt', {'num_updates': 3, 'decay': 0.9999, 'none': None, 'flag': True, **weights})


if __name__ == '__main__':
    main()
