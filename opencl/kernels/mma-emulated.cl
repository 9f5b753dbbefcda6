/* SPDX-License-Identifier: LGPL-3.0-or-later
 * With EMULATED, for tests, any device computes what the units of mma-ptx.cl or mma-intel.cl do, by way of local memory. The
 * macros define where the elements lie that a work-item holds. Element e is half number e of its part of A or B, and float
 * number e of its sums. */

#ifndef EMULATED
#define SCRATCH
#define SCRATCH_OF_WARP
#define PASS_SCRATCH
#define SCRATCH_PARAMETER
#else
#undef UNROLL
#define UNROLL
#define SCRATCH __local float scratch[GY][UNIT_ROWS * 16 + 16 * UNIT_COLS];
#define SCRATCH_OF_WARP , scratch[ty]
#define PASS_SCRATCH , scratch
#define SCRATCH_PARAMETER , __local float *scratch

#if LANES == 32
/* PTX: element e of A lies in row groupID, or 8 below for e = 2, 3, 6, 7, and so on. */
#define A_AT(e) ((lane / 4 + ((e)&2 ? 8 : 0)) * 16 + lane % 4 * 2 + ((e)&1) + ((e) >= 4 ? 8 : 0))
#define B_K_AT(e) (lane % 4 * 2 + ((e)&1) + ((e) >= 2 ? 8 : 0))
#define B_COL_AT(e) (lane / 4)
#define C_ROW_AT(e) (lane / 4 + ((e) >= 2 ? 8 : 0))
#define C_COL_AT(e) (lane % 4 * 2 + ((e)&1))
#else
/* Intel: a component of A's vector is a row, to which the work-items contribute 16 / LANES halves each in their order; each
 * contributes a column of B and of the sums. */
#define A_AT(e) ((e) / (16 / LANES) * 16 + lane * (16 / LANES) + (e) % (16 / LANES))
#define B_K_AT(e) (e)
#define B_COL_AT(e) lane
#define C_ROW_AT(e) (e)
#define C_COL_AT(e) lane
#endif

INLINE c_fragment multiply_fragments(c_fragment c, a_fragment a, b_fragment b SCRATCH_PARAMETER)
{
  const uint lane = get_local_id(0);
  __local float *scratch_b = scratch + UNIT_ROWS * 16;
  float sums[sizeof(c_fragment) / sizeof(float)];
  for (uint e = 0; e < sizeof a / 2; e++)
    scratch[A_AT(e)] = vload_half(e, (const half *)&a);
  for (uint e = 0; e < sizeof b / 2; e++)
    scratch_b[B_K_AT(e) * UNIT_COLS + B_COL_AT(e)] = vload_half(e, (const half *)&b);
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint e = 0; e < sizeof c / sizeof(float); e++) {
    sums[e] = 0.0f;
    for (uint k = 0; k < 16; k++)
      sums[e] += scratch[C_ROW_AT(e) * 16 + k] * scratch_b[k * UNIT_COLS + C_COL_AT(e)];
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  return c + *(c_fragment *)sums;
}
#endif
