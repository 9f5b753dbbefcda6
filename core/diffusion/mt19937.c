/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/mt19937.h"

#define N DDIM_MT19937_N
#define M 397

void
ddim_mt19937_seed(DdimMt19937 *mt, guint32 seed)
{
  mt->state[0] = seed;
  for (guint32 i = 1; i < N; i++)
    mt->state[i] = 1812433253u * (mt->state[i - 1] ^ (mt->state[i - 1] >> 30)) + i;
  mt->index = N;
}

static guint32
twist(guint32 high, guint32 low, guint32 far)
{
  const guint32 mixed = (high & 0x80000000u) | (low & 0x7fffffffu);
  return far ^ (mixed >> 1) ^ (-(low & 1u) & 0x9908b0dfu);
}

static void
refill(DdimMt19937 *mt)
{
  guint32 *s = mt->state;

  for (guint i = 0; i < N - M; i++)
    s[i] = twist(s[i], s[i + 1], s[i + M]);
  for (guint i = N - M; i < N - 1; i++)
    s[i] = twist(s[i], s[i + 1], s[i + M - N]);
  s[N - 1] = twist(s[N - 1], s[0], s[M - 1]);
  mt->index = 0;
}

guint32
ddim_mt19937_next(DdimMt19937 *mt)
{
  if (mt->index == N)
    refill(mt);
  guint32 y = mt->state[mt->index++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

guint64
ddim_mt19937_next64(DdimMt19937 *mt)
{
  const guint64 high = ddim_mt19937_next(mt);
  return high << 32 | ddim_mt19937_next(mt);
}
