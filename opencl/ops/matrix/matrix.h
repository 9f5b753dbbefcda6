/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** Who multiplies row-major activations by weights: the packed micro-kernel for CPUs
 * (kernels/gemm.cl), the kernels for GPUs, or the library CLBlast. Each matrix of weights is laid
 * out for one of them. */
typedef enum {
  DDIM_GEMM_PACKED,
  DDIM_GEMM_CLBLAST,
  DDIM_GEMM_TILE32, /**< kernels/gemm-tile.cl, tiles of so many rows and columns */
  DDIM_GEMM_TILE64,
  DDIM_GEMM_TILE128,
  DDIM_GEMM_MMA64, /**< kernels/gemm-mma.cl, only half-precision weights */
  DDIM_GEMM_MMA128,
  DDIM_N_GEMM_PROVIDERS
} DdimGemmProvider;

const char *ddim_gemm_provider_name(DdimGemmProvider provider);
/** Whether it multiplies half-precision numbers with matrix units. */
gboolean ddim_gemm_uses_matrix_unit(DdimGemmProvider provider);

/** Columns and rows of weights are padded with zeros to multiples of these, whatever the device. */
#define DDIM_CL_COLUMN_PADDING 32
#define DDIM_CL_DEPTH_PADDING 16

/** How weights become a matrix: one of the packing kernels. */
typedef enum {
  DDIM_CL_PACK_PLAIN,       /**< OIHW -> [(tap, c)][o]: linear layers, 1x1, implicit convolution */
  DDIM_CL_PACK_WINOGRAD2,   /**< 3x3 -> 16 matrices of F(2x2,3x3) */
  DDIM_CL_PACK_WINOGRAD4,   /**< 3x3 -> 36 matrices of F(4x4,3x3) */
  DDIM_CL_PACK_AMX,         /**< OIHW -> blocks of kernels/amx-pack.cl; two bfloat16 a weight */
  DDIM_CL_PACK_AMX_WINOGRAD /**< 3x3 -> such blocks of six points instead of three columns */
} DdimClPacking;

/** Weights on the device: @batch matrices of @depth x @columns. */
typedef struct {
  DdimClBuffer *buffer;
  DdimGemmProvider provider;
  guint batch, depth, columns;
  gboolean half; /**< kept as IEEE half, multiplied as float32 */
  DdimClPacking packing;
  guint out, in, taps; /**< of the weights that it is made of */
} DdimClMatrix;

void ddim_cl_matrix_free(DdimClMatrix *matrix);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClMatrix, ddim_cl_matrix_free)

/** Memory for a matrix, which operations may be recorded with; its contents are undefined until
 * ddim_cl_matrix_load(). Errors: DDIM_CL_ERROR_*. */
DdimClMatrix *ddim_cl_matrix_alloc(DdimContext *context, DdimClPacking packing,
                                   DdimGemmProvider provider, gboolean half, guint out, guint in,
                                   guint taps, GError **error);
/** @weights [out][in][taps] float32, as PyTorch has them; copied. */
gboolean ddim_cl_matrix_load(DdimClMatrix *matrix, const float *weights, GError **error);
/** Both. */
DdimClMatrix *ddim_cl_matrix_new(DdimContext *context, DdimClPacking packing,
                                 DdimGemmProvider provider, gboolean half, const float *weights,
                                 guint out, guint in, guint taps, GError **error);
/** Rows of each of its matrices, the padding included. */
guint ddim_cl_matrix_depth(DdimClPacking packing, guint in, guint taps);
/** Bytes such a matrix takes. */
guint64 ddim_cl_matrix_bytes(DdimClPacking packing, gboolean half, guint out, guint in, guint taps);
guint ddim_cl_packing_batch(DdimClPacking packing);
