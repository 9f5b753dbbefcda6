/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** What is added to a product on its way out. */
typedef struct {
  DdimClMem bias; /**< [columns] */
  gboolean has_emb;
  DdimClMem emb; /**< [images][emb_ld]: a vector per image */
  guint emb_ld;
  const DdimClTensor *residual; /**< (nullable) may be the output itself */
} DdimClEpilogue;

/** Append the epilogue's arguments to the current kernel, in the order of EPILOGUE_PARAMETERS, up
 * to res_ld. What is missing is given with a row length of 0.
 * @type  the output's, which a residual has as well */
void ddim_cl_epilogue_args(DdimClPlan *plan, const DdimClEpilogue *epilogue, DdimClType type);
/** For kernels that have these cases compiled in: "-DEPILOGUE=1 -DEMB=… -DRES=…", or
 * "-DEPILOGUE=0" for NULL. (transfer full) */
char *ddim_cl_epilogue_options(const DdimClEpilogue *epilogue);
