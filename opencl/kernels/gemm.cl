/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The packed matrix product, plain and as an implicit convolution: rows of A times a panel of NR packed columns of B, MR rows
 * at a time in registers.
 *
 *   gemm:  C[b][m][n] = sum_k A[b][m][k] B[b][n/NR][k][n%NR]
 *   conv:  the same with row m an output pixel and k = (tap, channel), read from NHWC without an im2col copy
 *
 * Options: CONV (1: the convolution), WRAP, HALF_WEIGHTS, X_HALF, Y_HALF. A work-item does `rows` rows of one panel, so that the panel stays in a
 * CPU's cache. All other cases are arguments: they cost a few branches per row, and drivers compile each program for a
 * second. */

#define NV (NR / VEC)

/* What is added to a product: a bias, a vector per image (emb_ld 0: none) and a residual (res_ld 0: none). With
 * rows_per_image 0 nothing is added, and the pointers are not read. */
#define EPILOGUE_PARAMETERS                                                                        \
  , __global const float *bias, ulong bias_off, __global const float *emb, ulong emb_off,          \
      uint emb_ld, __global const y_type *res, ulong res_off, uint res_ld, uint rows_per_image
#define EPILOGUE_PASS , bias, emb, emb_ld, res, res_ld, rows_per_image
#define EPILOGUE_OFFSETS                                                                           \
  bias += bias_off + col;                                                                          \
  emb += emb_off + col;                                                                            \
  res += res_off + col;

inline vec epilogue(vec value, ulong row, uint i, __global const float *bias,
                    __global const float *emb, uint emb_ld, __global const y_type *res, uint res_ld,
                    uint rows_per_image)
{
  if (rows_per_image) {
    value += LOADV(bias + i * VEC);
    if (emb_ld)
      value += LOADV(emb + (row / rows_per_image) * emb_ld + i * VEC);
    if (res_ld)
      value += LOADY(res + row * res_ld + i * VEC);
  }
  return value;
}

/* Weights are read once per evaluation, from memory, and a processor's own prefetching does not look far enough ahead. So
 * while one panel is multiplied, each of its blocks of rows asks for a part of the next panel. This is done only where the
 * compiler's target is the processor itself. Compilers that go through SPIR-V (Mesa's) abort the process at it. */
#if ROW_LOOP && defined(__has_builtin) && (defined(__x86_64__) || defined(__aarch64__))
#if __has_builtin(__builtin_prefetch)
#define PREFETCH                                                                                   \
  __builtin_prefetch((const void *)ahead, 0, 2);                                                   \
  __builtin_prefetch((const void *)(ahead + 64), 0, 2);                                            \
  ahead += ahead_step;
#define PREFETCH_BEGIN(panel, depth)                                                               \
  const uint ahead_step = NR * (uint)sizeof(weight) / (uint)((end - row + MR - 1) / MR);           \
  uintptr_t ahead = (uintptr_t)((panel) + (ulong)(depth)*NR);
#endif
#endif
#ifndef PREFETCH
#define PREFETCH
#define PREFETCH_BEGIN(panel, depth)
#endif

/* R rows (pointers p) times `depth` packed rows of b, added to acc. */
#define MULTIPLY_FLOATS(R, p, b, depth)                                                            \
  for (uint k_ = 0; k_ < (depth); k_++) {                                                          \
    vec b_[NV];                                                                                    \
    PREFETCH                                                                                       \
    UNROLL for (int i_ = 0; i_ < NV; i_++) b_[i_] = LOADW((b) + (ulong)k_ * NR + i_ * VEC);        \
    UNROLL for (int r_ = 0; r_ < R; r_++)                                                          \
    {                                                                                              \
      const vec a_ = (vec)(p[r_][k_]);                                                             \
      UNROLL for (int i_ = 0; i_ < NV; i_++) acc[r_][i_] = fma(a_, b_[i_], acc[r_][i_]);           \
    }                                                                                              \
  }

#ifdef X_HALF
/* Halves become floats a piece at a time, as vectors: one by one they would take longer than the products. `depth` is a
 * multiple of 16. */
#define PIECE 64
#define MULTIPLY(R, p, b, depth)                                                                   \
  for (uint at_ = 0; at_ < (depth); at_ += PIECE) {                                                \
    float wide_[R][PIECE];                                                                         \
    const uint count_ = min((uint)PIECE, (depth)-at_);                                             \
    UNROLL for (int r_ = 0; r_ < R; r_++)                                                          \
    NO_UNROLL for (uint k_ = 0; k_ < count_; k_ += 16)                                             \
        vstore16(vload_half16(0, p[r_] + at_ + k_), 0, wide_[r_] + k_);                            \
    MULTIPLY_FLOATS(R, wide_, (b) + (ulong)at_ * NR, count_)                                       \
  }
#else
#define MULTIPLY(R, p, b, depth) MULTIPLY_FLOATS(R, p, b, depth)
#endif

#define CLEAR(R)                                                                                   \
  UNROLL for (int r_ = 0; r_ < R; r_++)                                                            \
  UNROLL for (int i_ = 0; i_ < NV; i_++) acc[r_][i_] = (vec)(0.0f);

