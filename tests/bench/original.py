#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""original.py eval|sample|weights ORIGINAL …: openai/improved-diffusion under PyTorch, measured; one JSON object on stdout.

  eval ORIGINAL CASES.json NAME WEIGHTS BATCH SIZE COUNT THREADS [DEVICE [PRECISION]]
      UNet evaluations, the keys as of `ddim bench --json`, on DEVICE (cpu), in PRECISION: f32, tf32 (f32 with products of
      TF32), or f16, which is the original's own half precision
  weights ORIGINAL CASES.json NAME WEIGHTS                         make random weights
  sample ORIGINAL CASES.json NAME WEIGHTS STEPS CLASS OUT.npz      one image from start to finish, as a user would
"""
import json
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / 'data'))


def load(original, cases, name, weights):
    import make_oracle
    script_util, unet = make_oracle.load_original(original)
    (case,) = (case for case in json.loads(pathlib.Path(cases).read_text()) if case['name'] == name)
    model = make_oracle.build_model(unet, case)
    model.load_state_dict(make_oracle.load_weights(pathlib.Path(weights)))
    return script_util, model.eval()


def set_precision(th, model, precision):
    th.backends.cuda.matmul.allow_tf32 = th.backends.cudnn.allow_tf32 = precision == 'tf32'
    th.backends.cudnn.benchmark = True
    if precision == 'f16':
        model.convert_to_fp16()


def evaluate(original, cases, name, weights, batch, size, count, threads, device='cpu', precision='f32'):
    import torch as th
    th.set_num_threads(int(threads))
    start = time.monotonic()
    _, model = load(original, cases, name, weights)
    model.to(device)
    set_precision(th, model, precision)
    load_s = time.monotonic() - start
    x = th.randn(int(batch), model.in_channels, int(size), int(size), device=device)
    t = th.full((int(batch),), 500, device=device)
    inputs = {} if model.num_classes is None else {'y': th.zeros(int(batch), dtype=th.long, device=device)}
    wait = (lambda: None) if device == 'cpu' else th.cuda.synchronize
    times = []
    with th.inference_mode():
        for number in range(int(count) + 2):
            start = time.monotonic()
            model(x, t, **inputs)
            wait()
            if number >= 2:  # the first two evaluations choose and prepare kernels
                times.append((time.monotonic() - start) * 1000)
    return {'torch': th.__version__, 'threads': th.get_num_threads(), 'load_s': load_s,
            'ms_per_eval_median': statistics.median(times), 'ms_per_eval_min': min(times)}


def make_weights(original, cases, name, out):
    import make_oracle
    import torch as th
    _, unet = make_oracle.load_original(original)
    (case,) = (case for case in json.loads(pathlib.Path(cases).read_text()) if case['name'] == name)
    model = make_oracle.build_model(unet, case)
    make_oracle.randomise(model, case['seed'])
    part = pathlib.Path(f'{out}.part')
    th.save(model.state_dict(), part)
    part.rename(out)
    return {'torch': th.__version__}


def sample(original, cases, name, weights, steps, label, out):
    import numpy as np
    import torch as th
    script_util, model = load(original, cases, name, weights)
    diffusion = script_util.create_gaussian_diffusion(timestep_respacing=f'ddim{steps}')
    th.manual_seed(1)
    images = diffusion.ddim_sample_loop(model, (1, 3, 32, 32), model_kwargs={'y': th.tensor([int(label)])})
    pixels = ((images + 1) * 127.5).clamp(0, 255).to(th.uint8).permute(0, 2, 3, 1).contiguous()
    np.savez(out, pixels.numpy())
    return {'torch': th.__version__}


if __name__ == '__main__':
    print(json.dumps({'eval': evaluate, 'sample': sample, 'weights': make_weights}[sys.argv[1]](*sys.argv[2:])))
