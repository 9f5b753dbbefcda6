/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Softmax attention over the positions of an image, without the T x T matrix: keys and values pass by in blocks while each
 * query row keeps its running maximum and sum (Milakov and Gimelshein 2018; Dao et al. 2022).
 *
 * Options: ROWS, query rows of a work-item; CH, the head's channels. Keys are first transposed, so that the lanes of a vector are
 * neighbouring keys. Query, key and value of head h lie at h * head_ld + {0, k_at, v_at} in a pixel's channels. */

#define KEYS (2 * VEC)
#define MAX3(a, b, c) fmax(a, fmax(b, c))

/* kt[n][head][ch][T_padded], zeros past T. Global size: (T_padded, heads, images). */
__kernel void attention_keys(__global const float *qkv, ulong qkv_off, uint ld, __global float *kt,
                             ulong kt_off, uint T, uint head_ld, uint k_at)
{
  const uint t = get_global_id(0), head = get_global_id(1), n = get_global_id(2);
  const uint padded = get_global_size(0);
  qkv += qkv_off + ((ulong)n * T + min(t, T - 1)) * ld + head * head_ld + k_at;
  kt += kt_off + ((ulong)n * get_global_size(1) + head) * CH * padded + t;
  for (uint c = 0; c < CH; c++)
    kt[(ulong)c * padded] = t < T ? qkv[c] : 0.0f;
}

/* Values' lanes run over the head's channels: the widest vector that divides them. */
#if CH % VEC == 0
#define LANES VEC
#elif CH % 8 == 0
#define LANES 8
#elif CH % 4 == 0
#define LANES 4
#else
#define LANES 1
#endif
#if LANES == 1
typedef float lanes;
#define LOADL(p) (*(p))
#define STOREL(v, p) (*(p) = (v))
#else
typedef CONCAT(float, LANES) lanes;
#define LOADL(p) CONCAT(vload, LANES)(0, p)
#define STOREL(v, p) CONCAT(vstore, LANES)(v, 0, p)
#endif
#define CB (CH / LANES)

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

/* out[n][t][head * CH + c]. Global size: (ceil(T / ROWS), heads, images). */
__kernel void attention(__global const float *qkv, ulong qkv_off, uint ld,
                        __global const float *kt, ulong kt_off, __global float *out, ulong out_off,
                        uint out_ld, uint T, uint T_padded, uint head_ld, uint v_at, float scale)
{
  const uint head = get_global_id(1), n = get_global_id(2);
  const uint first = get_global_id(0) * ROWS;
  qkv += qkv_off + (ulong)n * T * ld + head * head_ld;
  kt += kt_off + ((ulong)n * get_global_size(1) + head) * CH * T_padded;
  lanes o[ROWS][CB];
  float top[ROWS], sum[ROWS];
  __global const float *q[ROWS];
  for (int r = 0; r < ROWS; r++) {
    q[r] = qkv + (ulong)min(first + r, T - 1) * ld;
    top[r] = -INFINITY;
    sum[r] = 0;
    for (int i = 0; i < CB; i++)
      o[r][i] = (lanes)(0.0f);
  }
  for (uint t = 0; t < T; t += KEYS) {
    vec s0[ROWS], s1[ROWS];
    UNROLL for (int r = 0; r < ROWS; r++) s0[r] = s1[r] = (vec)(0.0f);
    for (uint c = 0; c < CH; c++) {
      const vec k0 = LOADV(kt + (ulong)c * T_padded + t);
      const vec k1 = LOADV(kt + (ulong)c * T_padded + t + VEC);
      UNROLL for (int r = 0; r < ROWS; r++)
      {
        const vec a = (vec)(q[r][c]);
        s0[r] = fma(a, k0, s0[r]);
        s1[r] = fma(a, k1, s1[r]);
      }
    }
    const uint keys = min((uint)KEYS, T - t);
    float p[ROWS][KEYS];
    for (int r = 0; r < ROWS; r++) {
      STOREV(s0[r] * scale, p[r]);
      STOREV(s1[r] * scale, p[r] + VEC);
      for (uint j = keys; j < KEYS; j++)
        p[r][j] = -INFINITY;
      const vec a = LOADV(p[r]), b = LOADV(p[r] + VEC);
      const float m = fmax(top[r], max_lanes(fmax(a, b)));
      const vec ea = exp_(a - m), eb = exp_(b - m);
      const float keep = exp(top[r] - m);
      STOREV(ea, p[r]);
      STOREV(eb, p[r] + VEC);
      for (uint j = keys; j < KEYS; j++)
        p[r][j] = 0;
      sum[r] = sum[r] * keep + sum_lanes(LOADV(p[r]) + LOADV(p[r] + VEC));
      top[r] = m;
      for (int i = 0; i < CB; i++)
        o[r][i] *= keep;
    }
    __global const float *v = qkv + (ulong)t * ld + v_at;
    for (int i = 0; i < CB; i++) {
      lanes acc[ROWS];
      UNROLL for (int r = 0; r < ROWS; r++) acc[r] = o[r][i];
      for (uint j = 0; j < keys; j++) {
        const lanes value = LOADL(v + (ulong)j * ld + i * LANES);
        UNROLL for (int r = 0; r < ROWS; r++) acc[r] = fma((lanes)(p[r][j]), value, acc[r]);
      }
      UNROLL for (int r = 0; r < ROWS; r++) o[r][i] = acc[r];
    }
  }
  out += out_off + ((ulong)n * T + first) * out_ld + head * CH;
  for (uint r = 0; r < ROWS && first + r < T; r++)
    for (int i = 0; i < CB; i++)
      STOREL(o[r][i] / sum[r], out + (ulong)r * out_ld + i * LANES);
}
