/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The instructions of amx-units.cl as plain C, for tests on processors without them: tiles are ordinary arrays, and everything
 * that is built of the instructions stays the same. Numbers are added in the order of Intel's manual (TDPBF16PS). */

/* A row of a tile, whatever it holds: 16 floats or 16 pairs of bfloat16. */
typedef uint tile_row __attribute__((ext_vector_type(16), aligned(4), may_alias));

/* A function that uses tiles begins with this. What a tile holds before it is loaded must not matter, so it is no number
 * (NaN). */
#define TILES                                                                                      \
  uint16 tiles_[8][16];                                                                            \
  for (uint i_ = 0; i_ < 8 * 16; i_++) tiles_[i_ / 16][i_ % 16] = (uint16)(0xffffffffu);
#define CONFIGURE
#define RELEASE
#define WRITTEN __asm__ volatile("" : : : "memory");

INLINE void zero_tile(uint16 *tile)
{
  for (uint row = 0; row < 16; row++)
    tile[row] = 0;
}

INLINE void load_tile(uint16 *tile, ulong p, ulong stride)
{
  for (uint row = 0; row < 16; row++)
    tile[row] = *(const tile_row *)(p + row * stride);
}

INLINE void store_tile(const uint16 *tile, ulong p, ulong stride)
{
  for (uint row = 0; row < 16; row++)
    *(tile_row *)(p + row * stride) = tile[row];
}

INLINE float16 lower_bf16(uint16 pairs) { return as_float16(pairs << 16); }
INLINE float16 upper_bf16(uint16 pairs) { return as_float16(pairs & 0xffff0000u); }

/* c[m][n] += the sum over k of a[m][k] b[k][n], both numbers of each pair. */
INLINE void multiply_tiles(uint16 *c, const uint16 *a, const uint16 *b)
{
  NO_UNROLL for (uint m = 0; m < 16; m++)
  {
    uint pairs[16];
    float16 lower = 0, upper = 0;
    put16(a[m], 0, pairs);
    NO_UNROLL for (uint k = 0; k < 16; k++)
    {
      lower = fma((float16)(as_float(pairs[k] << 16)), lower_bf16(b[k]), lower);
      upper = fma((float16)(as_float(pairs[k] & 0xffff0000u)), upper_bf16(b[k]), upper);
    }
    c[m] = as_uint16(as_float16(c[m]) + (lower + upper));
  }
}

#define ZERO(t) zero_tile(tiles_[t]);
#define LOAD(t, p, stride) load_tile(tiles_[t], (ulong)(p), stride);
#define LOAD_ONCE(t, p, stride) LOAD(t, p, stride)
#define STORE(t, p, stride) store_tile(tiles_[t], (ulong)(p), stride);
#define MULTIPLY(c, a, b) multiply_tiles(tiles_[c], tiles_[a], tiles_[b]);
