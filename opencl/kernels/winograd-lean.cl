/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The products of Winograd F(4x4, 3x3) from weights that are not transformed beforehand, for CPUs. The weights of a direct
 * convolution are transformed a block at a time, into memory that stays in a core's cache, and multiplied at once. That is a
 * quarter of the memory, and where few tiles share the weights it is faster as well: memory is what limits those layers.
 *
 *   M[point][tile][K] = sum_c V[point][tile][c] U[point][c][K],  U = G g G^T
 *
 * The points are 6x6. A work-item does two of their rows, for one panel of NR columns and `rows` tiles: the first and the
 * last row, the second and the third, or the fourth and the fifth, which have much in common. Options: HALF_WEIGHTS. */

#define NV (NR / VEC)
/* Channels of a block: with it the transformed weights of two rows of points are 52 KiB, at NR 32. */
#define BLOCK_C 32
/* Floats from one point's block to the next: five lines of 64 bytes more than it holds, so that not all points fall into the
 * same lines of a cache. */
#define POINT (BLOCK_C * NR + 80)

/* Filter row r, column j of channel k. */
#define FILTER(r, j) LOADW(w + ((ulong)(3 * (r) + (j)) * C + k) * NR + i * VEC)
#define PUT(point, value) STOREV(value, u + (point)*POINT + k * NR + i * VEC)

/* A row of points from a row of three filters. */
#define POINTS(first, a, b, c)                                                                     \
  {                                                                                                \
    const vec sum = (a + c) * (-1.0f / 6), mixed = fma(a, (vec)(1.0f / 24), c * (1.0f / 6));       \
    PUT(first, a * 0.25f);                                                                         \
    PUT(first + 1, fma(b, (vec)(-1.0f / 6), sum));                                                 \
    PUT(first + 2, fma(b, (vec)(1.0f / 6), sum));                                                  \
    PUT(first + 3, fma(b, (vec)(1.0f / 12), mixed));                                               \
    PUT(first + 4, fma(b, (vec)(-1.0f / 12), mixed));                                              \
    PUT(first + 5, c);                                                                             \
  }

/* u[12][BLOCK_C][NR]: two rows of the points of `depth` channels. w: the panel's filters, [row][column][c][NR]. */
INLINE void transform(uint pair, __global const weight *w, uint C, uint depth, __local float *u)
{
  if (pair == 0) {
    for (uint k = 0; k < depth; k++)
      UNROLL for (uint i = 0; i < NV; i++)
      {
        const vec a = FILTER(0, 0) * 0.25f, b = FILTER(0, 1) * 0.25f, c = FILTER(0, 2) * 0.25f;
        const vec d = FILTER(2, 0), e = FILTER(2, 1), f = FILTER(2, 2);
        POINTS(0, a, b, c)
        POINTS(6, d, e, f)
      }
    return;
  }
  const vec outer = (vec)(pair == 1 ? -1.0f / 6 : 1.0f / 24);
  const vec inner = (vec)(pair == 1 ? -1.0f / 6 : 1.0f / 12);
  const vec last = (vec)(pair == 1 ? -1.0f / 6 : 1.0f / 6);
  for (uint k = 0; k < depth; k++)
    UNROLL for (uint i = 0; i < NV; i++)
    {
      const vec a = fma(outer, FILTER(0, 0), last * FILTER(2, 0)), d = inner * FILTER(1, 0);
      const vec b = fma(outer, FILTER(0, 1), last * FILTER(2, 1)), e = inner * FILTER(1, 1);
      const vec c = fma(outer, FILTER(0, 2), last * FILTER(2, 2)), f = inner * FILTER(1, 2);
      POINTS(0, (a + d), (b + e), (c + f))
      POINTS(6, (a - d), (b - e), (c - f))
    }
}

/* R rows from `row` on: what earlier blocks gave, and this one's products. */
#define BLOCK(R)                                                                                   \
  {                                                                                                \
    vec acc[R][NV];                                                                                \
    __global const float *p[R];                                                                    \
    UNROLL for (int r_ = 0; r_ < R; r_++)                                                          \
    {                                                                                              \
      p[r_] = a + (ulong)(row + r_) * C;                                                           \
      UNROLL for (int i_ = 0; i_ < NV; i_++) acc[r_][i_] =                                         \
          first ? (vec)(0.0f) : LOADV(m + (ulong)(row + r_) * K + i_ * VEC);                       \
    }                                                                                              \
    for (uint k_ = 0; k_ < depth; k_++) {                                                          \
      vec b_[NV];                                                                                  \
      UNROLL for (int i_ = 0; i_ < NV; i_++) b_[i_] = LOADV(u + k_ * NR + i_ * VEC);               \
      UNROLL for (int r_ = 0; r_ < R; r_++)                                                        \
      {                                                                                            \
        const vec a_ = (vec)(p[r_][k_]);                                                           \
        UNROLL for (int i_ = 0; i_ < NV; i_++) acc[r_][i_] = fma(a_, b_[i_], acc[r_][i_]);         \
      }                                                                                            \
    }                                                                                              \
    UNROLL for (int r_ = 0; r_ < R; r_++)                                                          \
    UNROLL for (int i_ = 0; i_ < NV; i_++)                                                         \
        STOREV(acc[r_][i_], m + (ulong)(row + r_) * K + i_ * VEC);                                 \
  }

/* Rows [row, end) of one point, in blocks of MR, then of 4, 2 and 1. */
INLINE void multiply(__global const float *a, __local const float *u, __global float *m, uint C,
                     uint K, uint depth, uint row, uint end, bool first)
{
#if MR > 4
  for (; row + MR <= end; row += MR)
    BLOCK(MR)
#endif
  for (; row + 4 <= end; row += 4)
    BLOCK(4)
  if (row + 2 <= end) {
    BLOCK(2)
    row += 2;
  }
  if (row < end)
    BLOCK(1)
}

/* point_a, point_m: floats from one point's matrix to the next. Global size: (3, K / NR, ceil(tiles / rows)). */
__kernel void winograd_lean(__global const float *a, ulong a_off, ulong point_a,
                            __global const weight *w, __global float *m, ulong m_off, ulong point_m,
                            uint C, uint K, uint tiles, uint rows)
{
  __local float u[12 * POINT];
  const uint pair = get_global_id(0), col = get_global_id(1) * NR;
  const uint row = get_global_id(2) * rows, end = min(row + rows, tiles);
  /* The pairs are (0, 5), (1, 2) and (3, 4). */
  const uint upper = pair == 0 ? 0 : 2 * pair - 1, lower = pair == 0 ? 5 : 2 * pair;
  a += a_off;
  m += m_off + col;
  w += (ulong)col * 9 * C;
  for (uint c = 0; c < C; c += BLOCK_C) {
    const uint depth = min((uint)BLOCK_C, C - c);
    transform(pair, w + (ulong)c * NR, C, depth, u);
    for (uint j = 0; j < 12; j++) {
      const uint point = j < 6 ? 6 * upper + j : 6 * lower + j - 6;
      multiply(a + point * point_a + c, u + j * POINT, m + point * point_m, C, K, depth, row, end,
               c == 0);
    }
  }
}
