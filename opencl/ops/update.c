/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/update.h"

#include <string.h>

#include "opencl/device/program.h"
#include "opencl/device/status.h"
#include "opencl/ops/launch.h"

/* Noise of more bytes than this is not copied before it goes to the device: the caller waits. */
#define MAX_STAGING ((gsize)64 << 20)

#define NOT_BROKEN G_MAXINT

enum { UPDATE, PREDICT, ADVANCE, RENOISE, N_KERNELS };

struct _DdimClUpdate {
  DdimClPlan *plan;
  DdimClUpdateMemory memory;
  cl_kernel kernels[N_KERNELS];
  guint64 count;
  DdimClBuffer *broken; /* one int: the first step whose result was not finite, or NOT_BROKEN */
  guint done;           /* steps since the watch began */
  float *staging;       /* the noise on its way to the device */
  cl_event written;     /* staging has been read */
};

static void
set_output(DdimClLaunch *args, const DdimClTensor *output)
{
  ddim_cl_launch_floats(args, output->mem);
  ddim_cl_launch_u32(args, output->ld);
}

static void
set_sigma(DdimClLaunch *args, const DdimClUpdateStep *step)
{
  ddim_cl_launch_f32(args, step->sigma);
  ddim_cl_launch_f32(args, step->min_log);
  ddim_cl_launch_f32(args, step->max_log);
  ddim_cl_launch_u32(args, step->sigma_type);
  ddim_cl_launch_u32(args, step->use_noise ? 1 : 0);
}

static void
set_prediction(DdimClLaunch *args, const DdimClUpdateStep *step)
{
  ddim_cl_launch_f32(args, step->x0_x);
  ddim_cl_launch_f32(args, step->x0_m);
  ddim_cl_launch_f32(args, step->limit);
}

static void
set_next(DdimClLaunch *args, const DdimClUpdateStep *step)
{
  ddim_cl_launch_f32(args, step->next_x);
  ddim_cl_launch_f32(args, step->next_x0);
  ddim_cl_launch_f32(args, step->next_m);
}

static void
set_history(DdimClLaunch *args, const DdimClUpdateStep *step)
{
  cl_float4 history = {{0}};
  cl_uint4 slots = {{0}};

  G_STATIC_ASSERT(DDIM_CL_UPDATE_HISTORY == 4);
  for (guint k = 0; k < step->n_history; k++) {
    history.s[k] = step->history[k];
    slots.s[k] = step->slots[k];
  }
  ddim_cl_launch_value(args, &history, sizeof history);
  ddim_cl_launch_value(args, &slots, sizeof slots);
  ddim_cl_launch_u32(args, step->n_history);
  ddim_cl_launch_f32(args, step->keep_x);
  ddim_cl_launch_f32(args, step->keep_x0);
  ddim_cl_launch_u32(args, step->keep ? 1 : 0);
  ddim_cl_launch_u32(args, step->kept);
}

static void
set_watch(DdimClLaunch *args, DdimClUpdate *update)
{
  ddim_cl_launch_buffer(args, update->broken);
  ddim_cl_launch_u32(args, update->done++);
}

static gboolean
launch(const DdimClUpdate *update, const DdimClLaunch *args, GError **error)
{
  const DdimClTensor *output = &update->memory.output;

  return ddim_cl_launch_run(args, (gsize)output->h * output->w, update->memory.channels, output->n,
                            error);
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
  update->broken = ddim_cl_buffer_new(ddim_cl_plan_get_context(plan), sizeof(gint32), error);
  if (!update->broken || !ddim_cl_update_watch(update, error))
    return NULL;
  return g_steal_pointer(&update);
}

gboolean
ddim_cl_update_watch(DdimClUpdate *update, GError **error)
{
  const gint32 none = NOT_BROKEN;

  update->done = 0;
  return ddim_cl_buffer_write(update->broken, 0, sizeof none, &none, error);
}

gboolean
ddim_cl_update_find_broken(DdimClUpdate *update, guint *step, GError **error)
{
  gint32 broken = NOT_BROKEN;

  if (!ddim_cl_buffer_read(update->broken, 0, sizeof broken, &broken, error))
    return FALSE;
  *step = broken == NOT_BROKEN ? update->done : (guint)broken;
  return TRUE;
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
  ddim_cl_buffer_free(update->broken);
  g_free(update->staging);
  g_free(update);
}

