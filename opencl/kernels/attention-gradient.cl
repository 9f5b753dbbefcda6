/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The gradient of softmax attention over the positions of an image, without the T x T matrix (see ddim_cl_attention_gradient()).
 * A work-item does one query, then one key; the weights are computed again for each.
 *
 * lanes.cl is in front of it. Query, key and value of head h lie at h * head_ld + {0, k_at, v_at} in a pixel's channels. */

#if LANES == 1
#define SUML(v) (v)
#else
INLINE float sum4(float4 v)
{
  return (v.x + v.y) + (v.z + v.w);
}
#if LANES == 4
#define SUML(v) sum4(v)
#elif LANES == 8
#define SUML(v) sum4((v).lo + (v).hi)
#else
#define SUML(v) sum4(((v).lo + (v).hi).lo + ((v).lo + (v).hi).hi)
#endif
#endif

INLINE float dot_(const lanes *a, __global const float *b)
{
  lanes sum = (lanes)(0.0f);
  UNROLL for (int i = 0; i < CB; i++) sum = fma(a[i], LOADL(b + i * LANES), sum);
  return SUML(sum);
}

INLINE void load(lanes *to, __global const float *from)
{
  UNROLL for (int i = 0; i < CB; i++) to[i] = LOADL(from + i * LANES);
}

INLINE void add(lanes *to, float factor, __global const float *from)
{
  UNROLL for (int i = 0; i < CB; i++) to[i] = fma((lanes)(factor), LOADL(from + i * LANES), to[i]);
}

#define PARAMETERS                                                                                 \
  __global const float *qkv, ulong qkv_off, uint ld, __global const float *dout, ulong dout_off,   \
      uint dout_ld, __global float *stats, ulong stats_off, __global float *dqkv, ulong dqkv_off,  \
      uint dqkv_ld, uint T, uint head_ld, uint k_at, uint v_at, float scale

/* This work-item's position, and where its image and head begin. */
#define BEGIN                                                                                      \
  const uint own = get_global_id(0), head = get_global_id(1), n = get_global_id(2);                \
  qkv += qkv_off + (ulong)n * T * ld + head * head_ld;                                             \
  dout += dout_off + (ulong)n * T * dout_ld + head * CH;                                           \
  stats += stats_off + ((ulong)n * get_global_size(1) + head) * T * 3;                             \
  dqkv += dqkv_off + ((ulong)n * T + own) * dqkv_ld + head * head_ld;

/* dQ, and stats[n][head][T][3]: a row's maximum, 1 / its sum, and sum_s P dP. Global size: (T, heads, images). */
__kernel void attention_gradient_queries(PARAMETERS)
{
  BEGIN
  lanes q[CB], d[CB], result[CB];
  load(q, qkv + (ulong)own * ld);
  load(d, dout + (ulong)own * dout_ld);
  float top = -INFINITY, sum = 0, product = 0;
  for (uint s = 0; s < T; s++) {
    const float score = scale * dot_(q, qkv + (ulong)s * ld + k_at);
    const float dp = dot_(d, qkv + (ulong)s * ld + v_at);
    if (score > top) {
      const float keep = exp(top - score);
      sum *= keep;
      product *= keep;
      top = score;
    }
    const float p = exp(score - top);
    sum += p;
    product = fma(p, dp, product);
  }
  const float inverse = 1.0f / sum;
  product *= inverse;
  UNROLL for (int i = 0; i < CB; i++) result[i] = (lanes)(0.0f);
  for (uint s = 0; s < T; s++) {
    __global const float *k = qkv + (ulong)s * ld + k_at;
    const float p = exp(scale * dot_(q, k) - top) * inverse;
    add(result, p * (dot_(d, qkv + (ulong)s * ld + v_at) - product) * scale, k);
  }
  UNROLL for (int i = 0; i < CB; i++) STOREL(result[i], dqkv + i * LANES);
  stats[own * 3] = top;
  stats[own * 3 + 1] = inverse;
  stats[own * 3 + 2] = product;
}

/* dK and dV, from the stats. Global size: (T, heads, images). */
__kernel void attention_gradient_keys(PARAMETERS)
{
  BEGIN
  lanes k[CB], v[CB], dk[CB], dv[CB];
  load(k, qkv + (ulong)own * ld + k_at);
  load(v, qkv + (ulong)own * ld + v_at);
  UNROLL for (int i = 0; i < CB; i++) dk[i] = dv[i] = (lanes)(0.0f);
  for (uint t = 0; t < T; t++) {
    __global const float *q = qkv + (ulong)t * ld, *d = dout + (ulong)t * dout_ld;
    const float p = exp(scale * dot_(k, q) - stats[t * 3]) * stats[t * 3 + 1];
    add(dv, p, d);
    add(dk, p * (dot_(v, d) - stats[t * 3 + 2]) * scale, q);
  }
  UNROLL for (int i = 0; i < CB; i++)
  {
    STOREL(dk[i], dqkv + k_at + i * LANES);
    STOREL(dv[i], dqkv + v_at + i * LANES);
  }
}
