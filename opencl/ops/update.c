/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/update.h"

#include <string.h>

#include "opencl/device/program.h"
#include "opencl/device/status.h"

enum { UPDATE, PREDICT, ADVANCE, RENOISE, N_KERNELS };

struct _DdimClUpdate {
  DdimClPlan *plan;
  DdimClUpdateMemory memory;
  cl_kernel kernels[N_KERNELS];
  guint64 count;
  float *staging;   /* the noise on its way to the device */
  cl_event written; /* staging has been read */
};

/* The arguments of a kernel, set in order. */
typedef struct {
  DdimClUpdate *update;
  cl_kernel kernel;
  cl_uint index;
  cl_int status; /* the first failure */
} Args;

static void
set_value(Args *args, const void *value, gsize size)
{
  if (args->status == CL_SUCCESS)
    args->status = clSetKernelArg(args->kernel, args->index++, size, value);
}

static void
set_float(Args *args, float number)
{
  const cl_float value = number;

  set_value(args, &value, sizeof value);
}

static void
set_uint(Args *args, guint number)
{
  const cl_uint value = number;

  set_value(args, &value, sizeof value);
}

static void
set_mem(Args *args, DdimClMem mem)
{
  const cl_mem handle = ddim_cl_plan_get_cl_mem(args->update->plan, mem);
  const cl_ulong offset = mem.at / sizeof(cl_float);

  set_value(args, &handle, sizeof handle);
  set_value(args, &offset, sizeof offset);
}

static void
set_output(Args *args)
{
  const DdimClTensor *output = &args->update->memory.output;

  set_mem(args, output->mem);
  set_uint(args, output->ld);
}

static void
set_sigma(Args *args, const DdimClUpdateStep *step)
{
  set_float(args, step->sigma);
  set_float(args, step->min_log);
  set_float(args, step->max_log);
  set_uint(args, step->sigma_type);
  set_uint(args, step->use_noise ? 1 : 0);
}

static void
set_prediction(Args *args, const DdimClUpdateStep *step)
{
  set_float(args, step->x0_x);
  set_float(args, step->x0_m);
  set_float(args, step->limit);
}

static void
set_next(Args *args, const DdimClUpdateStep *step)
{
  set_float(args, step->next_x);
  set_float(args, step->next_x0);
  set_float(args, step->next_m);
}

static void
set_history(Args *args, const DdimClUpdateStep *step)
{
  cl_float4 history = {{0}};
  cl_uint4 slots = {{0}};

  G_STATIC_ASSERT(DDIM_CL_UPDATE_HISTORY == 4);
  for (guint k = 0; k < step->n_history; k++) {
    history.s[k] = step->history[k];
    slots.s[k] = step->slots[k];
  }
  set_value(args, &history, sizeof history);
  set_value(args, &slots, sizeof slots);
  set_uint(args, step->n_history);
  set_float(args, step->keep_x);
  set_float(args, step->keep_x0);
  set_uint(args, step->keep ? 1 : 0);
  set_uint(args, step->kept);
}

static gboolean
launch(Args *args, GError **error)
{
  const DdimClTensor *output = &args->update->memory.output;
  const gsize range[3] = {(gsize)output->h * output->w, args->update->memory.channels, output->n};
  cl_command_queue queue = ddim_cl_plan_get_context(args->update->plan)->queue;

  return ddim_cl_check(args->status, "clSetKernelArg", error) &&
         ddim_cl_check(
             clEnqueueNDRangeKernel(queue, args->kernel, 3, NULL, range, NULL, 0, NULL, NULL),
             "clEnqueueNDRangeKernel", error) &&
         ddim_cl_check(clFlush(queue), "clFlush", error);
}

void
ddim_cl_update_announce(DdimContext *context)
{
  ddim_cl_program_announce(context, "update", NULL);
}

