# SPDX-License-Identifier: LGPL-3.0-or-later
"""Weights out of nothing: the same numbers for the tests, which have only the standard library, and for the programs that
computed what the tests expect."""
import array
import math
import random


def uniform(key, count, low, high):
    """@count numbers from @low to @high that depend on the text @key alone, as float32."""
    draw = random.Random(key).random
    return array.array('f', [low + (high - low) * draw() for _ in range(count)])


def weights(seed, shapes):
    """{name: float32 numbers} for {name: shape}: with them every layer matters, and outputs are of order 1."""
    made = {}
    for name, shape in shapes.items():
        count = math.prod(shape)
        if len(shape) > 1:
            limit = math.sqrt(3 / math.prod(shape[1:]))
            low, high = -limit, limit
        else:
            middle = 1 if name.endswith('.weight') else 0  # of a norm
            low, high = middle - 0.3, middle + 0.3
        made[name] = uniform(f'{seed} {name}', count, low, high)
    return made


def images(seed, shape):
    """Something like noise."""
    return uniform(f'{seed} x', math.prod(shape), -1.7, 1.7)
