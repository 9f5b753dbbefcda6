/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/launch.h"

#include "opencl/device/status.h"

DdimClLaunch
ddim_cl_launch_begin(DdimClPlan *plan, cl_kernel kernel)
{
  return (DdimClLaunch){.plan = plan, .kernel = kernel, .status = CL_SUCCESS};
}

void
ddim_cl_launch_value(DdimClLaunch *launch, const void *value, gsize size)
{
  if (launch->status == CL_SUCCESS)
    launch->status = clSetKernelArg(launch->kernel, launch->index++, size, value);
}

void
ddim_cl_launch_f32(DdimClLaunch *launch, float number)
{
  const cl_float value = number;

  ddim_cl_launch_value(launch, &value, sizeof value);
}

void
ddim_cl_launch_u32(DdimClLaunch *launch, guint number)
{
  const cl_uint value = number;

  ddim_cl_launch_value(launch, &value, sizeof value);
}

void
ddim_cl_launch_floats(DdimClLaunch *launch, DdimClMem mem)
{
  const cl_mem handle = ddim_cl_plan_get_cl_mem(launch->plan, mem);
  const cl_ulong offset = mem.at / sizeof(cl_float);

  ddim_cl_launch_value(launch, &handle, sizeof handle);
  ddim_cl_launch_value(launch, &offset, sizeof offset);
}

void
ddim_cl_launch_buffer(DdimClLaunch *launch, const DdimClBuffer *buffer)
{
  ddim_cl_launch_value(launch, &buffer->mem, sizeof buffer->mem);
}

gboolean
ddim_cl_launch_run(const DdimClLaunch *launch, gsize x, gsize y, gsize z, GError **error)
{
  const gsize range[3] = {x, y, z};
  cl_command_queue queue = ddim_cl_plan_get_context(launch->plan)->queue;

  return ddim_cl_check(launch->status, "clSetKernelArg", error) &&
         ddim_cl_check(
             clEnqueueNDRangeKernel(queue, launch->kernel, 3, NULL, range, NULL, 0, NULL, NULL),
             "clEnqueueNDRangeKernel", error) &&
         ddim_cl_check(clFlush(queue), "clFlush", error);
}
