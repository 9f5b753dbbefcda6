/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Weights kept in half precision into the right factors of amx-conv.cl. */

typedef struct {
  __global const half *from;
  __global uint *to;
} Widen;

/* Blocks as amx-pack.cl makes them with HALF_WEIGHTS -> B. Nothing is lost, because two bfloat16 hold more bits than a half.
 * Range: blocks. */
INLINE void widen(uint block, __global const ulong *args)
{
  const Widen s = *(__global const Widen *)args;
  __global const half *h = s.from + (ulong)block * 1024;
  __global uint *out = s.to + (ulong)block * (AMX_BLOCK_BYTES / 4);
  for (uint row = 0; row < 32; row++) {
    const float16 v0 = vload_half16(2 * row, h), v1 = vload_half16(2 * row + 1, h);
    const Split words = split(
        __builtin_shufflevector(v0, v1, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
        __builtin_shufflevector(v0, v1, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
    put16(words.lo, row, out);
    put16(words.hi, 32 + row, out);
  }
}
