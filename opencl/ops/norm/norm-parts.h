/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** Group normalisation. */
typedef struct {
  guint groups;
  float eps;
  DdimClMem gamma, beta; /**< [C] */
  gboolean has_emb;      /**< y * (1 + emb[c]) + emb[C + c] after the affine part (scale-shift) */
  DdimClMem emb;         /**< [images][emb_ld] */
  guint emb_ld;
} DdimClNorm;

/** Record the moments of pieces of @chunk pixels, norm_moments in kernels/norm.cl: (transfer full)
 * part[n][ceil(pixels / chunk)][2][C], to be released by the caller. */
DdimClMem ddim_cl_norm_moments(DdimClPlan *plan, const DdimClTensor *x, guint chunk);
/** Append what every kernel that normalises takes: gamma, beta, emb, emb_ld, and where the result
 * goes. */
void ddim_cl_norm_args(DdimClPlan *plan, const DdimClNorm *norm, DdimClMem out);