#define STORE(R)                                                                                   \
  UNROLL for (int r_ = 0; r_ < R; r_++)                                                            \
  UNROLL for (int i_ = 0; i_ < NV; i_++)                                                           \
      STOREY(epilogue(acc[r_][i_], row + r_, i_ EPILOGUE_PASS), c + (row + r_) * ldc + i_ * VEC);

/* Do all rows of [row, end) in blocks of MR, then of 4, 2 and 1. */
#if MR > 4
#define ALL_ROWS                                                                                   \
  for (; row + MR <= end; row += MR)                                                               \
    BLOCK(MR)
#else
#define ALL_ROWS
#endif
#define ROWS                                                                                       \
  ALL_ROWS                                                                                         \
  for (; row + 4 <= end; row += 4)                                                                 \
    BLOCK(4)                                                                                       \
  if (row + 2 <= end) {                                                                            \
    BLOCK(2)                                                                                       \
    row += 2;                                                                                      \
  }                                                                                                \
  if (row < end)                                                                                   \
    BLOCK(1)

#if !CONV

#define BLOCK(R)                                                                                   \
  {                                                                                                \
    vec acc[R][NV];                                                                                \
    __global const x_type *p[R];                                                                   \
    CLEAR(R)                                                                                       \
    UNROLL for (int r_ = 0; r_ < R; r_++) p[r_] = a + (row + r_) * lda;                            \
    MULTIPLY(R, p, b, K)                                                                           \
    STORE(R)                                                                                       \
  }

/* Global size: (N / NR, ceil(M / rows), batches): neighbouring work-items share their rows of A, which stay in the cache.
 * Strides and offsets in elements. */
__kernel void gemm(__global const x_type *a, ulong a_off, uint lda, ulong a_batch,
                   __global const weight *b, ulong b_off, ulong b_batch, __global y_type *c,
                   ulong c_off, uint ldc, ulong c_batch, uint M, uint K,
                   uint rows EPILOGUE_PARAMETERS)
{
  const uint col = get_global_id(0) * NR;
  const ulong batch = get_global_id(2);
  ulong row = (ulong)get_global_id(1) * rows;
  const ulong end = min(row + rows, (ulong)M);
  a += a_off + batch * a_batch;
  b += b_off + batch * b_batch + (ulong)col * K;
  c += c_off + batch * c_batch + col;
  EPILOGUE_OFFSETS
  PREFETCH_BEGIN(b, K)
  ROWS
}

#else

#define BLOCK(R)                                                                                   \
  {                                                                                                \
    vec acc[R][NV];                                                                                \
    int y_[R], x_[R];                                                                              \
    ulong image_[R];                                                                               \
    CLEAR(R)                                                                                       \
    UNROLL for (int r_ = 0; r_ < R; r_++)                                                          \
    {                                                                                              \
      const ulong pixel = row + r_;                                                                \
      const ulong line = pixel / out_width;                                                        \
      x_[r_] = (int)(pixel % out_width) * stride - pad;                                            \
      y_[r_] = (int)(line % out_height) * stride - pad;                                            \
      image_[r_] = line / out_height * (in_height >> up);                                          \
    }                                                                                              \
    for (uint tap = 0, dy = 0, dx = 0; tap < taps * taps; tap++) {                                 \
      __global const x_type *p[R];                                                                 \
      UNROLL for (int r_ = 0; r_ < R; r_++)                                                        \
      {                                                                                            \
        const int iy = AROUND_Y(y_[r_] + (int)dy, in_height);                                      \
        const int ix = AROUND_X(x_[r_] + (int)dx, in_width);                                       \
        const bool in = iy >= 0 && iy < (int)in_height && ix >= 0 && ix < (int)in_width;           \
        p[r_] = in ? a + ((image_[r_] + (iy >> up)) * (in_width >> up) + (ix >> up)) * lda         \
                   : zeros;                                                                        \
      }                                                                                            \
      MULTIPLY(R, p, b + (ulong)tap * C * NR, C)                                                   \
      if (++dx == taps) {                                                                          \
        dx = 0;                                                                                    \
        dy++;                                                                                      \
      }                                                                                            \
    }                                                                                              \
    STORE(R)                                                                                       \
  }

/* Global size: (N / NR, ceil(images * out_height * out_width / rows)). in_height, in_width: after upsampling. zeros: at least
 * C zeros, read in place of pixels outside. taps: 3 (3x3) or 1. pad: zeros on the
 * left and on top. up: 1 reads the input through nearest upsampling by 2. */
__kernel void conv(__global const x_type *a, ulong a_off, uint lda, __global const weight *b,
                   ulong b_off, __global y_type *c, ulong c_off, uint ldc,
                   __global const float *zeros_, ulong zeros_off, uint images, uint in_height,
                   uint in_width, uint out_height, uint out_width, uint C, uint taps, uint stride,
                   int pad, uint up, uint rows EPILOGUE_PARAMETERS)
{
  const uint col = get_global_id(0) * NR;
  ulong row = (ulong)get_global_id(1) * rows;
  const ulong end = min(row + rows, (ulong)images * out_height * out_width);
  a += a_off;
  b += b_off + (ulong)col * C * taps * taps;
  c += c_off + col;
  /* A zero has the same bits in both types. */
  __global const x_type *zeros = (__global const x_type *)(zeros_ + zeros_off);
  EPILOGUE_OFFSETS
  PREFETCH_BEGIN(b, C *taps *taps)
  ROWS
}

#endif
