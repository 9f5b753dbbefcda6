/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The matrix product for GPUs, plain and as an implicit convolution: a work-group computes a tile of the result, its
 * operands pass through local memory KB deep, and a work-item keeps RM x RN sums in registers. While one block is multiplied, the
 * next is on its way from memory.
 *
 *   gemm:  C[b][m][n] = sum_k A[b][m][k] B[b][k][n]
 *   conv:  the same with row m an output pixel and k = (tap, channel), read from NHWC without an im2col copy
 *
 * Options: TM, TN, a work-group's tile; RM, RN, a work-item's part, multiples of 4 (or what stands in front, see gemm-mma.cl); EPILOGUE (1: add bias, and with EMB a vector per
 * image, and with RES a residual); TAPS (3: 3x3, 1: 1x1), STRIDE, UP, WRAP for conv; HALF_WEIGHTS, X_HALF, Y_HALF.
 * Depth is a multiple of KB, columns are one of 4. Global size: (ceil(N / TN) * GX, ceil(M / TM) * GY, batches). */

#if EPILOGUE
#define EPILOGUE_PARAMETERS                                                                        \
  , __global const float *bias, ulong bias_off, __global const float *emb, ulong emb_off,          \
      uint emb_ld, __global const y_type *res, ulong res_off, uint res_ld, uint rows_per_image
#else
#define EPILOGUE_PARAMETERS
#endif

/* W floats at p, or with Y W numbers of the result's type; OpenCL has no vectors of one. */
#define float1 float
#define GET1(p) (*(p))
#define GET2(p) vload2(0, p)
#define GET4(p) vload4(0, p)
#ifdef Y_HALF
#define GETY1(p) vload_half(0, p)
#define GETY2(p) vload_half2(0, p)
#define GETY4(p) vload_half4(0, p)
#define PUTY1(v, p) vstore_half_rte(v, 0, p)
#define PUTY2(v, p) vstore_half2_rte(v, 0, p)
#define PUTY4(v, p) vstore_half4_rte(v, 0, p)
#else
#define GETY1(p) GET1(p)
#define GETY2(p) GET2(p)
#define GETY4(p) GET4(p)
#define PUTY1(v, p) (*(p) = (v))
#define PUTY2(v, p) vstore2(v, 0, p)
#define PUTY4(v, p) vstore4(v, 0, p)
#endif

#if EPILOGUE
#define ADD_BIAS(W, v, col) v += CONCAT(GET, W)(bias + bias_off + (col));
#else
#define ADD_BIAS(W, v, col)
#endif
#if EPILOGUE && EMB
#define ADD_EMB(W, v, row, col)                                                                    \
  v += CONCAT(GET, W)(                                                                             \
      emb + emb_off +                                                                              \
      (first_image + ((uint)((row)-first_row) + row_in_image) / rows_per_image) * emb_ld + (col));
/* Of the tile's first row, as dividing 64 bits is slow. */
#define BEGIN_EMB                                                                                  \
  const ulong first_image = first_row / rows_per_image;                                            \
  const uint row_in_image = first_row - first_image * rows_per_image;
#else
#define BEGIN_EMB
#define ADD_EMB(W, v, row, col)
#endif
#if EPILOGUE && RES
#define ADD_RES(W, v, row, col) v += CONCAT(GETY, W)(res + res_off + (row)*res_ld + (col));
#else
#define ADD_RES(W, v, row, col)
#endif

/* W sums of one row into C, unless they lie past its end. */
#define STORE(W, value, row, col)                                                                  \
  if ((row) < M && (col) < N) {                                                                    \
    CONCAT(float, W) v = (value);                                                                  \
    ADD_BIAS(W, v, col)                                                                            \
    ADD_EMB(W, v, row, col)                                                                        \
    ADD_RES(W, v, row, col)                                                                        \
    CONCAT(PUTY, W)(v, c + (row)*ldc + (col));                                                     \
  }

#ifndef MMA

#define KB 16
#define GX (TN / RN)
#define GY (TM / RM)
#define ITEMS (GX * GY)
/* Vectors of 4 that a work-item brings for each operand. */
#define A_LOADS (TM * KB / 4 / ITEMS)
#define B_LOADS (TN * KB / 4 / ITEMS)
/* Rows of A lie as columns in local memory. The columns are 4 floats further apart than they are long, so that neighbours
 * write to different banks. */
#define A_LINE (TM + 4)

