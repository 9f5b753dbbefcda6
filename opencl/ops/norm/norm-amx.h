/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/norm/norm-parts.h"

/** How many channels the tasks of kernels/amx-norm.cl take together: whole planes of 32 and whole
 * groups. 0 when there is no such number for @channels, or where there are gaps. */
guint ddim_cl_norm_amx_unit(guint channels, const DdimClNorm *norm);
/** Append their argument structure `Norm`. */
void ddim_cl_norm_amx_args(DdimClPlan *plan, const DdimClNorm *norm, guint channels);
/** Record what ddim_cl_norm_scale_shift() does, as tasks where they can. */
DdimClMem ddim_cl_norm_amx(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm);
