/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Convolutions on the matrix units of x86 processors (amx-tiles.cl).
 *
 * A convolution becomes one matrix product per tap over shifted views of its input, with no copy per tap: `amx_input` writes
 * the (normalised, activated, upsampled) image with a margin of zeros on the top and on the left, which serve the row above
 * and the line before as margins at the bottom and on the right. Counted through, a position's neighbours then lie at
 * constant distances, so 16 positions in a row are a tile whatever line of the image they are on. Results at margins are
 * computed in vain and dropped.
 *
 * Layouts: A[plane of 32 channels][position], B[panel of 32 columns][plane][tap]. With stride 2 there are four images of positions, one for each parity of line and column.
 *
 * Options: TAPS (3: 3x3, 1: 1x1), STRIDE; of the input: NORM (1: x * scale + shift, ab[n][2][C]; 2: then SiLU), UP (1: read
 * through nearest upsampling by 2); of the product: EPILOGUE, EMB, RES as in gemm.cl. */

#ifdef WEIGHTS

#ifdef HALF_WEIGHTS

/* w[n][c][tap] (PyTorch's OIHW) -> blocks of half [half panel][16][16 columns][2], for amx_widen; columns and channels past the
 * real ones become zero. One work-item per (n, c). */
__kernel void amx_weights(__global const float *w, __global half *b, uint n_real, uint c_real,
                          uint N, uint C, uint taps)
{
  const uint n = get_global_id(0), c = get_global_id(1);
  const bool real = n < n_real && c < c_real;
  b += (ulong)(n / 32) * C * taps * 32 + (ulong)(c / 32) * taps * 1024 + (n / 16 % 2) * 512 +
       c % 16 * 32 + n % 16 * 2 + c / 16 % 2;
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
  b += (ulong)(n / 32) * C * taps * 64 + (ulong)(c / 32) * taps * 2048 + (n / 16 % 2) * 512 +
       c % 16 * 32 + n % 16 * 2 + c / 16 % 2;
  for (uint tap = 0; tap < taps; tap++, b += 2048) {
    const float value = real ? w[((ulong)n * c_real + c) * taps + tap] : 0.0f;
    const uint hi = BF16(as_uint(value));
    b[0] = BF16(as_uint(value - as_float(hi))) >> 16;
    b[1024] = hi >> 16;
  }
}

#endif

#else

#define PAD (TAPS / 2)

#ifdef NORM

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

#else

/* Weights are read once per evaluation, from memory, and positions once per panel, from a shared cache; a processor's own
 * prefetching ends at each page. So the first block of positions asks for its panel some steps ahead, the others for parts of
 * the panel behind it, and each for the positions that the next block adds. */
#define STEPS_AHEAD 8
#define ASK_AHEAD                                                                                  \
  for (uint l_ = 0; l_ < ahead_lines; l_++) __builtin_prefetch((const void *)(ahead + l_ * 64), 0, 2); \
  ahead += ahead_lines * 64;

#if STRIDE == 2
#define TAP_OFFSET(dy, dx)                                                                         \
  (((dy) % 2 * 2 + (dx) % 2) * parity + (ulong)((dy) / 2) * grid_width + (dx) / 2)
#else
#define TAP_OFFSET(dy, dx) ((ulong)(dy) * grid_width + (dx))
#endif

/* Results of the positions [position, end), `vectors` of columns each in `block`, to the pixels they belong to. */
INLINE void put_block(const float *block, uint vectors, ulong position, ulong end,
                      __global float *y, uint ldc, uint grid_height, uint grid_width, uint height,
                      uint width, __global const float *bias, __global const float *emb,
                      uint emb_ld, __global const float *res, uint res_ld)
{
  uint column = position % grid_width;
  ulong row = position / grid_width;
  uint line = row % grid_height;
  ulong image = row / grid_height;
  for (; position < end; position++, block += vectors * 16) {
    if (column < width && line < height) {
      const ulong pixel = (image * height + line) * width + column;
      UNROLL for (uint i = 0; i < vectors; i++)
      {
        float16 v = get16(i, block) + get16(i, bias);
#if EMB
        v += get16(i, emb + image * emb_ld);
#endif
#if RES
        v += get16(i, res + pixel * res_ld);
#endif
        put16(v, i, y + pixel * ldc);
      }
    }
    if (++column == grid_width) {
      column = 0;
      if (++line == grid_height) {
        line = 0;
        image++;
      }
    }
  }
}

#ifndef TILES

/* Global size: (columns / 32, ceil(positions / rows)). plane: positions of a plane of A, parity: of one of its four images
 * when the stride is 2; height, width: the output's; rows: a multiple of 32. */
