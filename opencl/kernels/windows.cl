/* SPDX-License-Identifier: LGPL-3.0-or-later
 * A picture that is computed in windows. Windows have h x w pixels, the picture H x W, and what lies beyond its edge
 * begins again at the other one. A row of windows begins at pixel `top`, window n of a batch at pixel lefts[n].
 *
 * Sums must not depend on the order in which windows are computed. A pixel lies in at most two windows of a row and in at
 * most two rows, so each sum has at most two terms; a product that is rounded before it is added makes them exchangeable. */
#pragma OPENCL FP_CONTRACT OFF

/* y [n][C][h * w] = the windows of x [C][H][W], both planar. Global size: (h * w, C, windows). */
__kernel void gather_windows(__global const float *x, ulong x_off, uint H, uint W, uint top, __global const uint *lefts,
                     uint first, uint w, __global float *y, ulong y_off)
{
  const ulong pixel = get_global_id(0), pixels = get_global_size(0);
  const ulong c = get_global_id(1), C = get_global_size(1), n = get_global_id(2);
  const ulong row = (top + pixel / w) % H, column = (lefts[first + n] + pixel % w) % W;
  y[y_off + (n * C + c) * pixels + pixel] = x[x_off + (c * H + row) * W + column];
}

/* sum [n][h * w][C] gains y [n][h * w][ld], each pixel times its share of the map [H][W], which is of 255.
 * Global size: (h * w, windows). */
__kernel void add_class(__global const float *y, ulong y_off, uint ld, __global const uchar *map, uint H,
                  uint W, uint top, __global const uint *lefts, uint first, uint w, __global float *sum, ulong sum_off,
                  uint C, uint is_first)
{
  const ulong pixel = get_global_id(0), pixels = get_global_size(0), n = get_global_id(1);
  const ulong row = (top + pixel / w) % H, column = (lefts[first + n] + pixel % w) % W;
  const uint share = map[row * W + column];
  y += y_off + (n * pixels + pixel) * ld;
  sum += sum_off + (n * pixels + pixel) * C;
  for (uint c = 0; c < C; c++) {
    const float before = is_first ? 0.0f : sum[c];
    const float part = share / 255.0f * y[c];
    sum[c] = share ? before + part : before;
  }
}

/* One window into a row of them, sums [h][W][C]. weights [w] are those of the window's columns. Global size: (w, h). */
__kernel void add_to_row(__global const float *y, ulong y_off, uint ld, __global const float *weights,
                         ulong weights_off, uint left, uint W, uint C, __global float *sums, ulong sums_off)
{
  const ulong i = get_global_id(0), j = get_global_id(1), w = get_global_size(0);
  const float weight = weights[weights_off + i];
  if (weight == 0)
    return;
  y += y_off + (j * w + i) * ld;
  sums += sums_off + (j * W + (left + i) % W) * C;
  for (uint c = 0; c < C; c++) {
    const float part = weight * y[c];
    sums[c] += part;
  }
}

/* A whole row into the picture, output [H][W][C]. weights [h] are those of the row's lines. Global size: (W, h). */
__kernel void add_row(__global const float *sums, ulong sums_off, __global const float *weights, ulong weights_off,
                      uint top, uint H, uint C, __global float *output, ulong output_off)
{
  const ulong i = get_global_id(0), j = get_global_id(1), W = get_global_size(0);
  const float weight = weights[weights_off + j];
  if (weight == 0)
    return;
  sums += sums_off + (j * W + i) * C;
  output += output_off + ((top + j) % H * W + i) * C;
  for (uint c = 0; c < C; c++) {
    const float part = weight * sums[c];
    output[c] += part;
  }
}

/* x = 0. Global size: its numbers. */
__kernel void clear(__global float *x, ulong x_off)
{
  x[x_off + get_global_id(0)] = 0.0f;
}
