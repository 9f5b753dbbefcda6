/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Group normalisation's scale and shift for GPUs: a work-group of ITEMS work-items, a power of two, adds up one group of channels
 * of one image. Small images are read directly, large ones as the moments of their pieces (norm_moments of norm.cl).
 * Deviations are taken from the mean in a second pass, as float32 would lose them where a mean is large against them.
 *
 * Options: ITEMS, EMB; GAPS: there are channels that belong to no group, DdimClNormGaps. AT(c) is where channel c of the groups
 * lies. */

#ifdef GAPS
#define GAPS_PARAMETERS , uint width, uint split, uint shift
#define AT(c) ((c) + ((c) < split ? 0 : shift))
#define SET_WIDTH
#define CLEAR_GAPS                                                                                 \
  for (uint c = get_global_id(0); c < C; c += get_global_size(0))                                  \
    if ((c >= split && c < split + shift) || c >= width * get_num_groups(0) + shift)               \
      ab[c] = ab[C + c] = 0.0f;
#else
#define GAPS_PARAMETERS
#define AT(c) (c)
#define SET_WIDTH const uint width = C / get_num_groups(0);
#define CLEAR_GAPS
#endif

/* The sum of @value over the work-group, in every work-item. */
INLINE float sum_group(float value, __local float *parts)
{
  const uint i = get_local_id(0);
  parts[i] = value;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (uint half_ = ITEMS / 2; half_ > 0; half_ /= 2) {
    if (i < half_)
      parts[i] += parts[i + half_];
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  const float sum = parts[0];
  barrier(CLK_LOCAL_MEM_FENCE);
  return sum;
}

#define SCALE_PARAMETERS                                                                           \
  __global const float *gamma, ulong gamma_off, __global const float *beta, ulong beta_off,        \
      __global const float *emb, ulong emb_off, uint emb_ld, __global float *ab, ulong ab_off

/* ab[n][2][C]: y = x * ab[0] + ab[1] normalises channels [c0, c0 + width), applies gamma and beta and, with EMB, the block's
 * conditioning y * (1 + emb[c]) + emb[C + c] (scale-shift). */
#define WRITE_SCALE(mean, m2)                                                                      \
  {                                                                                                \
    const float scale = rsqrt((m2) / total + eps);                                                 \
    ab += ab_off + (ulong)n * 2 * C;                                                               \
    emb += emb_off + (ulong)n * emb_ld;                                                            \
    for (uint k = get_local_id(0); k < width; k += ITEMS) {                                        \
      const uint c = AT(c0 + k);                                                                   \
      float a = scale * gamma[gamma_off + c];                                                      \
      float b = beta[beta_off + c] - (mean)*a;                                                     \
      WITH_EMB                                                                                     \
      ab[c] = a;                                                                                   \
      ab[C + c] = b;                                                                               \
    }                                                                                              \
    CLEAR_GAPS                                                                                     \
  }
#if EMB
#define WITH_EMB                                                                                   \
  a *= 1.0f + emb[c];                                                                              \
  b = fma(b, 1.0f + emb[c], emb[C + c]);
#else
#define WITH_EMB
#endif

/* From part[n][chunk][2][C], mean and squared deviations of each piece (Chan's formula). Global size: (groups * ITEMS, images). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
norm_finish_gpu(__global const float *part, ulong part_off, SCALE_PARAMETERS, uint pixels,
                uint chunk, uint chunks, uint C, float eps GAPS_PARAMETERS)
{
  __local float parts[ITEMS];
  SET_WIDTH
  const uint c0 = get_group_id(0) * width, n = get_group_id(1);
  const float total = (float)pixels * width;
  part += part_off + (ulong)n * chunks * 2 * C;
  float sum = 0;
  for (uint i = get_local_id(0); i < chunks * width; i += ITEMS) {
    const uint piece = i / width;
    sum = fma(part[(ulong)piece * 2 * C + AT(c0 + i % width)], (float)min(chunk, pixels - piece * chunk),
              sum);
  }
  const float mean = sum_group(sum, parts) / total;
  float m2 = 0;
  for (uint i = get_local_id(0); i < chunks * width; i += ITEMS) {
    const uint piece = i / width;
    const ulong at = (ulong)piece * 2 * C + AT(c0 + i % width);
    const float d = part[at] - mean;
    m2 += fma(d * d, (float)min(chunk, pixels - piece * chunk), part[at + C]);
  }
  m2 = sum_group(m2, parts);
  WRITE_SCALE(mean, m2)
}

/* From x itself. Global size: (groups * ITEMS, images). */
__kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
norm_small_gpu(__global const x_type *x, ulong x_off, uint x_ld, SCALE_PARAMETERS, uint pixels,
               uint C, float eps GAPS_PARAMETERS)
{
  __local float parts[ITEMS];
  SET_WIDTH
  const uint c0 = get_group_id(0) * width, n = get_group_id(1);
  const float total = (float)pixels * width;
  x += x_off + (ulong)n * pixels * x_ld;
  float sum = 0;
  for (uint i = get_local_id(0); i < pixels * width; i += ITEMS)
    sum += GETX(x + (ulong)(i / width) * x_ld + AT(c0 + i % width));
  const float mean = sum_group(sum, parts) / total;
  float m2 = 0;
  for (uint i = get_local_id(0); i < pixels * width; i += ITEMS) {
    const float d = GETX(x + (ulong)(i / width) * x_ld + AT(c0 + i % width)) - mean;
    m2 = fma(d, d, m2);
  }
  m2 = sum_group(m2, parts);
  WRITE_SCALE(mean, m2)
}
