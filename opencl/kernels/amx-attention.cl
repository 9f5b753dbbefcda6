/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Softmax attention on the matrix units of x86 processors (amx-tiles.cl). As in attention.cl, the T x T matrix is never held.
 *
 * Scores and results are computed transposed: a row is a key or a channel, and 32 queries are the columns. So a lane of a vector is a
 * query, maxima and sums need no work across lanes, and the weights of the keys have the layout of a right factor without any change.
 *
 * The first task packs three matrices of T_padded x CHP values for each image and head: queries [panel of 32][plane of 32 channels] as
 * right factors, already scaled; keys [plane of 32 channels][key] and values [plane of 32 keys][channel] as left factors.
 *
 * Query, key and value of head h lie at h * head_ld + {0, k_at, v_at} in a pixel's channels. */

/* T: positions; blocks: of 32 of them; CH: a head's channels; scale: the bits of a float, of the scores' base-2 logarithms. */
typedef struct {
  Tensor qkv;
  __global uint *packed;
  ulong T, blocks, CH, heads, head_ld, k_at, v_at, scale;
} AttentionPack;

typedef struct {
  __global const uchar *packed;
  Tensor out;
  ulong T, blocks, CH, heads;
} Attention;

#define LOW(a, b)                                                                                  \
  __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b)                                                                                 \
  __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)

/* A perfect shuffle rotates an element's index of 8 bits by one; four exchange row and column. */
INLINE void transpose(uint16 *m)
{
  UNROLL for (int round = 0; round < 4; round++)
  {
    uint16 t[16];
    UNROLL for (int i = 0; i < 8; i++)
    {
      t[2 * i] = LOW(m[i], m[i + 8]);
      t[2 * i + 1] = HIGH(m[i], m[i + 8]);
    }
    UNROLL for (int i = 0; i < 16; i++) m[i] = t[i];
  }
}

/* Channels [c, c + 16) of a head at p, zeros past its last. */
INLINE float16 load_channels(Numbers p, uint c, uint CH)
{
  if (c + 16 <= CH)
    return get16(0, skip(p, c));
  float lane[16];
  for (uint i = 0; i < 16; i++)
    lane[i] = c + i < CH ? get1(c + i, p) : 0.0f;
  return get16(0, lane);
}

/* Pack 32 positions. Range: (blocks, heads, images). */
INLINE void attention_pack(uint block, uint head, uint n, __global const ulong *args)
{
  const AttentionPack s = *(__global const AttentionPack *)args;
  const uint CH = s.CH, PLANES = (CH + 31) / 32, CHP = PLANES * 32;
  const float scale = as_float((uint)s.scale);
  const ulong matrix = s.blocks * 32 * CHP, k_at = s.k_at, v_at = s.v_at;
  __global uint *out = s.packed + (n * s.heads + head) * 3 * matrix;
  const Numbers qkv = find(&s.qkv, n * s.T + block * 32, head * s.head_ld);
  const uint here = min((uint)s.T - block * 32, 32u);
  for (uint plane = 0; plane < PLANES; plane++) {
    const uint c = plane * 32;
    __global uint *q = out + ((ulong)block * PLANES + plane) * (AMX_BLOCK_BYTES / 4);
    __global uint *k = out + matrix + (plane * s.blocks + block) * 32 * 32;
    __global uint *v = out + 2 * matrix + ((ulong)block * CHP + c) * 32;
    float16 value[2][32];
    for (uint half_ = 0; half_ < 2; half_++) {
      uint16 hi[16], lo[16];
      for (uint i = 0; i < 16; i++) {
        const uint t = half_ * 16 + i;
        float16 q0 = 0, q1 = 0, k0 = 0, k1 = 0, v0 = 0, v1 = 0;
        if (t < here) {
          const Numbers p = skip(qkv, t * s.qkv.ld);
          q0 = load_channels(p, c, CH) * scale;
          q1 = load_channels(p, c + 16, CH) * scale;
          k0 = load_channels(skip(p, k_at), c, CH);
          k1 = load_channels(skip(p, k_at), c + 16, CH);
          v0 = load_channels(skip(p, v_at), c, CH);
          v1 = load_channels(skip(p, v_at), c + 16, CH);
        }
        const Split query = split(q0, q1), key = split(k0, k1);
        hi[i] = query.hi;
        lo[i] = query.lo;
        put16(key.hi, 0, k + t * 32);
        put16(key.lo, 1, k + t * 32);
        value[0][t] = v0;
        value[1][t] = v1;
      }
      transpose(hi);
      transpose(lo);
      for (uint i = 0; i < 16; i++) {
        put16(lo[i], half_ * 16 + i, q);
        put16(hi[i], 32 + half_ * 16 + i, q);
      }
    }
    for (uint group = 0; group < 2; group++) {
      uint16 hi[16], lo[16];
      for (uint i = 0; i < 16; i++) {
        const Split both = split(value[group][i], value[group][i + 16]);
        hi[i] = both.hi;
        lo[i] = both.lo;
      }
      transpose(hi);
      transpose(lo);
      for (uint i = 0; i < 16; i++) {
        put16(hi[i], 0, v + (group * 16 + i) * 32);
        put16(lo[i], 1, v + (group * 16 + i) * 32);
      }
    }
  }
}

