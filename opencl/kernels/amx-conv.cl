/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Convolutions on the matrix units of x86 processors (amx-tiles.cl): the products.
 *
 * A convolution becomes one matrix product per tap over shifted views of its input, with no copy per tap: amx-input.cl writes
 * the (normalised, activated, upsampled) image with a margin of zeros on the top and on the left, which serve the row above
 * and the line before as margins at the bottom and on the right. Counted through, a position's neighbours then lie at
 * constant distances, so 16 positions in a row are a tile whatever line of the image they are on. Results at margins are
 * computed in vain and dropped. With stride 2 there are four images of positions, one for each parity of line and column.
 *
 * Layouts: A[plane of 32 channels][position], B[panel of 32 columns][plane][tap].
 * Options: TAPS (3: 3x3, 1: 1x1), STRIDE; EPILOGUE, EMB, RES as in gemm.cl; TILES (3 to 5: for so few tiles of positions). */

/* Weights are read once per evaluation, from memory, and a processor's own prefetching ends at each page. So the first block of
 * positions asks for its panel some steps ahead, and the others for parts of the panel behind it. */
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
