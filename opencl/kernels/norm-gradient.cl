/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The gradient of y = act(g * xhat + b), where xhat = x * ab[0] + ab[1] is x normalised in groups, and g and b are gamma and beta
 * with the block's conditioning (see norm.cl). With d = dy * act'(g * xhat + b) * g and means over a group,
 *
 *   dx = ab[0] * (d - mean(d) - xhat * mean(d * xhat))
 *
 * Arguments have the order of ddim_cl_norm_args(); `out` is what a kernel writes, or the means. */

#define PARAMETERS                                                                                 \
  __global const float *x, ulong x_off, uint x_ld, __global const float *dy, ulong dy_off,         \
      uint dy_ld, __global const float *ab, ulong ab_off, __global const float *gamma,             \
      ulong gamma_off, __global const float *beta, ulong beta_off, __global const float *emb,      \
      ulong emb_off, uint emb_ld, __global float *out, ulong out_off

/* x and dy at the first pixel of a piece, and what xhat and d are made with. */
#define BEGIN                                                                                      \
  const uint c = get_global_id(0) * VEC, n = get_global_id(2);                                     \
  const uint first = get_global_id(1) * chunk, end = min(first + chunk, pixels);                   \
  x += x_off + (ulong)n * pixels * x_ld + c;                                                       \
  dy += dy_off + (ulong)n * pixels * dy_ld + c;                                                    \
  const vec scale_ = LOADV(ab + ab_off + (ulong)n * 2 * C + c);                                    \
  const vec shift_ = LOADV(ab + ab_off + (ulong)n * 2 * C + C + c);                                \
  vec g = LOADV(gamma + gamma_off + c), b = LOADV(beta + beta_off + c);                            \
  if (emb_ld) {                                                                                    \
    emb += emb_off + (ulong)n * emb_ld + c;                                                        \
    g *= 1.0f + LOADV(emb);                                                                        \
    b = fma(b, 1.0f + LOADV(emb), LOADV(emb + C));                                                 \
  }

/* dy * act'(u) * g */
INLINE vec before(vec dy, vec xhat, vec g, vec b, uint activate)
{
  if (activate) {
    const vec u = fma(xhat, g, b);
    const vec s = 1.0f / (1.0f + exp_(-u));
    dy *= s * fma(u, 1.0f - s, (vec)(1.0f));
  }
  return dy * g;
}

/* out[n][chunk][2][C]: the sums of d and of d * xhat over a piece. Global size: (C/VEC, chunks, images). */
__kernel void norm_gradient_sums(PARAMETERS, uint pixels, uint chunk, uint C, uint activate)
{
  BEGIN
  vec sum = (vec)(0.0f), with_x = (vec)(0.0f);
  for (uint i = first; i < end; i++) {
    const vec xhat = fma(LOADV(x + (ulong)i * x_ld), scale_, shift_);
    const vec d = before(LOADV(dy + (ulong)i * dy_ld), xhat, g, b, activate);
    sum += d;
    with_x = fma(d, xhat, with_x);
  }
  out += out_off + ((ulong)n * get_global_size(1) + get_global_id(1)) * 2 * C + c;
  STOREV(sum, out);
  STOREV(with_x, out + C);
}

/* means[n][2][C]: the means of a group, in each of its channels. Global size: (groups, images). */
__kernel void norm_gradient_means(__global const float *part, ulong part_off, __global float *means,
                                  ulong means_off, uint pixels, uint chunks, uint C)
{
  const uint width = C / get_global_size(0), n = get_global_id(1);
  const uint c0 = get_global_id(0) * width;
  part += part_off + (ulong)n * chunks * 2 * C + c0;
  means += means_off + (ulong)n * 2 * C + c0;
  float sum = 0, with_x = 0;
  for (uint i = 0; i < chunks; i++) {
    float sum_ = 0, with_x_ = 0;
    for (uint c = 0; c < width; c++) {
      sum_ += part[(ulong)i * 2 * C + c];
      with_x_ += part[((ulong)i * 2 + 1) * C + c];
    }
    sum += sum_;
    with_x += with_x_;
  }
  const float total = (float)pixels * width;
  for (uint c = 0; c < width; c++) {
    means[c] = sum / total;
    means[C + c] = with_x / total;
  }
}

/* dx, with `add` added where `adds`; out holds the means. Global size: (C/VEC, pixel chunks, images). */
__kernel void norm_gradient_apply(PARAMETERS, __global const float *add, ulong add_off, uint add_ld,
                                  __global float *dx, ulong dx_off, uint dx_ld, uint pixels,
                                  uint chunk, uint C, uint activate, uint adds)
{
  BEGIN
  const vec mean = LOADV(out + out_off + (ulong)n * 2 * C + c);
  const vec mean_x = LOADV(out + out_off + (ulong)n * 2 * C + C + c);
  add += add_off + (ulong)n * pixels * add_ld + c;
  dx += dx_off + (ulong)n * pixels * dx_ld + c;
  for (uint i = first; i < end; i++) {
    const vec xhat = fma(LOADV(x + (ulong)i * x_ld), scale_, shift_);
    const vec d = before(LOADV(dy + (ulong)i * dy_ld), xhat, g, b, activate);
    vec value = scale_ * (d - mean - xhat * mean_x);
    if (adds)
      value += LOADV(add + (ulong)i * add_ld);
    STOREV(value, dx + (ulong)i * dx_ld);
  }
}