/* Keys between two updates of the maxima. */
#define KEYS 256

/* The running maximum and sum of 16 queries, and the factor by which what was summed before has to be multiplied. */
typedef struct {
  float16 top, sum, keep;
} Running;

INLINE void raise(Running *r, const float *scores, uint keys)
{
  float16 top = r->top;
  for (uint j = 0; j < keys; j++)
    top = fmax(top, get16(0, scores + j * 32));
  r->keep = exp2_(r->top - top);
  r->top = top;
  r->sum *= r->keep;
}

/* Weights of 32 keys from their scores, as a right factor's columns. `keys` of them count. */
INLINE void weigh(Running *r, const float *scores, uint keys, uint *weights)
{
  for (uint i = 0; i < 16; i++) {
    float16 w0 = 0, w1 = 0;
    if (i < keys)
      w0 = exp2_(get16(0, scores + i * 32) - r->top);
    if (i + 16 < keys)
      w1 = exp2_(get16(0, scores + (i + 16) * 32) - r->top);
    r->sum += w0 + w1;
    const Split words = split(w0, w1);
    put16(words.lo, i, weights);
    put16(words.hi, 32 + i, weights);
  }
}

/* Rows of 16 channels from c on, of 16 queries: o[c][query] / sum to out[query][c]. */
INLINE void put_queries(const float *o, float16 scale, Numbers out, uint ld, uint queries, uint c, uint CH)
{
  uint16 m[16];
  for (uint i = 0; i < 16; i++)
    m[i] = as_uint16(get16(0, o + (c + i) * 32) * scale);
  transpose(m);
  for (uint i = 0; i < 16 && i < queries; i++) {
    const Numbers query = skip(out, (ulong)i * ld + c);
    if (c + 16 <= CH) {
      put16(as_float16(m[i]), 0, query);
      continue;
    }
    float lane[16];
    put16(as_float16(m[i]), 0, lane);
    for (uint j = 0; j < 16 && c + j < CH; j++)
      put1(lane[j], j, query);
  }
}

/* out[n][t][head * CH + c]. Range: (blocks, heads, images). */
INLINE void attention(uint panel, uint head, uint n, __global const ulong *args)
{
  TILES
  const Attention s = *(__global const Attention *)args;
  const uint CH = s.CH, PLANES = (CH + 31) / 32, CHP = PLANES * 32, T = s.T, T_padded = s.blocks * 32;
  const ulong matrix = (ulong)T_padded * CHP * 4;
  const ulong q = (ulong)s.packed + (n * s.heads + head) * 3 * matrix + (ulong)panel * PLANES * AMX_BLOCK_BYTES;
  const ulong k = q - (ulong)panel * PLANES * AMX_BLOCK_BYTES + matrix, v = k + matrix;
  float scores[KEYS * 32] __attribute__((aligned(64)));
  uint weights[KEYS * 32] __attribute__((aligned(64)));
  float block[32 * 32] __attribute__((aligned(64)));
  float o[AMX_MAX_HEAD * 32] __attribute__((aligned(64)));
  Running running[2] = {{(float16)(-INFINITY), (float16)(0.0f), (float16)(0.0f)},
                        {(float16)(-INFINITY), (float16)(0.0f), (float16)(0.0f)}};
  for (uint i = 0; i < CHP * 2; i++)
    put16((float16)(0.0f), i, o);
  for (uint first = 0; first < T; first += KEYS) {
    const uint keys = min((uint)KEYS, T - first), blocks = (keys + 31) / 32;
    for (uint b = 0; b < blocks; b++) {
      ZERO_4
      for (uint plane = 0; plane < PLANES; plane++)
        STEP(k + ((ulong)plane * T_padded + first + b * 32) * AMX_POSITION, q + plane * AMX_BLOCK_BYTES)
      STORE_4(scores + b * 1024, 128)
    }
    for (uint half_ = 0; half_ < 2; half_++) {
      raise(&running[half_], scores + half_ * 16, keys);
      for (uint b = 0; b < blocks; b++)
        weigh(&running[half_], scores + b * 1024 + half_ * 16, keys - b * 32,
              weights + b * 1024 + half_ * 256);
    }
    WRITTEN
    for (uint plane = 0; plane < PLANES; plane++) {
      ZERO_4
      for (uint b = 0; b < blocks; b++)
        STEP(v + ((ulong)(first / 32 + b) * CHP + plane * 32) * AMX_POSITION, weights + b * 1024)
      STORE_4(block, 128)
      for (uint i = 0; i < 64; i++) {
        float *sum = o + plane * 1024 + i * 16;
        put16(fma(get16(0, sum), running[i % 2].keep, get16(i, block)), 0, sum);
      }
    }
  }
  const Numbers out = find(&s.out, (ulong)n * T + panel * 32, head * CH);
  for (uint half_ = 0; half_ < 2; half_++)
    for (uint c = 0; c < CH && panel * 32 + half_ * 16 < T; c += 16)
      put_queries(o + half_ * 16, 1.0f / running[half_].sum, skip(out, half_ * 16 * s.out.ld), s.out.ld,
                  T - panel * 32 - half_ * 16, c, CH);
}
