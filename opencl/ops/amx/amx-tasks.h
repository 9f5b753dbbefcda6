/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"
/* The kinds of tasks, enum AmxTask, and the sizes that they are made for. */
#include "opencl/kernels/amx-sizes.cl"
#include "opencl/kernels/amx-tasks.cl"

/** Begin task @task of the kernel of kernels/amx-run.cl: ddim_cl_plan_task() with the runner of the
 * matrix units of x86 processors. Its arguments are those of its structure in kernels/amx-*.cl. The
 * device must have the units: ddim_cl_has_amx(). */
void ddim_cl_amx_task(DdimClPlan *plan, enum AmxTask task, const char *label, double flops);
