/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/check/data.h"

/** Gradients (opencl/ops/gradient/gradient.h), each compared with one computed in double. */

typedef enum {
  DDIM_CHECK_GRADIENT_NORM,
  DDIM_CHECK_GRADIENT_ATTENTION,
  DDIM_CHECK_GRADIENT_AVERAGE_POOL,
  DDIM_CHECK_GRADIENT_STRIDE, /**< of taking every second pixel: ddim_cl_dilate() */
  DDIM_CHECK_GRADIENT_MEAN,
  DDIM_CHECK_GRADIENT_TOKENS,
  DDIM_CHECK_GRADIENT_RELU,
  DDIM_CHECK_GRADIENT_LOG_SOFTMAX
} DdimCheckGradientKind;

typedef struct {
  DdimCheckGradientKind kind;
  guint n, h, w, c;   /**< of x; an ATTENTION's x has 3 c channels */
  guint parts;        /**< groups of a NORM, heads of an ATTENTION, classes of a LOG_SOFTMAX */
  gboolean emb, silu; /**< of a NORM */
  gboolean interleaved;
  gboolean add;    /**< something is added to the gradient, where the operation can do that */
  gboolean sliced; /**< tensors are slices of wider ones */
  double scale;    /**< x is uniform in [-scale, scale); 0: 1 */
} DdimCheckGradient;

DdimCheckResult ddim_check_gradient(DdimCheck *check, const DdimCheckGradient *gradient);
/** The operation itself, of the kinds MEAN, TOKENS and RELU (opencl/ops/gradient/pool.h). */
DdimCheckResult ddim_check_pool(DdimCheck *check, const DdimCheckGradient *gradient);
/** How far the gradient in double is from differences of the operation in double, relative to
 * these, along a random direction. Of a right one it is some 1e-7. */
double ddim_check_gradient_difference(const DdimCheckGradient *gradient);
