/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/check/data.h"
#include "opencl/ops/matrix/matrix.h"
#include "opencl/ops/norm/norm-parts.h"
#include "opencl/ops/wrap.h"

/** Operations beside convolutions, each compared with its definition in double. */

/** A group normalisation of random numbers of this @mean and @deviation. */
typedef struct {
  guint n, h, w, c, groups;
  double mean, deviation;
  gboolean emb, silu, sliced;
  DdimClNormGaps gaps;
  DdimClType type; /**< of input and output */
} DdimCheckNorm;

DdimCheckResult ddim_check_norm(DdimCheck *check, const DdimCheckNorm *norm);

/** softmax(q k^T / sqrt(ch)) v of random numbers. */
typedef struct {
  guint n, h, w, heads, ch;
  gboolean interleaved, sliced;
  double logits;   /**< about the largest */
  DdimClType type; /**< of input and output */
} DdimCheckAttention;

DdimCheckResult ddim_check_attention(DdimCheck *check, const DdimCheckAttention *attention);

/** What is neither a convolution nor a norm nor attention. */
DdimCheckResult ddim_check_from_planar(DdimCheck *check, guint n, guint h, guint w, guint x_c,
                                       guint cond_c, guint c, gboolean sliced);
DdimCheckResult ddim_check_to_planar(DdimCheck *check, guint n, guint h, guint w, guint x_c,
                                     guint c, gboolean sliced);
DdimCheckResult ddim_check_resize(DdimCheck *check, guint in_h, guint in_w, guint out_h,
                                  guint out_w, DdimWrap wrap);
/** @up  ddim_cl_upsample(), otherwise ddim_cl_average_pool() */
DdimCheckResult ddim_check_resample(DdimCheck *check, DdimClType type, gboolean up, gboolean sliced,
                                    guint n, guint h, guint w);
/** From a slice of channels, or into one. */
DdimCheckResult ddim_check_copy(DdimCheck *check, DdimClType type, gboolean into_slice, guint n,
                                guint h, guint w);
/** Exact: one rounding, as the reference's. */
DdimCheckResult ddim_check_center(DdimCheck *check);
DdimCheckResult ddim_check_silu(DdimCheck *check);
/** A matrix product by @provider with weights of [out][in], and a bias. */
DdimCheckResult ddim_check_product(DdimCheck *check, DdimGemmProvider provider, gboolean half,
                                   guint rows, guint in, guint out);
