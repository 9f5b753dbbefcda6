/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** For tests of what is done about a driver that computes wrongly: where the environment's
 * DDIM_SPOIL names @way (opencl/device/ways.h), record that some of @result's values are replaced
 * by others. Does nothing otherwise. To be called behind what makes @result. */
void ddim_cl_plan_spoil(DdimClPlan *plan, const char *way, const DdimClTensor *result);
