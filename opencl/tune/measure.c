/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/tune/measure.h"

#include "opencl/device/status.h"

/* More than the caches of any device hold. */
#define COLD_BYTES ((guint64)192 << 20)
#define MIN_RUNS 3
#define MAX_RUNS 8
/* Further runs only as long as they are quick. */
#define ENOUGH_SECONDS 0.1

/* The matrix that weights of @shape would be, in @memory. */
static DdimClMatrix
describe(DdimClBuffer *memory, const DdimConvShape *shape, gboolean half, DdimClChoice choice)
{
  const DdimClPacking packing = ddim_conv_method_packing(choice.method);
  const guint taps = shape->taps * shape->taps;
  return (DdimClMatrix){.buffer = memory,
                        .provider = choice.provider,
                        .half = half,
                        .batch = ddim_cl_packing_batch(packing),
                        .depth = ddim_cl_matrix_depth(packing, shape->in, taps),
                        .columns = (shape->out + DDIM_CL_COLUMN_PADDING - 1) /
                                   DDIM_CL_COLUMN_PADDING * DDIM_CL_COLUMN_PADDING};
}

static DdimClPlan *
record(DdimContext *context, const DdimConvShape *shape, DdimClChoice choice,
       const DdimClMatrix *weights, GError **error)
{
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(context);
  const guint down = shape->up ? 2 : 1, depth = weights->depth;
  const DdimClType type = weights->half ? DDIM_CL_F16 : DDIM_CL_F32;
  DdimClTensor x = ddim_cl_plan_alloc_tensor(
      plan, type, shape->n, shape->h * shape->stride / down, shape->w * shape->stride / down,
      shape->in + (depth - shape->in) % DDIM_CL_DEPTH_PADDING);
  DdimClTensor y =
      ddim_cl_plan_alloc_tensor(plan, type, shape->n, shape->h, shape->w, weights->columns);
  DdimClMem vector =
      ddim_cl_plan_alloc_floats(plan, 2 * (guint64)shape->n * MAX(x.c, weights->columns));
  const gboolean prologue = shape->taps == 3 && shape->stride == 1 && !shape->up;
  const DdimClEpilogue epilogue = {.bias = vector};
  const DdimClPrologue silu = {.ab = vector, .silu = TRUE};
  ddim_cl_conv(plan, choice.method, shape, weights, &x, prologue ? &silu : NULL, &y, &epilogue,
               vector);
  return ddim_cl_plan_seal(plan, error) ? g_steal_pointer(&plan) : NULL;
}

/* Push the weights out of the caches, as the rest of a network does between two evaluations. */
static gboolean
evict(DdimContext *context, DdimClBuffer *memory, GError **error)
{
  /* Not zeros: processors multiply them faster. */
  static const cl_float values[16] = {0.83f,  -0.37f, 0.11f,  -0.92f, 0.59f,  -0.68f,
                                      0.43f,  -0.05f, -0.71f, 0.27f,  -0.53f, 0.97f,
                                      -0.19f, 0.35f,  -0.87f, 0.61f};
  return ddim_cl_check(clEnqueueFillBuffer(context->queue, memory->mem, values, sizeof values, 0,
                                           memory->size, 0, NULL, NULL),
                       "clEnqueueFillBuffer", error) &&
         ddim_cl_finish(context, error);
}

DdimClBuffer *
ddim_cl_cold_memory_new(DdimContext *context, GError **error)
{
  return ddim_cl_buffer_new(context, MIN(COLD_BYTES, context->info->max_allocation / 2), error);
}

/* The shortest run counts, because whatever disturbs a run makes it longer. The first run builds
 * kernels and does not count. */
static double
time_plan(DdimClPlan *plan, DdimClBuffer *cold, GError **error)
{
  double best = -1, total = 0;
  for (guint i = 0; i <= MAX_RUNS && (i <= MIN_RUNS || total < ENOUGH_SECONDS); i++) {
    if (!evict(cold->context, cold, error))
      return -1;
    const gint64 start = g_get_monotonic_time();
    if (!ddim_cl_plan_run(plan, error) || !ddim_cl_finish(cold->context, error))
      return -1;
    const double seconds = MAX(g_get_monotonic_time() - start, 1) * 1e-6;
    if (i == 0)
      continue;
    total += seconds;
    if (best < 0 || seconds < best)
      best = seconds;
  }
  return best;
}

double
ddim_cl_measure_conv(DdimContext *context, DdimClBuffer *cold, const DdimConvShape *shape,
                     gboolean half, DdimClChoice choice, GError **error)
{
  const guint64 bytes = ddim_cl_matrix_bytes(ddim_conv_method_packing(choice.method), half,
                                             shape->out, shape->in, shape->taps * shape->taps);
  g_autoptr(DdimClBuffer) memory = ddim_cl_buffer_new(context, bytes, error);
  if (!memory || !evict(context, memory, error))
    return -1;
  const DdimClMatrix weights = describe(memory, shape, half, choice);
  g_autoptr(DdimClPlan) plan = record(context, shape, choice, &weights, error);
  return plan ? time_plan(plan, cold, error) : -1;
}
