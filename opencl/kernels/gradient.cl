/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Gradients of what is neither a convolution nor a norm nor attention (see opencl/ops/gradient/gradient.h). */

/* dx = dy / 4 at each of the 4 pixels. Global size: (C/VEC, pixels of dx, images). */
__kernel void average_pool_gradient(__global const float *dy, ulong dy_off, uint dy_ld,
                                    __global float *dx, ulong dx_off, uint dx_ld, uint height,
                                    uint width)
{
  const uint c = get_global_id(0) * VEC;
  const ulong pixel = get_global_id(1), n = get_global_id(2);
  const ulong at = (n * (height / 2) + pixel / width / 2) * (width / 2) + pixel % width / 2;
  STOREV(LOADV(dy + dy_off + at * dy_ld + c) * 0.25f,
         dx + dx_off + (n * height * width + pixel) * dx_ld + c);
}

/* y = dy at even pixels, else 0. Global size: (C/VEC, pixels of y, images). */
__kernel void dilate(__global const float *dy, ulong dy_off, uint dy_ld, __global float *y,
                     ulong y_off, uint y_ld, uint height, uint width)
{
  const uint c = get_global_id(0) * VEC;
  const ulong pixel = get_global_id(1), n = get_global_id(2);
  const ulong row = pixel / width, column = pixel % width;
  const ulong at = (n * (height / 2) + row / 2) * (width / 2) + column / 2;
  const vec value = LOADV(dy + dy_off + at * dy_ld + c);
  STOREV((row | column) & 1 ? (vec)(0.0f) : value,
         y + y_off + (n * height * width + pixel) * y_ld + c);
}

/* dx = dy / pixels, plus add where `adds`. Global size: (C/VEC, pixels, images). */
__kernel void mean_gradient(__global const float *dy, ulong dy_off, uint dy_ld,
                            __global const float *add, ulong add_off, uint add_ld,
                            __global float *dx, ulong dx_off, uint dx_ld, uint adds)
{
  const uint c = get_global_id(0) * VEC;
  const ulong pixels = get_global_size(1), n = get_global_id(2);
  const ulong pixel = n * pixels + get_global_id(1);
  vec value = LOADV(dy + dy_off + n * dy_ld + c) / (float)pixels;
  if (adds)
    value += LOADV(add + add_off + pixel * add_ld + c);
  STOREV(value, dx + dx_off + pixel * dx_ld + c);
}

/* dx = that of the pixel itself, and its part of the mean's. Global size: (C/VEC, pixels, images). */
__kernel void tokens_gradient(__global const float *dy, ulong dy_off, uint dy_ld,
                              __global float *dx, ulong dx_off, uint dx_ld)
{
  const uint c = get_global_id(0) * VEC;
  const ulong pixels = get_global_size(1), pixel = get_global_id(1), n = get_global_id(2);
  dy += dy_off + n * (pixels + 1) * dy_ld + c;
  STOREV(LOADV(dy + (pixel + 1) * dy_ld) + LOADV(dy) / (float)pixels,
         dx + dx_off + (n * pixels + pixel) * dx_ld + c);
}

/* dx = dy where x > 0. Global size: (C/VEC, pixels of all images). */
__kernel void relu_gradient(__global const float *x, ulong x_off, uint x_ld,
                            __global const float *dy, ulong dy_off, uint dy_ld, __global float *dx,
                            ulong dx_off, uint dx_ld)
{
  const uint c = get_global_id(0) * VEC;
  const ulong pixel = get_global_id(1);
  const vec value = LOADV(x + x_off + pixel * x_ld + c);
  const vec d = LOADV(dy + dy_off + pixel * dy_ld + c);
  STOREV(value > (vec)(0.0f) ? d : (vec)(0.0f), dx + dx_off + pixel * dx_ld + c);
}

/* dx = 1 at the label, minus softmax(x); 0 behind the classes. What the label lacks of 1 is summed by itself, so that it keeps its
 * digits where the label is nearly certain. Global size: (images). */
__kernel void log_softmax_gradient(__global const float *x, ulong x_off, uint x_ld,
                                   __global const float *labels, ulong labels_off,
                                   __global float *dx, ulong dx_off, uint dx_ld, uint classes,
                                   uint C)
{
  const ulong n = get_global_id(0);
  const uint label = (uint)labels[labels_off + n];
  x += x_off + n * x_ld;
  dx += dx_off + n * dx_ld;
  float top = x[0], others = 0;
  for (uint c = 1; c < classes; c++)
    top = fmax(top, x[c]);
  for (uint c = 0; c < classes; c++)
    others += c == label ? 0.0f : exp(x[c] - top);
  const float sum = others + exp(x[label] - top);
  for (uint c = 0; c < classes; c++)
    dx[c] = c == label ? others / sum : -exp(x[c] - top) / sum;
  for (uint c = classes; c < C; c++)
    dx[c] = 0;
}

/* y = 0. Global size: (C/VEC, pixels of all images). */
__kernel void clear_tensor(__global float *y, ulong y_off, uint y_ld)
{
  STOREV((vec)(0.0f), y + y_off + get_global_id(1) * (ulong)y_ld + get_global_id(0) * VEC);
}
