/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Convolutions on the matrix units of x86 processors (amx-tiles.cl): the products.
 *
 * A convolution becomes one matrix product for each tap. The left factors of all taps are the same memory, read at different
 * distances, so nothing is copied for a tap. amx-input.cl writes the (normalised, activated, upsampled) image with a margin of zeros on
 * the top and on the left. The margin on the top of an image is also the margin at the bottom of the image before it, and the margin on
 * the left of a line is also the margin on the right of the line before it. Positions are numbered one after another through lines and
 * images. The neighbours of a position then lie at constant distances, so that any 16 positions in a row can be a tile, even across
 * lines. Results at margins are computed in vain and dropped. Where an axis wraps, its margins hold pixels of the other side instead of
 * zeros, and cannot be shared: each line, or image, has one on both sides. With stride 2 there are four images of positions, one for each parity
 * of line and column.
 *
 * Layouts: A[plane of 32 channels][position], B[panel of 32 columns][plane][tap]. */

/* taps: 3 (3x3) or 1; plane: positions of a plane of A, parity: of one of its four images when the stride is 2; height, width: the
 * output's; rows: positions of an item, a multiple of 32. emb: 0 when there is none. */
typedef struct {
  ulong taps, stride;
  __global const uchar *a;
  ulong plane, parity;
  __global const uchar *b;
  Tensor y;
  ulong planes, positions, rows, grid_height, grid_width, height, width;
  __global const float *bias, *emb;
  ulong emb_ld;
  Tensor res;
} Product;

#define MAX_TAPS 9

/* Bytes from a position to its neighbours; returns how many there are. */
INLINE uint find_taps(const Product *s, ulong *taps)
{
  const uint edge = s->taps, stride = s->stride;
  for (uint i = 0; i < edge * edge; i++) {
    const uint dy = i / edge, dx = i % edge;
    const ulong image = (dy % stride * stride + dx % stride) * s->parity;
    taps[i] = (image + dy / stride * s->grid_width + dx / stride) * AMX_POSITION;
  }
  return edge * edge;
}

/* Results of `count` pixels in a row, `vectors` of columns each, to y. */
INLINE void put_pixels(const float *block, uint count, uint vectors, const float16 *bias, Numbers y, ulong ldc,
                       bool has_res, Numbers res, ulong res_ld)
{
  for (uint i = 0; i < count; i++, block += vectors * 16, y = skip(y, ldc))
    UNROLL for (uint v = 0; v < vectors; v++)
    {
      float16 sum = get16(v, block) + bias[v];
      if (has_res)
        sum += get16(v, skip(res, i * res_ld));
      put16(sum, v, y);
    }
}

/* The same, which begin with `pixel` and lie in one image, from `column0` on. */
INLINE void put_run(const Product *s, const float *block, uint vectors, uint column0, ulong pixel, uint image,
                    uint count)
{
  float16 bias[2];
  UNROLL for (uint v = 0; v < vectors; v++)
  {
    bias[v] = get16(v, s->bias + column0);
    if (s->emb)
      bias[v] += get16(v, s->emb + image * s->emb_ld + column0);
  }
  const Numbers y = find(&s->y, pixel, column0);
  if (s->res.at)
    put_pixels(block, count, vectors, bias, y, s->y.ld, true, find(&s->res, pixel, column0), s->res.ld);
  else
    put_pixels(block, count, vectors, bias, y, s->y.ld, false, y, 0);
}

/* Results of the positions [position, end), `vectors` from `column0` on each in `block`, to the pixels they belong to. */
INLINE void put_block(const Product *s, const float *block, uint vectors, uint column0, uint position, uint end)
{
  const uint grid_width = s->grid_width, grid_height = s->grid_height, height = s->height, width = s->width;
  uint column = position % grid_width;
  const uint row = position / grid_width;
  uint line = row % grid_height;
  uint image = row / grid_height;
  while (position < end) {
    const uint run = min(end - position, grid_width - column);
    if (line < height && column < width)
      put_run(s, block, vectors, column0, ((ulong)image * height + line) * width + column, image,
              min(run, width - column));
    position += run;
    block += run * vectors * 16;
    column = 0;
    if (++line == grid_height) {
      line = 0;
      image++;
    }
  }
}

/* Weights are read once per evaluation, from memory, and a processor's own prefetching stops at the end of each page. So the
 * first block of positions asks for its own panel some steps ahead, and each other block asks for a part of the next panel.
 */
#define STEPS_AHEAD 8

/* The position of the first of a tile's 16 pixels. Tiles of all images are numbered one after another. */
INLINE ulong tile_position(const Product *s, uint tile)
{
  if (s->grid_width == s->width)
    return tile * 16ul;
  const uint segments = s->width / 16, row = tile / segments, height = s->height;
  return ((ulong)(row / height) * s->grid_height + row % height) * s->grid_width + tile % segments * 16;
}

INLINE void put_tile(const Product *s, const float *block, uint column0, uint tile)
{
  const uint pixels = s->height * s->width;
  put_run(s, block, 2, column0, tile * 16ul, tile * 16 / pixels, 16);
}

