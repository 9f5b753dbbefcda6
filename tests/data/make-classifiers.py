#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make-classifiers.py OUT: what classifiers and classifier guidance compute, as tests/data/classifiers.json.gz.

numpy and torch are needed; the tests only read what this wrote. Weights and inputs are those of tests/cli/fake_weights.py.
The networks below were written from the description of EncoderUNetModel and UNetModel in Dhariwal and Nichol 2021 (arXiv
2105.05233) and the names of their tensors, in float64; gradients are autograd's. The loops follow the paper's algorithms 1 and
2, with x0 clipped and the variances of guided-diffusion's p_mean_variance.

A case has the names and shapes of its tensors, flags, the inputs' shape, timesteps and labels, `logits` and `gradient`, as
float32. A sample has a model and a classifier, the options of the command, and `out`.
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

CLASSIFIERS = {
    # As OpenAI's: blocks that downsample, attention, scale and shift.
    'attention': {'pool': 'attention', 'size': 16, 'width': 32, 'mult': [1, 2], 'depth': 2, 'attend': [1], 'head': 16,
                  'updown': True, 'scale_shift': True, 'classes': 7},
    'adaptive': {'pool': 'adaptive', 'size': 16, 'width': 32, 'mult': [1, 1, 3], 'depth': 1, 'attend': [2], 'head': 16,
                 'down': 'conv', 'scale_shift': False, 'classes': 10, 'new_order': True},
    'spatial': {'pool': 'spatial', 'size': 8, 'width': 32, 'mult': [1, 2], 'depth': 1, 'attend': [0, 1], 'head': 32,
                'down': 'pool', 'scale_shift': True, 'classes': 5, 'hidden': 64},
    'spatial_v2': {'pool': 'spatial_v2', 'size': 8, 'width': 32, 'mult': [2, 1], 'depth': 2, 'attend': [], 'head': 16,
                   'updown': True, 'scale_shift': False, 'classes': 33, 'hidden': 96},
    # More pixels than one piece of a norm's moments, and an image that is not square.
    'large': {'pool': 'adaptive', 'size': 32, 'shape': [1, 3, 32, 40], 'width': 32, 'mult': [1, 2], 'depth': 1, 'attend': [1],
              'head': 32, 'updown': True, 'scale_shift': True, 'classes': 1000},
    'gray': {'pool': 'attention', 'size': 8, 'width': 64, 'mult': [1], 'depth': 1, 'attend': [0], 'head': 32, 'updown': False,
             'scale_shift': True, 'classes': 3, 'channels': 1},
}

UNETS = {
    'uncond': {'size': 16, 'width': 32, 'mult': [1, 2], 'depth': 1, 'attend': [1], 'head': 32, 'updown': True,
               'scale_shift': True, 'out': 3},
    'cond': {'size': 16, 'width': 32, 'mult': [1, 1], 'depth': 1, 'attend': [1], 'head': 16, 'updown': True, 'scale_shift': True,
             'out': 6, 'classes': 7},
}
MODEL_FLAGS = {
    'uncond': '--image_size 16 --num_head_channels 32 --diffusion_steps 1000 --noise_schedule linear',
    'cond': '--image_size 16 --num_head_channels 16 --diffusion_steps 1000 --noise_schedule cosine',
}
SAMPLES = [
    {'name': 'ddim', 'model': 'uncond', 'sampler': 'ddim', 'steps': 'ddim5', 'eta': 0, 'scale': 4.0, 'seed': 11, 'labels': [3, 5]},
    {'name': 'ddim-eta', 'model': 'cond', 'sampler': 'ddim', 'steps': 'ddim5', 'eta': 1, 'scale': 2.0, 'seed': 12,
     'labels': [0, 6]},
    {'name': 'ddpm-fixed', 'model': 'uncond', 'sampler': 'ddpm', 'steps': '6', 'eta': 0, 'scale': 10.0, 'seed': 13,
     'labels': [1, 2]},
    {'name': 'ddpm-learned', 'model': 'cond', 'sampler': 'ddpm', 'steps': '4', 'eta': 0, 'scale': 5.0, 'seed': 14,
     'labels': [4, 4]},
]


