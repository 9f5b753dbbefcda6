/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Group normalisation beside amx-input.cl, as in norm.cl: moments, and from them one scale and shift for each image and channel. */

/* unit: channels of whole planes of 32 and whole groups, at most AMX_MAX_UNIT. emb: 0, or the block's conditioning [n][2][C]
 * (scale-shift). eps: the bits of a float. */
typedef struct {
  ulong C, unit, group, eps;
  __global const float *gamma, *beta, *emb;
  ulong emb_ld;
} Norm;

/* Mean and sum of squared deviations of 32 channels over the pixels. */
INLINE void moments(Numbers x, uint x_ld, uint pixels, float *mean, float *m2)
{
  float16 s0 = 0, s1 = 0, q0 = 0, q1 = 0;
  for (uint i = 0; i < pixels; i++) {
    s0 += get16(0, skip(x, (ulong)i * x_ld));
    s1 += get16(1, skip(x, (ulong)i * x_ld));
  }
  s0 /= (float)pixels;
  s1 /= (float)pixels;
  for (uint i = 0; i < pixels; i++) {
    const float16 d0 = get16(0, skip(x, (ulong)i * x_ld)) - s0, d1 = get16(1, skip(x, (ulong)i * x_ld)) - s1;
    q0 = fma(d0, d0, q0);
    q1 = fma(d1, d1, q1);
  }
  put16(s0, 0, mean);
  put16(s1, 1, mean);
  put16(q0, 0, m2);
  put16(q1, 1, m2);
}

/* From the moments of a unit's channels, its first `first`: mean becomes the scale and m2 the shift. */
INLINE void finish(const Norm *s, uint n, uint first, uint pixels, float *mean, float *m2)
{
  const uint group = s->group;
  __global const float *gamma = s->gamma + first, *beta = s->beta + first;
  for (uint g = 0; g < s->unit; g += group) {
    float m = 0, sum = 0;
    for (uint c = g; c < g + group; c++)
      m += mean[c];
    m /= group;
    for (uint c = g; c < g + group; c++)
      sum += m2[c] + (mean[c] - m) * (mean[c] - m) * pixels;
    const float scale = rsqrt(sum / ((float)pixels * group) + as_float((uint)s->eps));
    for (uint c = g; c < g + group; c++) {
      const float a = scale * gamma[c];
      mean[c] = a;
      m2[c] = beta[c] - m * a;
    }
  }
  if (s->emb) {
    __global const float *emb = s->emb + n * s->emb_ld + first;
    for (uint c = 0; c < s->unit; c++) {
      mean[c] *= 1.0f + emb[c];
      m2[c] = fma(m2[c], 1.0f + emb[c], emb[s->C + c]);
    }
  }
}

/* The scale and shift of a unit's channels, its first `first`, over all pixels of the image n at x. */
INLINE void normalise(const Norm *s, Numbers x, uint x_ld, uint n, uint first, uint pixels, float *scale,
                      float *shift)
{
  for (uint c = 0; c < s->unit; c += 32)
    moments(skip(x, c), x_ld, pixels, scale + c, shift + c);
  finish(s, n, first, pixels, scale, shift);
}

/* part: [n][chunks][2][C], the moments of pieces of `chunk` pixels. */
typedef struct {
  Tensor x;
  ulong C, pixels, chunk, chunks;
  __global float *part;
} Moments;

/* Range: (C / 32, chunks, images). */
INLINE void norm_moments(uint plane, uint chunk, uint n, __global const ulong *args)
{
  const Moments s = *(__global const Moments *)args;
  const uint first = chunk * s.chunk, count = min(s.chunk, s.pixels - first);
  float mean[32], m2[32];
  moments(find(&s.x, (ulong)n * s.pixels + first, plane * 32), s.x.ld, count, mean, m2);
  __global float *part = s.part + ((ulong)n * s.chunks + chunk) * 2 * s.C + plane * 32;
  for (uint i = 0; i < 2; i++) {
    put16(get16(i, mean), i, part);
    put16(get16(i, m2), i, part + s.C);
  }
}

typedef struct {
  __global const float *part;
  ulong pixels, chunk, chunks;
  __global float *ab;
  Norm norm;
} Finish;

/* Chan's formula for the moments of 16 channels from those of all pieces: float32 stays exact enough where a mean is large
 * against the deviation. */
INLINE void combine(const Finish *s, __global const float *part, float *mean, float *m2)
{
  const uint C = s->norm.C;
  float16 sum = 0, q = 0;
  for (uint i = 0; i < s->chunks; i++)
    sum = fma(get16(0, part + (ulong)i * 2 * C), (float16)min(s->chunk, s->pixels - i * s->chunk), sum);
  sum /= (float)s->pixels;
  for (uint i = 0; i < s->chunks; i++) {
    const float16 d = get16(0, part + (ulong)i * 2 * C) - sum;
    q += fma(d * d, (float16)min(s->chunk, s->pixels - i * s->chunk), get16(0, part + ((ulong)i * 2 + 1) * C));
  }
  put16(sum, 0, mean);
  put16(q, 0, m2);
}

/* ab: [n][2][C], x * ab[0] + ab[1] normalises. Range: (C / unit, images). */
INLINE void norm_finish(uint x, uint n, __global const ulong *args)
{
  const Finish s = *(__global const Finish *)args;
  const uint unit = s.norm.unit, first = x * unit, C = s.norm.C;
  float scale[AMX_MAX_UNIT], shift[AMX_MAX_UNIT];
  for (uint c = 0; c < unit; c += 16)
    combine(&s, s.part + (ulong)n * s.chunks * 2 * C + first + c, scale + c, shift + c);
  finish(&s.norm, n, first, s.pixels, scale, shift);
  __global float *ab = s.ab + (ulong)n * 2 * C + first;
  for (uint c = 0; c < unit; c += 16) {
    put16(get16(0, scale + c), 0, ab + c);
    put16(get16(0, shift + c), 0, ab + C + c);
  }
}
