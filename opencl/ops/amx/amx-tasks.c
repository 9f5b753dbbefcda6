/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/amx/amx-tasks.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "opencl/device/kernel.h"
#include "opencl/device/program.h"
#include "opencl/device/status.h"

#define OPERATIONS                                                                                 \
  "+amx-norm+amx-input+amx-conv+amx-winograd-points+amx-winograd-input+amx-winograd+"              \
  "amx-attention+amx-widen+amx-tasks+amx-run"
#define SOURCE "amx-sizes+amx-tiles+amx-units" OPERATIONS
#define EMULATED "amx-sizes+amx-tiles+amx-emulated" OPERATIONS
/* Of a counter: a line of a cache. */
#define COUNTER_BYTES 64
#define MAX_ARGS (AMX_TASK_WORDS - AMX_TASK_ARGS)

typedef struct {
  DdimContext *context;
  DdimClBuffer *words;
  DdimClBuffer *counters;
  cl_kernel kernel;
} Table;

static void
free_table(gpointer data)
{
  Table *table = data;
  if (table->kernel)
    clReleaseKernel(table->kernel);
  ddim_cl_buffer_free(table->words);
  ddim_cl_buffer_free(table->counters);
  g_free(table);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, free_table)

static gpointer
new_table(DdimContext *context, guint count, gboolean half, GError **error)
{
  g_autoptr(Table) table = g_new0(Table, 1);
  const char *source = context->profile.amx_emulated ? EMULATED : SOURCE;
  const gsize size = (gsize)count * AMX_TASK_WORDS * sizeof(guint64);
  const gsize lines = 1 + (gsize)count * (context->info->compute_units + 1);
  table->context = context;
  if (!(table->words = ddim_cl_buffer_new(context, size, error)) ||
      !(table->counters = ddim_cl_buffer_new(context, lines * COUNTER_BYTES, error)) ||
      !(table->kernel = ddim_cl_kernel_new(context, source, half ? "-DHALF_ACTIVATIONS" : NULL,
                                           "amx_run", error)))
    return NULL;
  memset(table->words->host, 0, size);
  memset(table->counters->host, 0, lines * COUNTER_BYTES);
  return ddim_cl_kernel_set_mem(table->kernel, 0, table->words->mem, error) &&
                 ddim_cl_kernel_set_mem(table->kernel, 3, table->counters->mem, error)
             ? g_steal_pointer(&table)
             : NULL;
}

static guint64 *
task_words(Table *table, guint index)
{
  return (guint64 *)table->words->host + (gsize)index * AMX_TASK_WORDS;
}

static gboolean
set(gpointer table, guint index, guint task, const gsize range[3], const guint64 *args,
    guint n_args, GError **error)
{
  if (n_args > MAX_ARGS) {
    g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED,
                _("a task has %u arguments, more than the possible %u"), n_args, MAX_ARGS);
    return FALSE;
  }
  guint64 *words = task_words(table, index);
  words[0] = task;
  for (guint i = 0; i < 3; i++)
    words[AMX_TASK_RANGE + i] = range[i];
  memcpy(words + AMX_TASK_ARGS, args, n_args * sizeof(guint64));
  return TRUE;
}

static gboolean
enqueue(gpointer data, guint first, guint count, GError **error)
{
  Table *table = data;
  const cl_uint values[] = {first, count};
  const gsize groups = table->context->info->compute_units, one = 1;
  if (!ddim_cl_kernel_set_arg(table->kernel, 1, sizeof(cl_uint), &values[0], error) ||
      !ddim_cl_kernel_set_arg(table->kernel, 2, sizeof(cl_uint), &values[1], error))
    return FALSE;
  return ddim_cl_check(clEnqueueNDRangeKernel(table->context->queue, table->kernel, 1, NULL,
                                              &groups, &one, 0, NULL, NULL),
                       "clEnqueueNDRangeKernel", error);
}

static guint64
get_ticks(gpointer table, guint index)
{
  return task_words(table, index)[AMX_TASK_TICKS];
}

void
ddim_cl_amx_task(DdimClPlan *plan, enum AmxTask task, const char *label, double flops)
{
  static const DdimClTaskRunner runner = {.new_table = new_table,
                                          .free_table = free_table,
                                          .set = set,
                                          .enqueue = enqueue,
                                          .get_ticks = get_ticks};
  ddim_cl_plan_task(plan, &runner, task, label, flops);
}
