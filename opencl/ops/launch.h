/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** One launch of a kernel whose arguments are set anew each time, unlike those of a plan. The first
 * failure is kept, and ddim_cl_launch_run() reports it. */
typedef struct {
  DdimClPlan *plan; /**< places of memory are those that it knows */
  cl_kernel kernel;
  cl_uint index; /**< of the next argument */
  cl_int status; /**< the first failure */
} DdimClLaunch;

DdimClLaunch ddim_cl_launch_begin(DdimClPlan *plan, cl_kernel kernel);
/** The next argument. */
void ddim_cl_launch_value(DdimClLaunch *launch, const void *value, gsize size);
void ddim_cl_launch_f32(DdimClLaunch *launch, float value);
void ddim_cl_launch_u32(DdimClLaunch *launch, guint value);
/** Two arguments: the pointer, and a ulong, the offset in floats. */
void ddim_cl_launch_floats(DdimClLaunch *launch, DdimClMem mem);
/** The pointer of @buffer alone. */
void ddim_cl_launch_buffer(DdimClLaunch *launch, const DdimClBuffer *buffer);
/** Enqueue the kernel over the range @x, @y, @z. Does not wait. */
gboolean ddim_cl_launch_run(const DdimClLaunch *launch, gsize x, gsize y, gsize z, GError **error);
