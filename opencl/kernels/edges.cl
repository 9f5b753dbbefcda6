/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The edges between the outside's planar NCHW and the inside's NHWC, and resampling. */

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

/* Planar bilinear resize, torch.nn.functional.interpolate(mode="bilinear", align_corners=False).
 * Global size: (width, height, images * channels). */
__kernel void resize_bilinear(__global const float *x, ulong x_off, __global float *y, ulong y_off,
                              uint in_height, uint in_width)
{
  const uint ox = get_global_id(0), oy = get_global_id(1), plane = get_global_id(2);
  const uint width = get_global_size(0), height = get_global_size(1);
  const float sy = fmax((oy + 0.5f) * ((float)in_height / height) - 0.5f, 0.0f);
  const float sx = fmax((ox + 0.5f) * ((float)in_width / width) - 0.5f, 0.0f);
  const uint y0 = min((uint)sy, in_height - 1), x0 = min((uint)sx, in_width - 1);
  const uint y1 = min(y0 + 1, in_height - 1), x1 = min(x0 + 1, in_width - 1);
  const float fy = sy - y0, fx = sx - x0;
  x += x_off + (ulong)plane * in_height * in_width;
  const float top = x[(ulong)y0 * in_width + x0] * (1 - fx) + x[(ulong)y0 * in_width + x1] * fx;
  const float low = x[(ulong)y1 * in_width + x0] * (1 - fx) + x[(ulong)y1 * in_width + x1] * fx;
  y[y_off + ((ulong)plane * height + oy) * width + ox] = top * (1 - fy) + low * fy;
}

/* Mean of 2x2 pixels (a Downsample without convolution). Global size: (C/VEC, out pixels, images). */
__kernel void average_pool(__global const float *x, ulong x_off, uint x_ld, __global float *y,
                           ulong y_off, uint y_ld, uint out_width, uint in_height, uint in_width)
{
  const uint c = get_global_id(0) * VEC, n = get_global_id(2);
  const ulong pixel = get_global_id(1);
  const ulong oy = pixel / out_width, ox = pixel % out_width;
  x += x_off + (((ulong)n * in_height + oy * 2) * in_width + ox * 2) * x_ld + c;
  const vec sum = (LOADV(x) + LOADV(x + x_ld)) +
                  (LOADV(x + (ulong)in_width * x_ld) + LOADV(x + ((ulong)in_width + 1) * x_ld));
  STOREV(sum * 0.25f, y + y_off + ((ulong)n * get_global_size(1) + pixel) * y_ld + c);
}

/* Nearest upsampling by 2 (an Upsample without convolution). Global size: (C/VEC, out pixels, images). */
__kernel void upsample_nearest(__global const float *x, ulong x_off, uint x_ld, __global float *y,
                       ulong y_off, uint y_ld, uint out_width, uint in_height, uint in_width)
{
  const uint c = get_global_id(0) * VEC, n = get_global_id(2);
  const ulong pixel = get_global_id(1);
  const ulong iy = pixel / out_width / 2, ix = pixel % out_width / 2;
  const vec v = LOADV(x + x_off + (((ulong)n * in_height + iy) * in_width + ix) * x_ld + c);
  STOREV(v, y + y_off + ((ulong)n * get_global_size(1) + pixel) * y_ld + c);
}

/* y = x. A work-item copies `channels` of `pixels` pixels. Global size: (C / channels, pixels of an image / pixels, images). */
__kernel void copy_tensor(__global const float *x, ulong x_off, uint x_ld, __global float *y,
                          ulong y_off, uint y_ld, uint channels, uint pixels)
{
  const ulong first = ((ulong)get_global_id(2) * get_global_size(1) + get_global_id(1)) * pixels;
  const uint c0 = get_global_id(0) * channels;
  x += x_off + first * x_ld + c0;
  y += y_off + first * y_ld + c0;
  for (uint i = 0; i < pixels; i++)
    for (uint c = 0; c < channels; c += VEC)
      STOREV(LOADV(x + (ulong)i * x_ld + c), y + (ulong)i * y_ld + c);
}

/* x = silu(x), contiguous. Global size: count / VEC. */
__kernel void silu_in_place(__global float *x, ulong x_off)
{
  x += x_off + get_global_id(0) * VEC;
  STOREV(silu(LOADV(x)), x);
}
