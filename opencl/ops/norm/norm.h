/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/norm/norm-parts.h"

/** What ddim_cl_norm_scale_shift() notes of itself (ddim_cl_plan_note()), as DDIM_CL_NOTE_NORM. Its
 * ways are "norm-gpu" and "norm-rows". */
typedef struct {
  guint pixels, channels, groups;
  gboolean emb;
  DdimClNormGaps gaps;
  DdimClType type;
} DdimClNormNote;

#define DDIM_CL_NOTE_NORM "norm"

/** Record the group normalisation of @x as one scale and shift per image and channel: (transfer
 * full) ab[n][2][C] in the plan's arena, to be released by the caller. */
DdimClMem ddim_cl_norm_scale_shift(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm);
/** Record y = x * ab[0] + ab[1], followed by SiLU if asked. */
void ddim_cl_norm_apply(DdimClPlan *plan, const DdimClTensor *x, DdimClMem ab, gboolean silu,
                        const DdimClTensor *y);
