/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Weights into the right factors of amx-conv.cl: B[panel of 32 columns][plane of 32 channels][tap], blocks as in amx-tiles.cl.
 * Options: HALF_WEIGHTS. */

#ifdef HALF_WEIGHTS

/* w[n][c][tap] (PyTorch's OIHW) -> blocks of half [half panel][16][16 columns][2], for amx-widen.cl; columns and channels past the
 * real ones become zero. One work-item per (n, c). */
__kernel void amx_weights(__global const float *w, __global half *b, uint n_real, uint c_real,
                          uint N, uint C, uint taps)
{
  const uint n = get_global_id(0), c = get_global_id(1);
  const bool real = n < n_real && c < c_real;
  b += ((ulong)(n / 32) * (C / 32) + c / 32) * taps * 1024 + WITHIN(n, c);
  for (uint tap = 0; tap < taps; tap++, b += 1024)
    vstore_half_rte(real ? w[((ulong)n * c_real + c) * taps + tap] : 0.0f, 0, b);
}

#else

/* w[n][c][tap] (PyTorch's OIHW) -> B; columns and channels past the real ones become zero. One work-item per (n, c). */
__kernel void amx_weights(__global const float *w, __global ushort *b, uint n_real, uint c_real,
                          uint N, uint C, uint taps)
{
  const uint n = get_global_id(0), c = get_global_id(1);
  const bool real = n < n_real && c < c_real;
  b += ((ulong)(n / 32) * (C / 32) + c / 32) * taps * 2048 + WITHIN(n, c);
  for (uint tap = 0; tap < taps; tap++, b += 2048) {
    const float value = real ? w[((ulong)n * c_real + c) * taps + tap] : 0.0f;
    const uint hi = BF16(as_uint(value));
    b[0] = BF16(as_uint(value - as_float(hi))) >> 16;
    b[1024] = hi >> 16;
  }
}

#endif
