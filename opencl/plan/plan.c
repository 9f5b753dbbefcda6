/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/plan.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "opencl/plan/arena.h"
#include "opencl/device/program.h"
#include "opencl/device/status.h"

typedef enum { ARG_MEM, ARG_BUFFER, ARG_VALUE } ArgType;

typedef struct {
  ArgType type;
  DdimClMem mem;
  guint8 value[8];
  guint size;
} Arg;

typedef struct {
  const char *label;
  double flops;
  /* a kernel */
  char *source, *options, *name;
  GArray *args;
  gsize range[3];
  gsize local[3]; /* all 0: the driver's choice */
  cl_kernel kernel;
  /* or a step */
  gboolean is_step;
  enum AmxStep step;
  guint index; /* among the steps */
  /* or a call */
  DdimClEnqueueFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Op;

struct _DdimClPlan {
  DdimContext *context;
  DdimClArena arena;
  DdimClScratch *scratch; /* what the arena lies in, once sealed */
  DdimClSteps *steps;     /* NULL when there are none */
  GPtrArray *ops;
  Op *current;
  GError *error;
};

static void
op_free(gpointer data)
{
  Op *op = data;
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

DdimClPlan *
ddim_cl_plan_new(DdimContext *context)
{
  DdimClPlan *plan = g_new0(DdimClPlan, 1);
  plan->context = context;
  ddim_cl_arena_init(&plan->arena);
  plan->ops = g_ptr_array_new_with_free_func(op_free);
  return plan;
}

void
ddim_cl_plan_free(DdimClPlan *plan)
{
  if (!plan)
    return;
  ddim_cl_finish(plan->context, NULL);
  g_ptr_array_unref(plan->ops);
  ddim_cl_arena_clear(&plan->arena);
  ddim_cl_steps_free(plan->steps);
  ddim_cl_scratch_unref(plan->scratch);
  g_clear_error(&plan->error);
  g_free(plan);
}

DdimContext *
ddim_cl_plan_get_context(DdimClPlan *plan)
{
  return plan->context;
}

DdimClMem
ddim_cl_plan_alloc(DdimClPlan *plan, guint64 floats)
{
  DdimClMem mem = {.size = floats};
  mem.offset = ddim_cl_arena_alloc(&plan->arena, &mem.size);
  return mem;
}

void
ddim_cl_plan_release(DdimClPlan *plan, DdimClMem mem)
{
  if (mem.buffer == NULL && mem.size)
    ddim_cl_arena_release(&plan->arena, mem.offset, mem.size);
}

DdimClTensor
ddim_cl_plan_alloc_tensor(DdimClPlan *plan, guint n, guint h, guint w, guint c)
{
  return (DdimClTensor){.mem = ddim_cl_plan_alloc(plan, (guint64)n * h * w * c),
                        .n = n,
                        .h = h,
                        .w = w,
                        .c = c,
                        .ld = c};
}

DdimClTensor
ddim_cl_tensor_slice(DdimClTensor tensor, guint first, guint count)
{
  g_return_val_if_fail(first + count <= tensor.c, tensor);
  tensor.mem.offset += first;
  tensor.mem.size = 0;
  tensor.c = count;
  return tensor;
}

static Op *
add_op(DdimClPlan *plan, const char *label, double flops)
{
  Op *op = g_new0(Op, 1);
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
  Op *op = add_op(plan, label, flops);
  op->source = g_strdup(source);
  op->options = g_strdup(options);
  op->name = g_strdup(name);
  op->args = g_array_new(FALSE, FALSE, sizeof(Arg));
  ddim_cl_program_announce(plan->context, source, options);
}

void
ddim_cl_plan_step(DdimClPlan *plan, enum AmxStep step, const char *label, double flops)
{
  Op *op = add_op(plan, label, flops);
  op->is_step = TRUE;
  op->step = step;
  op->args = g_array_new(FALSE, FALSE, sizeof(Arg));
}

static void
arg_value(DdimClPlan *plan, const void *value, guint size)
{
  Arg arg = {.type = ARG_VALUE, .size = size};
  memcpy(arg.value, value, size);
  g_array_append_val(plan->current->args, arg);
}

void
ddim_cl_plan_arg_mem(DdimClPlan *plan, DdimClMem mem)
{
  Arg arg = {.type = ARG_MEM, .mem = mem};
  g_array_append_val(plan->current->args, arg);
  if (!plan->current->is_step)
    ddim_cl_plan_arg_u64(plan, mem.offset);
}

void
ddim_cl_plan_arg_optional(DdimClPlan *plan, const DdimClMem *mem)
{
  if (mem)
    ddim_cl_plan_arg_mem(plan, *mem);
  else
    ddim_cl_plan_arg_u64(plan, 0);
}

void
ddim_cl_plan_arg_buffer(DdimClPlan *plan, DdimClBuffer *buffer)
{
  Arg arg = {.type = ARG_BUFFER, .mem.buffer = buffer};
  g_array_append_val(plan->current->args, arg);
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

void
ddim_cl_plan_range(DdimClPlan *plan, gsize x, gsize y, gsize z)
{
  Op *op = plan->current;
  op->range[0] = x;
  op->range[1] = y;
  op->range[2] = z;
}

void
ddim_cl_plan_local(DdimClPlan *plan, gsize x, gsize y, gsize z)
{
  Op *op = plan->current;
  op->local[0] = x;
  op->local[1] = y;
  op->local[2] = z;
}

void
ddim_cl_plan_call(DdimClPlan *plan, DdimClEnqueueFunc func, gpointer data, GDestroyNotify destroy,
                  const char *label, double flops)
{
  Op *op = add_op(plan, label, flops);
  op->func = func;
  op->data = data;
  op->destroy = destroy;
}

cl_mem
ddim_cl_plan_get_cl_mem(DdimClPlan *plan, DdimClMem mem)
{
  return mem.buffer ? mem.buffer->mem : plan->scratch->buffer->mem;
}

void
ddim_cl_plan_fail(DdimClPlan *plan, GError *error)
{
  if (plan->error)
    g_error_free(error);
  else
    plan->error = error;
}

/* Work-items of a group on a GPU: some subgroups of every vendor, so that one waits while others
 * compute. */
#define GPU_GROUP 128

/* A CPU runs work-groups one after another and items are large: groups of one. On a GPU neighbours
 * along x read neighbouring channels, so a group takes what it can of x, then of y. Sizes that
 * powers of two do not divide well are left to the driver. */
static void
choose_local(DdimContext *context, Op *op)
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

static gboolean
seal_kernel(DdimClPlan *plan, Op *op, GError **error)
{
  op->kernel = ddim_cl_kernel_new(plan->context, op->source, op->options, op->name, error);
  if (!op->kernel)
    return FALSE;
  for (guint i = 0; i < op->args->len; i++) {
    Arg *arg = &g_array_index(op->args, Arg, i);
    cl_int status;
    if (arg->type == ARG_VALUE) {
      status = clSetKernelArg(op->kernel, i, arg->size, arg->value);
    } else {
      cl_mem mem = ddim_cl_plan_get_cl_mem(plan, arg->mem);
      status = clSetKernelArg(op->kernel, i, sizeof mem, &mem);
    }
    if (!ddim_cl_check(status, "clSetKernelArg", error)) {
      g_prefix_error(error, "%s: ", op->name);
      return FALSE;
    }
  }
  if (!op->local[0])
    choose_local(plan->context, op);
  return TRUE;
}

static guint64
arg_word(DdimClPlan *plan, const Arg *arg)
{
  guint64 word = 0;
  if (arg->type == ARG_VALUE) {
    memcpy(&word, arg->value, arg->size);
    return word;
  }
  const DdimClBuffer *buffer = arg->mem.buffer ? arg->mem.buffer : plan->scratch->buffer;
  return (guint64)(guintptr)((float *)buffer->host + arg->mem.offset);
}

static gboolean
seal_steps(DdimClPlan *plan, GError **error)
{
  guint count = 0;
  for (guint i = 0; i < plan->ops->len; i++) {
    Op *op = plan->ops->pdata[i];
    if (op->is_step)
      op->index = count++;
  }
  if (count && !(plan->steps = ddim_cl_steps_new(plan->context, count, error)))
    return FALSE;
  for (guint i = 0; i < plan->ops->len; i++) {
    Op *op = plan->ops->pdata[i];
    if (!op->is_step)
      continue;
    guint64 words[AMX_STEP_WORDS];
    g_return_val_if_fail(op->args->len <= G_N_ELEMENTS(words), FALSE);
    for (guint j = 0; j < op->args->len; j++)
      words[j] = arg_word(plan, &g_array_index(op->args, Arg, j));
    ddim_cl_steps_set(plan->steps, op->index, op->step, op->range, words, op->args->len);
  }
  return TRUE;
}

static gboolean
check_recording(DdimClPlan *plan, GError **error)
{
  if (plan->error) {
    g_propagate_error(error, g_steal_pointer(&plan->error));
    return FALSE;
  }
  if (plan->arena.end > G_MAXUINT64 / sizeof(float)) {
    g_set_error_literal(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY,
                        _("this size needs more memory than can be addressed"));
    return FALSE;
  }
  return TRUE;
}

gboolean
ddim_cl_plan_seal_shared(DdimClPlan *plan, DdimClScratch **scratch, GError **error)
{
  const guint64 size = plan->arena.end * sizeof(float);
  if (!check_recording(plan, error))
    return FALSE;
  if (!*scratch || (*scratch)->buffer->size < size) {
    DdimClScratch *larger = ddim_cl_scratch_new(plan->context, size, error);
    if (!larger)
      return FALSE;
    ddim_cl_scratch_unref(*scratch);
    *scratch = larger;
  }
  plan->scratch = ddim_cl_scratch_ref(*scratch);
  for (guint i = 0; i < plan->ops->len; i++) {
    Op *op = plan->ops->pdata[i];
    if (op->name && !seal_kernel(plan, op, error))
      return FALSE;
  }
  return seal_steps(plan, error);
}

gboolean
ddim_cl_plan_seal(DdimClPlan *plan, GError **error)
{
  g_autoptr(DdimClScratch) own = NULL;
  return ddim_cl_plan_seal_shared(plan, &own, error);
}

/* Operations from @first on that are one launch: a kernel, a call, or all steps in a row. */
static guint
launch_length(DdimClPlan *plan, guint first)
{
  guint length = 0;
  while (first + length < plan->ops->len && ((Op *)plan->ops->pdata[first + length])->is_step)
    length++;
  return MAX(length, 1);
}

/* Operation @index, or @length steps from it on. */
static gboolean
enqueue(DdimClPlan *plan, guint index, guint length, GError **error)
{
  Op *op = plan->ops->pdata[index];
  if (op->func)
    return op->func(op->data, plan, error);
  if (op->is_step)
    return ddim_cl_steps_enqueue(plan->steps, op->index, length, error);
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

/* The time of steps from @first on, which took @seconds together. */
static void
tell_steps(DdimClPlan *plan, guint first, guint length, double seconds, DdimClProfileFunc func,
           gpointer user_data)
{
  Op **ops = (Op **)plan->ops->pdata + first;
  guint64 all = 0;
  for (guint i = 0; i < length; i++)
    all += ddim_cl_steps_get_ticks(plan->steps, ops[i]->index);
  for (guint i = 0; i < length; i++)
    func(ops[i]->label,
         seconds * ddim_cl_steps_get_ticks(plan->steps, ops[i]->index) / (double)MAX(all, 1),
         ops[i]->flops, user_data);
}

gboolean
ddim_cl_plan_profile(DdimClPlan *plan, DdimClProfileFunc func, gpointer user_data, GError **error)
{
  guint length;
  for (guint i = 0; i < plan->ops->len; i += length) {
    Op *op = plan->ops->pdata[i];
    const gint64 start = g_get_monotonic_time();
    length = launch_length(plan, i);
    if (!enqueue(plan, i, length, error) || !ddim_cl_finish(plan->context, error))
      return FALSE;
    const double seconds = (g_get_monotonic_time() - start) * 1e-6;
    if (op->is_step)
      tell_steps(plan, i, length, seconds, func, user_data);
    else
      func(op->label, seconds, op->flops, user_data);
  }
  return TRUE;
}

gboolean
ddim_cl_plan_write(DdimClPlan *plan, DdimClMem mem, guint64 count, const float *data,
                   GError **error)
{
  return ddim_cl_buffer_write(mem.buffer ? mem.buffer : plan->scratch->buffer,
                              mem.offset * sizeof(float), count * sizeof(float), data, error);
}

gboolean
ddim_cl_plan_read(DdimClPlan *plan, DdimClMem mem, guint64 count, float *data, GError **error)
{
  return ddim_cl_buffer_read(mem.buffer ? mem.buffer : plan->scratch->buffer,
                             mem.offset * sizeof(float), count * sizeof(float), data, error);
}

gboolean
ddim_cl_plan_copy(DdimClPlan *from_plan, DdimClMem from, DdimClPlan *to_plan, DdimClMem to,
                  guint64 count, GError **error)
{
  return ddim_cl_check(
      clEnqueueCopyBuffer(to_plan->context->queue, ddim_cl_plan_get_cl_mem(from_plan, from),
                          ddim_cl_plan_get_cl_mem(to_plan, to), from.offset * sizeof(float),
                          to.offset * sizeof(float), count * sizeof(float), 0, NULL, NULL),
      "clEnqueueCopyBuffer", error);
}

guint64
ddim_cl_plan_get_arena_bytes(const DdimClPlan *plan)
{
  return plan->arena.end * sizeof(float);
}

DdimClScratch *
ddim_cl_plan_get_scratch(const DdimClPlan *plan)
{
  return plan->scratch;
}
