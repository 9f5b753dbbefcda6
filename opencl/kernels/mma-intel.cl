/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Intel's matrix unit for kernels/gemm-mma.cl. It multiplies 8 x 16 by 16 x LANES numbers across a sub-group of LANES
 * work-items: cl_intel_subgroup_matrix_multiply_accumulate, revision 1.1.0. A work-item holds a column of B, two neighbouring
 * halves in each int, a column of the sums, and of every row of A the 16 / LANES halves that begin at k = lane * 16 / LANES.
 *
 * Option LANES (8 or 16): the device's smallest sub-group, the only one for which the unit is defined. KB is 16: blocks on their
 * way from memory take registers that the sums need. */

#define UNIT_ROWS 8
#define UNIT_COLS LANES
#if LANES == 8
typedef int a_word;
typedef int8 a_fragment;
#else
typedef short a_word;
typedef short8 a_fragment;
#endif
typedef int8 b_fragment;
typedef float8 c_fragment;

/* Distances in local memory: of A, in words, from one k to the next, with all rows of a k beside each other; of B, in pairs,
 * from column to column. So a work-item finds its part of a fragment in one vector. */
#define A_HALVES (16 / LANES)
#define A_LINE (TM + 8)
#define B_LINE (KB / 2 + 1)
#define A_BLOCK (KB * A_LINE / 2)
#define B_BLOCK (TN * B_LINE)

INLINE void store_a(__local uint *block, a_quad v, uint row, uint k)
{
  __local a_word *to = (__local a_word *)block + k / A_HALVES * A_LINE + row;
  a_word words[4 / A_HALVES];
  PRIVATE_QUAD(v, words);
  UNROLL for (uint i = 0; i < 4 / A_HALVES; i++) to[i * A_LINE] = words[i];
}

INLINE void store_b(__local uint *block, uint4 pairs, uint pair, uint col)
{
  block += col * B_LINE + pair;
  block[0] = pairs.s0;
  block[B_LINE] = pairs.s1;
  block[2 * B_LINE] = pairs.s2;
  block[3 * B_LINE] = pairs.s3;
}

INLINE a_fragment load_a(__local const uint *block, uint row, uint k, uint lane)
{
  return vload8(0, (__local const a_word *)block + (k / A_HALVES + lane) * A_LINE + row);
}

INLINE b_fragment load_b(__local const uint *block, uint k, uint col, uint lane)
{
  return as_int8(vload8(0, block + (col + lane) * B_LINE + k / 2));
}

#define STORE_FRAGMENT(sums, row, col)                                                             \
  STORE(1, sums.s0, (row), (col) + tx)                                                             \
  STORE(1, sums.s1, (row) + 1, (col) + tx)                                                         \
  STORE(1, sums.s2, (row) + 2, (col) + tx)                                                         \
  STORE(1, sums.s3, (row) + 3, (col) + tx)                                                         \
  STORE(1, sums.s4, (row) + 4, (col) + tx)                                                         \
  STORE(1, sums.s5, (row) + 5, (col) + tx)                                                         \
  STORE(1, sums.s6, (row) + 6, (col) + tx)                                                         \
  STORE(1, sums.s7, (row) + 7, (col) + tx)

#ifndef EMULATED
/* How work-items form sub-groups is the driver's choice. */
#define SUB_GROUP __attribute__((intel_reqd_sub_group_size(LANES)))
#define ITEM_X get_sub_group_local_id()
#define ITEM_Y get_sub_group_id()

/* As the extension declares it; some builds of the driver leave that out. */
__attribute__((overloadable)) float8 intel_sub_group_f16_f16_matrix_mad_k16(a_fragment a, int8 b,
                                                                            float8 acc);

INLINE c_fragment multiply_fragments(c_fragment c, a_fragment a, b_fragment b)
{
  return intel_sub_group_f16_f16_matrix_mad_k16(a, b, c);
}
#endif
