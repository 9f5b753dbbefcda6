/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The state of a sampling loop on the host, in float64. Tests check it directly, and compare the
 * state on a device with it. */
#include "core/diffusion/host-sampling.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"

struct _DdimHostSampling {
  DdimHostSamplingParams params;
  gsize count; /* of x */
  double *x0, *output, *noise;
  double *history[DDIM_STEP_RING]; /* those that the table needs */
  DdimSamplingBackend backend;
};

static double *
try_new_buffer(const DdimHostSamplingParams *params, guint copies, GError **error)
{
  gsize count;
  double *buffer = NULL;

  if (g_size_checked_mul(&count, params->n, params->plane) &&
      g_size_checked_mul(&count, count, copies))
    buffer = g_try_new0(double, MAX(count, 1));
  if (buffer == NULL)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("not enough memory to sample %zu images of %zu"
                  " values: make fewer or smaller ones at a time"),
                params->n, params->plane);
  return buffer;
}

static gboolean
begin(gpointer state, const DdimStepTable *table, GError **error)
{
  DdimHostSampling *self = state;

  g_return_val_if_fail(self->params.noise != NULL || !ddim_step_table_uses_noise(table), FALSE);

  if (self->params.noise && ddim_step_table_draws_noise(table) && !self->noise &&
      !(self->noise = try_new_buffer(&self->params, 1, error)))
    return FALSE;
  for (guint k = 0; k < ddim_step_table_get_history(table); k++)
    if (!self->history[k] && !(self->history[k] = try_new_buffer(&self->params, 1, error)))
      return FALSE;
  return TRUE;
}

static gboolean
evaluate(gpointer state, const DdimTableStep *step, GError **error)
{
  DdimHostSampling *self = state;
  const DdimModel *model = self->params.model;

  return model->predict(model->user_data, self->params.x, step->timestep, self->params.n,
                        self->params.plane, self->output, error);
}

static gboolean
draw_noise(gpointer state, GError **error)
{
  DdimHostSampling *self = state;

  if (self->params.noise)
    self->params.noise(self->params.noise_data, self->noise, self->count);
  return TRUE;
}

static DdimStepArrays
get_arrays(DdimHostSampling *self)
{
  return (DdimStepArrays){.n = self->params.n,
                          .plane = self->params.plane,
                          .learned = self->params.learned,
                          .x = self->params.x,
                          .x0 = self->x0,
                          .output = self->output,
                          .noise = self->noise};
}

static gboolean
predict(gpointer state, const DdimStep *step, GError **error)
{
  const DdimStepArrays arrays = get_arrays(state);

  ddim_step_predict(step, &arrays);
  return TRUE;
}

static gboolean
advance(gpointer state, const DdimStep *step, const DdimHistorySlots *slots, GError **error)
{
  DdimHostSampling *self = state;
  DdimStepArrays arrays = get_arrays(self);

  for (guint k = 0; k < slots->n_read; k++)
    arrays.history[k] = self->history[slots->read[k]];
  if (slots->keep)
    arrays.keep = self->history[slots->kept];
  ddim_step_advance(step, &arrays);
  return TRUE;
}

static gboolean
predict_and_advance(gpointer state, const DdimStep *step, const DdimHistorySlots *slots,
                    GError **error)
{
  return predict(state, step, error) && advance(state, step, slots, error);
}

static gboolean
renoise(gpointer state, const DdimStep *step, GError **error)
{
  const DdimStepArrays arrays = get_arrays(state);

  ddim_step_renoise(step, &arrays);
  return TRUE;
}

static gboolean
wait_for_all(gpointer state, GError **error)
{
  return TRUE;
}

static gsize
get_count(gpointer state, DdimSamplingArray array)
{
  const DdimHostSampling *self = state;

  return array == DDIM_SAMPLING_OUTPUT && self->params.learned ? 2 * self->count : self->count;
}

static gsize
get_n_images(gpointer state)
{
  const DdimHostSampling *self = state;

  return self->params.n;
}

static double *
get_array(DdimHostSampling *self, DdimSamplingArray array)
{
  switch (array) {
  case DDIM_SAMPLING_X:
    return self->params.x;
  case DDIM_SAMPLING_X0:
    return self->x0;
  case DDIM_SAMPLING_OUTPUT:
    return self->output;
  case DDIM_SAMPLING_NOISE:
    return self->noise;
  }
  g_return_val_if_reached(NULL);
}

static gboolean
read_array(gpointer state, DdimSamplingArray array, double *values, GError **error)
{
  memcpy(values, get_array(state, array), get_count(state, array) * sizeof *values);
  return TRUE;
}

static gboolean
write_array(gpointer state, DdimSamplingArray array, const double *values, GError **error)
{
  memcpy(get_array(state, array), values, get_count(state, array) * sizeof *values);
  return TRUE;
}

DdimHostSampling *
ddim_host_sampling_new(const DdimHostSamplingParams *params, GError **error)
{
  g_return_val_if_fail(params != NULL && params->model != NULL && params->x != NULL, NULL);

  static const DdimSamplingBackend functions = {
      begin,   evaluate,     draw_noise, predict,      advance,    predict_and_advance,
      renoise, wait_for_all, get_count,  get_n_images, read_array, write_array,
      NULL};
  g_autoptr(DdimHostSampling) self = g_new0(DdimHostSampling, 1);

  self->params = *params;
  self->count = params->n * params->plane; /* if this overflows, making the buffers fails */
  self->backend = functions;
  self->backend.state = self;
  if (!(self->x0 = try_new_buffer(params, 1, error)) ||
      !(self->output = try_new_buffer(params, params->learned ? 2 : 1, error)))
    return NULL;
  return g_steal_pointer(&self);
}

void
ddim_host_sampling_free(DdimHostSampling *self)
{
  if (self == NULL)
    return;
  g_free(self->x0);
  g_free(self->output);
  g_free(self->noise);
  for (guint k = 0; k < DDIM_STEP_RING; k++)
    g_free(self->history[k]);
  g_free(self);
}

const DdimSamplingBackend *
ddim_host_sampling_get_backend(DdimHostSampling *self)
{
  return &self->backend;
}

gboolean
ddim_diffusion_sample(const DdimDiffusion *diffusion, const DdimSampleParams *params,
                      const DdimModel *model, gsize n, gsize plane, double *x, DdimNoiseFunc noise,
                      gpointer noise_data, GCancellable *cancellable, GError **error)
{
  g_return_val_if_fail(diffusion != NULL && params != NULL && model != NULL && x != NULL, FALSE);

  const DdimHostSamplingParams host = {.model = model,
                                       .n = n,
                                       .plane = plane,
                                       .learned =
                                           ddim_diffusion_get_model_channels(diffusion, 1) == 2,
                                       .x = x,
                                       .noise = noise,
                                       .noise_data = noise_data};
  g_autoptr(DdimStepTable) table = ddim_step_table_new_loop(diffusion, params, error);
  g_autoptr(DdimHostSampling) sampling = table ? ddim_host_sampling_new(&host, error) : NULL;

  return sampling && ddim_sampling_run(table, ddim_host_sampling_get_backend(sampling), NULL, 0,
                                       cancellable, error);
}
