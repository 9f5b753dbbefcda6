/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/device-sampling.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"

struct _DdimDeviceSampling {
  DdimDeviceSamplingParams params;
  float *noise;  /* [n_drawn]: the last draw; NULL while no loop draws any */
  float *floats; /* what a hook reads or writes; NULL before the first does */
  DdimSamplingBackend backend;
};

static float *
try_new_floats(gsize count, GError **error)
{
  float *floats = g_try_new(float, MAX(count, 1));

  if (!floats)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("not enough memory for %zu values of noise or images: make fewer or smaller "
                  "images at a time"),
                count);
  return floats;
}

static gboolean
begin(gpointer state, const DdimStepTable *table, GError **error)
{
  DdimDeviceSampling *self = state;
  guint n;
  const double *timesteps = ddim_step_table_get_timesteps(table, &n);

  g_return_val_if_fail(self->params.rng != NULL || !ddim_step_table_uses_noise(table), FALSE);

  if (self->params.rng && ddim_step_table_draws_noise(table) && !self->noise &&
      !(self->noise = try_new_floats(self->params.n_drawn, error)))
    return FALSE;
  return ddim_sampler_state_reserve_history(self->params.state, ddim_step_table_get_history(table),
                                            error) &&
         ddim_sampler_state_watch(self->params.state, error) &&
         (n == 0 || ddim_evaluator_set_common_conditions(self->params.evaluator, timesteps, n,
                                                         self->params.labels, error));
}

static gboolean
evaluate(gpointer state, const DdimTableStep *step, GError **error)
{
  DdimDeviceSampling *self = state;

  return ddim_sampler_state_evaluate(self->params.state, self->params.evaluator, step->condition,
                                     error);
}

static gboolean
draw_noise(gpointer state, GError **error)
{
  DdimDeviceSampling *self = state;

  if (self->params.rng)
    ddim_rng_normal(self->params.rng, self->noise, self->params.n_drawn);
  return TRUE;
}

/* The part of the last draw that is used; NULL when nothing was drawn. */
static float *
get_noise(const DdimDeviceSampling *self)
{
  return self->noise ? self->noise + self->params.n_skipped : NULL;
}

static gboolean
predict(gpointer state, const DdimStep *step, GError **error)
{
  DdimDeviceSampling *self = state;

  return ddim_sampler_state_predict(self->params.state, self->params.evaluator, step, error);
}

static gboolean
advance(gpointer state, const DdimStep *step, const DdimHistorySlots *slots, GError **error)
{
  DdimDeviceSampling *self = state;

  return ddim_sampler_state_advance(self->params.state, self->params.evaluator, step, slots,
                                    get_noise(self), error);
}

static gboolean
predict_and_advance(gpointer state, const DdimStep *step, const DdimHistorySlots *slots,
                    GError **error)
{
  DdimDeviceSampling *self = state;

  return ddim_sampler_state_update(self->params.state, self->params.evaluator, step, slots,
                                   get_noise(self), error);
}

static gboolean
renoise(gpointer state, const DdimStep *step, GError **error)
{
  DdimDeviceSampling *self = state;

  return ddim_sampler_state_renoise(self->params.state, self->params.evaluator, step, self->noise,
                                    error);
}

static gboolean
wait_for_all(gpointer state, GError **error)
{
  DdimDeviceSampling *self = state;

  return ddim_evaluator_wait(self->params.evaluator, error);
}

static gsize
get_count(gpointer state, DdimSamplingArray array)
{
  const DdimDeviceSampling *self = state;

  return array == DDIM_SAMPLING_OUTPUT ? ddim_evaluator_get_output_count(self->params.evaluator)
                                       : ddim_sampler_state_get_count(self->params.state);
}

static gsize
get_n_images(gpointer state)
{
  const DdimDeviceSampling *self = state;

  return ddim_evaluator_get_size(self->params.evaluator)->batch;
}

/* Floats for the largest of the arrays. */
static gboolean
have_floats(DdimDeviceSampling *self, GError **error)
{
  const gsize count = MAX(get_count(self, DDIM_SAMPLING_X), get_count(self, DDIM_SAMPLING_OUTPUT));

  return self->floats || (self->floats = try_new_floats(count, error));
}

static gboolean
read_floats(DdimDeviceSampling *self, DdimSamplingArray array, GError **error)
{
  switch (array) {
  case DDIM_SAMPLING_X:
    return ddim_sampler_state_get_x(self->params.state, self->floats, error);
  case DDIM_SAMPLING_X0:
    return ddim_sampler_state_get_x0(self->params.state, self->floats, error);
  case DDIM_SAMPLING_OUTPUT:
    return ddim_evaluator_get_output(self->params.evaluator, self->floats, error);
  case DDIM_SAMPLING_NOISE:
    memcpy(self->floats, get_noise(self), get_count(self, array) * sizeof *self->floats);
    return TRUE;
  }
  g_return_val_if_reached(FALSE);
}

static gboolean
write_floats(DdimDeviceSampling *self, DdimSamplingArray array, GError **error)
{
  switch (array) {
  case DDIM_SAMPLING_X:
    return ddim_sampler_state_set_x(self->params.state, self->floats, error);
  case DDIM_SAMPLING_X0:
    return ddim_sampler_state_set_x0(self->params.state, self->floats, error);
  case DDIM_SAMPLING_OUTPUT:
    return ddim_evaluator_set_output(self->params.evaluator, self->floats, error);
  case DDIM_SAMPLING_NOISE:
    memcpy(get_noise(self), self->floats, get_count(self, array) * sizeof *self->floats);
    return TRUE;
  }
  g_return_val_if_reached(FALSE);
}

static gboolean
read_array(gpointer state, DdimSamplingArray array, double *values, GError **error)
{
  DdimDeviceSampling *self = state;

  if (!have_floats(self, error) || !read_floats(self, array, error))
    return FALSE;
  for (gsize i = 0; i < get_count(self, array); i++)
    values[i] = self->floats[i];
  return TRUE;
}

static gboolean
write_array(gpointer state, DdimSamplingArray array, const double *values, GError **error)
{
  DdimDeviceSampling *self = state;

  if (!have_floats(self, error))
    return FALSE;
  for (gsize i = 0; i < get_count(self, array); i++)
    self->floats[i] = (float)values[i];
  return write_floats(self, array, error);
}

DdimDeviceSampling *
ddim_device_sampling_new(const DdimDeviceSamplingParams *params)
{
  static const DdimSamplingBackend functions = {
      .begin = begin,
      .evaluate = evaluate,
      .draw_noise = draw_noise,
      .predict = predict,
      .advance = advance,
      .predict_and_advance = predict_and_advance,
      .renoise = renoise,
      .wait = wait_for_all,
      .get_count = get_count,
      .get_n_images = get_n_images,
      .read = read_array,
      .write = write_array,
  };
  g_autoptr(DdimDeviceSampling) self = g_new0(DdimDeviceSampling, 1);

  self->params = *params;
  self->backend = functions;
  self->backend.state = self;
  if (!self->params.n_drawn)
    self->params.n_drawn = ddim_sampler_state_get_count(params->state);
  g_return_val_if_fail(self->params.n_drawn >=
                           self->params.n_skipped + ddim_sampler_state_get_count(params->state),
                       NULL);
  return g_steal_pointer(&self);
}

void
ddim_device_sampling_free(DdimDeviceSampling *self)
{
  if (self == NULL)
    return;
  g_free(self->noise);
  g_free(self->floats);
  g_free(self);
}

const DdimSamplingBackend *
ddim_device_sampling_get_backend(DdimDeviceSampling *self)
{
  return &self->backend;
}
