/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Means over pixels and what else the pools of classifiers do. Few models need it, so that it is a program of its own. */

/* y = the mean over all pixels, from those of pieces: part[n][chunk][2][C] of norm_moments. Global size: (C/VEC, images). */
__kernel void mean_of_parts(__global const float *part, ulong part_off, __global float *y,
                            ulong y_off, uint y_ld, uint pixels, uint chunk, uint C)
{
  const uint c = get_global_id(0) * VEC, n = get_global_id(1);
  const uint chunks = (pixels + chunk - 1) / chunk;
  part += part_off + (ulong)n * chunks * 2 * C + c;
  vec sum = (vec)(0.0f);
  for (uint i = 0; i < chunks; i++)
    sum = fma(LOADV(part + (ulong)i * 2 * C), (vec)((float)min(chunk, pixels - i * chunk)), sum);
  STOREV(sum / (float)pixels, y + y_off + (ulong)n * y_ld + c);
}

/* y[n][1 + pixels]: the mean, then the pixels, plus table[C][1 + pixels]. Global size: (C, 1 + pixels, images). */
__kernel void tokens(__global const float *x, ulong x_off, uint x_ld, __global const float *table,
                     ulong table_off, __global float *y, ulong y_off, uint y_ld, uint pixels)
{
  const uint c = get_global_id(0), t = get_global_id(1), n = get_global_id(2);
  x += x_off + (ulong)n * pixels * x_ld + c;
  float value = 0;
  if (t == 0) {
    for (uint i = 0; i < pixels; i++)
      value += x[(ulong)i * x_ld];
    value /= (float)pixels;
  } else {
    value = x[(ulong)(t - 1) * x_ld];
  }
  value += table[table_off + (ulong)c * (pixels + 1) + t];
  y[y_off + ((ulong)n * (pixels + 1) + t) * y_ld + c] = value;
}

/* y = max(x, 0). Global size: (C/VEC, pixels of all images). */
__kernel void relu(__global const float *x, ulong x_off, uint x_ld, __global float *y, ulong y_off,
                   uint y_ld)
{
  const uint c = get_global_id(0) * VEC;
  const ulong pixel = get_global_id(1);
  STOREV(fmax(LOADV(x + x_off + pixel * x_ld + c), (vec)(0.0f)), y + y_off + pixel * y_ld + c);
}
