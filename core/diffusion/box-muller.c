/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/box-muller.h"

#include <math.h>
#include <string.h>

/* Single-precision fused multiply-add. The product of two floats is exact in double. Only the sum
 * is rounded twice, so the result differs from that of fmaf() in one of 2^29 cases, by one unit.
 * fmaf() itself is a slow function call where the compiler may not assume that the processor has
 * the instruction. */
static inline float
fused(float a, float b, float c)
{
  return (float)((double)a * b + c);
}

/* ln(x) for normal x > 0: Moshier's Cephes logf(), fused where PyTorch's compiler fuses it. */
static inline float
cephes_log(float x)
{
  guint32 bits;
  memcpy(&bits, &x, sizeof bits);
  /* x = m * 2^e with m in [0.5, 1), then moved to [sqrt(1/2), sqrt(2)) - 1 */
  float e = (float)((gint32)(bits >> 23) - 126);
  bits = (bits & 0x007fffffu) | 0x3f000000u;
  float m;
  memcpy(&m, &bits, sizeof m);
  const gboolean small = m < 0.707106781186547524f;
  e -= small ? 1.0f : 0.0f;
  m = (m - 1.0f) + (small ? m : 0.0f);

  const float z = m * m;
  float y = 7.0376836292e-2f;
  y = fused(y, m, -1.1514610310e-1f);
  y = fused(y, m, 1.1676998740e-1f);
  y = fused(y, m, -1.2420140846e-1f);
  y = fused(y, m, 1.4249322787e-1f);
  y = fused(y, m, -1.6668057665e-1f);
  y = fused(y, m, 2.0000714765e-1f);
  y = fused(y, m, -2.4999993993e-1f);
  y = fused(y, m, 3.3333331174e-1f);
  y = fused(y * m, z, e * -2.12194440e-4f);
  y = fused(z, -0.5f, y);
  /* ln 2 in two parts: 0.693359375 - 2.12194440e-4 */
  return fused(e, 0.693359375f, m + y);
}

/* sin(x) and cos(x) for 0 <= x < 8192: Cephes sinf() and cosf(), likewise. */
static inline void
cephes_sincos(float x, float *sine, float *cosine)
{
  /* the even octant nearest to x, and what remains, in [-pi/4, pi/4] */
  const gint32 octant = ((gint32)(x * 1.27323954473516f) + 1) & ~1;
  const float j = (float)octant;
  x = fused(j, -0.78515625f, x);
  x = fused(j, -2.4187564849853515625e-4f, x);
  x = fused(j, -3.77489497744594108e-8f, x);

  const float z = x * x;
  float c = fused(z, 2.443315711809948e-5f, -1.388731625493765e-3f);
  c = fused(c, z, 4.166664568298827e-2f);
  c = fused(c * z, z, z * -0.5f) + 1.0f;
  float s = fused(z, -1.9515295891e-4f, 8.3321608736e-3f);
  s = fused(s, z, -1.6666654611e-1f);
  s = fused(s * z, x, x);

  const gboolean swap = (octant & 2) != 0;
  const float sin_part = swap ? c : s, cos_part = swap ? s : c;
  *sine = (octant & 4) != 0 ? -sin_part : sin_part;
  *cosine = ((octant + 2) & 4) != 0 ? -cos_part : cos_part;
}

void
ddim_box_muller_block16(float block[16])
{
  float first[8], second[8];

  for (int i = 0; i < 8; i++) {
    const float radius = sqrtf(-2.0f * cephes_log(1.0f - block[i]));
    float sine, cosine;
    cephes_sincos((float)(2 * G_PI) * block[i + 8], &sine, &cosine);
    first[i] = radius * cosine;
    second[i] = radius * sine;
  }
  memcpy(block, first, sizeof first);
  memcpy(block + 8, second, sizeof second);
}

void
ddim_box_muller_double(double u1, double u2, double *first, double *second)
{
  const double radius = sqrt(-2.0 * log1p(-u2));
  const double theta = 2.0 * G_PI * u1;

  *first = radius * cos(theta);
  *second = radius * sin(theta);
}

void
ddim_box_muller_curand(guint32 x, guint32 y, float *first, float *second)
{
  /* The arguments are rounded to float where the card rounds them, because the functions magnify
   * that rounding. The last bits of the card's own functions are not known. */
  const float inv = 0x1p-32f, inv_2pi = inv * 6.2831855f;
  const float u = fused((float)x, inv, inv / 2);
  const float v = fused((float)y, inv_2pi, inv_2pi / 2);
  const double radius = sqrt(-2.0 * log((double)u));

  *first = (float)(radius * sin((double)v));
  *second = (float)(radius * cos((double)v));
}
