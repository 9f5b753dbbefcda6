#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make_families.py OUT: what networks of other families compute, as tests/data/families.json.gz.

torch, numpy and diffusers are needed; the tests only read what this wrote. Weights and inputs are tests/cli/fake_weights.py's.
A case has the names and shapes of its tensors, its inputs' shape, timesteps and labels, and `out`: the output in float64,
stored as float32. UNet2DModel is evaluated by diffusers itself, the Model of ermongroup/ddim by the functions below, which
were written from its description (Ho et al. 2020, appendix B, and the names of its layers).
"""
import base64
import gzip
import json
import math
import pathlib
import sys

import numpy as np
import torch as th
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'cli'))
import fake_weights  # noqa: E402  pylint: disable=wrong-import-position

DOWN, UP = 'DownBlock2D', 'UpBlock2D'
ATTN_DOWN, ATTN_UP = 'AttnDownBlock2D', 'AttnUpBlock2D'
RES_DOWN, RES_UP = 'ResnetDownsampleBlock2D', 'ResnetUpsampleBlock2D'

DIFFUSERS = {
    # The shape of google/ddpm-*: sines first, a shifted frequency, one head, zeros on the right and at the bottom.
    'google': {'block_out_channels': [32, 32, 64], 'down_block_types': [DOWN, ATTN_DOWN, DOWN], 'freq_shift': 1,
               'up_block_types': [UP, ATTN_UP, UP], 'attention_head_dim': None, 'downsample_padding': 0, 'norm_eps': 1e-6,
               'flip_sin_to_cos': False, 'layers_per_block': 2, 'act_fn': 'silu', 'mid_block_scale_factor': 1,
               'center_input_sample': False, 'time_embedding_type': 'positional', 'norm_num_groups': 32},
    'classes': {'block_out_channels': [64, 32], 'down_block_types': [ATTN_DOWN, DOWN], 'up_block_types': [ATTN_UP, UP],
                'num_class_embeds': 7, 'layers_per_block': 1, 'norm_num_groups': 8, 'attention_head_dim': 16},
    'resnets': {'block_out_channels': [32, 64, 64], 'down_block_types': [RES_DOWN, RES_DOWN, ATTN_DOWN], 'in_channels': 1,
                'up_block_types': [ATTN_UP, RES_UP, RES_UP], 'resnet_time_scale_shift': 'scale_shift', 'out_channels': 2,
                'layers_per_block': 1, 'norm_num_groups': 16},
    'ends': {'block_out_channels': [32, 32, 96], 'down_block_types': [ATTN_DOWN, DOWN, ATTN_DOWN], 'dropout': 0.1,
             'up_block_types': [ATTN_UP, UP, UP], 'downsample_type': 'resnet', 'upsample_type': 'resnet',
             'layers_per_block': 1, 'attention_head_dim': 32, 'act_fn': 'swish', 'downsample_padding': 0},
    'numbered': {'block_out_channels': [32, 64], 'down_block_types': [DOWN, ATTN_DOWN], 'up_block_types': [UP, UP],
                 'class_embed_type': 'timestep', 'num_class_embeds': 12, 'center_input_sample': True, 'layers_per_block': 1,
                 'time_embedding_dim': 64, 'freq_shift': 2, 'attn_norm_num_groups': 4},
    'no_attention': {'block_out_channels': [32, 64], 'down_block_types': [DOWN, DOWN], 'up_block_types': [UP, UP],
                     'add_attention': False, 'layers_per_block': 3, 'norm_eps': 1e-3},
    'no_middle': {'block_out_channels': [64, 32], 'down_block_types': [DOWN, ATTN_DOWN], 'up_block_types': [ATTN_UP, UP],
                  'mid_block_type': None, 'layers_per_block': 1, 'in_channels': 4, 'out_channels': 4},
    'one_level': {'block_out_channels': [32], 'down_block_types': [ATTN_DOWN], 'up_block_types': [ATTN_UP],
                  'layers_per_block': 2, 'attention_head_dim': 4, 'norm_num_groups': 4},
    'old_names': {'block_out_channels': [32, 32], 'down_block_types': ['UNetRes' + ATTN_DOWN, 'UNetRes' + DOWN],
                  'up_block_types': ['UNetRes' + UP, 'UNetRes' + ATTN_UP], 'layers_per_block': 1},
    'scale_shift_groups': {'block_out_channels': [32, 32], 'down_block_types': [DOWN, DOWN], 'up_block_types': [UP, ATTN_UP],
                           'layers_per_block': 1, 'resnet_time_scale_shift': 'scale_shift', 'attn_norm_num_groups': 8},
    # Channels that are no multiples of 32: groups that reach over what two tensors are joined of, an odd number of channels (and so of
    # the time embedding), channels that are no short fraction of the first level's, heads that fill up to 64 channels and heads that
    # do not.
    'few_groups': {'block_out_channels': [40, 80], 'down_block_types': [ATTN_DOWN, DOWN], 'up_block_types': [UP, ATTN_UP],
                   'layers_per_block': 1, 'norm_num_groups': 8, 'attention_head_dim': 8, 'num_class_embeds': 7},
    'uneven': {'block_out_channels': [27, 36], 'down_block_types': [ATTN_DOWN, ATTN_DOWN], 'up_block_types': [ATTN_UP, UP],
               'layers_per_block': 2, 'norm_num_groups': 9, 'attention_head_dim': 9, 'resnet_time_scale_shift': 'scale_shift',
               'class_embed_type': 'timestep', 'num_class_embeds': 12, 'add_attention': False},
    'one_head': {'block_out_channels': [20, 48, 100], 'down_block_types': [DOWN, RES_DOWN, ATTN_DOWN],
                 'up_block_types': [ATTN_UP, RES_UP, UP], 'layers_per_block': 1, 'norm_num_groups': 4, 'attention_head_dim': None,
                 'time_embedding_dim': 52, 'downsample_padding': 0},
}
SIZES = {'google': [2, 3, 16, 24], 'one_level': [2, 3, 7, 5], 'ends': [1, 3, 12, 20]}

ERMON = {
    'cifar': {'ch': 32, 'ch_mult': [1, 2, 2], 'num_res_blocks': 2, 'attention': [1], 'resamp_with_conv': True},
    'pooled': {'ch': 64, 'ch_mult': [1, 1], 'num_res_blocks': 1, 'attention': [0, 1], 'resamp_with_conv': False,
               'channels': 1},
    'deep': {'ch': 32, 'ch_mult': [1, 1, 2, 3], 'num_res_blocks': 1, 'attention': [], 'resamp_with_conv': True},
    'flat': {'ch': 32, 'ch_mult': [3], 'num_res_blocks': 3, 'attention': [], 'resamp_with_conv': True},
}


# --- ermongroup/ddim ---

def ermon_shapes(config):
    """{name: shape} of a Model."""
    ch, blocks, channels = config['ch'], config['num_res_blocks'], config.get('channels', 3)
    levels = [ch * factor for factor in config['ch_mult']]
    shapes = {}

    def conv(name, inner, out, taps):
        shapes[f'{name}.weight'], shapes[f'{name}.bias'] = [out, inner, taps, taps], [out]

    def dense(name, inner, out):
        shapes[f'{name}.weight'], shapes[f'{name}.bias'] = [out, inner], [out]

    def norm(name, count):
        shapes[f'{name}.weight'] = shapes[f'{name}.bias'] = [count]

    def block(name, inner, out):
        norm(f'{name}.norm1', inner)
        conv(f'{name}.conv1', inner, out, 3)
        dense(f'{name}.temb_proj', 4 * ch, out)
        norm(f'{name}.norm2', out)
        conv(f'{name}.conv2', out, out, 3)
        if inner != out:
            conv(f'{name}.nin_shortcut', inner, out, 1)

    def attention(name, count):
        norm(f'{name}.norm', count)
        for part in ('q', 'k', 'v', 'proj_out'):
            conv(f'{name}.{part}', count, count, 1)

    dense('temb.dense.0', ch, 4 * ch)
    dense('temb.dense.1', 4 * ch, 4 * ch)
    conv('conv_in', channels, ch, 3)
    skips, now = [ch], ch
    for level, out in enumerate(levels):
        for i in range(blocks):
            block(f'down.{level}.block.{i}', now, out)
            if level in config['attention']:
                attention(f'down.{level}.attn.{i}', out)
            now = out
            skips.append(now)
        if level + 1 < len(levels):
            if config['resamp_with_conv']:
                conv(f'down.{level}.downsample.conv', now, now, 3)
            skips.append(now)
    block('mid.block_1', now, now)
    attention('mid.attn_1', now)
    block('mid.block_2', now, now)
    for level in reversed(range(len(levels))):
        for i in range(blocks + 1):
            block(f'up.{level}.block.{i}', now + skips.pop(), levels[level])
            if level in config['attention']:
                attention(f'up.{level}.attn.{i}', levels[level])
            now = levels[level]
        if level > 0 and config['resamp_with_conv']:
            conv(f'up.{level}.upsample.conv', now, now, 3)
    norm('norm_out', now)
    conv('conv_out', now, channels, 3)
    return shapes


class Ermon:
    """The network with the weights @state."""

    def __init__(self, state, config):
        self.state, self.config = state, config

    def affine(self, name, x):
        weight, bias = self.state[f'{name}.weight'], self.state[f'{name}.bias']
        if weight.dim() == 2:
            return x @ weight.T + bias
        return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)

    def norm(self, name, x):
        return F.group_norm(x, 32, self.state[f'{name}.weight'], self.state[f'{name}.bias'], eps=1e-6)

    def block(self, name, x, emb):
        h = self.affine(f'{name}.conv1', F.silu(self.norm(f'{name}.norm1', x)))
        h = h + self.affine(f'{name}.temb_proj', F.silu(emb))[:, :, None, None]
        h = self.affine(f'{name}.conv2', F.silu(self.norm(f'{name}.norm2', h)))
        return h + (self.affine(f'{name}.nin_shortcut', x) if f'{name}.nin_shortcut.weight' in self.state else x)

    def attention(self, name, x):
        h = self.norm(f'{name}.norm', x)
        q, k, v = (self.affine(f'{name}.{part}', h).flatten(2) for part in 'qkv')
        scores = th.softmax(th.einsum('nci,ncj->nij', q, k) / math.sqrt(x.shape[1]), dim=-1)
        return x + self.affine(f'{name}.proj_out', th.einsum('nij,ncj->nci', scores, v).reshape(x.shape))

    def embed(self, t):
        half = self.config['ch'] // 2
        angle = t[:, None] * th.exp(-math.log(10000) / (half - 1) * th.arange(half, dtype=t.dtype))
        emb = th.cat([th.sin(angle), th.cos(angle)], dim=1)
        return self.affine('temb.dense.1', F.silu(self.affine('temb.dense.0', emb)))

    def __call__(self, x, t):
        emb, levels, blocks = self.embed(t), len(self.config['ch_mult']), self.config['num_res_blocks']
        kept = [self.affine('conv_in', x)]
        for level in range(levels):
            for i in range(blocks):
                h = self.block(f'down.{level}.block.{i}', kept[-1], emb)
                kept.append(self.attention(f'down.{level}.attn.{i}', h) if level in self.config['attention'] else h)
            if level + 1 < levels:
                name = f'down.{level}.downsample.conv'
                kept.append(F.conv2d(F.pad(kept[-1], (0, 1, 0, 1)), self.state[f'{name}.weight'],
                                     self.state[f'{name}.bias'], stride=2)
                            if self.config['resamp_with_conv'] else F.avg_pool2d(kept[-1], 2))
        h = self.block('mid.block_1', kept[-1], emb)
        h = self.block('mid.block_2', self.attention('mid.attn_1', h), emb)
        for level in reversed(range(levels)):
            for i in range(blocks + 1):
                h = self.block(f'up.{level}.block.{i}', th.cat([h, kept.pop()], dim=1), emb)
                if level in self.config['attention']:
                    h = self.attention(f'up.{level}.attn.{i}', h)
            if level > 0:
                h = F.interpolate(h, scale_factor=2, mode='nearest')
                if self.config['resamp_with_conv']:
                    h = self.affine(f'up.{level}.upsample.conv', h)
        return self.affine('conv_out', F.silu(self.norm('norm_out', h)))


# --- All cases ---

def state_dict(seed, shapes):
    return {name: th.from_numpy(np.frombuffer(values, np.float32).copy()).double().reshape(shapes[name])
            for name, values in fake_weights.weights(seed, shapes).items()}


def inputs(name, shape):
    x = np.frombuffer(fake_weights.images(name, shape), np.float32).reshape(shape)
    return th.from_numpy(x.copy()).double(), [3, 871][:shape[0]]


def finish(case, out):
    packed = base64.b64encode(out.detach().numpy().astype('<f4').tobytes()).decode()
    return case | {'out_shape': list(out.shape), 'out': packed}


def old_name(name):
    """The name of a tensor before diffusers 0.17."""
    for new, old in (('.to_q.', '.query.'), ('.to_k.', '.key.'), ('.to_v.', '.value.'), ('.to_out.0.', '.proj_attn.')):
        name = name.replace(new, old)
    return name


def diffusers_case(name, config):
    import diffusers  # pylint: disable=import-outside-toplevel
    model = diffusers.UNet2DModel(**config).double().eval()
    # The sines and cosines are float32 in every precision.
    model.time_proj.register_forward_hook(lambda module, args, out: out.double())
    rename = old_name if name == 'old_names' else str
    shapes = {rename(key): list(value.shape) for key, value in model.state_dict().items()}
    state = state_dict(name, shapes)
    model.load_state_dict({key: state[rename(key)] for key in model.state_dict()})
    shape = SIZES.get(name, [2, config.get('in_channels', 3), 8, 16])
    x, t = inputs(name, shape)
    labels = [5, 2][:shape[0]] if 'num_class_embeds' in config else None
    with th.no_grad():
        out = model(x, th.tensor(t), class_labels=None if labels is None else th.tensor(labels)).sample
    written = {'_class_name': 'UNet2DModel', '_diffusers_version': diffusers.__version__, 'sample_size': shape[2]} | config
    return finish({'name': name, 'family': 'diffusers', 'config': written, 'shapes': shapes, 'x_shape': shape, 't': t,
                   'labels': labels}, out)


def ermon_case(name, config):
    shapes = ermon_shapes(config)
    shape = [2, config.get('channels', 3), 16, 24]
    x, t = inputs(name, shape)
    out = Ermon(state_dict(name, shapes), config)(x, th.tensor(t).double())
    return finish({'name': name, 'family': 'ermongroup/ddim', 'config': config, 'shapes': shapes, 'x_shape': shape, 't': t,
                   'labels': None}, out)


def main():
    cases = [diffusers_case(*item) for item in DIFFUSERS.items()] + [ermon_case(*item) for item in ERMON.items()]
    text = '\n'.join(json.dumps(case) for case in cases) + '\n'
    pathlib.Path(sys.argv[1]).write_bytes(gzip.compress(text.encode(), mtime=0))
    for case in cases:
        values = np.frombuffer(base64.b64decode(case['out']), np.float32)
        print(f"{case['family']} {case['name']}: {sum(map(math.prod, case['shapes'].values()))} weights, "
              f'outputs of order {values.std():.3g}')


if __name__ == '__main__':
    main()
