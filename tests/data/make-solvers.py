#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""make-solvers.py: what dpm++sde, unipc, plms and heun make with a model in closed form, into solvers.json, in float64.

Only numpy is needed; the test only reads the file. Each solver is written as its paper has it, with every quantity by its name,
where the program has one linear combination for each evaluation. The model, the start and the draws of noise are those of
tests/unit/test-solvers.c.
"""
import json
import pathlib

import numpy as np

COUNT = 16


def linear(T):
    return np.cumprod(1 - np.linspace(1e-4 * 1000 / T, 0.02 * 1000 / T, T))


def cosine(T):
    f = lambda u: np.cos((u + 0.008) / 1.008 * np.pi / 2)**2
    return np.cumprod(1 - np.array([min(1 - f((i + 1) / T) / f(i / T), 0.999) for i in range(T)]))


def eps(x, t, T):
    u = (t + 1) / T
    return x * (u / (u + 0.1)) + 0.1 * np.sin(3 * x + t / 100)


class Path:
    """Levels from noise to the image: alpha, sigma and lambda at each, and the model's x0 there."""

    def __init__(self, abar, kept, clip):
        self.T, self.times, self.clip = len(abar), list(reversed(kept)), clip
        a = np.array([abar[t] for t in self.times] + [1.0])
        self.n, self.alpha, self.sigma = len(kept), np.sqrt(a), np.sqrt(1 - a)
        with np.errstate(divide='ignore'):
            self.lam = np.log(self.alpha) - np.log(self.sigma)

    def x0(self, x, i):
        x0 = (x - self.sigma[i] * eps(x, self.times[i], self.T)) / self.alpha[i]
        return np.clip(x0, -1, 1) if self.clip else x0

    def noise_of(self, x, x0, i):
        return (x - self.alpha[i] * x0) / self.sigma[i]

    def order(self, i):
        """Second order, but for the first step and for the last two, as the program's header says."""
        return 1 if i == 0 or i >= self.n - 2 else 2


def heun(p, x, draw):
    """Karras et al. 2022, algorithm 1, in x / alpha and sigma / alpha."""
    s = p.sigma / p.alpha
    y = x / p.alpha[0]
    for i in range(p.n):
        d = (y - p.x0(y * p.alpha[i], i)) / s[i]
        end = y + (s[i + 1] - s[i]) * d
        if i + 1 < p.n:
            d2 = (end - p.x0(end * p.alpha[i + 1], i + 1)) / s[i + 1]
            end = y + (s[i + 1] - s[i]) * (d + d2) / 2
        y = end
    return y


def plms(p, x, draw):
    """Liu et al. 2022: equation 12 for eps, equation 11 for the transfer."""
    weights = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]]
    ets = []
    for i in range(p.n):
        ets = [p.noise_of(x, p.x0(x, i), i)] + ets[:3]
        e = sum(w * v for w, v in zip(weights[len(ets) - 1], ets))
        a, b = p.alpha[i]**2, p.alpha[i + 1]**2
        x = np.sqrt(b / a) * x - (b - a) / (np.sqrt(a) * (np.sqrt((1 - b) * a) + np.sqrt((1 - a) * b))) * e
    return x


def dpm_sde(p, x, draw):
    """Lu et al. 2022, SDE-DPM-Solver++(2M)."""
    before = None
    for i in range(p.n):
        x0, z = p.x0(x, i), draw(i)
        h = p.lam[i + 1] - p.lam[i]
        D = x0 if p.order(i) == 1 else x0 + h / (2 * (p.lam[i] - p.lam[i - 1])) * (x0 - before)
        x = (p.sigma[i + 1] / p.sigma[i] * np.exp(-h) * x + p.alpha[i + 1] * (1 - np.exp(-2 * h)) * D +
             p.sigma[i + 1] * np.sqrt(1 - np.exp(-2 * h)) * z)
        before = x0
    return x


def unipc(p, x, draw):
    """Zhao et al. 2023, algorithms 1 and 2 for predictions of x0, B(h) = exp(h) - 1."""
    last, predictions = None, []
    for i in range(p.n):
        x0 = p.x0(x, i)
        if i > 0:
            x = unipc_step(p, i - 1, last, predictions, p.order(i - 1), x0)
        last, predictions = x, [x0] + predictions
        x = unipc_step(p, i, last, predictions, p.order(i), None)
    return x


def unipc_step(p, i, x, m, order, new):
    """From level i to the next; @new is the prediction there, for the corrector."""
    h = p.lam[i + 1] - p.lam[i]
    if np.isinf(h):
        base, b_h = p.alpha[i + 1] * m[0], -1.0
    else:
        base, b_h = p.sigma[i + 1] / p.sigma[i] * x - p.alpha[i + 1] * np.expm1(-h) * m[0], np.expm1(-h)
    r = [(p.lam[i - k] - p.lam[i]) / h for k in range(1, order)]
    D = [(m[k] - m[0]) / r[k - 1] for k in range(1, order)]
    if new is not None:
        r, D = r + [1.0], D + [new - m[0]]
    if not D:
        return base
    if len(D) == 1:
        rho = [0.5]
    else:
        phi = [np.expm1(-h) / -h - 1]
        phi.append(phi[0] / -h - 0.5)
        rho = np.linalg.solve(np.array([[1.0] * len(r), r]), [phi[0] / b_h, phi[1] * 2 / b_h])
    return base - p.alpha[i + 1] * b_h * sum(a * d for a, d in zip(rho, D))


def main():
    cases = []
    # Of the cosine schedule only the first half: its last sigma / alpha is some thousand, which enlarges rounding errors.
    for schedule, abar, used, spec in (('linear', linear(1000), 1000, '%d'), ('cosine', cosine(400), 200, '%d,0')):
        T = len(abar)
        for n in (1, 2, 3, 10, 25):
            kept = [int(np.round(i * (used - 1) / max(n - 1, 1))) for i in range(n)]
            for clip in (False, True):
                for name, solver in (('heun', heun), ('plms', plms), ('dpm++sde', dpm_sde), ('unipc', unipc)):
                    x = 1.3 * np.sin(1.0 + np.arange(COUNT))
                    result = solver(Path(abar, kept, clip), x, lambda k: 1.1 * np.cos(3.0 * k + 0.7 * np.arange(COUNT)))
                    cases.append({'sampler': name, 'schedule': schedule, 'T': T, 'steps': spec % n, 'clip': clip,
                                  'result': [float(f'{v:.12g}') for v in result]})
    out = pathlib.Path(__file__).parent / 'solvers.json'
    out.write_text('[\n' + ',\n'.join(json.dumps(case) for case in cases) + '\n]\n')


if __name__ == '__main__':
    main()