/* Range: (columns / 32, ceil(positions / rows)). whole: positions are pixels, and a tile is 16 of them in one line of the
 * image, so that nothing is computed in vain. */
INLINE void product(uint x, uint y, __global const ulong *args, bool whole)
{
  TILES
  const Product s = *(__global const Product *)args;
  ulong tap[MAX_TAPS];
  const uint panel = x, planes = s.planes, taps = find_taps(&s, tap), steps = planes * taps;
  const ulong first = y * s.rows, end = min(first + s.rows, s.positions);
  __global const uchar *b = s.b + (ulong)panel * steps * AMX_BLOCK_BYTES;
  float block[32 * 32] __attribute__((aligned(64)));
  const uint blocks = (end - first + 31) / 32;
  const uint share = blocks > 1 ? (63 + blocks - 1) / (blocks - 1) : 0;
  for (ulong p = first; p < end; p += 32) {
    const uint done = (p - first) / 32;
    const uint ahead_lines = done == 0 ? 64 : done <= 64 ? share : 0;
    ulong ahead = (ulong)b + (done == 0 ? STEPS_AHEAD * AMX_BLOCK_BYTES
                                        : (ulong)steps * (AMX_BLOCK_BYTES + (done - 1) * share * 64));
    const uint tile0 = p / 16, tile1 = p + 16 < end ? tile0 + 1 : tile0;
    const ulong p0 = whole ? tile_position(&s, tile0) : p, p1 = whole ? tile_position(&s, tile1) : p + 16;
    const ulong apart = (p1 - p0) * AMX_POSITION;
    ulong weights = (ulong)b, from = (ulong)s.a + p0 * AMX_POSITION;
    ZERO_4
    for (uint i = 0; i < planes; i++, from += s.plane * AMX_POSITION)
      if (taps == 1) {
        STEP_BY(from, from + apart, weights, ASK_AHEAD, LOAD_ONCE, LOAD)
        weights += AMX_BLOCK_BYTES;
      } else {
        for (uint t = 0; t < 9; t++, weights += AMX_BLOCK_BYTES)
          STEP_BY(from + tap[t], from + tap[t] + apart, weights, ASK_AHEAD, LOAD, LOAD_ONCE)
      }
    STORE_4(block, 128)
    if (whole) {
      put_tile(&s, block, panel * 32, tile0);
      if (tile1 != tile0)
        put_tile(&s, block + 16 * 32, panel * 32, tile1);
    } else {
      put_block(&s, block, 2, panel * 32, p, min(p + 32, end));
    }
  }
}

/* All positions are 3 to 5 tiles. Then the weights take longest to arrive, so they pass by only once. */

#define EACH(DO)                                                                                   \
  DO(0)                                                                                            \
  DO(1)                                                                                            \
  DO(2)                                                                                            \
  if (tiles > 3) {                                                                                 \
    DO(3)                                                                                          \
  }                                                                                                \
  if (tiles > 4) {                                                                                 \
    DO(4)                                                                                          \
  }
#define ADD_HI(r)                                                                                  \
  LOAD(7, from_ + (r)*16 * AMX_POSITION, AMX_POSITION)                                                     \
  MULTIPLY(r, 7, 5)                                                                                \
  MULTIPLY(r, 7, 6)
#define ADD_LO(r)                                                                                  \
  LOAD(7, from_ + (r)*16 * AMX_POSITION + 64, AMX_POSITION)                                                \
  MULTIPLY(r, 7, 6)
#define STORE_EACH(r) STORE(r, block + (r)*256, 64)

INLINE void few_tiles(uint strip, const Product *s, uint tiles)
{
  TILES
  ulong tap[MAX_TAPS];
  const uint planes = s->planes, taps = find_taps(s, tap);
  ulong weights = (ulong)s->b + (ulong)(strip / 2) * planes * taps * AMX_BLOCK_BYTES + strip % 2 * 1024;
  float block[AMX_MAX_FEW_TILES * 256] __attribute__((aligned(64)));
  EACH(ZERO)
  for (uint i = 0; i < planes; i++)
    for (uint t = 0; t < taps; t++, weights += AMX_BLOCK_BYTES) {
      const ulong from_ = (ulong)s->a + i * s->plane * AMX_POSITION + tap[t];
      LOAD(5, weights, 64)
      LOAD(6, weights + 2048, 64)
      const ulong ahead = weights + STEPS_AHEAD * AMX_BLOCK_BYTES;
      UNROLL for (uint l = 0; l < 1024; l += 64)
      {
        __builtin_prefetch((const void *)(ahead + l), 0, 2);
        __builtin_prefetch((const void *)(ahead + 2048 + l), 0, 2);
      }
      EACH(ADD_HI)
      EACH(ADD_LO)
    }
  EACH(STORE_EACH)
  put_block(s, block, 1, strip * 16, 0, s->positions);
}

/* Range: (columns / 16). */
INLINE void product_few(uint x, __global const ulong *args)
{
  const Product s = *(__global const Product *)args;
  if (s.positions > 64)
    few_tiles(x, &s, AMX_MAX_FEW_TILES);
  else if (s.positions > 48)
    few_tiles(x, &s, 4);
  else
    few_tiles(x, &s, 3);
}