# --- Networks ---

class Shapes(dict):
    """{name: shape}, filled in by what the network is made of."""

    def conv(self, name, inner, out, taps, dims=2):
        self[f'{name}.weight'], self[f'{name}.bias'] = [out, inner] + [taps] * dims, [out]

    def norm(self, name, count):
        self[f'{name}.weight'] = self[f'{name}.bias'] = [count]

    def block(self, name, inner, out, config):
        self.norm(f'{name}.in_layers.0', inner)
        self.conv(f'{name}.in_layers.2', inner, out, 3)
        self.conv(f'{name}.emb_layers.1', 4 * config['width'], out * (2 if config['scale_shift'] else 1), 1, 0)
        self.norm(f'{name}.out_layers.0', out)
        self.conv(f'{name}.out_layers.3', out, out, 3)
        if inner != out:
            self.conv(f'{name}.skip_connection', inner, out, 1)

    def attention(self, name, count):
        self.norm(f'{name}.norm', count)
        self.conv(f'{name}.qkv', count, 3 * count, 1, 1)
        self.conv(f'{name}.proj_out', count, count, 1, 1)


def encoder_shapes(config):
    """Up to the middle block, and the channels of every input block."""
    width, shapes = config['width'], Shapes()
    shapes.conv('time_embed.0', width, 4 * width, 1, 0)
    shapes.conv('time_embed.2', 4 * width, 4 * width, 1, 0)
    now = width * config['mult'][0]
    shapes.conv('input_blocks.0.0', config.get('channels', 3), now, 3)
    kept = [now]
    for level, factor in enumerate(config['mult']):
        for _ in range(config['depth']):
            name = f'input_blocks.{len(kept)}'
            shapes.block(f'{name}.0', now, width * factor, config)
            now = width * factor
            if level in config['attend']:
                shapes.attention(f'{name}.1', now)
            kept.append(now)
        if level + 1 < len(config['mult']):
            name = f'input_blocks.{len(kept)}.0'
            if config.get('updown'):
                shapes.block(name, now, now, config)
            elif config['down'] == 'conv':
                shapes.conv(f'{name}.op', now, now, 3)
            kept.append(now)
    shapes.block('middle_block.0', now, now, config)
    shapes.attention('middle_block.1', now)
    shapes.block('middle_block.2', now, now, config)
    return shapes, kept


def classifier_shapes(config):
    shapes, kept = encoder_shapes(config)
    pool, classes, now = config['pool'], config['classes'], kept[-1]
    if pool == 'adaptive':
        shapes.norm('out.0', now)
        shapes.conv('out.3', now, classes, 1)
    elif pool == 'attention':
        side = config['size'] >> (len(config['mult']) - 1)
        shapes.norm('out.0', now)
        shapes['out.2.positional_embedding'] = [now, side * side + 1]
        shapes.conv('out.2.qkv_proj', now, 3 * now, 1, 1)
        shapes.conv('out.2.c_proj', now, classes, 1, 1)
    else:
        shapes.conv('out.0', sum(kept) + now, config['hidden'], 1, 0)
        if pool == 'spatial_v2':
            shapes.norm('out.1', config['hidden'])
        shapes.conv('out.3' if pool == 'spatial_v2' else 'out.2', config['hidden'], classes, 1, 0)
    return shapes


def unet_shapes(config):
    shapes, kept = encoder_shapes(config)
    width, now, index = config['width'], kept[-1], 0
    if 'classes' in config:
        shapes['label_emb.weight'] = [config['classes'], 4 * width]
    for level in reversed(range(len(config['mult']))):
        for i in range(config['depth'] + 1):
            name = f'output_blocks.{index}'
            shapes.block(f'{name}.0', now + kept.pop(), width * config['mult'][level], config)
            now = width * config['mult'][level]
            place = 1
            if level in config['attend']:
                shapes.attention(f'{name}.1', now)
                place = 2
            if level and i == config['depth']:
                shapes.block(f'{name}.{place}', now, now, config)
            index += 1
    shapes.norm('out.0', now)
    shapes.conv('out.2', now, config['out'], 3)
    return shapes


