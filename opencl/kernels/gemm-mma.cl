/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Half-precision matrix units for the tiled product: what differs from kernels/gemm-tile.cl, in front of which this file is put,
 * after that of a unit (mma-ptx.cl or mma-intel.cl, and mma-emulated.cl).
 * Weights are half already, as activations are with X_HALF; without it these are rounded on their way into local memory. Sums are
 * float32.
 *
 * The unit multiplies UNIT_ROWS x 16 by 16 x UNIT_COLS numbers across the LANES work-items of a warp, as NVIDIA calls it, or
 * sub-group. Its file says which work-item holds which element, and how the operands lie in local memory for that.
 *
 * Options: TM, TN, KB (16 or 32, divides the depth, in conv the channels); WARPS_M, WARPS_N, warps down and across a tile;
 * EMULATED. */

#define MMA
#define GX LANES
#define GY (WARPS_M * WARPS_N)
#define ITEMS (GX * GY)
/* Fragments of a warp down and across. */
#define MT (TM / WARPS_M / UNIT_ROWS)
#define NT (TN / WARPS_N / UNIT_COLS)
/* Vectors of 4 that a work-item brings: of A, and of pairs of rows of B. */
#define A_LOADS (TM * KB / 4 / ITEMS)
#define B_LOADS (TN * KB / 8 / ITEMS)

#define BLOCKS                                                                                     \
  __local uint a_block[A_BLOCK], b_block[B_BLOCK];                                                 \
  SCRATCH

#define SUMS                                                                                       \
  c_fragment acc[MT][NT];                                                                          \
  a_quad a_next[A_LOADS];                                                                          \
  uint4 b_next[B_LOADS];                                                                           \
  UNROLL for (uint i = 0; i < MT; i++)                                                             \
  UNROLL for (uint j = 0; j < NT; j++) acc[i][j] = (c_fragment)(0.0f);

#define B_PAIR(i) ((item + (i)*ITEMS) / (TN / 4))
#define B_COL(i) ((item + (i)*ITEMS) % (TN / 4) * 4)

/* Pairs of rows 2i and 2i + 1, the first in the lower half. */
#define FETCH_B(k_)                                                                                \
  UNROLL for (uint i = 0; i < B_LOADS; i++)                                                        \
  {                                                                                                \
    const uint col = first_col + B_COL(i);                                                         \
    b_next[i] = (uint4)(0);                                                                        \
    if (col < N) {                                                                                 \
      __global const ushort *row = (__global const ushort *)b + (ulong)((k_) + 2 * B_PAIR(i)) * N; \
      b_next[i] = convert_uint4(vload4(0, row + col)) |                                            \
                  convert_uint4(vload4(0, row + N + col)) << 16;                                   \
    }                                                                                              \
  }

#define STORE_BLOCKS                                                                               \
  UNROLL for (uint i = 0; i < A_LOADS; i++) store_a(a_block, a_next[i], A_ROW(i), A_K(i));         \
  UNROLL for (uint i = 0; i < B_LOADS; i++) store_b(b_block, b_next[i], B_PAIR(i), B_COL(i));

/* acc += the blocks in local memory; the warp's part of the tile begins at (row, col). */
INLINE void multiply_block(c_fragment acc[MT][NT], __local const uint *a, __local const uint *b,
                           uint row, uint col, uint lane SCRATCH_PARAMETER)
{
  UNROLL for (uint k = 0; k < KB; k += 16)
  {
    b_fragment b_[NT];
    UNROLL for (uint j = 0; j < NT; j++) b_[j] = load_b(b, k, col + j * UNIT_COLS, lane);
    UNROLL for (uint i = 0; i < MT; i++)
    {
      const a_fragment a_ = load_a(a, row + i * UNIT_ROWS, k, lane);
      UNROLL for (uint j = 0; j < NT; j++)
          acc[i][j] = multiply_fragments(acc[i][j], a_, b_[j] PASS_SCRATCH);
    }
  }
}

#define WARP_ROW (ty / WARPS_N * MT * UNIT_ROWS)
#define WARP_COL (ty % WARPS_N * NT * UNIT_COLS)

#define MULTIPLY multiply_block(acc, a_block, b_block, WARP_ROW, WARP_COL, tx SCRATCH_OF_WARP);

#define STORE_TILE                                                                                 \
  UNROLL for (uint i = 0; i < MT; i++)                                                             \
  UNROLL for (uint j = 0; j < NT; j++)                                                             \
  {                                                                                                \
    STORE_FRAGMENT(acc[i][j], first_row + WARP_ROW + i * UNIT_ROWS,                                \
                   first_col + WARP_COL + j * UNIT_COLS)                                           \
  }
