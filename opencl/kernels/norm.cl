/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Group normalisation as three pieces: moments of pieces of the image, one scale and shift per image and channel from
 * them, and (where no convolution folds it in) their application. Chan's parallel formula keeps float32 exact enough
 * where a mean is large against the deviation. */

/* part[n][chunk][2][C]: mean and sum of squared deviations over the chunk's pixels. Global size: (C/VEC, chunks, images). */
__kernel void norm_moments(__global const x_type *x, ulong x_off, uint x_ld, __global float *part,
                           ulong part_off, uint pixels, uint chunk, uint C)
{
  const uint c = get_global_id(0) * VEC, n = get_global_id(2);
  const uint first = get_global_id(1) * chunk;
  const uint count = min(chunk, pixels - first);
  x += x_off + ((ulong)n * pixels + first) * x_ld + c;
  vec sum0 = (vec)(0.0f), sum1 = (vec)(0.0f);
  uint i = 0;
  for (; i + 2 <= count; i += 2) {
    sum0 += LOADX(x + (ulong)i * x_ld);
    sum1 += LOADX(x + (ulong)(i + 1) * x_ld);
  }
  if (i < count)
    sum0 += LOADX(x + (ulong)i * x_ld);
  const vec mean = (sum0 + sum1) / (float)count;
  sum0 = sum1 = (vec)(0.0f);
  for (i = 0; i + 2 <= count; i += 2) {
    const vec d0 = LOADX(x + (ulong)i * x_ld) - mean, d1 = LOADX(x + (ulong)(i + 1) * x_ld) - mean;
    sum0 = fma(d0, d0, sum0);
    sum1 = fma(d1, d1, sum1);
  }
  if (i < count) {
    const vec d0 = LOADX(x + (ulong)i * x_ld) - mean;
    sum0 = fma(d0, d0, sum0);
  }
  part += part_off + ((ulong)n * get_global_size(1) + get_global_id(1)) * 2 * C + c;
  STOREV(mean, part);
  STOREV(sum0 + sum1, part + C);
}

/* With GAPS there are channels that belong to no group, DdimClNormGaps: AT(c) is where channel c of the groups lies, and each
 * work-item clears its share of the others. */
#ifdef GAPS
#define GAPS_PARAMETERS , uint width, uint split, uint shift
#define AT(c) ((c) + ((c) < split ? 0 : shift))
#define IN_GAP(c, channels) (((c) >= split && (c) < split + shift) || (c) >= (channels) + shift)
#else
#define GAPS_PARAMETERS
#define AT(c) (c)
#endif

/* ab[n][2][C] from part: y = x * ab[0] + ab[1] normalises, applies gamma and beta and, unless emb_ld is 0, the block's
 * conditioning y * (1 + emb[c]) + emb[C + c] (scale-shift). Global size: (groups, images). */
__kernel void norm_finish(__global const float *part, ulong part_off, __global const float *gamma,
                          ulong gamma_off, __global const float *beta, ulong beta_off,
                          __global const float *emb, ulong emb_off, uint emb_ld, __global float *ab,
                          ulong ab_off, uint pixels, uint chunk, uint chunks, uint C,
                          float eps GAPS_PARAMETERS)
{
#ifndef GAPS
  const uint width = C / get_global_size(0);
#endif
  const uint c0 = get_global_id(0) * width, n = get_global_id(1);
  part += part_off + (ulong)n * chunks * 2 * C;
  const float total = (float)pixels * width;
  float mean = 0;
  for (uint i = 0; i < chunks; i++) {
    const float count = (float)min(chunk, pixels - i * chunk);
    float sum = 0;
    for (uint c = c0; c < c0 + width; c++)
      sum += part[(ulong)i * 2 * C + AT(c)];
    mean += sum * count;
  }
  mean /= total;
  float m2 = 0;
  for (uint i = 0; i < chunks; i++) {
    const float count = (float)min(chunk, pixels - i * chunk);
    for (uint c = c0; c < c0 + width; c++) {
      const float d = part[(ulong)i * 2 * C + AT(c)] - mean;
      m2 += part[((ulong)i * 2 + 1) * C + AT(c)] + d * d * count;
    }
  }
  const float scale = rsqrt(m2 / total + eps);
  ab += ab_off + (ulong)n * 2 * C;
  gamma += gamma_off;
  beta += beta_off;
  emb += emb_off + (ulong)n * emb_ld;
  for (uint k = c0; k < c0 + width; k++) {
    const uint c = AT(k);
    float a = scale * gamma[c], b = beta[c] - mean * scale * gamma[c];
    if (emb_ld) {
      a *= 1.0f + emb[c];
      b = fma(b, 1.0f + emb[c], emb[C + c]);
    }
    ab[c] = a;
    ab[C + c] = b;
  }
#ifdef GAPS
  for (uint c = get_global_id(0); c < C; c += get_global_size(0))
    if (IN_GAP(c, width * get_global_size(0)))
      ab[c] = ab[C + c] = 0.0f;
#endif
}

/* y = x * ab[0] + ab[1], then SiLU with activate 1. Global size: (C/VEC, pixel chunks, images). */
__kernel void norm_apply(__global const x_type *x, ulong x_off, uint x_ld, __global const float *ab,
                         ulong ab_off, __global y_type *y, ulong y_off, uint y_ld, uint pixels,
                         uint chunk, uint C, uint activate)
{
  const uint c = get_global_id(0) * VEC, n = get_global_id(2);
  const uint first = get_global_id(1) * chunk, end = min(first + chunk, pixels);
  const vec a = LOADV(ab + ab_off + (ulong)n * 2 * C + c);
  const vec b = LOADV(ab + ab_off + (ulong)n * 2 * C + C + c);
  x += x_off + (ulong)n * pixels * x_ld + c;
  y += y_off + (ulong)n * pixels * y_ld + c;
  for (uint i = first; i < end; i++) {
    vec v = fma(LOADX(x + (ulong)i * x_ld), a, b);
    if (activate)
      v = silu(v);
    STOREY(v, y + (ulong)i * y_ld);
  }
}