class Network:
    """A network with the weights @state, which are float64."""

    def __init__(self, state, config):
        self.state, self.config = state, config

    def affine(self, name, x):
        weight, bias = self.state[f'{name}.weight'], self.state[f'{name}.bias']
        if weight.dim() == 4:
            return F.conv2d(x, weight, bias, padding=weight.shape[-1] // 2)
        return x @ weight.flatten(1).T + bias if x.dim() == 2 else F.conv1d(x, weight, bias)

    def norm(self, name, x):
        return F.group_norm(x, 32, self.state[f'{name}.weight'], self.state[f'{name}.bias'], eps=1e-5)

    def embed(self, t, labels=None):
        half = self.config['width'] // 2
        # Frequencies and arguments are float32 in the original.
        freqs = th.exp(-math.log(10000) * th.arange(half, dtype=th.float32) / half)
        angle = (t.float()[:, None] * freqs[None]).double()
        emb = self.affine('time_embed.0', th.cat([th.cos(angle), th.sin(angle)], dim=1))
        emb = self.affine('time_embed.2', F.silu(emb))
        return emb if labels is None else emb + self.state['label_emb.weight'][labels]

    def block(self, name, x, emb, resample=None):
        h = F.silu(self.norm(f'{name}.in_layers.0', x))
        if resample:
            h, x = resample(h), resample(x)
        h = self.affine(f'{name}.in_layers.2', h)
        row = self.affine(f'{name}.emb_layers.1', F.silu(emb))[:, :, None, None]
        if self.config['scale_shift']:
            scale, shift = row.chunk(2, dim=1)
            h = self.norm(f'{name}.out_layers.0', h) * (1 + scale) + shift
        else:
            h = self.norm(f'{name}.out_layers.0', h + row)
        h = self.affine(f'{name}.out_layers.3', F.silu(h))
        return h + (self.affine(f'{name}.skip_connection', x) if f'{name}.skip_connection.weight' in self.state else x)

    @staticmethod
    def attend(q, k, v):
        """q, k, v: [n][heads][channels][positions]"""
        weights = th.softmax(th.einsum('nhci,nhcj->nhij', q, k) / math.sqrt(q.shape[2]), dim=-1)
        return th.einsum('nhij,nhcj->nhci', weights, v).flatten(1, 2)

    def attention(self, name, x):
        qkv = self.affine(f'{name}.qkv', self.norm(f'{name}.norm', x).flatten(2))
        head = self.config['head']
        heads = x.shape[1] // head
        if self.config.get('new_order'):
            q, k, v = qkv.unflatten(1, (3, heads, head)).unbind(1)
        else:
            q, k, v = qkv.unflatten(1, (heads, 3, head)).unbind(2)
        return x + self.affine(f'{name}.proj_out', self.attend(q, k, v)).reshape(x.shape)

    def encode(self, x, emb):
        """The results of all input blocks, and the middle block's."""
        kept = [self.affine('input_blocks.0.0', x)]
        for level in range(len(self.config['mult'])):
            for _ in range(self.config['depth']):
                name = f'input_blocks.{len(kept)}'
                h = self.block(f'{name}.0', kept[-1], emb)
                kept.append(self.attention(f'{name}.1', h) if level in self.config['attend'] else h)
            if level + 1 < len(self.config['mult']):
                name = f'input_blocks.{len(kept)}.0'
                if self.config.get('updown'):
                    kept.append(self.block(name, kept[-1], emb, lambda y: F.avg_pool2d(y, 2)))
                elif self.config['down'] == 'conv':
                    kept.append(F.conv2d(kept[-1], self.state[f'{name}.op.weight'], self.state[f'{name}.op.bias'], stride=2,
                                         padding=1))
                else:
                    kept.append(F.avg_pool2d(kept[-1], 2))
        h = self.attention('middle_block.1', self.block('middle_block.0', kept[-1], emb))
        return kept, self.block('middle_block.2', h, emb)

    def classify(self, x, t):
        kept, h = self.encode(x, self.embed(t))
        pool = self.config['pool']
        if pool == 'adaptive':
            return self.affine('out.3', F.silu(self.norm('out.0', h)).mean((2, 3), keepdim=True)).flatten(1)
        if pool == 'attention':
            h = F.silu(self.norm('out.0', h)).flatten(2)
            h = th.cat([h.mean(-1, keepdim=True), h], dim=-1) + self.state['out.2.positional_embedding']
            qkv = self.affine('out.2.qkv_proj', h).unflatten(1, (3, -1, self.config['head']))
            return self.affine('out.2.c_proj', self.attend(*qkv.unbind(1)))[:, :, 0]
        h = self.affine('out.0', th.cat([y.mean((2, 3)) for y in [*kept, h]], dim=1))
        if pool == 'spatial':
            return self.affine('out.2', F.relu(h))
        return self.affine('out.3', F.silu(self.norm('out.1', h)))

    def gradient(self, x, t, labels):
        """That of log p(y | x)."""
        x = x.detach().requires_grad_(True)
        logits = self.classify(x, t)
        chosen = th.log_softmax(logits, dim=-1)[range(len(labels)), labels]
        return logits.detach(), th.autograd.grad(chosen.sum(), x)[0]

    def unet(self, x, t, labels):
        emb = self.embed(t, labels)
        kept, h = self.encode(x, emb)
        index = 0
        for level in reversed(range(len(self.config['mult']))):
            for i in range(self.config['depth'] + 1):
                name = f'output_blocks.{index}'
                h = self.block(f'{name}.0', th.cat([h, kept.pop()], dim=1), emb)
                place = 1
                if level in self.config['attend']:
                    h = self.attention(f'{name}.1', h)
                    place = 2
                if level and i == self.config['depth']:
                    h = self.block(f'{name}.{place}', h, emb, lambda y: F.interpolate(y, scale_factor=2, mode='nearest'))
                index += 1
        return self.affine('out.2', F.silu(self.norm('out.0', h)))


# --- Guided sampling ---

def schedule(flags):
    if 'cosine' in flags:
        f = [math.cos((i / 1000 + 0.008) / 1.008 * math.pi / 2)**2 for i in range(1001)]
        betas = np.array([min(1 - f[i + 1] / f[i], 0.999) for i in range(1000)])
    else:
        betas = np.linspace(1e-4, 0.02, 1000, dtype=np.float64)
    return np.cumprod(1 - betas)


def kept_timesteps(spec):
    if spec.startswith('ddim'):
        wanted = int(spec[4:])
        return next(list(range(0, 1000, i)) for i in range(1, 1000) if len(range(0, 1000, i)) == wanted)
    stride = 999 / (int(spec) - 1)
    return [round(stride * i) for i in range(int(spec))]


def sample(spec, model, classifier):
    labels = spec['labels']
    abar_all, steps = schedule(MODEL_FLAGS[spec['model']]), kept_timesteps(spec['steps'])
    abar = abar_all[steps]
    prev = np.append(1.0, abar[:-1])
    betas = 1 - abar / prev
    posterior = betas * (1 - prev) / (1 - abar)
    clipped = np.log(np.append(posterior[1], posterior[1:]))
    large = np.append(posterior[1], betas[1:])
    generator = th.Generator().manual_seed(spec['seed'])
    shape = [len(labels), 3, 16, 16]
    x = th.randn(shape, generator=generator).double()
    for i in reversed(range(len(steps))):
        t = th.full([len(labels)], steps[i])
        out = model.unet(x, t, labels if 'classes' in model.config else None)
        eps, v = out[:, :3], out[:, 3:]
        x0 = ((x - math.sqrt(1 - abar[i]) * eps) / math.sqrt(abar[i])).clamp(-1, 1)
        gradient = spec['scale'] * classifier.gradient(x, t, labels)[1]
        noise = th.randn(shape, generator=generator).double()
        if spec['sampler'] == 'ddim':
            eps = (x - math.sqrt(abar[i]) * x0) / math.sqrt(1 - abar[i])
            eps = eps - math.sqrt(1 - abar[i]) * gradient
            x0 = (x - math.sqrt(1 - abar[i]) * eps) / math.sqrt(abar[i])
            sigma = spec['eta'] * math.sqrt((1 - prev[i]) / (1 - abar[i]) * (1 - abar[i] / prev[i]))
            x = math.sqrt(prev[i]) * x0 + math.sqrt(max(1 - prev[i] - sigma**2, 0)) * eps + (sigma * noise if i else 0)
            continue
        mean = (betas[i] * math.sqrt(prev[i]) * x0 + (1 - prev[i]) * math.sqrt(1 - betas[i]) * x) / (1 - abar[i])
        if v.shape[1]:
            part = (v + 1) / 2
            log = part * math.log(betas[i]) + (1 - part) * clipped[i]
        else:
            log = th.full_like(x, math.log(large[i]))
        x = mean + th.exp(log) * gradient + (th.exp(0.5 * log) * noise if i else 0)
    return x


# --- All cases ---

def state_dict(seed, shapes):
    return {name: th.from_numpy(np.frombuffer(values, np.float32).copy()).double().reshape(shapes[name])
            for name, values in fake_weights.weights(seed, shapes).items()}


def pack(values):
    return base64.b64encode(values.detach().numpy().astype('<f4').tobytes()).decode()


def classifier_flags(config):
    return (f"--image_size {config['size']} --classifier_width {config['width']} --classifier_depth {config['depth']} "
            f"--num_head_channels {config['head']} --use_new_attention_order {config.get('new_order', False)}")


def classifier_case(name, config):
    shapes = classifier_shapes(config)
    shape = config.get('shape', [2, config.get('channels', 3), config['size'], config['size']])
    x = th.from_numpy(np.frombuffer(fake_weights.images(name, shape), np.float32).copy()).double().reshape(shape)
    t, labels = [40, 700][:shape[0]], [config['classes'] - 2, 1][:shape[0]]
    logits, gradient = Network(state_dict(name, shapes), config).gradient(x, th.tensor(t), labels)
    print(f'{name}: {sum(map(math.prod, shapes.values()))} weights, logits of order {logits.std():.3g}, gradients {gradient.std():.3g}')
    return {'kind': 'classifier', 'name': name, 'pool': config['pool'], 'flags': classifier_flags(config), 'shapes': shapes,
            'x_shape': shape, 't': t, 'labels': labels, 'classes': config['classes'], 'logits': pack(logits),
            'gradient': pack(gradient)}


def sample_case(spec):
    config = UNETS[spec['model']]
    model = Network(state_dict(spec['model'], unet_shapes(config)), config)
    guide = CLASSIFIERS['attention']
    out = sample(spec, model, Network(state_dict('attention', classifier_shapes(guide)), guide))
    plain = sample(spec | {'scale': 0}, model, Network(state_dict('attention', classifier_shapes(guide)), guide))
    print(f"{spec['name']}: from {out.min():.3g} to {out.max():.3g}, guidance moves it by up to {(out - plain).abs().max():.3g}")
    return {'kind': 'sample', 'classifier': 'attention', 'out_shape': list(out.shape), 'out': pack(out)} | spec


def main():
    th.set_grad_enabled(True)
    models = [{'kind': 'model', 'name': name, 'shapes': unet_shapes(config), 'flags': MODEL_FLAGS[name]}
              for name, config in UNETS.items()]
    cases = [classifier_case(*item) for item in CLASSIFIERS.items()] + models + [sample_case(spec) for spec in SAMPLES]
    text = '\n'.join(json.dumps(case) for case in cases) + '\n'
    pathlib.Path(sys.argv[1]).write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == '__main__':
    main()