static gboolean
upload_noise(DdimClUpdate *update, const float *noise, GError **error)
{
  const DdimClMem mem = update->memory.noise;
  cl_command_queue queue = ddim_cl_plan_get_context(update->plan)->queue;
  cl_mem to = ddim_cl_plan_get_cl_mem(update->plan, mem);
  const gsize size = update->count * sizeof(float);
  if (size > MAX_STAGING)
    return ddim_cl_check(
        clEnqueueWriteBuffer(queue, to, CL_TRUE, mem.at, size, noise, 0, NULL, NULL),
        "clEnqueueWriteBuffer", error);
  if (update->written) {
    cl_int waited = clWaitForEvents(1, &update->written);
    clReleaseEvent(update->written);
    update->written = NULL;
    if (!ddim_cl_check(waited, "clWaitForEvents", error))
      return FALSE;
  }
  if (!update->staging)
    update->staging = g_try_malloc(size);
  if (!update->staging)
    return ddim_cl_check(CL_OUT_OF_HOST_MEMORY, "malloc", error);
  memcpy(update->staging, noise, size);
  return ddim_cl_check(clEnqueueWriteBuffer(queue, to, CL_FALSE, mem.at, size, update->staging, 0,
                                            NULL, &update->written),
                       "clEnqueueWriteBuffer", error);
}

static DdimClLaunch
begin(DdimClUpdate *update, guint kernel)
{
  return ddim_cl_launch_begin(update->plan, update->kernels[kernel]);
}

/* Where a step has no history, one kernel does all of it. */
static gboolean
update_at_once(DdimClUpdate *update, const DdimClUpdateStep *step, const float *noise,
               GError **error)
{
  DdimClLaunch args = begin(update, UPDATE);

  if (step->use_noise && !upload_noise(update, noise, error))
    return FALSE;
  ddim_cl_launch_floats(&args, update->memory.x);
  set_output(&args, &update->memory.output);
  ddim_cl_launch_floats(&args, update->memory.noise);
  ddim_cl_launch_floats(&args, update->memory.x0);
  set_prediction(&args, step);
  set_next(&args, step);
  set_sigma(&args, step);
  set_watch(&args, update);
  return launch(update, &args, error);
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
  DdimClLaunch args = begin(update, PREDICT);

  ddim_cl_launch_floats(&args, update->memory.x);
  set_output(&args, &update->memory.output);
  ddim_cl_launch_floats(&args, update->memory.x0);
  set_prediction(&args, step);
  return launch(update, &args, error);
}

gboolean
ddim_cl_update_advance(DdimClUpdate *update, const DdimClUpdateStep *step, const float *noise,
                       GError **error)
{
  DdimClLaunch args = begin(update, ADVANCE);

  g_return_val_if_fail(step->n_history <= update->memory.n_ring, FALSE);
  g_return_val_if_fail(!step->keep || step->kept < update->memory.n_ring, FALSE);

  if (step->use_noise && !upload_noise(update, noise, error))
    return FALSE;
  ddim_cl_launch_floats(&args, update->memory.x);
  set_output(&args, &update->memory.output);
  ddim_cl_launch_floats(&args, update->memory.noise);
  ddim_cl_launch_floats(&args, update->memory.x0);
  /* A step without history gets some memory in the ring's place, which it does not touch. */
  ddim_cl_launch_floats(&args, update->memory.n_ring ? update->memory.ring : update->memory.x);
  set_next(&args, step);
  set_sigma(&args, step);
  set_history(&args, step);
  set_watch(&args, update);
  return launch(update, &args, error);
}

gboolean
ddim_cl_update_renoise(DdimClUpdate *update, const DdimClUpdateStep *step, const float *noise,
                       GError **error)
{
  DdimClLaunch args = begin(update, RENOISE);

  if (!upload_noise(update, noise, error))
    return FALSE;
  ddim_cl_launch_floats(&args, update->memory.x);
  ddim_cl_launch_floats(&args, update->memory.noise);
  ddim_cl_launch_f32(&args, step->next_x);
  ddim_cl_launch_f32(&args, step->sigma);
  update->done++;
  return launch(update, &args, error);
}
