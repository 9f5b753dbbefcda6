/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Softmax attention for GPUs, without the T x T matrix: a work-group of EDGE x EDGE items takes BLOCK queries of one head through
 * all keys, BLOCK at a time, with a running maximum and sum for each query (Milakov and Gimelshein 2018; Dao et al. 2022).
 * Operands pass through local memory; an item keeps the scores of 4 queries and 4 keys, and 4 queries' sums of SLICE / EDGE channels.
 *
 * Options: EDGE; CH, the head's channels, and SLICE, those of them that a work-group sums up (more would not fit the registers),
 * multiples of 4. Query, key and value of head h lie at h * head_ld + {0, k_at, v_at} in a pixel's channels. */

#define ITEMS (EDGE * EDGE)
#define BLOCK (4 * EDGE)
#define LINE (BLOCK + 4)
/* Channels of queries and keys, and keys of values, in local memory at a time. */
#define KB 16
#define SLICES ((CH + SLICE - 1) / SLICE)
/* Vectors of 4 channels of an item; those past the slice's end are not used. */
#define VECTORS ((SLICE + 4 * EDGE - 1) / (4 * EDGE))

/* block[c][t] = p[first + t][c0 + c], zeros past the last position and channel. */
INLINE void fetch_columns(__local float *block, __global const x_type *p, uint ld, uint first,
                          uint T, uint c0, uint item)
{
  for (uint i = item; i < BLOCK * KB / 4; i += ITEMS) {
    const uint t = i / (KB / 4), c = i % (KB / 4) * 4;
    float4 v = (float4)(0.0f);
    if (first + t < T && c0 + c < CH)
      v = LOADX4(p + (ulong)(first + t) * ld + c0 + c);
    block[(c + 0) * LINE + t] = v.s0;
    block[(c + 1) * LINE + t] = v.s1;
    block[(c + 2) * LINE + t] = v.s2;
    block[(c + 3) * LINE + t] = v.s3;
  }
}

/* s[i][j] += the products of 4 queries and 4 keys over the channels in local memory. */
INLINE void add_scores(float4 s[4], __local const float *q, __local const float *k)
{
  UNROLL for (uint c = 0; c < KB; c++)
  {
    const float4 q_ = vload4(0, q + c * LINE), k_ = vload4(0, k + c * LINE);
    s[0] = fma((float4)(q_.s0), k_, s[0]);
    s[1] = fma((float4)(q_.s1), k_, s[1]);
    s[2] = fma((float4)(q_.s2), k_, s[2]);
    s[3] = fma((float4)(q_.s3), k_, s[3]);
  }
}

INLINE float4 max_of(__local const float *parts)
{
  float4 m = vload4(0, parts);
  for (uint i = 1; i < EDGE; i++)
    m = fmax(m, vload4(0, parts + i * BLOCK));
  return m;
}

INLINE float4 sum_of(__local const float *parts)
{
  float4 s = vload4(0, parts);
  for (uint i = 1; i < EDGE; i++)
    s += vload4(0, parts + i * BLOCK);
  return s;
}

