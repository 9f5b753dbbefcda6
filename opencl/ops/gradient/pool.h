/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** What classifiers do with the pixels of an image, and with features that have none. */

/** Record y[n][1][1][C] = the mean of x over the pixels of each image. */
void ddim_cl_mean(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *y);
/** Record y[n][1][1 + pixels][C]: first the mean over the pixels, then the pixels, and to all the
 * table added. @table [C][1 + pixels] */
void ddim_cl_tokens(DdimClPlan *plan, const DdimClTensor *x, DdimClMem table,
                    const DdimClTensor *y);
/** Record y = max(x, 0). */
void ddim_cl_relu(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *y);
/** The first pixel of every image, as a tensor [n][1][1][C] whose pixels lie apart. @tensor stays
 * the owner. */
DdimClTensor ddim_cl_tensor_first(DdimClTensor tensor);
