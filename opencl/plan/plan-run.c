/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/plan-private.h"

#include "opencl/device/status.h"

/* Operations from @first on that are one launch: a kernel, a call, or all tasks in a row. */
static guint
launch_length(DdimClPlan *plan, guint first)
{
  guint length = 0;
  while (first + length < plan->ops->len &&
         ddim_cl_plan_get_op(plan, first + length)->kind == DDIM_CL_OP_TASK)
    length++;
  return MAX(length, 1);
}

/* Operation @index, or @length tasks from it on. */
static gboolean
enqueue(DdimClPlan *plan, guint index, guint length, GError **error)
{
  const DdimClOp *op = ddim_cl_plan_get_op(plan, index);
  if (op->kind == DDIM_CL_OP_CALL)
    return op->func(op->data, plan, error);
  if (op->kind == DDIM_CL_OP_TASK)
    return plan->runner->enqueue(plan->tasks, op->index, length, error);
  cl_int status = clEnqueueNDRangeKernel(plan->context->queue, op->kernel, 3, NULL, op->range,
                                         op->local[0] ? op->local : NULL, 0, NULL, NULL);
  if (ddim_cl_check(status, "clEnqueueNDRangeKernel", error))
    return TRUE;
  g_prefix_error(error, "%s: ", op->name);
  return FALSE;
}

#define FLUSH_EVERY 32

gboolean
ddim_cl_plan_run(DdimClPlan *plan, GError **error)
{
  guint length;
  for (guint i = 0; i < plan->ops->len; i += length) {
    length = launch_length(plan, i);
    if (!enqueue(plan, i, length, error))
      return FALSE;
    /* The device shall begin while the rest is enqueued. */
    if (i % FLUSH_EVERY == 0 && !plan->context->profile.row_loop)
      clFlush(plan->context->queue);
  }
  return ddim_cl_check(clFlush(plan->context->queue), "clFlush", error);
}

/* The time of tasks from @first on, which took @seconds together. */
static void
tell_tasks(DdimClPlan *plan, guint first, guint length, double seconds, DdimClProfileFunc func,
           gpointer user_data)
{
  guint64 all = 0;
  for (guint i = 0; i < length; i++)
    all += plan->runner->get_ticks(plan->tasks, ddim_cl_plan_get_op(plan, first + i)->index);
  for (guint i = 0; i < length; i++) {
    const DdimClOp *op = ddim_cl_plan_get_op(plan, first + i);
    func(op->label, seconds * plan->runner->get_ticks(plan->tasks, op->index) / (double)MAX(all, 1),
         op->flops, user_data);
  }
}

gboolean
ddim_cl_plan_profile(DdimClPlan *plan, DdimClProfileFunc func, gpointer user_data, GError **error)
{
  guint length;
  for (guint i = 0; i < plan->ops->len; i += length) {
    const DdimClOp *op = ddim_cl_plan_get_op(plan, i);
    const gint64 start = g_get_monotonic_time();
    length = launch_length(plan, i);
    if (!enqueue(plan, i, length, error) || !ddim_cl_finish(plan->context, error))
      return FALSE;
    const double seconds = (g_get_monotonic_time() - start) * 1e-6;
    if (op->kind == DDIM_CL_OP_TASK)
      tell_tasks(plan, i, length, seconds, func, user_data);
    else
      func(op->label, seconds, op->flops, user_data);
  }
  return TRUE;
}

gboolean
ddim_cl_plan_write(DdimClPlan *plan, DdimClMem mem, guint64 count, const float *data,
                   GError **error)
{
  return ddim_cl_buffer_write(ddim_cl_plan_get_buffer(plan, mem), mem.at, count * sizeof(float),
                              data, error);
}

gboolean
ddim_cl_plan_read(DdimClPlan *plan, DdimClMem mem, guint64 count, float *data, GError **error)
{
  return ddim_cl_buffer_read(ddim_cl_plan_get_buffer(plan, mem), mem.at, count * sizeof(float),
                             data, error);
}

gboolean
ddim_cl_plan_copy_bytes(DdimClPlan *from_plan, DdimClMem from, DdimClPlan *to_plan, DdimClMem to,
                        guint64 bytes, GError **error)
{
  return ddim_cl_check(clEnqueueCopyBuffer(to_plan->context->queue,
                                           ddim_cl_plan_get_cl_mem(from_plan, from),
                                           ddim_cl_plan_get_cl_mem(to_plan, to), from.at, to.at,
                                           bytes, 0, NULL, NULL),
                       "clEnqueueCopyBuffer", error);
}
