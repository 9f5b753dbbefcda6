/* SPDX-License-Identifier: LGPL-3.0-or-later
 * One sampler step on the state x, element by element:
 *
 *   x0   = clamp(x0_x * x + x0_m * m)
 *   next = next_x * x + next_x0 * x0 + next_m * m + sum_k history[k] * h_k + sigma * noise
 *   kept = keep_x * x + keep_x0 * x0
 *
 * m and v are the first and second C channels of the model's NHWC output. SIGMA: 0 fixed, 1 exp(v / 2),
 * 2 exp((f * max_log + (1 - f) * min_log) / 2) with f = (v + 1) / 2, 3 sqrt(max(v, 0)). h_k and kept are in a ring of arrays as large
 * as x. Where a next x is infinite or not a number, *broken becomes `step`, unless it is less already. Global size: (pixels, C,
 * images). `update` does the first two lines of a step without history; `predict` does
 * the first line; `advance` does the others, and what they share gives them the same bits. */

INLINE float get_x0(float x, float m, float x0_x, float x0_m, float limit)
{
  return clamp(x0_x * x + x0_m * m, -limit, limit);
}

INLINE float get_next(float x, float x0, float m, float next_x, float next_x0, float next_m)
{
  return next_x * x + next_x0 * x0 + next_m * m;
}

INLINE float get_sigma(__global const float *v, float sigma, float min_log, float max_log, uint sigma_type)
{
  if (sigma_type == 1)
    return exp(0.5f * *v);
  if (sigma_type == 2) {
    const float f = (*v + 1) / 2;
    return exp(0.5f * (f * max_log + (1 - f) * min_log));
  }
  if (sigma_type == 3)
    return sqrt(fmax(*v, 0.0f));
  return sigma;
}

INLINE void look_at(float next, __global int *broken, uint step)
{
  if (!isfinite(next))
    atomic_min(broken, (int)step);
}

__kernel void update(__global float *x, ulong x_off, __global const float *output, ulong output_off,
                     uint output_ld, __global const float *noise, ulong noise_off,
                     __global float *x0, ulong x0_off, float x0_x, float x0_m, float limit,
                     float next_x, float next_x0, float next_m, float sigma, float min_log,
                     float max_log, uint sigma_type, uint use_noise, __global int *broken, uint step)
{
  const ulong pixel = get_global_id(0), pixels = get_global_size(0);
  const ulong c = get_global_id(1), C = get_global_size(1), n = get_global_id(2);
  const ulong at = (n * C + c) * pixels + pixel;
  output += output_off + (n * pixels + pixel) * output_ld;
  const float m = output[c], xt = x[x_off + at];
  const float start = get_x0(xt, m, x0_x, x0_m, limit);
  float next = get_next(xt, start, m, next_x, next_x0, next_m);
  if (use_noise)
    next += get_sigma(output + C + c, sigma, min_log, max_log, sigma_type) * noise[noise_off + at];
  look_at(next, broken, step);
  x0[x0_off + at] = start;
  x[x_off + at] = next;
}

__kernel void predict(__global const float *x, ulong x_off, __global const float *output, ulong output_off,
                      uint output_ld, __global float *x0, ulong x0_off, float x0_x, float x0_m, float limit)
{
  const ulong pixel = get_global_id(0), pixels = get_global_size(0);
  const ulong c = get_global_id(1), C = get_global_size(1), n = get_global_id(2);
  const ulong at = (n * C + c) * pixels + pixel;
  const float m = output[output_off + (n * pixels + pixel) * output_ld + c];
  x0[x0_off + at] = get_x0(x[x_off + at], m, x0_x, x0_m, limit);
}

/* `slots` are the places of h_0 to h_3 in the ring, n_history of which are read; `kept` may be the last of these. */
__kernel void advance(__global float *x, ulong x_off, __global const float *output, ulong output_off,
                      uint output_ld, __global const float *noise, ulong noise_off,
                      __global const float *x0, ulong x0_off, __global float *ring, ulong ring_off, float next_x,
                      float next_x0, float next_m, float sigma, float min_log, float max_log, uint sigma_type,
                      uint use_noise, float4 history, uint4 slots, uint n_history, float keep_x, float keep_x0,
                      uint keep, uint kept, __global int *broken, uint step)
{
  const ulong pixel = get_global_id(0), pixels = get_global_size(0);
  const ulong c = get_global_id(1), C = get_global_size(1), n = get_global_id(2);
  const ulong at = (n * C + c) * pixels + pixel, size = pixels * C * get_global_size(2);
  output += output_off + (n * pixels + pixel) * output_ld;
  ring += ring_off;
  const float m = output[c], xt = x[x_off + at], start = x0[x0_off + at];
  float next = get_next(xt, start, m, next_x, next_x0, next_m);
  if (n_history > 0)
    next += history.s0 * ring[slots.s0 * size + at];
  if (n_history > 1)
    next += history.s1 * ring[slots.s1 * size + at];
  if (n_history > 2)
    next += history.s2 * ring[slots.s2 * size + at];
  if (n_history > 3)
    next += history.s3 * ring[slots.s3 * size + at];
  if (use_noise)
    next += get_sigma(output + C + c, sigma, min_log, max_log, sigma_type) * noise[noise_off + at];
  if (keep)
    ring[kept * size + at] = keep_x * xt + keep_x0 * start;
  look_at(next, broken, step);
  x[x_off + at] = next;
}

/* x = next_x * x + sigma * noise: back in time. Global size as above. */
__kernel void renoise(__global float *x, ulong x_off, __global const float *noise, ulong noise_off, float next_x,
                      float sigma)
{
  const ulong at = (get_global_id(2) * get_global_size(1) + get_global_id(1)) * get_global_size(0) + get_global_id(0);
  x[x_off + at] = next_x * x[x_off + at] + sigma * noise[noise_off + at];
}
