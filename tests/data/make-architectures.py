#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make-architectures.py IMPROVED GUIDED OUT.txt.gz: names and shapes of the state dicts that the originals make.

IMPROVED and GUIDED are checkouts of https://github.com/openai/improved-diffusion and .../guided-diffusion; torch is
needed, but no memory for weights. The tests only read what this wrote. Format: a line "= NAME", then for each tensor a
line with its name and its dimensions.
"""
import gzip
import sys

import torch as th

improved_folder, guided_folder, out = sys.argv[1:]
sys.path[:0] = [improved_folder, guided_folder]
from guided_diffusion import script_util as guided  # noqa: E402
from improved_diffusion import script_util as improved, unet as improved_unet  # noqa: E402

improved_unet.avg_pool_nd = lambda stride: th.nn.AvgPool2d(stride, stride)  # it passes the stride as the dimensions

FLAGS_64 = dict(num_channels=128, num_res_blocks=3, learn_sigma=True)
UPDOWN = dict(resblock_updown=True, learn_sigma=True, attention_resolutions='32,16,8')


def of_script(script, prefix='', **changes):
    """As the scripts build it from flags; with @prefix sr_ for super-resolution."""
    values = getattr(script, prefix + 'model_and_diffusion_defaults')() | changes
    return getattr(script, prefix + 'create_model_and_diffusion')(**values)[0]


def of_class(cls='UNetModel', *, in_channels=3, out_channels=3, channels=32, blocks=1, attention=(2,), mult=(1, 2), **more):
    return getattr(improved_unet, cls)(in_channels, channels, out_channels, blocks, attention, channel_mult=mult, **more)


MODELS = {
    'imagenet64_uncond_100M_1500K': lambda: of_script(improved, image_size=64, **FLAGS_64),
    'cifar10_uncond_50M_500K': lambda: of_script(improved, image_size=32, **FLAGS_64),
    'imagenet64_cond_270M_250K': lambda: of_script(improved, image_size=64, num_channels=192, num_res_blocks=3,
                                                   learn_sigma=True, class_cond=True),
    'upsample_cond_500K': lambda: of_script(improved, 'sr_', num_channels=192, num_res_blocks=2, learn_sigma=True,
                                            class_cond=True),
    'lsun_uncond_100M_1200K_bs128': lambda: of_script(improved, image_size=256, num_channels=128, num_res_blocks=2,
                                                      num_heads=1, learn_sigma=True, use_scale_shift_norm=False,
                                                      attention_resolutions='16'),
    '64x64_diffusion': lambda: of_script(guided, image_size=64, num_channels=192, num_res_blocks=3, class_cond=True,
                                         **UPDOWN),
    '128x128_diffusion': lambda: of_script(guided, image_size=128, num_channels=256, class_cond=True, **UPDOWN),
    '256x256_diffusion': lambda: of_script(guided, image_size=256, num_channels=256, class_cond=True, **UPDOWN),
    '256x256_diffusion_uncond': lambda: of_script(guided, image_size=256, num_channels=256, **UPDOWN),
    '512x512_diffusion': lambda: of_script(guided, image_size=512, num_channels=256, class_cond=True, **UPDOWN),
    '64_256_upsampler': lambda: of_script(guided, 'sr_', large_size=256, small_size=64, num_channels=192,
                                          class_cond=True, **UPDOWN),
    '128_512_upsampler': lambda: of_script(guided, 'sr_', large_size=512, small_size=128, num_channels=192,
                                           class_cond=True, **(UPDOWN | dict(attention_resolutions='32,16'))),
    'ffhq_10m': lambda: of_script(guided, image_size=256, num_channels=128, num_res_blocks=1, num_head_channels=64,
                                  **(UPDOWN | dict(attention_resolutions='16'))),
    '64x64_classifier': lambda: guided.create_classifier(64, False, 128, 4, '32,16,8', True, True, 'attention'),
    '128x128_classifier': lambda: guided.create_classifier(128, False, 128, 2, '32,16,8', True, True, 'attention'),
    '256x256_classifier': lambda: guided.create_classifier(256, False, 128, 2, '32,16,8', True, True, 'attention'),
    '512x512_classifier': lambda: guided.create_classifier(512, False, 128, 2, '32,16,8', True, True, 'attention'),
    'classifier-conv': lambda: guided.create_classifier(64, False, 64, 3, '32,16', False, False, 'adaptive'),
    'classifier-spatial': lambda: guided.create_classifier(64, False, 64, 1, '16', True, True, 'spatial'),
    'classifier-spatial2': lambda: guided.create_classifier(128, False, 64, 2, '8', True, False, 'spatial_v2'),
    'one-level': lambda: of_class(mult=(1,), attention=(1,), blocks=2),
    'no-attention': lambda: of_class(attention=(), mult=(1, 1, 2)),
    'pooled': lambda: of_class(mult=(1, 2, 3), blocks=2, attention=(2, 4), conv_resample=False, num_classes=7,
                               use_scale_shift_norm=True),
    'pooled-one-block': lambda: of_class(mult=(1, 1, 1, 1), attention=(1, 8), conv_resample=False),
    'deep': lambda: of_class(mult=(1, 1, 1, 1, 1, 1, 1), attention=(64,)),
    'gray': lambda: of_class(in_channels=1, out_channels=1),
    'gray-sigma': lambda: of_class(in_channels=1, out_channels=2),
    'two': lambda: of_class(in_channels=2, out_channels=2),
    'rgba': lambda: of_class(in_channels=4, out_channels=4),
    'rgba-sigma': lambda: of_class(in_channels=4, out_channels=8),
    'superres-gray': lambda: of_class('SuperResModel', in_channels=1, out_channels=1),
    'superres-gray-sigma': lambda: of_class('SuperResModel', in_channels=1, out_channels=2),
    'superres-rgb': lambda: of_class('SuperResModel', in_channels=3, out_channels=3, num_classes=5),
    'superres-rgba-sigma': lambda: of_class('SuperResModel', in_channels=4, out_channels=8),
}

lines = []
for name, build in MODELS.items():
    with th.device('meta'):
        state = build().state_dict()
    lines.append(f'= {name}')
    lines += [' '.join([key, *map(str, tensor.shape)]) for key, tensor in state.items()]
with open(out, 'wb') as raw, gzip.GzipFile(filename='', mode='wb', fileobj=raw, mtime=0) as file:
    file.write(('\n'.join(lines) + '\n').encode())
