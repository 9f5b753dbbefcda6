/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/norm/norm-parts.h"
#include "opencl/ops/wrap.h"

/** A convolution's geometry. Around its input are taps / 2 pixels on every side, or as many as are
 * needed on the right and at the bottom only: zeros or, along the axes of `wrap`, the pixels of the
 * other side. */
typedef struct {
  guint in, out; /**< channels */
  guint taps;    /**< 1 or 3 along an edge */
  guint stride;  /**< 1 or 2 */
  gboolean up;   /**< read through nearest upsampling by 2 */
  guint n, h, w; /**< of the output */
  DdimWrap wrap;
  gboolean right_bottom; /**< on the right and at the bottom only; for stride 2 */
} DdimConvShape;

/** Pixels around the input in front of its left and its top edge. */
guint ddim_conv_pad(const DdimConvShape *shape);
/** Floating-point operations, counted as a direct convolution of the real channels. */
double ddim_conv_flops(const DdimConvShape *shape);

/** What is done to an input in front of a convolution: group normalisation, then SiLU if asked. */
typedef struct {
  const DdimClNorm *norm; /**< (nullable) computed as well, in whatever way suits the convolution */
  DdimClMem ab;           /**< without norm: ab[n][2][C] as ddim_cl_norm_scale_shift() makes it */
  gboolean silu;
} DdimClPrologue;
