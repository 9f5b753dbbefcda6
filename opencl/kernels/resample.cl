/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Resampling. Few models need it, so that it is a program of its own. */

/* Where an axis does not wrap, a place in front of its first pixel is that pixel. */
#if WRAP & 1
#define PLACE_X(x) (x)
#else
#define PLACE_X(x) fmax(x, 0.0f)
#endif
#if WRAP & 2
#define PLACE_Y(y) (y)
#else
#define PLACE_Y(y) fmax(y, 0.0f)
#endif

/* Planar bilinear resize, torch.nn.functional.interpolate(mode="bilinear", align_corners=False). Option: WRAP.
 * Global size: (width, height, images * channels). */
__kernel void resize_bilinear(__global const float *x, ulong x_off, __global float *y, ulong y_off,
                              uint in_height, uint in_width)
{
  const uint ox = get_global_id(0), oy = get_global_id(1), plane = get_global_id(2);
  const uint width = get_global_size(0), height = get_global_size(1);
  const float sy = PLACE_Y((oy + 0.5f) * ((float)in_height / height) - 0.5f);
  const float sx = PLACE_X((ox + 0.5f) * ((float)in_width / width) - 0.5f);
  const int above = (int)floor(sy), before = (int)floor(sx);
  const uint y0 = AROUND_Y(above, in_height), x0 = AROUND_X(before, in_width);
  const uint y1 = min((uint)AROUND_Y(above + 1, in_height), in_height - 1);
  const uint x1 = min((uint)AROUND_X(before + 1, in_width), in_width - 1);
  const float fy = sy - above, fx = sx - before;
  x += x_off + (ulong)plane * in_height * in_width;
  const float top = x[(ulong)y0 * in_width + x0] * (1 - fx) + x[(ulong)y0 * in_width + x1] * fx;
  const float low = x[(ulong)y1 * in_width + x0] * (1 - fx) + x[(ulong)y1 * in_width + x1] * fx;
  y[y_off + ((ulong)plane * height + oy) * width + ox] = top * (1 - fy) + low * fy;
}

/* Mean of 2x2 pixels (a Downsample without convolution). Global size: (C/VEC, out pixels, images). */
__kernel void average_pool(__global const x_type *x, ulong x_off, uint x_ld, __global y_type *y,
                           ulong y_off, uint y_ld, uint out_width, uint in_height, uint in_width)
{
  const uint c = get_global_id(0) * VEC, n = get_global_id(2);
  const ulong pixel = get_global_id(1);
  const ulong oy = pixel / out_width, ox = pixel % out_width;
  x += x_off + (((ulong)n * in_height + oy * 2) * in_width + ox * 2) * x_ld + c;
  const vec sum = (LOADX(x) + LOADX(x + x_ld)) +
                  (LOADX(x + (ulong)in_width * x_ld) + LOADX(x + ((ulong)in_width + 1) * x_ld));
  STOREY(sum * 0.25f, y + y_off + ((ulong)n * get_global_size(1) + pixel) * y_ld + c);
}

/* Nearest upsampling by 2 (an Upsample without convolution). Global size: (C/VEC, out pixels, images). */
__kernel void upsample_nearest(__global const x_type *x, ulong x_off, uint x_ld, __global y_type *y,
                       ulong y_off, uint y_ld, uint out_width, uint in_height, uint in_width)
{
  const uint c = get_global_id(0) * VEC, n = get_global_id(2);
  const ulong pixel = get_global_id(1);
  const ulong iy = pixel / out_width / 2, ix = pixel % out_width / 2;
  const vec v = LOADX(x + x_off + (((ulong)n * in_height + iy) * in_width + ix) * x_ld + c);
  STOREY(v, y + y_off + ((ulong)n * get_global_size(1) + pixel) * y_ld + c);
}
