/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Weights into the right factors of amx-winograd.cl: B[panel of 32 columns][point][plane of 32 channels][dy], blocks as in
 * amx-tiles.cl. */

/* w[n][c][dy][dx] (PyTorch's OIHW) -> B; columns and channels past the real ones become zero. One work-item per (n, c). */
__kernel void amx_winograd_weights(__global const float *w, __global ushort *b, uint n_real,
                                   uint c_real, uint N, uint C)
{
  const uint n = get_global_id(0), c = get_global_id(1), planes = C / 32;
  const bool real = n < n_real && c < c_real;
  w += real ? ((ulong)n * c_real + c) * 9 : 0;
  b += ((ulong)(n / 32) * AMX_POINTS * planes + c / 32) * 3 * 2048 + WITHIN(n, c);
  for (uint point = 0; point < AMX_POINTS; point++, b += (ulong)planes * 3 * 2048)
    for (uint dy = 0; dy < 3; dy++) {
      float value = 0;
      for (uint dx = 0; dx < 3 && real; dx++)
        value = fma(filter_transform[point][dx], w[dy * 3 + dx], value);
      const uint hi = BF16(as_uint(value));
      b[dy * 2048] = BF16(as_uint(value - as_float(hi))) >> 16;
      b[dy * 2048 + 1024] = hi >> 16;
    }
}