DdimClUpdate *
ddim_cl_update_new(DdimClPlan *plan, const DdimClUpdateMemory *memory, GError **error)
{
  static const char *const names[N_KERNELS] = {"update", "predict", "advance", "renoise"};
  g_autoptr(DdimClUpdate) update = g_new0(DdimClUpdate, 1);

  update->plan = plan;
  update->memory = *memory;
  update->count =
      (guint64)memory->output.n * memory->channels * memory->output.h * memory->output.w;
  for (guint i = 0; i < N_KERNELS; i++) {
    update->kernels[i] =
        ddim_cl_kernel_new(ddim_cl_plan_get_context(plan), "update", NULL, names[i], error);
    if (!update->kernels[i])
      return NULL;
  }
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
  for (guint i = 0; i < N_KERNELS; i++)
    if (update->kernels[i])
      clReleaseKernel(update->kernels[i]);
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
    update->staging = g_try_malloc(size);
  if (!update->staging)
    return ddim_cl_check(CL_OUT_OF_HOST_MEMORY, "malloc", error);
  memcpy(update->staging, noise, size);
  const DdimClMem mem = update->memory.noise;
  return ddim_cl_check(clEnqueueWriteBuffer(ddim_cl_plan_get_context(update->plan)->queue,
                                            ddim_cl_plan_get_cl_mem(update->plan, mem), CL_FALSE,
                                            mem.at, size, update->staging, 0, NULL,
                                            &update->written),
                       "clEnqueueWriteBuffer", error);
}

static Args
begin(DdimClUpdate *update, guint kernel)
{
  return (Args){.update = update, .kernel = update->kernels[kernel], .status = CL_SUCCESS};
}

/* Where a step has no history, one kernel does all of it. */
static gboolean
update_at_once(DdimClUpdate *update, const DdimClUpdateStep *step, const float *noise,
               GError **error)
{
  Args args = begin(update, UPDATE);

  if (step->use_noise && !upload_noise(update, noise, error))
    return FALSE;
  set_mem(&args, update->memory.x);
  set_output(&args);
  set_mem(&args, update->memory.noise);
  set_mem(&args, update->memory.x0);
  set_prediction(&args, step);
  set_next(&args, step);
  set_sigma(&args, step);
  return launch(&args, error);
}

gboolean
ddim_cl_update_run(DdimClUpdate *update, const DdimClUpdateStep *step, const float *noise,
                   GError **error)
{
  if (!step->n_history && !step->keep)
    return update_at_once(update, step, noise, error);
  return ddim_cl_update_predict(update, step, error) &&
         ddim_cl_update_advance(update, step, noise, error);
}

gboolean
ddim_cl_update_predict(DdimClUpdate *update, const DdimClUpdateStep *step, GError **error)
{
  Args args = begin(update, PREDICT);

  set_mem(&args, update->memory.x);
  set_output(&args);
  set_mem(&args, update->memory.x0);
  set_prediction(&args, step);
  return launch(&args, error);
}

gboolean
ddim_cl_update_advance(DdimClUpdate *update, const DdimClUpdateStep *step, const float *noise,
                       GError **error)
{
  Args args = begin(update, ADVANCE);

  g_return_val_if_fail(step->n_history <= update->memory.n_ring, FALSE);
  g_return_val_if_fail(!step->keep || step->kept < update->memory.n_ring, FALSE);

  if (step->use_noise && !upload_noise(update, noise, error))
    return FALSE;
  set_mem(&args, update->memory.x);
  set_output(&args);
  set_mem(&args, update->memory.noise);
  set_mem(&args, update->memory.x0);
  /* A step without history gets some memory in the ring's place, which it does not touch. */
  set_mem(&args, update->memory.n_ring ? update->memory.ring : update->memory.x);
  set_next(&args, step);
  set_sigma(&args, step);
  set_history(&args, step);
  return launch(&args, error);
}

gboolean
ddim_cl_update_renoise(DdimClUpdate *update, const DdimClUpdateStep *step, const float *noise,
                       GError **error)
{
  Args args = begin(update, RENOISE);

  if (!upload_noise(update, noise, error))
    return FALSE;
  set_mem(&args, update->memory.x);
  set_mem(&args, update->memory.noise);
  set_float(&args, step->next_x);
  set_float(&args, step->sigma);
  return launch(&args, error);
}