/* Four numbers of A on their way to local memory. */
typedef float4 a_quad;
#define LOADA(p) LOADX4(p)

#ifdef HALF_WEIGHTS
#define LOADB(p) vload_half4(0, p)
#else
#define LOADB(p) vload4(0, p)
#endif

/* acc += the block in local memory. */
INLINE void multiply_block(float4 acc[RM][RN / 4], __local const float *a, __local const float *b)
{
  UNROLL for (uint k = 0; k < KB; k++)
  {
    float4 b_[RN / 4];
    UNROLL for (uint j = 0; j < RN / 4; j++) b_[j] = vload4(0, b + k * TN + j * 4 * GX);
    UNROLL for (uint i = 0; i < RM / 4; i++)
    {
      const float4 a_ = vload4(0, a + k * A_LINE + i * 4 * GY);
      UNROLL for (uint j = 0; j < RN / 4; j++)
      {
        acc[4 * i][j] = fma((float4)(a_.s0), b_[j], acc[4 * i][j]);
        acc[4 * i + 1][j] = fma((float4)(a_.s1), b_[j], acc[4 * i + 1][j]);
        acc[4 * i + 2][j] = fma((float4)(a_.s2), b_[j], acc[4 * i + 2][j]);
        acc[4 * i + 3][j] = fma((float4)(a_.s3), b_[j], acc[4 * i + 3][j]);
      }
    }
  }
}

#define B_K(i) ((item + (i)*ITEMS) / (TN / 4))
#define B_COL(i) ((item + (i)*ITEMS) % (TN / 4) * 4)

#define BLOCKS __local float a_block[KB * A_LINE], b_block[KB * TN];
#define SUMS                                                                                       \
  float4 acc[RM][RN / 4], b_next[B_LOADS];                                                         \
  a_quad a_next[A_LOADS];                                                                          \
  UNROLL for (uint i = 0; i < RM; i++)                                                             \
  UNROLL for (uint j = 0; j < RN / 4; j++) acc[i][j] = (float4)(0.0f);

/* The block of B that begins at row k_; columns past the last are zeros. */
#define FETCH_B(k_)                                                                                \
  UNROLL for (uint i = 0; i < B_LOADS; i++)                                                        \
  {                                                                                                \
    const uint col = first_col + B_COL(i);                                                         \
    b_next[i] = (float4)(0.0f);                                                                    \
    if (col < N)                                                                                   \
      b_next[i] = LOADB(b + (ulong)((k_) + B_K(i)) * N + col);                                     \
  }

#define STORE_BLOCKS                                                                               \
  UNROLL for (uint i = 0; i < A_LOADS; i++)                                                        \
  {                                                                                                \
    a_block[(A_K(i) + 0) * A_LINE + A_ROW(i)] = a_next[i].s0;                                      \
    a_block[(A_K(i) + 1) * A_LINE + A_ROW(i)] = a_next[i].s1;                                      \
    a_block[(A_K(i) + 2) * A_LINE + A_ROW(i)] = a_next[i].s2;                                      \
    a_block[(A_K(i) + 3) * A_LINE + A_ROW(i)] = a_next[i].s3;                                      \
  }                                                                                                \
  UNROLL for (uint i = 0; i < B_LOADS; i++)                                                        \
      vstore4(b_next[i], 0, b_block + B_K(i) * TN + B_COL(i));

#define MULTIPLY multiply_block(acc, a_block + ty * 4, b_block + tx * 4);

#define STORE_TILE                                                                                 \
  UNROLL for (uint i = 0; i < RM; i++)                                                             \
  UNROLL for (uint j = 0; j < RN / 4; j++)                                                         \
  {                                                                                                \
    const ulong row = first_row + i / 4 * 4 * GY + ty * 4 + i % 4;                                 \
    const uint col = first_col + j * 4 * GX + tx * 4;                                              \
    STORE(4, acc[i][j], row, col)                                                                  \
  }

#endif

/* What a unit asks of its kernels, and a work-item's place in them. */
#ifndef SUB_GROUP
#define SUB_GROUP
#define ITEM_X get_local_id(0)
#define ITEM_Y get_local_id(1)
#endif

/* Where load number i of a work-item comes from: a row of the tile and 4 of its KB floats, so that neighbours read one line. */
#define A_ROW(i) ((item + (i)*ITEMS) / (KB / 4))
#define A_K(i) ((item + (i)*ITEMS) % (KB / 4) * 4)

