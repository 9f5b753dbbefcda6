/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The input of a convolution as the left factor of amx-conv.cl: A[plane of 32 channels][position], rows as in amx-tiles.cl.
 *
 * Options: TAPS (3: 3x3, 1: 1x1), STRIDE; NORM (1: x * scale + shift, ab[n][2][C]; 2: then SiLU), EMB (1: the norm's scale-shift);
 * UP (1: read through nearest upsampling by 2); WHOLE (1: small images, normalised by the same kernel). */

#define PAD (TAPS / 2)

#if NORM == 2
#define ACTIVATE(v, scale, shift) fast_silu(fma(v, scale, shift))
#elif NORM == 1
#define ACTIVATE(v, scale, shift) fma(v, scale, shift)
#else
#define ACTIVATE(v, scale, shift) (v)
#endif

/* One row of positions of a plane: from the image's line `x`, or margin. second: where the plane's channels 16 to 31 lie from
 * its first, 0 when there are none. */
INLINE void put_row(__global const float *x, bool inside, uint x_ld, uint second, float16 scale0,
                    float16 shift0, float16 scale1, float16 shift1, __global uint *out, uint width,
                    uint grid_width, uint parity)
{
  for (uint i = 0; i < grid_width; i++, out += 32) {
    const int column = (int)(i * STRIDE + parity % STRIDE) - PAD;
    float16 v0 = (float16)(0.0f), v1 = (float16)(0.0f);
    if (inside && column >= 0 && column < (int)width) {
      __global const float *from = x + (ulong)(column >> UP) * x_ld;
      v0 = ACTIVATE(get16(0, from), scale0, shift0);
      if (second)
        v1 = ACTIVATE(get16(0, from + 16), scale1, shift1);
    }
    const Split words = split(v0, v1);
    put16(words.hi, 0, out);
    put16(words.lo, 1, out);
  }
}

#if !WHOLE

/* Global size: (ceil(C / 32), rows of positions of all images and a parity of lines, STRIDE^2 parities). Rows past the last
 * image's become margin. height, width: the input's after upsampling; C: its channels, a multiple of 16; plane: positions of
 * a plane. */
__kernel void amx_input(__global const float *x, ulong x_off, uint x_ld, __global const float *ab,
                        ulong ab_off, __global float *a, ulong a_off, ulong plane, uint images,
                        uint height, uint width, uint C, uint grid_height, uint grid_width)
{
  const uint c = get_global_id(0) * 32, row = get_global_id(1), parity = get_global_id(2);
  const uint n = row / grid_height;
  const int y = (int)(row % grid_height * STRIDE + parity / STRIDE) - PAD;
  __global uint *out =
      (__global uint *)(a + a_off) +
      (get_global_id(0) * plane + ((ulong)parity * get_global_size(1) + row) * grid_width) * 32;
  const bool inside = n < images && y >= 0 && y < (int)height;
  const uint second = c + 16 < C ? 16 : 0;
  const uint line = inside ? n * (height >> UP) + (y >> UP) : 0;
  float16 scale0 = 0, shift0 = 0, scale1 = 0, shift1 = 0;
#if NORM
  ab += ab_off + (inside ? (ulong)n * 2 * C : 0) + c;
  scale0 = get16(0, ab);
  shift0 = get16(0, ab + C);
  scale1 = get16(0, ab + second);
  shift1 = get16(0, ab + C + second);
#endif
  put_row(x + x_off + (ulong)line * (width >> UP) * x_ld + c, inside, x_ld, second, scale0, shift0,
          scale1, shift1, out, width, grid_width, parity);
}

#else

/* The same of small images, normalised here: a launch in place of three. */

#define MAX_UNIT 1024

/* Mean and sum of squared deviations of 32 channels over the pixels. */
INLINE void moments(__global const float *x, uint x_ld, uint pixels, float *mean, float *m2)
{
  float16 s0 = 0, s1 = 0, q0 = 0, q1 = 0;
  for (uint i = 0; i < pixels; i++) {
    s0 += get16(0, x + (ulong)i * x_ld);
    s1 += get16(1, x + (ulong)i * x_ld);
  }
  s0 /= (float)pixels;
  s1 /= (float)pixels;
  for (uint i = 0; i < pixels; i++) {
    const float16 d0 = get16(0, x + (ulong)i * x_ld) - s0, d1 = get16(1, x + (ulong)i * x_ld) - s1;
    q0 = fma(d0, d0, q0);
    q1 = fma(d1, d1, q1);
  }
  put16(s0, 0, mean);
  put16(s1, 1, mean);
  put16(q0, 0, m2);
  put16(q1, 1, m2);
}

/* As norm_finish in norm.cl, in place: mean becomes the scale and m2 the shift. gamma, beta, emb: at the first channel. */
INLINE void finish(float *mean, float *m2, uint unit, uint group, uint pixels, float eps,
                   __global const float *gamma, __global const float *beta,
                   __global const float *emb, uint C)
{
  for (uint g = 0; g < unit; g += group) {
    float m = 0, sum = 0;
    for (uint c = g; c < g + group; c++)
      m += mean[c];
    m /= group;
    for (uint c = g; c < g + group; c++)
      sum += m2[c] + (mean[c] - m) * (mean[c] - m) * pixels;
    const float scale = rsqrt(sum / ((float)pixels * group) + eps);
    for (uint c = g; c < g + group; c++) {
      float a = scale * gamma[c], b = beta[c] - m * scale * gamma[c];
#if EMB
      a *= 1.0f + emb[c];
      b = fma(b, 1.0f + emb[c], emb[C + c]);
#endif
      mean[c] = a;
      m2[c] = b;
    }
  }
}

/* Global size: (C / unit, images, parts of each image's rows). unit: channels of whole planes and groups, at most MAX_UNIT.
 * tail: rows of margin behind the last image. Each part normalises for itself, which costs less than waiting for another. */
__kernel void amx_input_normalised(__global const float *x, ulong x_off, uint x_ld,
                                   __global const float *gamma, ulong gamma_off,
                                   __global const float *beta, ulong beta_off,
                                   __global const float *emb, ulong emb_off, uint emb_ld,
                                   __global float *a, ulong a_off, ulong plane, uint height,
                                   uint width, uint C, uint grid_height, uint grid_width,
                                   uint tail, uint unit, uint group, float eps)
{
  const uint first = get_global_id(0) * unit, n = get_global_id(1);
  const uint pixels = (height >> UP) * (width >> UP);
  float scale[MAX_UNIT], shift[MAX_UNIT];
  x += x_off + (ulong)n * pixels * x_ld + first;
  for (uint c = 0; c < unit; c += 32)
    moments(x + c, x_ld, pixels, scale + c, shift + c);
  finish(scale, shift, unit, group, pixels, eps, gamma + gamma_off + first, beta + beta_off + first,
         emb + emb_off + (ulong)n * emb_ld + first, C);
  const uint rows = grid_height + (n + 1 == get_global_size(1) ? tail : 0);
  const uint part = (rows + get_global_size(2) - 1) / get_global_size(2);
  const uint row0 = get_global_id(2) * part, row1 = min(row0 + part, rows);
  for (uint c = 0; c < unit; c += 32) {
    __global uint *out = (__global uint *)(a + a_off) +
                         ((first + c) / 32 * plane + ((ulong)n * grid_height + row0) * grid_width) * 32;
    for (uint row = row0; row < row1; row++, out += grid_width * 32) {
      const int y = (int)row - PAD;
      const bool inside = y >= 0 && y < (int)height;
      put_row(x + c + (ulong)(inside ? y >> UP : 0) * (width >> UP) * x_ld, inside, x_ld, 16,
              get16(0, scale + c), get16(0, shift + c), get16(1, scale + c),
              get16(1, shift + c), out, width, grid_width, 0);
    }
  }
}

#endif
