/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Softmax attention over the positions of an image, without the T x T matrix: keys and values pass by in blocks while each
 * query row keeps its running maximum and sum (Milakov and Gimelshein 2018; Dao et al. 2022).
 *
 * lanes.cl is in front of it: values' lanes run over the head's channels. Option: ROWS, query rows of a work-item. Keys are first
 * transposed, so that the lanes of a vector are neighbouring keys. Query, key and value of head h lie at h * head_ld + {0, k_at,
 * v_at} in a pixel's channels. */

/* Keys that are multiplied together, and keys between two updates of a row's maximum. */
#define KEYS (2 * VEC)
#define BLOCK (8 * KEYS)

/* kt[n][head][ch][T_padded], zeros past T. A work-item transposes VEC keys. Global size: (T_padded / VEC, heads, images). */
__kernel void attention_keys(__global const x_type *qkv, ulong qkv_off, uint ld, __global float *kt,
                             ulong kt_off, uint T, uint T_padded, uint head_ld, uint k_at)
{
  const uint t = get_global_id(0) * VEC, head = get_global_id(1), n = get_global_id(2);
  qkv += qkv_off + (ulong)n * T * ld + head * head_ld + k_at;
  kt += kt_off + ((ulong)n * get_global_size(1) + head) * CH * T_padded + t;
  for (uint c = 0; c < CH; c++) {
    float lane[VEC];
    UNROLL for (uint i = 0; i < VEC; i++) lane[i] = t + i < T ? GETX(qkv + (ulong)(t + i) * ld + c) : 0.0f;
    STOREV(LOADV(lane), kt + (ulong)c * T_padded);
  }
}

inline float max_lanes(vec v)
{
  float lane[VEC];
  STOREV(v, lane);
  float m = lane[0];
  for (int i = 1; i < VEC; i++)
    m = fmax(m, lane[i]);
  return m;
}

inline float sum_lanes(vec v)
{
  float lane[VEC];
  STOREV(v, lane);
  float s = 0;
  for (int i = 0; i < VEC; i++)
    s += lane[i];
  return s;
}

/* Turn the scores p of one row into weights relative to the new maximum; the factor for what was summed before. */
inline float soften(float *p, uint keys, float *top, float *sum)
{
  const uint padded = (keys + VEC - 1) / VEC * VEC;
  for (uint j = keys; j < padded; j++)
    p[j] = -INFINITY; /* counts exp(-87) below: nothing beside the 1 of the maximum */
  vec most = LOADV(p);
  for (uint j = VEC; j < padded; j += VEC)
    most = fmax(most, LOADV(p + j));
  const float m = fmax(*top, max_lanes(most));
  vec total = (vec)(0.0f);
  for (uint j = 0; j < padded; j += VEC) {
    const vec e = exp_(LOADV(p + j) - m);
    STOREV(e, p + j);
    total += e;
  }
  const float keep = exp(*top - m);
  *sum = *sum * keep + sum_lanes(total);
  *top = m;
  return keep;
}

/* o += p v for N blocks of a head's channels, beginning with block i. */
#define ADD_VALUES(N)                                                                              \
  {                                                                                                \
    lanes acc[ROWS][N];                                                                            \
    UNROLL for (int r = 0; r < ROWS; r++)                                                          \
        UNROLL for (int k = 0; k < N; k++) acc[r][k] = o[r][i + k];                                \
    for (uint j = 0; j < keys; j++) {                                                              \
      lanes value[N];                                                                              \
      UNROLL for (int k = 0; k < N; k++) value[k] = LOADL(v + (ulong)j * ld + (i + k) * LANES);    \
      UNROLL for (int r = 0; r < ROWS; r++)                                                        \
      {                                                                                            \
        const lanes weight_ = (lanes)(p[r][j]);                                                    \
        UNROLL for (int k = 0; k < N; k++) acc[r][k] = fma(weight_, value[k], acc[r][k]);          \
      }                                                                                            \
    }                                                                                              \
    UNROLL for (int r = 0; r < ROWS; r++)                                                          \
        UNROLL for (int k = 0; k < N; k++) o[r][i + k] = acc[r][k];                                \
  }

/* A row of queries is read again for each block of keys, number by number: where it is kept as half, from a copy. */
#ifdef X_HALF
#define QUERIES float q[ROWS][CH];
#define TAKE_QUERY(r, p)                                                                           \
  for (uint c_ = 0; c_ < CH; c_ += LANES)                                                          \
    KEEPL(LOADL((p) + c_), q[r] + c_);
#else
#define QUERIES __global const float *q[ROWS];
#define TAKE_QUERY(r, p) q[r] = p;
#endif

/* out[n][t][head * CH + c]. Global size: (ceil(T / ROWS), heads, images). */
__kernel void attention(__global const x_type *qkv, ulong qkv_off, uint ld,
                        __global const float *kt, ulong kt_off, __global y_type *out, ulong out_off,
                        uint out_ld, uint T, uint T_padded, uint head_ld, uint v_at, float scale)
{
  const uint head = get_global_id(1), n = get_global_id(2);
  const uint first = get_global_id(0) * ROWS;
  qkv += qkv_off + (ulong)n * T * ld + head * head_ld;
  kt += kt_off + ((ulong)n * get_global_size(1) + head) * CH * T_padded;
  lanes o[ROWS][CB];
  float top[ROWS], sum[ROWS];
  QUERIES
  UNROLL for (int r = 0; r < ROWS; r++)
  {
    TAKE_QUERY(r, qkv + (ulong)min(first + r, T - 1) * ld)
    top[r] = -INFINITY;
    sum[r] = 0;
    for (int i = 0; i < CB; i++)
      o[r][i] = (lanes)(0.0f);
  }
  for (uint t = 0; t < T; t += BLOCK) {
    const uint keys = min((uint)BLOCK, T - t);
    float p[ROWS][BLOCK];
    for (uint g = 0; g < keys; g += KEYS) {
      vec s0[ROWS], s1[ROWS];
      UNROLL for (int r = 0; r < ROWS; r++) s0[r] = s1[r] = (vec)(0.0f);
      for (uint c = 0; c < CH; c++) {
        const vec k0 = LOADV(kt + (ulong)c * T_padded + t + g);
        const vec k1 = LOADV(kt + (ulong)c * T_padded + t + g + VEC);
        UNROLL for (int r = 0; r < ROWS; r++)
        {
          const vec a = (vec)(q[r][c]);
          s0[r] = fma(a, k0, s0[r]);
          s1[r] = fma(a, k1, s1[r]);
        }
      }
      UNROLL for (int r = 0; r < ROWS; r++)
      {
        STOREV(s0[r] * scale, p[r] + g);
        STOREV(s1[r] * scale, p[r] + g + VEC);
      }
    }
    for (int r = 0; r < ROWS; r++) {
      const float keep = soften(p[r], keys, &top[r], &sum[r]);
      for (int i = 0; i < CB; i++)
        o[r][i] *= keep;
    }
    __global const x_type *v = qkv + (ulong)t * ld + v_at;
    for (int i = 0; i + 2 <= CB; i += 2)
      ADD_VALUES(2)
#if CB % 2
    {
      const int i = CB - 1;
      ADD_VALUES(1)
    }
#endif
  }
  out += out_off + ((ulong)n * T + first) * out_ld + head * CH;
  for (uint r = 0; r < ROWS && first + r < T; r++)
    for (int i = 0; i < CB; i++)
      STOREL(o[r][i] / sum[r], out + (ulong)r * out_ld + i * LANES);
}