/* out[n][t][head * CH + c]. Global size: (ceil(T / BLOCK) * EDGE, EDGE, images * heads * SLICES). */
__kernel __attribute__((reqd_work_group_size(EDGE, EDGE, 1))) void
attention_gpu(__global const x_type *qkv, ulong qkv_off, uint ld, __global y_type *out, ulong out_off,
              uint out_ld, uint T, uint heads, uint head_ld, uint k_at, uint v_at, float scale)
{
  __local float a_block[KB * LINE], b_block[KB * LINE], p_block[BLOCK * LINE];
  __local float v_block[KB * 4 * EDGE * VECTORS], parts[EDGE * BLOCK];
  const uint tx = get_local_id(0), ty = get_local_id(1), item = ty * EDGE + tx;
  const uint slice = get_group_id(2) % SLICES, head = get_group_id(2) / SLICES % heads;
  const ulong n = get_group_id(2) / SLICES / heads;
  const uint first = get_group_id(0) * BLOCK, c_first = slice * SLICE;
  const uint c_count = min((uint)SLICE, (uint)CH - c_first);
  qkv += qkv_off + n * T * ld + head * head_ld;
  float4 o[4][VECTORS], top = (float4)(-INFINITY), sum = (float4)(0.0f);
  UNROLL for (uint i = 0; i < 4; i++)
  UNROLL for (uint j = 0; j < VECTORS; j++) o[i][j] = (float4)(0.0f);

  for (uint t = 0; t < T; t += BLOCK) {
    float4 s[4];
    UNROLL for (uint i = 0; i < 4; i++) s[i] = (float4)(0.0f);
    for (uint c = 0; c < CH; c += KB) {
      fetch_columns(a_block, qkv, ld, first, T, c, item);
      fetch_columns(b_block, qkv + k_at, ld, t, T, c, item);
      barrier(CLK_LOCAL_MEM_FENCE);
      add_scores(s, a_block + ty * 4, b_block + tx * 4);
      barrier(CLK_LOCAL_MEM_FENCE);
    }
    /* The new maxima of 4 queries over the block's keys: of this item's 4, then of all. */
    const int4 real = (int4)(t + tx * 4) + (int4)(0, 1, 2, 3) < (int4)((int)T);
    UNROLL for (uint i = 0; i < 4; i++)
    {
      s[i] = select((float4)(-INFINITY), s[i] * scale, real);
      const float2 pair = fmax(s[i].lo, s[i].hi);
      parts[tx * BLOCK + ty * 4 + i] = fmax(pair.x, pair.y);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const float4 next = fmax(top, max_of(parts + ty * 4)), keep = exp(top - next);
    const float tops[4] = {next.s0, next.s1, next.s2, next.s3};
    const float keeps[4] = {keep.s0, keep.s1, keep.s2, keep.s3};
    float added[4];
    top = next;
    UNROLL for (uint i = 0; i < 4; i++)
    {
      const float4 p = exp(s[i] - tops[i]);
      added[i] = (p.s0 + p.s1) + (p.s2 + p.s3);
      p_block[(tx * 4 + 0) * LINE + ty * 4 + i] = p.s0;
      p_block[(tx * 4 + 1) * LINE + ty * 4 + i] = p.s1;
      p_block[(tx * 4 + 2) * LINE + ty * 4 + i] = p.s2;
      p_block[(tx * 4 + 3) * LINE + ty * 4 + i] = p.s3;
      UNROLL for (uint j = 0; j < VECTORS; j++) o[i][j] *= keeps[i];
    }
    /* Each item sums its own keys; the sums meet at the end. */
    sum = fma(sum, keep, (float4)(added[0], added[1], added[2], added[3]));
    for (uint k = 0; k < BLOCK; k += KB) {
      for (uint i = item; i < KB * EDGE * VECTORS; i += ITEMS) {
        const uint row = i / (EDGE * VECTORS), c = i % (EDGE * VECTORS) * 4;
        float4 v = (float4)(0.0f);
        if (t + k + row < T && c < c_count)
          v = LOADX4(qkv + v_at + (ulong)(t + k + row) * ld + c_first + c);
        vstore4(v, 0, v_block + row * 4 * EDGE * VECTORS + c);
      }
      barrier(CLK_LOCAL_MEM_FENCE);
      UNROLL for (uint r = 0; r < KB; r++)
      {
        const float4 p = vload4(0, p_block + (k + r) * LINE + ty * 4);
        UNROLL for (uint j = 0; j < VECTORS; j++)
        {
          const float4 v = vload4(0, v_block + (r * VECTORS + j) * 4 * EDGE + tx * 4);
          o[0][j] = fma((float4)(p.s0), v, o[0][j]);
          o[1][j] = fma((float4)(p.s1), v, o[1][j]);
          o[2][j] = fma((float4)(p.s2), v, o[2][j]);
          o[3][j] = fma((float4)(p.s3), v, o[3][j]);
        }
      }
      barrier(CLK_LOCAL_MEM_FENCE);
    }
  }

  parts[tx * BLOCK + ty * 4 + 0] = sum.s0;
  parts[tx * BLOCK + ty * 4 + 1] = sum.s1;
  parts[tx * BLOCK + ty * 4 + 2] = sum.s2;
  parts[tx * BLOCK + ty * 4 + 3] = sum.s3;
  barrier(CLK_LOCAL_MEM_FENCE);
  const float4 total = sum_of(parts + ty * 4);
  const float totals[4] = {total.s0, total.s1, total.s2, total.s3};
  out += out_off + n * T * out_ld + head * CH + c_first;
  UNROLL for (uint i = 0; i < 4; i++)
  UNROLL for (uint j = 0; j < VECTORS; j++)
  {
    const uint row = first + ty * 4 + i, c = j * 4 * EDGE + tx * 4;
    if (row < T && c < c_count)
      STOREY4(o[i][j] / totals[i], out + (ulong)row * out_ld + c);
  }
}
