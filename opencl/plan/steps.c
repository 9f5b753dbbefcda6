/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/steps.h"

#include <string.h>

#include "opencl/device/program.h"
#include "opencl/device/status.h"

#define OPERATIONS                                                                                 \
  "+amx-norm+amx-input+amx-conv+amx-winograd-points+amx-winograd-input+amx-winograd+"              \
  "amx-attention+amx-widen+amx-steps+amx-run"
#define SOURCE "amx-tiles+amx-units" OPERATIONS
#define EMULATED "amx-tiles+amx-emulated" OPERATIONS
/* Of a counter: a line of a cache. */
#define COUNTER_BYTES 64

struct _DdimClSteps {
  DdimContext *context;
  guint count;
  DdimClBuffer *table;
  DdimClBuffer *counters;
  cl_kernel kernel;
};

void
ddim_cl_steps_free(DdimClSteps *steps)
{
  if (!steps)
    return;
  if (steps->kernel)
    clReleaseKernel(steps->kernel);
  ddim_cl_buffer_free(steps->table);
  ddim_cl_buffer_free(steps->counters);
  g_free(steps);
}

DdimClSteps *
ddim_cl_steps_new(DdimContext *context, guint count, GError **error)
{
  g_autoptr(DdimClSteps) steps = g_new0(DdimClSteps, 1);
  const gsize table_size = (gsize)count * AMX_STEP_WORDS * sizeof(guint64);
  const gsize lines = 1 + (gsize)count * (context->info->compute_units + 1);
  steps->context = context;
  steps->count = count;
  if (!(steps->table = ddim_cl_buffer_new(context, table_size, error)) ||
      !(steps->counters = ddim_cl_buffer_new(context, lines * COUNTER_BYTES, error)) ||
      !(steps->kernel = ddim_cl_kernel_new(
            context, context->profile.amx_emulated ? EMULATED : SOURCE, NULL, "amx_run", error)))
    return NULL;
  memset(steps->table->host, 0, table_size);
  memset(steps->counters->host, 0, lines * COUNTER_BYTES);
  const cl_int status = clSetKernelArg(steps->kernel, 0, sizeof(cl_mem), &steps->table->mem) |
                        clSetKernelArg(steps->kernel, 3, sizeof(cl_mem), &steps->counters->mem);
  return ddim_cl_check(status, "clSetKernelArg", error) ? g_steal_pointer(&steps) : NULL;
}

static guint64 *
step_words(DdimClSteps *steps, guint index)
{
  return (guint64 *)steps->table->host + (gsize)index * AMX_STEP_WORDS;
}

void
ddim_cl_steps_set(DdimClSteps *steps, guint index, enum AmxStep step, const gsize range[3],
                  const guint64 *args, guint n_args)
{
  g_return_if_fail(index < steps->count && n_args <= AMX_STEP_WORDS - AMX_STEP_ARGS);
  guint64 *words = step_words(steps, index);
  words[0] = step;
  for (guint i = 0; i < 3; i++)
    words[AMX_STEP_RANGE + i] = range[i];
  memcpy(words + AMX_STEP_ARGS, args, n_args * sizeof(guint64));
}

gboolean
ddim_cl_steps_enqueue(DdimClSteps *steps, guint first, guint count, GError **error)
{
  const cl_uint values[] = {first, count};
  const gsize groups = steps->context->info->compute_units, one = 1;
  cl_int status = clSetKernelArg(steps->kernel, 1, sizeof(cl_uint), &values[0]);
  status |= clSetKernelArg(steps->kernel, 2, sizeof(cl_uint), &values[1]);
  if (!ddim_cl_check(status, "clSetKernelArg", error))
    return FALSE;
  status = clEnqueueNDRangeKernel(steps->context->queue, steps->kernel, 1, NULL, &groups, &one, 0,
                                  NULL, NULL);
  return ddim_cl_check(status, "clEnqueueNDRangeKernel", error);
}

guint64
ddim_cl_steps_get_ticks(DdimClSteps *steps, guint index)
{
  return step_words(steps, index)[AMX_STEP_TICKS];
}
