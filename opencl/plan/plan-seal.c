/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/plan-private.h"

#include <string.h>

#include "opencl/device/kernel.h"
#include "opencl/device/program.h"

/* Work-items of a group on a GPU. They are several sub-groups on GPUs of every vendor, so that one
 * computes while another waits. */
#define GPU_GROUP 128

/* On a CPU a work-item is large, and work-groups run one after another, so a group is one item. On
 * a GPU neighbours along x read neighbouring channels, so a group takes as many items along x as it
 * can, and then along y. Where the range has no suitable powers of two as divisors, the driver
 * chooses. */
static void
choose_local(DdimContext *context, DdimClOp *op)
{
  gsize most = 0, x = 1, y = 1;
  if (context->profile.row_loop) {
    op->local[0] = op->local[1] = op->local[2] = 1;
    return;
  }
  if (clGetKernelWorkGroupInfo(op->kernel, context->device, CL_KERNEL_WORK_GROUP_SIZE, sizeof most,
                               &most, NULL) != CL_SUCCESS)
    return;
  most = MIN(most, GPU_GROUP);
  while (2 * x <= most && op->range[0] % (2 * x) == 0)
    x *= 2;
  while (2 * x * y <= most && op->range[1] % (2 * y) == 0)
    y *= 2;
  if (4 * x * y <= most)
    return;
  op->local[0] = x;
  op->local[1] = y;
  op->local[2] = 1;
}

/* The error of an operation, with its name in front. */
static gboolean
fail_in(const char *name, GError **error)
{
  g_prefix_error(error, "%s: ", name);
  return FALSE;
}

static gboolean
seal_kernel(DdimClPlan *plan, DdimClOp *op, GError **error)
{
  op->kernel = ddim_cl_kernel_new(plan->context, op->source, op->options, op->name, error);
  if (!op->kernel)
    return FALSE;
  for (guint i = 0; i < op->args->len; i++) {
    const DdimClArg *arg = &g_array_index(op->args, DdimClArg, i);
    const gboolean ok =
        arg->kind == DDIM_CL_ARG_VALUE
            ? ddim_cl_kernel_set_arg(op->kernel, i, arg->size, arg->value, error)
            : ddim_cl_kernel_set_mem(op->kernel, i, ddim_cl_plan_get_cl_mem(plan, arg->mem), error);
    if (!ok)
      return fail_in(op->name, error);
  }
  if (!op->local[0])
    choose_local(plan->context, op);
  return TRUE;
}

static guint64
arg_word(DdimClPlan *plan, const DdimClArg *arg)
{
  guint64 word = 0;
  if (arg->kind == DDIM_CL_ARG_VALUE) {
    memcpy(&word, arg->value, arg->size);
    return word;
  }
  const DdimClBuffer *buffer = ddim_cl_plan_get_buffer(plan, arg->mem);
  return (guint64)(guintptr)((guint8 *)buffer->host + arg->mem.at);
}

static gboolean
seal_task(DdimClPlan *plan, const DdimClOp *op, GError **error)
{
  g_autofree guint64 *words = g_new(guint64, op->args->len);
  for (guint i = 0; i < op->args->len; i++)
    words[i] = arg_word(plan, &g_array_index(op->args, DdimClArg, i));
  return plan->runner->set(plan->tasks, op->index, op->task, op->range, words, op->args->len,
                           error) ||
         fail_in(op->label, error);
}

static gboolean
seal_tasks(DdimClPlan *plan, GError **error)
{
  guint count = 0;
  for (guint i = 0; i < plan->ops->len; i++) {
    DdimClOp *op = ddim_cl_plan_get_op(plan, i);
    if (op->kind == DDIM_CL_OP_TASK)
      op->index = count++;
  }
  if (count &&
      !(plan->tasks = plan->runner->new_table(plan->context, count, plan->tasks_use_half, error)))
    return FALSE;
  for (guint i = 0; i < plan->ops->len; i++) {
    const DdimClOp *op = ddim_cl_plan_get_op(plan, i);
    if (op->kind == DDIM_CL_OP_TASK && !seal_task(plan, op, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
ddim_cl_plan_seal_shared(DdimClPlan *plan, DdimClScratch **scratch, GError **error)
{
  if (plan->error) {
    g_propagate_error(error, g_steal_pointer(&plan->error));
    return FALSE;
  }
  if (!ddim_cl_scratch_reserve(scratch, plan->context, &plan->arena, error))
    return FALSE;
  plan->scratch = ddim_cl_scratch_ref(*scratch);
  for (guint i = 0; i < plan->ops->len; i++) {
    DdimClOp *op = ddim_cl_plan_get_op(plan, i);
    if (op->kind == DDIM_CL_OP_KERNEL && !seal_kernel(plan, op, error))
      return FALSE;
  }
  return seal_tasks(plan, error);
}

gboolean
ddim_cl_plan_seal(DdimClPlan *plan, GError **error)
{
  g_autoptr(DdimClScratch) own = NULL;
  return ddim_cl_plan_seal_shared(plan, &own, error);
}

void
ddim_cl_plan_all_sealed(DdimClPlan *plan)
{
  ddim_cl_program_rest(plan->context);
}
