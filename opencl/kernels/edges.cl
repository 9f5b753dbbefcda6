/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The edges between the outside's planar NCHW and the inside's NHWC, and copies. */

/* y[n][pixel][y_ld] = channels of x (planar, x_c of them), then of cond (planar, cond_c), then zeros up to C.
 * Global size: (pixels, images). */
__kernel void from_planar(__global const float *x, ulong x_off, uint x_c,
                          __global const float *cond, ulong cond_off, uint cond_c,
                          __global float *y, ulong y_off, uint y_ld, uint C)
{
  const ulong pixel = get_global_id(0), pixels = get_global_size(0), n = get_global_id(1);
  y += y_off + (n * pixels + pixel) * y_ld;
  for (uint c = 0; c < x_c; c++)
    y[c] = x[x_off + (n * x_c + c) * pixels + pixel];
  for (uint c = 0; c < cond_c; c++)
    y[x_c + c] = cond[cond_off + (n * cond_c + c) * pixels + pixel];
  for (uint c = x_c + cond_c; c < C; c++)
    y[c] = 0.0f;
}

/* y planar [n][C][pixels] = the first C channels of x. Global size: (pixels, images). */
__kernel void to_planar(__global const float *x, ulong x_off, uint x_ld, __global float *y,
                        ulong y_off, uint C)
{
  const ulong pixel = get_global_id(0), pixels = get_global_size(0), n = get_global_id(1);
  for (uint c = 0; c < C; c++)
    y[y_off + (n * C + c) * pixels + pixel] = x[x_off + (n * pixels + pixel) * x_ld + c];
}

/* y = x. A work-item copies `channels` of `pixels` pixels. Global size: (C / channels, pixels of an image / pixels, images). */
__kernel void copy_tensor(__global const x_type *x, ulong x_off, uint x_ld, __global y_type *y,
                          ulong y_off, uint y_ld, uint channels, uint pixels)
{
  const ulong first = ((ulong)get_global_id(2) * get_global_size(1) + get_global_id(1)) * pixels;
  const uint c0 = get_global_id(0) * channels;
  x += x_off + first * x_ld + c0;
  y += y_off + first * y_ld + c0;
  for (uint i = 0; i < pixels; i++)
    for (uint c = 0; c < channels; c += VEC)
      STOREY(LOADX(x + (ulong)i * x_ld + c), y + (ulong)i * y_ld + c);
}

/* x = 2 x - 1, contiguous. Global size: count / VEC. */
__kernel void center_in_place(__global float *x, ulong x_off)
{
  x += x_off + get_global_id(0) * VEC;
  STOREV(LOADV(x) * 2.0f - 1.0f, x);
}

/* x = silu(x), contiguous. Global size: count / VEC. */
__kernel void silu_in_place(__global float *x, ulong x_off)
{
  x += x_off + get_global_id(0) * VEC;
  STOREV(silu(LOADV(x)), x);
}
