/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/sampler-state.h"

#include "core/network/evaluator-private.h"
#include "opencl/ops/update.h"

struct _DdimSamplerState {
  DdimNetwork *network;
  guint batch, channels, height, width;
  DdimClBuffer *x, *x0, *noise;
  DdimClBuffer *history; /* [n_history] arrays like x; NULL for none */
  guint n_history;
  DdimEvaluator *evaluator; /* the one that `update` reads; NULL before the first step */
  DdimClUpdate *update;
};

static guint64
state_bytes(const DdimSamplerState *state)
{
  return (guint64)state->batch * state->channels * state->height * state->width * sizeof(float);
}

DdimSamplerState *
ddim_sampler_state_new(DdimEvaluator *evaluator, GError **error)
{
  const DdimEvaluatorSize *size = &evaluator->size;
  DdimContext *context = evaluator->network->context;
  g_autoptr(DdimSamplerState) state = g_new0(DdimSamplerState, 1);
  state->network = ddim_network_ref(evaluator->network);
  state->batch = size->batch;
  state->channels = evaluator->x_channels;
  state->height = size->height;
  state->width = size->width;
  if (!(state->x = ddim_cl_buffer_new(context, state_bytes(state), error)) ||
      !(state->x0 = ddim_cl_buffer_new(context, state_bytes(state), error)) ||
      !(state->noise = ddim_cl_buffer_new(context, state_bytes(state), error)))
    return NULL;
  return g_steal_pointer(&state);
}

static void
detach(DdimSamplerState *state)
{
  g_clear_pointer(&state->update, ddim_cl_update_free);
  g_clear_pointer(&state->evaluator, ddim_evaluator_unref);
}

void
ddim_sampler_state_free(DdimSamplerState *state)
{
  if (!state)
    return;
  ddim_cl_finish(state->network->context, NULL);
  detach(state);
  ddim_cl_buffer_free(state->x);
  ddim_cl_buffer_free(state->x0);
  ddim_cl_buffer_free(state->noise);
  ddim_cl_buffer_free(state->history);
  ddim_network_unref(state->network);
  g_free(state);
}

static gboolean
same_size(const DdimSamplerState *state, const DdimEvaluator *evaluator)
{
  const DdimEvaluatorSize *size = &evaluator->size;
  return size->batch == state->batch && size->height == state->height &&
         size->width == state->width && evaluator->x_channels == state->channels;
}

gboolean
ddim_sampler_state_set_x(DdimSamplerState *state, const float *x, GError **error)
{
  return ddim_cl_buffer_write(state->x, 0, state_bytes(state), x, error);
}

gboolean
ddim_sampler_state_set_x0(DdimSamplerState *state, const float *x0, GError **error)
{
  return ddim_cl_buffer_write(state->x0, 0, state_bytes(state), x0, error);
}

gsize
ddim_sampler_state_get_count(const DdimSamplerState *state)
{
  return state_bytes(state) / sizeof(float);
}

gboolean
ddim_sampler_state_reserve_history(DdimSamplerState *state, guint n, GError **error)
{
  g_return_val_if_fail(n <= DDIM_STEP_RING, FALSE);
  if (n == state->n_history)
    return TRUE;
  if (!ddim_cl_finish(state->network->context, error))
    return FALSE;
  detach(state); /* the kernels know the memory */
  state->n_history = 0;
  g_clear_pointer(&state->history, ddim_cl_buffer_free);
  if (n == 0)
    return TRUE;
  state->history = ddim_cl_buffer_new(state->network->context, n * state_bytes(state), error);
  if (state->history)
    state->n_history = n;
  return state->history != NULL;
}

gboolean
ddim_sampler_state_evaluate(DdimSamplerState *state, DdimEvaluator *evaluator, guint step,
                            GError **error)
{
  g_return_val_if_fail(same_size(state, evaluator), FALSE);
  return ddim_evaluator_evaluate_at(evaluator, (DdimClMem){.buffer = state->x}, step, error);
}

