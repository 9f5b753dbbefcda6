/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Half-precision matrix units for the tiled product: what differs from kernels/gemm-tile.cl, in front of which this file is put.
 * Weights are half already, activations are rounded to half on their way into local memory, sums are float32.
 *
 * The unit multiplies 16 x 16 by 16 x 8 numbers across the 32 work-items of a warp: mma.sync.aligned.m16n8k16 of PTX (ISA 7.0,
 * compute capability 8.0 and later), reached with inline assembly. Which work-item holds which element is defined in the ISA's
 * section "Matrix Fragments for mma.m16n8k16 with floating point type"; two neighbouring halves share a register.
 *
 * Options: TM, TN, KB (16 or 32, divides the depth, in conv the channels); WARPS_M, WARPS_N, warps down and across a tile;
 * MMA (1: PTX, 2: emulated on any device, for tests). */

#define GX 32
#define GY (WARPS_M * WARPS_N)
#define ITEMS (GX * GY)
/* Fragments of a warp down and across. */
#define MT (TM / WARPS_M / 16)
#define NT (TN / WARPS_N / 8)
/* Vectors of 4 that a work-item brings: of A, and of pairs of rows of B. */
#define A_LOADS (TM * KB / 4 / ITEMS)
#define B_LOADS (TN * KB / 8 / ITEMS)
/* Halves from row to row of A, and pairs from row to row of B, in local memory: apart so that the work-items of a warp, which
 * read 8 rows by 4 pairs of A and 4 rows by 8 pairs of B, meet each of 32 banks once. */
#define A_LINE (KB + 8)
#define B_LINE (TN + 8)

/* Register r of work-item `lane`: of A (4, pairs along k), of B (2, pairs along k) and of the sums (4). */
#define A_ROW_OF(lane, r) ((lane) / 4 + (r) % 2 * 8)
#define A_K_OF(lane, r) ((lane) % 4 * 2 + (r) / 2 * 8)
#define B_K_OF(lane, r) ((lane) % 4 * 2 + (r)*8)
#define B_COL_OF(lane) ((lane) / 4)
#define C_ROW_OF(lane, r) ((lane) / 4 + (r) / 2 * 8)
#define C_COL_OF(lane, r) ((lane) % 4 * 2 + (r) % 2)

#if MMA == 1
#define MMA_SCRATCH
#define MMA_PASS
#define MMA_PARAMETER
INLINE void multiply_fragments(float *c, const uint *a, const uint *b)
{
  float d0, d1, d2, d3;
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
               : "=f"(d0), "=f"(d1), "=f"(d2), "=f"(d3)
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]),
                 "f"(c[1]), "f"(c[2]), "f"(c[3]));
  c[0] = d0;
  c[1] = d1;
  c[2] = d2;
  c[3] = d3;
}
#else
/* The same by way of local memory, from the definition of the fragments' elements: element e of A lies in row groupID, or 8 below
 * for e = 2, 3, 6, 7, and so on. */
#undef UNROLL
#define UNROLL
#define MMA_SCRATCH __local float scratch[GY][16 * 16 + 16 * 8];
#define MMA_PASS , scratch[ty]
#define MMA_PARAMETER , __local float *scratch
INLINE void multiply_fragments(float *c, const uint *a, const uint *b MMA_PARAMETER)
{
  const uint group = get_local_id(0) >> 2, in_group = get_local_id(0) & 3;
  for (uint e = 0; e < 8; e++) {
    const uint row = group + ((e & 2) ? 8 : 0), k = in_group * 2 + (e & 1) + (e >= 4 ? 8 : 0);
    scratch[row * 16 + k] = vload_half(e, (const half *)a);
  }
  for (uint e = 0; e < 4; e++) {
    const uint k = in_group * 2 + (e & 1) + (e >= 2 ? 8 : 0);
    scratch[16 * 16 + k * 8 + group] = vload_half(e, (const half *)b);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint e = 0; e < 4; e++) {
    const uint row = group + (e >= 2 ? 8 : 0), col = in_group * 2 + (e & 1);
    for (uint k = 0; k < 16; k++)
      c[e] += scratch[row * 16 + k] * scratch[16 * 16 + k * 8 + col];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
}
#endif

#define BLOCKS                                                                                     \
  __local uint a_block[TM * A_LINE / 2], b_block[KB / 2 * B_LINE];                                 \
  MMA_SCRATCH

#define SUMS                                                                                       \
  float acc[MT][NT][4];                                                                            \
  float4 a_next[A_LOADS];                                                                          \
  uint4 b_next[B_LOADS];                                                                           \
  UNROLL for (uint i = 0; i < MT; i++)                                                             \
  UNROLL for (uint j = 0; j < NT; j++)                                                             \
  UNROLL for (uint r = 0; r < 4; r++) acc[i][j][r] = 0.0f;

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
  UNROLL for (uint i = 0; i < A_LOADS; i++)                                                        \
      vstore_half4_rte(a_next[i], 0, (__local half *)a_block + A_ROW(i) * A_LINE + A_K(i));        \
  UNROLL for (uint i = 0; i < B_LOADS; i++)                                                        \
      vstore4(b_next[i], 0, b_block + B_PAIR(i) * B_LINE + B_COL(i));

/* acc += the blocks in local memory; the warp's rows begin at a, its columns at b. */
INLINE void multiply_block(float acc[MT][NT][4], __local const uint *a,
                           __local const uint *b MMA_PARAMETER)
{
  const uint lane = get_local_id(0);
  UNROLL for (uint k = 0; k < KB; k += 16)
  {
    uint b_[NT][2];
    UNROLL for (uint j = 0; j < NT; j++)
    UNROLL for (uint r = 0; r < 2; r++)
        b_[j][r] = b[(k + B_K_OF(lane, r)) / 2 * B_LINE + j * 8 + B_COL_OF(lane)];
    UNROLL for (uint i = 0; i < MT; i++)
    {
      uint a_[4];
      UNROLL for (uint r = 0; r < 4; r++)
          a_[r] = a[((i * 16 + A_ROW_OF(lane, r)) * A_LINE + k + A_K_OF(lane, r)) / 2];
#if MMA == 1
      UNROLL for (uint j = 0; j < NT; j++) multiply_fragments(acc[i][j], a_, b_[j]);
#else
      for (uint j = 0; j < NT; j++)
        multiply_fragments(acc[i][j], a_, b_[j], scratch);
#endif
    }
  }
}

#define MULTIPLY                                                                                   \
  multiply_block(acc, a_block + ty / WARPS_N * MT * 16 * A_LINE / 2,                               \
                 b_block + ty % WARPS_N * NT * 8 MMA_PASS);

#define STORE_TILE                                                                                 \
  UNROLL for (uint i = 0; i < MT; i++)                                                             \
  UNROLL for (uint j = 0; j < NT; j++)                                                             \
  UNROLL for (uint r = 0; r < 4; r += 2)                                                           \
  {                                                                                                \
    const ulong row = first_row + (ty / WARPS_N * MT + i) * 16 + C_ROW_OF(tx, r);                  \
    const uint col = first_col + (ty % WARPS_N * NT + j) * 8 + C_COL_OF(tx, r);                    \
    STORE(2, (float2)(acc[i][j][r], acc[i][j][r + 1]), row, col)                                   \
  }
