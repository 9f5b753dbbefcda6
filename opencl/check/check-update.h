/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/check/data.h"
#include "opencl/ops/update.h"

/** The formula of kernels/update.cl for one value, in double. */
typedef struct {
  double x, m, v, noise; /**< the model's mean and variance are @m and @v */
  const double *history; /**< [n_history] of the step */
} DdimCheckUpdateInput;

double ddim_check_update_x0(const DdimClUpdateStep *step, const DdimCheckUpdateInput *in);
/** The next x; @x0  as ddim_check_update_x0() or a correction has it */
double ddim_check_update_next(const DdimClUpdateStep *step, const DdimCheckUpdateInput *in,
                              double x0);

/** One step with learned sigmas and noise. */
DdimCheckResult ddim_check_update(DdimCheck *check);
