/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

typedef struct {
  guint groups;
  float eps;
  DdimClMem gamma, beta; /**< [C] */
  gboolean has_emb;      /**< y * (1 + emb[c]) + emb[C + c] after the affine part (scale-shift) */
  DdimClMem emb;         /**< [images][emb_ld] */
  guint emb_ld;
} DdimClNorm;

/** Record the group normalisation of @x as one scale and shift per image and channel: (transfer
 * full) ab[n][2][C] in the plan's arena, to be released by the caller. */
DdimClMem ddim_cl_norm_scale_shift(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm);
/** The same by the kernels for GPUs. */
DdimClMem ddim_cl_norm_scale_shift_gpu(DdimClPlan *plan, const DdimClTensor *x,
                                       const DdimClNorm *norm);
/** Record the moments of pieces of @chunk pixels, norm_moments in kernels/norm.cl: (transfer full)
 * part[n][ceil(pixels / chunk)][2][C], to be released by the caller. */
DdimClMem ddim_cl_norm_moments(DdimClPlan *plan, const DdimClTensor *x, guint chunk);
/** Append what every kernel that normalises takes: gamma, beta, emb, emb_ld, and where the result
 * goes. */
void ddim_cl_norm_args(DdimClPlan *plan, const DdimClNorm *norm, DdimClMem out);
/** Record y = x * ab[0] + ab[1], followed by SiLU if asked. */
void ddim_cl_norm_apply(DdimClPlan *plan, const DdimClTensor *x, DdimClMem ab, gboolean silu,
                        const DdimClTensor *y);
