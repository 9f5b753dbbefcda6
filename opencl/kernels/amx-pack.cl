/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Weights into the right factors of amx-conv.cl: B[panel of 32 columns][plane of 32 channels][tap], blocks as in amx-tiles.cl.
 * Options: HALF_WEIGHTS. */

/* Where column n and channel c lie in [half panel][16][16 columns][2]. */
#define WITHIN(n, c) ((n) / 16 % 2 * 512 + (c) % 16 * 32 + (n) % 16 * 2 + (c) / 16 % 2)

#ifdef HALF_WEIGHTS

/* w[n][c][tap] (PyTorch's OIHW) -> blocks of half [half panel][16][16 columns][2], for amx_widen; columns and channels past the
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

/* Such blocks -> B, with nothing lost: two bfloat16 hold more than a half. One work-item per block. */
__kernel void amx_widen(__global const half *h, __global float *b, ulong b_off)
{
  const ulong block = get_global_id(0);
  __global uint *out = (__global uint *)(b + b_off) + block * (BLOCK_BYTES / 4);
  h += block * 1024;
  for (uint row = 0; row < 32; row++) {
    const float16 v0 = vload_half16(2 * row, h), v1 = vload_half16(2 * row + 1, h);
    const Split words = split(
        __builtin_shufflevector(v0, v1, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
        __builtin_shufflevector(v0, v1, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
    put16(words.lo, row, out);
    put16(words.hi, 32 + row, out);
  }
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
