/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/philox.h"

#define ROUNDS 10

void
ddim_philox4x32(const guint32 counter[4], const guint32 key[2], guint32 out[4])
{
  guint32 c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  guint32 k0 = key[0], k1 = key[1];

  for (int round = 0; round < ROUNDS; round++) {
    const guint64 p0 = (guint64)0xd2511f53u * c0;
    const guint64 p1 = (guint64)0xcd9e8d57u * c2;
    c0 = (guint32)(p1 >> 32) ^ c1 ^ k0;
    c1 = (guint32)p1;
    c2 = (guint32)(p0 >> 32) ^ c3 ^ k1;
    c3 = (guint32)p0;
    k0 += 0x9e3779b9u; /* the golden ratio */
    k1 += 0xbb67ae85u; /* sqrt(3) - 1 */
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}
