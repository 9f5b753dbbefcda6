/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** Where the channels of the groups lie in a tensor that has others between and behind them, which
 * are zeros and belong to no group: channel c of the groups at c, from @split on at c + @shift. */
typedef struct {
  guint width; /**< channels of a group; 0: the tensor has no other channels */
  guint split, shift;
} DdimClNormGaps;

/** Group normalisation. */
typedef struct {
  guint groups;
  float eps;
  DdimClMem gamma, beta; /**< [C] */
  gboolean has_emb;      /**< y * (1 + emb[c]) + emb[C + c] after the affine part (scale-shift) */
  DdimClMem emb;         /**< [images][emb_ld] */
  guint emb_ld;
  DdimClNormGaps gaps; /**< the other channels get scale and shift 0; their gamma and beta are not
                          read */
} DdimClNorm;

/** Record the moments of pieces of @chunk pixels, norm_moments in kernels/norm.cl: (transfer full)
 * part[n][ceil(pixels / chunk)][2][C], to be released by the caller. */
DdimClMem ddim_cl_norm_moments(DdimClPlan *plan, const DdimClTensor *x, guint chunk);
/** Append what every kernel that normalises takes: gamma, beta, emb, emb_ld, and where the result
 * goes. */
void ddim_cl_norm_args(DdimClPlan *plan, const DdimClNorm *norm, DdimClMem out);
/** Append what they take behind everything else if they are built with GAPS. */
void ddim_cl_norm_gaps_args(DdimClPlan *plan, const DdimClNorm *norm);
