/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/plan-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "opencl/device/program.h"

static void
op_free(gpointer data)
{
  DdimClOp *op = data;
  g_free(op->source);
  g_free(op->options);
  g_free(op->name);
  g_clear_pointer(&op->args, g_array_unref);
  if (op->kernel)
    clReleaseKernel(op->kernel);
  if (op->destroy)
    op->destroy(op->data);
  g_free(op);
}

static void
note_clear(gpointer data)
{
  DdimClNote *note = data;
  g_free(note->way);
  g_free(note->params);
}

DdimClPlan *
ddim_cl_plan_new(DdimContext *context)
{
  DdimClPlan *plan = g_new0(DdimClPlan, 1);
  plan->context = context;
  ddim_cl_arena_init(&plan->arena, context->info->max_allocation);
  plan->ops = g_ptr_array_new_with_free_func(op_free);
  plan->notes = g_array_new(FALSE, FALSE, sizeof(DdimClNote));
  g_array_set_clear_func(plan->notes, note_clear);
  return plan;
}

void
ddim_cl_plan_free(DdimClPlan *plan)
{
  if (!plan)
    return;
  ddim_cl_finish(plan->context, NULL);
  g_ptr_array_unref(plan->ops);
  g_array_unref(plan->notes);
  ddim_cl_arena_clear(&plan->arena);
  if (plan->tasks)
    plan->runner->free_table(plan->tasks);
  ddim_cl_scratch_unref(plan->scratch);
  g_clear_error(&plan->error);
  g_free(plan);
}

DdimContext *
ddim_cl_plan_get_context(DdimClPlan *plan)
{
  return plan->context;
}

DdimClOp *
ddim_cl_plan_get_op(const DdimClPlan *plan, guint index)
{
  return plan->ops->pdata[index];
}

DdimClMem
ddim_cl_plan_alloc_bytes(DdimClPlan *plan, guint64 bytes)
{
  if (bytes > G_MAXINT64) {
    ddim_cl_plan_fail(plan,
                      g_error_new_literal(DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY,
                                          _("this size needs more memory than can be addressed")));
    bytes = 0;
  }
  const DdimClSpan span = ddim_cl_arena_alloc(&plan->arena, bytes);
  return (DdimClMem){.block = span.block, .at = span.at, .bytes = span.bytes};
}

DdimClMem
ddim_cl_plan_alloc_floats(DdimClPlan *plan, guint64 count)
{
  return ddim_cl_plan_alloc_bytes(
      plan, count > G_MAXUINT64 / sizeof(cl_float) ? G_MAXUINT64 : count * sizeof(cl_float));
}

void
ddim_cl_plan_release(DdimClPlan *plan, DdimClMem mem)
{
  if (mem.buffer == NULL && mem.bytes)
    ddim_cl_arena_release(&plan->arena, (DdimClSpan){mem.block, mem.at, mem.bytes});
}

DdimClTensor
ddim_cl_plan_alloc_tensor(DdimClPlan *plan, DdimClType type, guint n, guint h, guint w, guint c)
{
  const guint64 pixels = (guint64)n * h, line = (guint64)w * c * ddim_cl_type_size(type);
  return (DdimClTensor){.mem = ddim_cl_plan_alloc_bytes(plan, line && pixels > G_MAXUINT64 / line
                                                                  ? G_MAXUINT64
                                                                  : pixels * line),
                        .n = n,
                        .h = h,
                        .w = w,
                        .c = c,
                        .ld = c,
                        .type = type};
}

static DdimClOp *
add_op(DdimClPlan *plan, const char *label, double flops)
{
  DdimClOp *op = g_new0(DdimClOp, 1);
  op->label = label;
  op->flops = flops;
  g_ptr_array_add(plan->ops, op);
  plan->current = op;
  return op;
}

void
ddim_cl_plan_kernel(DdimClPlan *plan, const char *source, const char *options, const char *name,
                    const char *label, double flops)
{
  DdimClOp *op = add_op(plan, label, flops);
  op->kind = DDIM_CL_OP_KERNEL;
  op->source = g_strdup(source);
  op->options = g_strdup(options);
  op->name = g_strdup(name);
  op->args = g_array_new(FALSE, FALSE, sizeof(DdimClArg));
  ddim_cl_program_announce(plan->context, source, options);
}

void
ddim_cl_plan_task(DdimClPlan *plan, const DdimClTaskRunner *runner, guint task, const char *label,
                  double flops)
{
  DdimClOp *op = add_op(plan, label, flops);
  g_return_if_fail(plan->runner == NULL || plan->runner == runner);
  plan->runner = runner;
  op->kind = DDIM_CL_OP_TASK;
  op->task = task;
  op->args = g_array_new(FALSE, FALSE, sizeof(DdimClArg));
}

static void
add_arg(DdimClPlan *plan, const DdimClArg *arg)
{
  g_array_append_vals(plan->current->args, arg, 1);
}

static void
arg_value(DdimClPlan *plan, const void *value, guint size)
{
  DdimClArg arg = {.kind = DDIM_CL_ARG_VALUE, .size = size};
  memcpy(arg.value, value, size);
  add_arg(plan, &arg);
}

