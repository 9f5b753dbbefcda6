/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/update.h"

#include <string.h>

#include "opencl/device/program.h"
#include "opencl/device/status.h"

/* Position of the first argument that changes from step to step. */
#define FIRST_STEP_ARG 9

struct _DdimClUpdate {
  DdimClPlan *plan;
  DdimClUpdateMemory memory;
  cl_kernel kernel;
  guint64 count;
  float *staging;   /* the noise on its way to the device */
  cl_event written; /* staging has been read */
};

static cl_int
set_mem(DdimClUpdate *update, guint *index, DdimClMem mem)
{
  cl_mem handle = ddim_cl_plan_get_cl_mem(update->plan, mem);
  cl_ulong offset = mem.offset;
  cl_int status = clSetKernelArg(update->kernel, (*index)++, sizeof handle, &handle);
  return status | clSetKernelArg(update->kernel, (*index)++, sizeof offset, &offset);
}

static gboolean
set_memory_args(DdimClUpdate *update, GError **error)
{
  const DdimClUpdateMemory *m = &update->memory;
  guint index = 0;
  cl_uint ld = m->output.ld;
  cl_int status = set_mem(update, &index, m->x);
  status |= set_mem(update, &index, m->output.mem);
  status |= clSetKernelArg(update->kernel, index++, sizeof ld, &ld);
  status |= set_mem(update, &index, m->noise);
  status |= set_mem(update, &index, m->x0);
  g_assert(index == FIRST_STEP_ARG);
  return ddim_cl_check(status, "clSetKernelArg", error);
}

DdimClUpdate *
ddim_cl_update_new(DdimClPlan *plan, const DdimClUpdateMemory *memory, GError **error)
{
  g_autoptr(DdimClUpdate) update = g_new0(DdimClUpdate, 1);
  update->plan = plan;
  update->memory = *memory;
  update->count =
      (guint64)memory->output.n * memory->channels * memory->output.h * memory->output.w;
  update->kernel =
      ddim_cl_kernel_new(ddim_cl_plan_get_context(plan), "update", NULL, "update", error);
  if (!update->kernel || !set_memory_args(update, error))
    return NULL;
  return g_steal_pointer(&update);
}

void
ddim_cl_update_free(DdimClUpdate *update)
{
  if (!update)
    return;
  if (update->written) {
    clWaitForEvents(1, &update->written);
    clReleaseEvent(update->written);
  }
  if (update->kernel)
    clReleaseKernel(update->kernel);
  g_free(update->staging);
  g_free(update);
}

static gboolean
upload_noise(DdimClUpdate *update, const float *noise, GError **error)
{
  if (update->written) {
    cl_int waited = clWaitForEvents(1, &update->written);
    clReleaseEvent(update->written);
    update->written = NULL;
    if (!ddim_cl_check(waited, "clWaitForEvents", error))
      return FALSE;
  }
  const gsize size = update->count * sizeof(float);
  if (!update->staging)
    update->staging = g_malloc(size);
  memcpy(update->staging, noise, size);
  const DdimClMem mem = update->memory.noise;
  return ddim_cl_check(clEnqueueWriteBuffer(ddim_cl_plan_get_context(update->plan)->queue,
                                            ddim_cl_plan_get_cl_mem(update->plan, mem), CL_FALSE,
                                            mem.offset * sizeof(float), size, update->staging, 0,
                                            NULL, &update->written),
                       "clEnqueueWriteBuffer", error);
}

gboolean
ddim_cl_update_run(DdimClUpdate *update, const DdimClUpdateStep *step, const float *noise,
                   GError **error)
{
  if (step->use_noise && !upload_noise(update, noise, error))
    return FALSE;
  const cl_float floats[] = {step->x0_x,   step->x0_m,  step->limit,   step->next_x, step->next_x0,
                             step->next_m, step->sigma, step->min_log, step->max_log};
  const cl_uint flags[] = {step->sigma_type, step->use_noise ? 1 : 0};
  guint index = FIRST_STEP_ARG;
  cl_int status = CL_SUCCESS;
  for (guint i = 0; i < G_N_ELEMENTS(floats); i++)
    status |= clSetKernelArg(update->kernel, index++, sizeof(cl_float), &floats[i]);
  for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
    status |= clSetKernelArg(update->kernel, index++, sizeof(cl_uint), &flags[i]);
  if (!ddim_cl_check(status, "clSetKernelArg", error))
    return FALSE;
  const DdimClTensor *output = &update->memory.output;
  const gsize range[3] = {(gsize)output->h * output->w, update->memory.channels, output->n};
  cl_command_queue queue = ddim_cl_plan_get_context(update->plan)->queue;
  return ddim_cl_check(
             clEnqueueNDRangeKernel(queue, update->kernel, 3, NULL, range, NULL, 0, NULL, NULL),
             "clEnqueueNDRangeKernel", error) &&
         ddim_cl_check(clFlush(queue), "clFlush", error);
}
