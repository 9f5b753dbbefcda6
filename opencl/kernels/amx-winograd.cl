/* SPDX-License-Identifier: LGPL-3.0-or-later
 * 3x3 convolutions of stride 1 on the matrix units of x86 processors (amx-tiles.cl) by F(4, 3) along lines
 * (amx-winograd-points.cl): the products. They are half as many as in amx-conv.cl, with twice as many weights.
 *
 * A position is four pixels of a line. Images are cut into strips that are some positions wide, and the lines of a strip follow each
 * other. On top of each strip is a margin of zeros, which is also the margin at the bottom of the strip before. So the taps above and
 * below lie one width of a strip away from a position, and a block of positions takes hardly more of the cache with its three taps
 * than without. Where images wrap along y, margins hold lines of the other side, and each strip has one at its bottom too. Where the positions of a strip are a multiple of 16, as in all but the smallest images, no margin is multiplied.
 *
 * An item keeps its positions in a core's second-level cache while the weights of a panel pass by, one point after another.
 *
 * Layouts: A[point][plane of 32 channels][position], B[panel of 32 columns][point][plane][dy]. */

#define BLOCK_FLOATS 1024

/* plane: positions of a plane of A; margins: of a strip; lines: of a strip, multiplied: all but the margins, or with them; strips: of
 * an image; height, width: the output's; rows: positions of an item, a multiple of 32, at most 32 AMX_MAX_BLOCKS. emb: 0 when there is none. */
typedef struct {
  __global const uchar *a;
  ulong plane;
  __global const uchar *b;
  Tensor y;
  ulong planes, positions, rows, margins, lines, strips, strip_width, height, width;
  __global const float *bias, *emb;
  ulong emb_ld;
  Tensor res;
} WinogradProduct;

/* Where in A the multiplied position lies, and the 15 after it. */
INLINE __global const uchar *find_position(const WinogradProduct *s, ulong position)
{
  if (s->lines == s->height)
    position += position / (s->lines * s->strip_width) * s->margins * s->strip_width;
  return s->a + position * AMX_POSITION;
}

/* Where in the images it lies. */
typedef struct {
  uint tile, line, strip, image;
} Place;

INLINE Place find_place(const WinogradProduct *s, ulong position)
{
  const uint row = position / s->strip_width, strip = row / s->lines;
  return (Place){position % s->strip_width, row % s->lines, strip % s->strips, strip / s->strips};
}

INLINE void next_place(const WinogradProduct *s, Place *at)
{
  if (++at->tile < s->strip_width)
    return;
  at->tile = 0;
  if (++at->line < s->lines)
    return;
  at->line = 0;
  if (++at->strip < s->strips)
    return;
  at->strip = 0;
  at->image++;
}

#define PRODUCT(point) get16(v, products + (point)*BLOCK_FLOATS)
#define SUM_Y(j, value) sums[j] = (value) + bias;

/* A position's four pixels, of which those within the image are put, columns from column0 on. */
INLINE void put_position(const WinogradProduct *s, const float *products, const Place *at, uint column0)
{
  const uint column = (at->strip * s->strip_width + at->tile) * AMX_PIXELS, width = s->width;
  if (at->line >= s->height || column >= width)
    return;
  const uint count = width - column;
  const ulong pixel = ((ulong)at->image * s->height + at->line) * width + column;
  const Numbers y = find(&s->y, pixel, column0), res = find(&s->res, pixel, column0);
  NO_UNROLL for (uint v = 0; v < 2; v++)
  {
    float16 bias = get16(v, s->bias + column0), sums[AMX_PIXELS];
    if (s->emb)
      bias += get16(v, s->emb + at->image * s->emb_ld + column0);
    TRANSFORM_OUTPUT(SUM_Y, PRODUCT(0), PRODUCT(1), PRODUCT(2), PRODUCT(3), PRODUCT(4), PRODUCT(5))
    UNROLL for (uint j = 0; j < AMX_PIXELS; j++)
        if (j < count)
    {
      if (s->res.at)
        sums[j] += get16(v, skip(res, j * s->res.ld));
      put16(sums[j], v, skip(y, j * s->y.ld));
    }
  }
}

/* Outputs of a block whose products are done. They are stored a few at a time between the steps of the next block, where
 * they cost nothing. Many stores at once would have to wait for memory. */
typedef struct {
  const float *products;
  Place at;
  uint left;
} Outputs;

INLINE void put_some(const WinogradProduct *s, Outputs *out, uint count, uint column0)
{
  for (; count && out->left; count--, out->left--, out->products += 32) {
    put_position(s, out->products, &out->at, column0);
    next_place(s, &out->at);
  }
}

/* 16 positions into the first-level cache. */
INLINE void ask_positions(__global const uchar *p)
{
  NO_UNROLL for (uint l = 0; l < 16 * AMX_POSITION; l += 64) __builtin_prefetch((const void *)((ulong)p + l), 0, 3);
}

/* Range: (columns / 32, ceil(positions / rows)). */
INLINE void winograd_product(uint panel, uint y, __global const ulong *args)
{
  TILES
  const WinogradProduct s = *(__global const WinogradProduct *)args;
  const uint planes = s.planes, each = (32 + planes - 1) / planes;
  const ulong first = y * s.rows, end = min(first + s.rows, s.positions), line = s.strip_width * AMX_POSITION;
  const ulong point_bytes = (ulong)planes * 3 * AMX_BLOCK_BYTES, plane_bytes = s.plane * AMX_POSITION;
  const uint blocks = (end - first + 31) / 32;
  __global const uchar *b = s.b + panel * AMX_POINTS * point_bytes;
  float products[AMX_MAX_BLOCKS * AMX_POINTS * BLOCK_FLOATS] __attribute__((aligned(64)));
  Outputs out = {products, find_place(&s, first), 0};
  /* How many lines of the next point's weights each step asks for. */
  const uint ahead_lines = (64 + blocks - 1) / blocks;
  for (uint point = 0; point < AMX_POINTS; point++, b += point_bytes) {
    const bool last = point == AMX_POINTS - 1;
    ulong ahead = (ulong)b + point_bytes;
    /* At the last point the outputs of a block are stored between the steps of the next block, and those of the last block
     * at the end. */
    for (uint block = 0; block < blocks + last; block++) {
      const ulong position = first + block * 32, point_at = point * planes * plane_bytes;
      __global const uchar *p = find_position(&s, position) + point_at, *weights = b;
      __global const uchar *next_block = find_position(&s, position + 32) + point_at;
      const ulong apart = find_position(&s, position + 16) + point_at - p;
      ZERO_4
      for (uint i = 0; i < planes; i++) {
        __global const uchar *next = i + 1 < planes ? p + plane_bytes : next_block;
        NO_UNROLL for (uint dy = 0; dy < 3 && block < blocks; dy++, weights += AMX_BLOCK_BYTES)
        {
          STEP_BY(p + dy * line, p + apart + dy * line, weights, ASK_AHEAD, LOAD, LOAD_ONCE)
          if (dy < 2)
            ask_positions(next + dy * apart + 2 * line);
        }
        put_some(&s, &out, each, panel * 32);
        p = next;
      }
      if (block < blocks)
        STORE_4(products + (block * AMX_POINTS + point) * BLOCK_FLOATS, 128)
      if (last) {
        out.products = products + block * AMX_POINTS * BLOCK_FLOATS;
        out.left = min(end - min(end, position), (ulong)32);
      }
    }
  }
}