/* Have the kernel of the update read @evaluator's output. */
static gboolean
attach(DdimSamplerState *state, DdimEvaluator *evaluator, GError **error)
{
  if (state->evaluator == evaluator)
    return TRUE;
  detach(state);
  const DdimClUpdateMemory memory = {.x = {.buffer = state->x},
                                     .noise = {.buffer = state->noise},
                                     .x0 = {.buffer = state->x0},
                                     .ring = {.buffer = state->history},
                                     .n_ring = state->n_history,
                                     .output = evaluator->ports.y,
                                     .channels = state->channels};
  state->update = ddim_cl_update_new(evaluator->plan, &memory, error);
  if (state->update)
    state->evaluator = ddim_evaluator_ref(evaluator);
  return state->update != NULL;
}

/* @step in the device's numbers. */
static DdimClUpdateStep
to_device(const DdimStep *step, const DdimHistorySlots *slots, const float *noise)
{
  DdimClUpdateStep device = {.x0_x = (float)step->x0_x,
                             .x0_m = (float)step->x0_m,
                             .limit = (float)ddim_step_get_limit(step),
                             .next_x = (float)step->next_x,
                             .next_x0 = (float)step->next_x0,
                             .next_m = (float)step->next_m,
                             .sigma = (float)step->sigma,
                             .min_log = (float)step->min_log,
                             .max_log = (float)step->max_log,
                             .sigma_type = step->sigma_type,
                             .use_noise = noise && ddim_step_uses_noise(step),
                             .n_history = slots->n_read,
                             .keep = slots->keep,
                             .keep_x = (float)step->keep_x,
                             .keep_x0 = (float)step->keep_x0,
                             .kept = slots->kept};

  G_STATIC_ASSERT(DDIM_STEP_HISTORY == DDIM_CL_UPDATE_HISTORY);
  for (guint k = 0; k < slots->n_read; k++) {
    device.history[k] = (float)step->history[k];
    device.slots[k] = slots->read[k];
  }
  return device;
}

gboolean
ddim_sampler_state_watch(DdimSamplerState *state, GError **error)
{
  return !state->update || ddim_cl_update_watch(state->update, error);
}

gboolean
ddim_sampler_state_find_broken(DdimSamplerState *state, guint *step, GError **error)
{
  *step = 0;
  return !state->update || ddim_cl_update_find_broken(state->update, step, error);
}

static const DdimHistorySlots no_slots = {0};

gboolean
ddim_sampler_state_update(DdimSamplerState *state, DdimEvaluator *evaluator, const DdimStep *step,
                          const DdimHistorySlots *slots, const float *noise, GError **error)
{
  g_return_val_if_fail(same_size(state, evaluator), FALSE);
  const DdimClUpdateStep device = to_device(step, slots, noise);
  return attach(state, evaluator, error) &&
         ddim_cl_update_run(state->update, &device, noise, error);
}

gboolean
ddim_sampler_state_predict(DdimSamplerState *state, DdimEvaluator *evaluator, const DdimStep *step,
                           GError **error)
{
  g_return_val_if_fail(same_size(state, evaluator), FALSE);
  const DdimClUpdateStep device = to_device(step, &no_slots, NULL);
  return attach(state, evaluator, error) && ddim_cl_update_predict(state->update, &device, error);
}

gboolean
ddim_sampler_state_advance(DdimSamplerState *state, DdimEvaluator *evaluator, const DdimStep *step,
                           const DdimHistorySlots *slots, const float *noise, GError **error)
{
  g_return_val_if_fail(same_size(state, evaluator), FALSE);
  const DdimClUpdateStep device = to_device(step, slots, noise);
  return attach(state, evaluator, error) &&
         ddim_cl_update_advance(state->update, &device, noise, error);
}

gboolean
ddim_sampler_state_renoise(DdimSamplerState *state, DdimEvaluator *evaluator, const DdimStep *step,
                           const float *noise, GError **error)
{
  g_return_val_if_fail(same_size(state, evaluator), FALSE);
  const DdimClUpdateStep device = to_device(step, &no_slots, noise);
  return attach(state, evaluator, error) &&
         ddim_cl_update_renoise(state->update, &device, noise, error);
}

gboolean
ddim_sampler_state_get_x(DdimSamplerState *state, float *x, GError **error)
{
  return ddim_cl_buffer_read(state->x, 0, state_bytes(state), x, error);
}

gboolean
ddim_sampler_state_get_x0(DdimSamplerState *state, float *x0, GError **error)
{
  return ddim_cl_buffer_read(state->x0, 0, state_bytes(state), x0, error);
}
