/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/spoil.h"

#include "opencl/device/status.h"
#include "opencl/device/ways.h"

/* How many values are replaced, and by what. */
#define COUNT 4
static const cl_float wrong = 0.7f;

static gboolean
enqueue(gpointer data, DdimClPlan *plan, GError **error)
{
  const DdimClMem *mem = data;
  return ddim_cl_check(clEnqueueFillBuffer(ddim_cl_plan_get_context(plan)->queue,
                                           ddim_cl_plan_get_cl_mem(plan, *mem), &wrong,
                                           sizeof wrong, mem->at, COUNT * sizeof wrong, 0, NULL,
                                           NULL),
                       "clEnqueueFillBuffer", error);
}

void
ddim_cl_plan_spoil(DdimClPlan *plan, const char *way, const DdimClTensor *result)
{
  if (ddim_cl_way_is_spoiled(way))
    ddim_cl_plan_call(plan, enqueue, g_memdup2(&result->mem, sizeof result->mem), g_free, "spoil",
                      0);
}