#define BEGIN                                                                                      \
  BLOCKS                                                                                           \
  const uint tx = ITEM_X, ty = ITEM_Y, item = ty * GX + tx;                                        \
  const uint first_col = get_group_id(0) * TN;                                                     \
  const ulong first_row = (ulong)get_group_id(1) * TM;                                             \
  BEGIN_EMB                                                                                        \
  SUMS

/* FETCH(k) brings the block that begins at depth k into a_next and b_next. */
#define ALL_BLOCKS(FETCH, depth)                                                                   \
  FETCH(0)                                                                                         \
  for (uint k = 0; k < (depth); k += KB) {                                                         \
    STORE_BLOCKS                                                                                   \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                  \
    if (k + KB < (depth)) {                                                                        \
      FETCH(k + KB)                                                                                \
    }                                                                                              \
    MULTIPLY                                                                                       \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                  \
  }

#ifndef TAPS

#define FETCH_GEMM(k_)                                                                             \
  UNROLL for (uint i = 0; i < A_LOADS; i++)                                                        \
  {                                                                                                \
    const ulong row = first_row + A_ROW(i);                                                        \
    a_next[i] = (a_quad)(0);                                                                       \
    if (row < M)                                                                                   \
      a_next[i] = LOADA(a + row * lda + (k_) + A_K(i));                                            \
  }                                                                                                \
  FETCH_B(k_)

__kernel __attribute__((reqd_work_group_size(GX, GY, 1))) SUB_GROUP void
gemm(__global const x_type *a, ulong a_off, uint lda, ulong a_batch, __global const weight *b,
     ulong b_batch, __global y_type *c, ulong c_off, uint ldc, ulong c_batch, uint M, uint N,
     uint K EPILOGUE_PARAMETERS)
{
  BEGIN
  const ulong batch = get_group_id(2);
  a += a_off + batch * a_batch;
  b += batch * b_batch;
  c += c_off + batch * c_batch;
  ALL_BLOCKS(FETCH_GEMM, K)
  STORE_TILE
}

#else

/* Zeros on the left and on top. */
#ifndef PAD
#define PAD (TAPS / 2)
#endif

/* KB divides the channels, so a block is of one tap. Pixels outside are zeros, or with WRAP those of the other side. */
#define FETCH_CONV(k_)                                                                             \
  {                                                                                                \
    const uint tap = (k_) / C, channel = (k_) % C;                                                 \
    UNROLL for (uint i = 0; i < A_LOADS; i++)                                                      \
    {                                                                                              \
      const int iy = AROUND_Y(y_[i] + (int)(tap / TAPS), in_height);                               \
      const int ix = AROUND_X(x_[i] + (int)(tap % TAPS), in_width);                                \
      a_next[i] = (a_quad)(0);                                                                     \
      if (iy >= 0 && iy < (int)in_height && ix >= 0 && ix < (int)in_width)                         \
        a_next[i] = LOADA(a +                                                                      \
                          ((image_[i] + (iy >> UP)) * (in_width >> UP) + (ix >> UP)) * lda +       \
                          channel + A_K(i));                                                       \
    }                                                                                              \
    FETCH_B(k_)                                                                                    \
  }

/* in_height, in_width: after upsampling. M: pixels of all images. */
__kernel __attribute__((reqd_work_group_size(GX, GY, 1))) SUB_GROUP void
conv(__global const x_type *a, ulong a_off, uint lda, __global const weight *b, __global y_type *c,
     ulong c_off, uint ldc, uint in_height, uint in_width, uint out_height, uint out_width, ulong M,
     uint N, uint C EPILOGUE_PARAMETERS)
{
  BEGIN
  int y_[A_LOADS], x_[A_LOADS];
  ulong image_[A_LOADS];
  a += a_off;
  c += c_off;
  UNROLL for (uint i = 0; i < A_LOADS; i++)
  {
    const ulong pixel = first_row + A_ROW(i), line = pixel / out_width;
    x_[i] = (int)(pixel % out_width) * STRIDE - PAD;
    /* Rows past the last pixel read nothing. */
    y_[i] = pixel < M ? (int)(line % out_height) * STRIDE - PAD : INT_MIN / 2;
    image_[i] = line / out_height * (in_height >> UP);
  }
  ALL_BLOCKS(FETCH_CONV, TAPS *TAPS *C)
  STORE_TILE
}

#endif
