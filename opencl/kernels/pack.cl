/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Weights into the layouts of the matrix products. Options: PACKED (1: [N/NR][depth][NR], 0: [depth][N]); HALF_WEIGHTS. */

/* w[n][c][tap] (PyTorch's OIHW; a linear layer has one tap) -> B[(tap, c)][n], channels past the real ones become zero.
 * One work-item per (n, c). */
__kernel void pack_weights(__global const float *w, __global weight *b, uint n_real, uint c_real,
                           uint N, uint C, uint taps)
{
  const uint n = get_global_id(0), c = get_global_id(1);
  const bool real = n < n_real && c < c_real;
  for (uint tap = 0; tap < taps; tap++) {
    const float value = real ? w[((ulong)n * c_real + c) * taps + tap] : 0.0f;
    const ulong depth = (ulong)tap * C + c;
#if PACKED
    STOREW(value, b + ((ulong)(n / NR) * C * taps + depth) * NR + n % NR);
#else
    STOREW(value, b + depth * N + n);
#endif
  }
}

#ifdef HALF_WEIGHTS
/* Half to float32, 16 values a work-item. */
__kernel void widen(__global const half *b, __global float *w, ulong w_off)
{
  const ulong i = get_global_id(0);
  vstore16(vload_half16(i, b), i, w + w_off);
}
#endif
