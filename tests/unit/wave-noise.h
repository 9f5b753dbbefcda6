/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/* Noise that every language computes alike: value i of draw k is 1.1 cos(3 k + 0.7 i). The scripts
 * of tests/data have the same. */

#include <math.h>

#include "core/diffusion/host-sampling.h"

typedef struct {
  guint draws; /* so far */
} WaveNoise;

/* A DdimNoiseFunc. */
static inline void
wave_noise_draw(gpointer user_data, double *out, gsize n)
{
  WaveNoise *noise = user_data;

  for (gsize i = 0; i < n; i++)
    out[i] = 1.1 * cos(3.0 * noise->draws + 0.7 * (double)i);
  noise->draws++;
}
