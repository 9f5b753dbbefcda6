/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/check/data.h"
#include "opencl/ops/conv/conv.h"

typedef enum {
  DDIM_CHECK_RESIDUAL_NONE,
  DDIM_CHECK_RESIDUAL_OTHER,
  DDIM_CHECK_RESIDUAL_IN_PLACE
} DdimCheckResidual;

/** What a convolution is asked for, apart from its size. */
typedef struct {
  guint in, out, taps, stride;
  gboolean up;
  gboolean norm; /**< scale, shift and SiLU in front */
  gboolean emb;
  DdimCheckResidual residual;
  gboolean sliced; /**< input, output and residual are slices of wider tensors */
  gboolean half;
  guint groups;     /**< scale and shift are those of a group normalisation; 0: they are given */
  gboolean no_silu; /**< no SiLU behind them */
  DdimWrap wrap;
  gboolean right_bottom; /**< pixels around the input on the right and at the bottom only */
  DdimClType x_type, y_type;
} DdimCheckConv;

/** Compute a convolution of @n inputs of @h x @w, filled from @seed, as @method by @provider, which
 * can compute it, and compare it with the definition. */
DdimCheckResult ddim_check_conv(DdimCheck *check, const DdimCheckConv *conv, guint n, guint h,
                                guint w, guint32 seed, DdimConvMethod method,
                                DdimGemmProvider provider);
