#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make-check-values.py ORIGINAL OUT.c: the numbers with which `ddim check` compares an evaluation of the default model.

ORIGINAL is a checkout of https://github.com/openai/improved-diffusion. The model is evaluated by it in float64, at timestep 500,
for class 3, on the 32x32 noise that torch.manual_seed(1) gives; every STEP-th of the 3072 values of the output is kept.
OUT.c is core/job/check-values.c.
"""
import json
import pathlib
import sys

import torch as th

import make_oracle as oracle

STEP = 48
HEAD = '''/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Written by tests/data/make-check-values.py. */
#include "core/job/check-values.h"

const double ddim_check_values[DDIM_CHECK_N_VALUES] = {
'''


@th.no_grad()
def main(original, out):
    _, unet = oracle.load_original(original)
    here = pathlib.Path(__file__).parent
    case = next(case for case in json.loads((here / 'unets.json').read_text()) if case['name'] == 'textures_ddim')
    model = oracle.build_model(unet, case)
    model.load_state_dict(oracle.load_weights(here / case['weights']))
    th.manual_seed(1)
    x = th.randn(1, 3, 32, 32)
    result = oracle.evaluate_f64(unet, model, x, th.tensor([500]), {'y': th.tensor([3])}).flatten()
    print(f'deviation {result.std():.3f}, largest {result.abs().max():.3f}')
    values = [f'{value:.9f}' for value in result[::STEP].tolist()]
    lines = ['    ' + ', '.join(values[first:first + 6]) + ',' for first in range(0, len(values), 6)]
    pathlib.Path(out).write_text(HEAD + '\n'.join(lines) + '\n};\n')


if __name__ == '__main__':
    main(*sys.argv[1:])