void
ddim_cl_plan_arg_u32(DdimClPlan *plan, guint value)
{
  cl_uint v = value;
  arg_value(plan, &v, sizeof v);
}

void
ddim_cl_plan_arg_u64(DdimClPlan *plan, guint64 value)
{
  cl_ulong v = value;
  arg_value(plan, &v, sizeof v);
}

void
ddim_cl_plan_arg_f32(DdimClPlan *plan, float value)
{
  cl_float v = value;
  arg_value(plan, &v, sizeof v);
}

static gboolean
in_task(const DdimClPlan *plan)
{
  return plan->current->kind == DDIM_CL_OP_TASK;
}

void
ddim_cl_plan_arg_elements(DdimClPlan *plan, DdimClMem mem, DdimClType type)
{
  if (in_task(plan)) {
    ddim_cl_plan_arg_address(plan, &mem);
    return;
  }
  add_arg(plan, &(DdimClArg){.kind = DDIM_CL_ARG_POINTER, .mem = mem});
  ddim_cl_plan_arg_u64(plan, mem.at / ddim_cl_type_size(type));
}

void
ddim_cl_plan_arg_floats(DdimClPlan *plan, DdimClMem mem)
{
  ddim_cl_plan_arg_elements(plan, mem, DDIM_CL_F32);
}

void
ddim_cl_plan_arg_tensor(DdimClPlan *plan, const DdimClTensor *tensor, DdimClType type)
{
  if (tensor->type != type)
    ddim_cl_plan_fail(plan, g_error_new(DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED,
                                        _("%s: the elements of a tensor are of the wrong type"),
                                        plan->current->label));
  ddim_cl_plan_arg_elements(plan, tensor->mem, type);
  ddim_cl_plan_arg_u32(plan, tensor->ld);
  if (in_task(plan)) {
    ddim_cl_plan_arg_u32(plan, type == DDIM_CL_F16);
    plan->tasks_use_half |= type == DDIM_CL_F16;
  }
}

void
ddim_cl_plan_arg_buffer(DdimClPlan *plan, DdimClBuffer *buffer)
{
  add_arg(plan, &(DdimClArg){.kind = in_task(plan) ? DDIM_CL_ARG_ADDRESS : DDIM_CL_ARG_POINTER,
                             .mem.buffer = buffer});
}

void
ddim_cl_plan_arg_address(DdimClPlan *plan, const DdimClMem *mem)
{
  g_return_if_fail(in_task(plan));
  if (mem)
    add_arg(plan, &(DdimClArg){.kind = DDIM_CL_ARG_ADDRESS, .mem = *mem});
  else
    ddim_cl_plan_arg_u64(plan, 0);
}

void
ddim_cl_plan_range(DdimClPlan *plan, gsize x, gsize y, gsize z)
{
  DdimClOp *op = plan->current;
  op->range[0] = x;
  op->range[1] = y;
  op->range[2] = z;
}

void
ddim_cl_plan_local(DdimClPlan *plan, gsize x, gsize y, gsize z)
{
  DdimClOp *op = plan->current;
  op->local[0] = x;
  op->local[1] = y;
  op->local[2] = z;
}

void
ddim_cl_plan_call(DdimClPlan *plan, DdimClEnqueueFunc func, gpointer data, GDestroyNotify destroy,
                  const char *label, double flops)
{
  DdimClOp *op = add_op(plan, label, flops);
  op->kind = DDIM_CL_OP_CALL;
  op->func = func;
  op->data = data;
  op->destroy = destroy;
}

DdimClBuffer *
ddim_cl_plan_get_buffer(DdimClPlan *plan, DdimClMem mem)
{
  if (mem.buffer)
    return mem.buffer;
  g_return_val_if_fail(plan->scratch && mem.block < plan->scratch->blocks->len, NULL);
  return plan->scratch->blocks->pdata[mem.block];
}

cl_mem
ddim_cl_plan_get_cl_mem(DdimClPlan *plan, DdimClMem mem)
{
  return ddim_cl_plan_get_buffer(plan, mem)->mem;
}

void
ddim_cl_plan_fail(DdimClPlan *plan, GError *error)
{
  if (plan->error)
    g_error_free(error);
  else
    plan->error = error;
}

guint64
ddim_cl_plan_get_arena_bytes(const DdimClPlan *plan)
{
  return ddim_cl_arena_get_bytes(&plan->arena);
}

DdimClScratch *
ddim_cl_plan_get_scratch(const DdimClPlan *plan)
{
  return plan->scratch;
}

void
ddim_cl_plan_note(DdimClPlan *plan, const char *kind, const char *way, gconstpointer params,
                  gsize size)
{
  const DdimClNote note = {kind, g_strdup(way), g_memdup2(params, size)};
  g_array_append_val(plan->notes, note);
}

void
ddim_cl_plan_foreach_note(DdimClPlan *plan, DdimClNoteFunc func, gpointer user_data)
{
  for (guint i = 0; i < plan->notes->len; i++) {
    const DdimClNote *note = &g_array_index(plan->notes, DdimClNote, i);
    func(note->kind, note->way, note->params, user_data);
  }
}