__kernel void amx_product(__global const float *a, ulong a_off, ulong plane, ulong parity,
                          __global const float *b_, ulong b_off, __global float *y, ulong y_off, uint ldc,
                          uint planes, ulong positions, uint rows, uint grid_height,
                          uint grid_width, uint height, uint width, __global const float *bias,
                          ulong bias_off, __global const float *emb, ulong emb_off, uint emb_ld,
                          __global const float *res, ulong res_off, uint res_ld)
{
  const uint panel = get_global_id(0);
  const ulong first = get_global_id(1) * (ulong)rows, end = min(first + rows, positions);
  __global const uchar *input = (__global const uchar *)(a + a_off);
  __global const uchar *b = (__global const uchar *)(b_ + b_off) +
                            (ulong)panel * planes * TAPS * TAPS * BLOCK_BYTES;
  y += y_off + panel * 32;
  bias += bias_off + panel * 32;
  emb += emb_off + panel * 32;
  res += res_off + panel * 32;
  float block[32 * 32] __attribute__((aligned(64)));
  CONFIGURE
  const uint steps = planes * TAPS * TAPS, blocks = (end - first + 31) / 32;
  for (ulong p = first; p < end; p += 32) {
    const uint done = (p - first) / 32;
    const uint share = blocks > 1 ? (63 + blocks - 1) / (blocks - 1) : 0;
    const uint ahead_lines = done == 0 ? 64 : done <= 64 ? share : 0;
    ulong ahead = (ulong)b + (done == 0 ? STEPS_AHEAD * BLOCK_BYTES
                                        : (ulong)steps * (BLOCK_BYTES + (done - 1) * share * 64));
    ZERO_4
    __global const uchar *weights = b;
    for (uint i = 0; i < planes; i++) {
      __global const uchar *from = input + (i * plane + p) * POSITION;
      UNROLL for (uint dy = 0; dy < TAPS; dy++)
      UNROLL for (uint dx = 0; dx < TAPS; dx++, weights += BLOCK_BYTES)
          STEP(from + TAP_OFFSET(dy, dx) * POSITION, weights, ASK_AHEAD)
    }
    STORE_4(block, 128)
    put_block(block, 2, p, min(p + 32, end), y, ldc, grid_height, grid_width, height, width, bias,
              emb, emb_ld, res, res_ld);
  }
  RELEASE
}
#else

/* Few positions, of which TILES tiles are all: weights, which then take longest to arrive, pass by once. */

#define EACH_3(DO) DO(0) DO(1) DO(2)
#if TILES == 3
#define EACH(DO) EACH_3(DO)
#elif TILES == 4
#define EACH(DO) EACH_3(DO) DO(3)
#else
#define EACH(DO) EACH_3(DO) DO(3) DO(4)
#endif
#define ADD_HI(r)                                                                                  \
  LOAD(7, from_ + (r)*16 * POSITION, POSITION)                                                     \
  MULTIPLY(r, 7, 5)                                                                                \
  MULTIPLY(r, 7, 6)
#define ADD_LO(r)                                                                                  \
  LOAD(7, from_ + (r)*16 * POSITION + 64, POSITION)                                                \
  MULTIPLY(r, 7, 6)
#define STORE_EACH(r) STORE(r, block + (r)*256, 64)

/* Global size: (columns / 16). The arguments are amx_product's. */
__kernel void amx_product_few(__global const float *a, ulong a_off, ulong plane, ulong parity,
                              __global const float *b_, ulong b_off, __global float *y, ulong y_off, uint ldc,
                              uint planes, ulong positions, uint rows, uint grid_height,
                              uint grid_width, uint height, uint width,
                              __global const float *bias, ulong bias_off,
                              __global const float *emb, ulong emb_off, uint emb_ld,
                              __global const float *res, ulong res_off, uint res_ld)
{
  const uint strip = get_global_id(0);
  __global const uchar *input = (__global const uchar *)(a + a_off);
  __global const uchar *weights =
      (__global const uchar *)(b_ + b_off) + (ulong)(strip / 2) * planes * TAPS * TAPS * BLOCK_BYTES + strip % 2 * 1024;
  float block[TILES * 256] __attribute__((aligned(64)));
  CONFIGURE
  EACH(ZERO)
  for (uint i = 0; i < planes; i++)
    UNROLL for (uint dy = 0; dy < TAPS; dy++)
    UNROLL for (uint dx = 0; dx < TAPS; dx++, weights += BLOCK_BYTES)
    {
      const ulong from_ = (ulong)(input + (i * plane + TAP_OFFSET(dy, dx)) * POSITION);
      LOAD(5, weights, 64)
      LOAD(6, weights + 2048, 64)
      const ulong ahead = (ulong)weights + STEPS_AHEAD * BLOCK_BYTES;
      UNROLL for (uint l = 0; l < 1024; l += 64)
      {
        __builtin_prefetch((const void *)(ahead + l), 0, 2);
        __builtin_prefetch((const void *)(ahead + 2048 + l), 0, 2);
      }
      EACH(ADD_HI)
      EACH(ADD_LO)
    }
  EACH(STORE_EACH)
  RELEASE
  put_block(block, 1, 0, positions, y + y_off + strip * 16, ldc, grid_height, grid_width, height,
            width, bias + bias_off + strip * 16, emb + emb_off + strip * 16, emb_ld,
            res + res_off + strip * 16, res_ld);
}

#endif
#endif
#endif
