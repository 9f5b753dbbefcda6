/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/conv/conv-params.h"
#include "opencl/ops/matrix/epilogue.h"
#include "opencl/ops/matrix/matrix.h"

/** Record a convolution as ddim_cl_conv() does, with weights packed as DDIM_CL_PACK_AMX
 * (kernels/amx-conv.cl). Any taps, stride and upsampling. */
void ddim_cl_conv_amx(DdimClPlan *plan, const DdimConvShape *shape, const DdimClMatrix *weights,
                      const DdimClTensor *x, const DdimClPrologue *prologue, const DdimClTensor *y,
                      const DdimClEpilogue *epilogue);

/** Whether images like @x are normalised by the task that reads them for a convolution. */
gboolean ddim_cl_conv_amx_normalises(DdimContext *context, const DdimConvShape *shape,
                                     const DdimClTensor *x, const DdimClNorm *norm);
/** How a task that reads an input comes to the scale and shift of the norm in front of it. */
typedef struct {
  gboolean inside; /**< it finds them itself; else they are in `ab`, or there is no norm: */
  gboolean given;
  gboolean own; /**< `ab` is recorded for this input alone */
  DdimClMem ab;
} DdimConvAmxNorm;

/** Record the norm, if it needs a task of its own. @prologue  (nullable) */
DdimConvAmxNorm ddim_cl_conv_amx_norm_begin(DdimClPlan *plan, const DdimConvShape *shape,
                                            const DdimClTensor *x, const DdimClPrologue *prologue);
/** After the task that reads the input. */
void ddim_cl_conv_amx_norm_end(DdimClPlan *plan, const DdimConvAmxNorm *norm);
/** Append the end of a product's argument structure: what is added to its results, of @type. */
void ddim_cl_conv_amx_epilogue_args(DdimClPlan *plan, const DdimClEpilogue *epilogue,
                                    DdimClType type);
