/* SPDX-License-Identifier: LGPL-3.0-or-later
 * One sampler step on the state x, element by element:
 *
 *   x0 = clamp(x0_x * x + x0_m * m)     x = next_x * x + next_x0 * x0 + next_m * m + sigma * noise
 *
 * m and v are the first and second C channels of the model's NHWC output. SIGMA: 0 fixed, 1 exp(v / 2),
 * 2 exp((f * max_log + (1 - f) * min_log) / 2) with f = (v + 1) / 2. Global size: (pixels, C, images). */
__kernel void update(__global float *x, ulong x_off, __global const float *output, ulong output_off,
                     uint output_ld, __global const float *noise, ulong noise_off,
                     __global float *x0, ulong x0_off, float x0_x, float x0_m, float limit,
                     float next_x, float next_x0, float next_m, float sigma, float min_log,
                     float max_log, uint sigma_type, uint use_noise)
{
  const ulong pixel = get_global_id(0), pixels = get_global_size(0);
  const ulong c = get_global_id(1), C = get_global_size(1), n = get_global_id(2);
  const ulong at = (n * C + c) * pixels + pixel;
  output += output_off + (n * pixels + pixel) * output_ld;
  const float m = output[c], xt = x[x_off + at];
  const float start = clamp(x0_x * xt + x0_m * m, -limit, limit);
  float next = next_x * xt + next_x0 * start + next_m * m;
  if (use_noise) {
    float s = sigma;
    if (sigma_type == 1)
      s = exp(0.5f * output[C + c]);
    else if (sigma_type == 2) {
      const float f = (output[C + c] + 1) / 2;
      s = exp(0.5f * (f * max_log + (1 - f) * min_log));
    }
    next += s * noise[noise_off + at];
  }
  x0[x0_off + at] = start;
  x[x_off + at] = next;
}
