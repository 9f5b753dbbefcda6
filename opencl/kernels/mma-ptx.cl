/* SPDX-License-Identifier: LGPL-3.0-or-later
 * NVIDIA's matrix unit for kernels/gemm-mma.cl. It multiplies 16 x 16 by 16 x 8 numbers across the 32 work-items of a warp:
 * mma.sync.aligned.m16n8k16 of PTX (ISA 7.0, compute capability 8.0 and later), reached with inline assembly. Which work-item
 * holds which element is defined in the ISA's section "Matrix Fragments for mma.m16n8k16 with floating point type"; two
 * neighbouring halves share a register. */

#define LANES 32
#define UNIT_ROWS 16
#define UNIT_COLS 8
typedef uint4 a_fragment;
typedef uint2 b_fragment;
typedef float4 c_fragment;

/* Distances in local memory from row to row: of A in halves, of B in pairs. A warp reads 8 rows by 4 pairs of A, and 4 rows
 * by 8 pairs of B. With these distances it reads from each of the 32 banks once. */
#define A_LINE (KB + 8)
#define B_LINE (TN + 8)
#define A_BLOCK (TM * A_LINE / 2)
#define B_BLOCK (KB / 2 * B_LINE)

INLINE void store_a(__local uint *block, a_quad v, uint row, uint k)
{
  LOCAL_QUAD(v, (__local ushort *)block + row * A_LINE + k);
}

INLINE void store_b(__local uint *block, uint4 pairs, uint pair, uint col)
{
  vstore4(pairs, 0, block + pair * B_LINE + col);
}

INLINE a_fragment load_a(__local const uint *block, uint row, uint k, uint lane)
{
  block += ((row + lane / 4) * A_LINE + k) / 2 + lane % 4;
  return (a_fragment)(block[0], block[8 * A_LINE / 2], block[4], block[8 * A_LINE / 2 + 4]);
}

INLINE b_fragment load_b(__local const uint *block, uint k, uint col, uint lane)
{
  block += (k / 2 + lane % 4) * B_LINE + col + lane / 4;
  return (b_fragment)(block[0], block[4 * B_LINE]);
}

#define STORE_FRAGMENT(sums, row, col)                                                             \
  STORE(2, sums.s01, (row) + tx / 4, (col) + tx % 4 * 2)                                           \
  STORE(2, sums.s23, (row) + tx / 4 + 8, (col) + tx % 4 * 2)

#ifndef EMULATED
INLINE c_fragment multiply_fragments(c_fragment c, a_fragment a, b_fragment b)
{
  float d0, d1, d2, d3;
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
               : "=f"(d0), "=f"(d1), "=f"(d2), "=f"(d3)
               : "r"(a.s0), "r"(a.s1), "r"(a.s2), "r"(a.s3), "r"(b.s0), "r"(b.s1), "f"(c.s0),
                 "f"(c.s1), "f"(c.s2), "f"(c.s3));
  return (c_fragment)(d0, d1, d2, d3);
}
#endif
