/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/sampling.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"

typedef struct {
  DdimSamplingPoint point;
  const DdimSamplingHooks *hooks;
  guint n_hooks;
  guint n_kept; /* arrays on the stack of what steps have kept */
  double *x0;   /* for thresholding: [n][plane], and [plane] to work in; NULL before the first */
} Loop;

/* The parts of a step that have hooks. */
typedef enum { BEFORE_STEP, AFTER_OUTPUT, ON_PREDICTION, AFTER_STEP } Part;

static DdimSamplingHook
get_hook(const DdimSamplingHooks *hooks, Part part)
{
  switch (part) {
  case BEFORE_STEP:
    return hooks->before_step;
  case AFTER_OUTPUT:
    return hooks->after_output;
  case ON_PREDICTION:
    return hooks->on_prediction;
  case AFTER_STEP:
    return hooks->after_step;
  }
  g_return_val_if_reached(NULL);
}

static gboolean
has_hook(const Loop *loop, Part part)
{
  for (guint i = 0; i < loop->n_hooks; i++)
    if (get_hook(&loop->hooks[i], part))
      return TRUE;
  return FALSE;
}

static gboolean
call_hooks(const Loop *loop, Part part, GError **error)
{
  for (guint i = 0; i < loop->n_hooks; i++) {
    const DdimSamplingHook hook = get_hook(&loop->hooks[i], part);
    if (hook && !hook(&loop->point, loop->hooks[i].user_data, error))
      return FALSE;
  }
  return TRUE;
}

/* The ring has as many places as the step that looks back farthest needs. */
static DdimHistorySlots
find_slots(const Loop *loop)
{
  const DdimStep *step = &loop->point.step->arithmetic;
  const guint size = ddim_step_table_get_history(loop->point.table);
  DdimHistorySlots slots = {.n_read = ddim_step_get_history(step)};

  for (guint k = 0; k < slots.n_read; k++)
    slots.read[k] = (loop->n_kept - 1 - k) % size;
  slots.keep = step->keep && size > 0;
  if (slots.keep)
    slots.kept = (loop->n_kept - step->drop) % size;
  return slots;
}

/* A quantile needs all values of an image, so it is found on the host. */
static gboolean
threshold(Loop *loop, GError **error)
{
  const DdimSamplingBackend *backend = loop->point.backend;
  const gsize count = backend->get_count(backend->state, DDIM_SAMPLING_X0);
  const gsize n = backend->get_n_images(backend->state), plane = n ? count / n : 0;

  if (n == 0)
    return TRUE;
  if (!loop->x0 && !(loop->x0 = g_try_new(double, count + plane))) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("not enough memory for %zu values of noise or images: make fewer or smaller "
                  "images at a time"),
                count);
    return FALSE;
  }
  if (!backend->read(backend->state, DDIM_SAMPLING_X0, loop->x0, error))
    return FALSE;
  ddim_step_threshold(&loop->point.step->arithmetic, n, plane, loop->x0, loop->x0 + count);
  return backend->write(backend->state, DDIM_SAMPLING_X0, loop->x0, error);
}

static gboolean
evaluate(Loop *loop, GError **error)
{
  const DdimSamplingBackend *backend = loop->point.backend;
  const DdimTableStep *step = loop->point.step;
  const DdimHistorySlots slots = find_slots(loop);
  const gboolean thresholded = step->arithmetic.threshold_ratio > 0;

  if (!backend->evaluate(backend->state, step, error) ||
      (step->draws_noise && !backend->draw_noise(backend->state, error)) ||
      !call_hooks(loop, AFTER_OUTPUT, error))
    return FALSE;
  if (ddim_step_table_get_history(loop->point.table) > 0)
    loop->n_kept += slots.keep - step->arithmetic.drop;
  if (!thresholded && !has_hook(loop, ON_PREDICTION))
    return backend->predict_and_advance(backend->state, &step->arithmetic, &slots, error);
  return backend->predict(backend->state, &step->arithmetic, error) &&
         (!thresholded || threshold(loop, error)) && call_hooks(loop, ON_PREDICTION, error) &&
         backend->advance(backend->state, &step->arithmetic, &slots, error);
}

static gboolean
renoise(Loop *loop, GError **error)
{
  const DdimSamplingBackend *backend = loop->point.backend;

  return backend->draw_noise(backend->state, error) &&
         backend->renoise(backend->state, &loop->point.step->arithmetic, error);
}

static gboolean
take_step(Loop *loop, GError **error)
{
  const DdimSamplingBackend *backend = loop->point.backend;
  const gboolean evaluates = loop->point.step->kind == DDIM_STEP_EVALUATION;

  return call_hooks(loop, BEFORE_STEP, error) &&
         (evaluates ? evaluate(loop, error) : renoise(loop, error)) &&
         backend->wait(backend->state, error) && call_hooks(loop, AFTER_STEP, error);
}

static gboolean
take_steps(Loop *loop, GCancellable *cancellable, GError **error)
{
  const DdimStepTable *table = loop->point.table;

  for (guint i = 0; i < ddim_step_table_get_n_steps(table); i++) {
    loop->point.index = i;
    loop->point.step = ddim_step_table_get_step(table, i);
    if (g_cancellable_set_error_if_cancelled(cancellable, error) || !take_step(loop, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
ddim_sampling_run(const DdimStepTable *table, const DdimSamplingBackend *backend,
                  const DdimSamplingHooks *hooks, guint n_hooks, GCancellable *cancellable,
                  GError **error)
{
  g_return_val_if_fail(table != NULL && backend != NULL, FALSE);
  g_return_val_if_fail(hooks != NULL || n_hooks == 0, FALSE);

  Loop loop = {.point = {.table = table, .backend = backend}, .hooks = hooks, .n_hooks = n_hooks};

  if (has_hook(&loop, ON_PREDICTION) && !ddim_step_table_follows_x0(table)) {
    g_set_error_literal(
        error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
        _("these steps cannot be constrained, because they read the model's output beside "
          "the picture that it predicts; use the sampler ddim"));
    return FALSE;
  }
  if (!backend->begin(backend->state, table, error))
    return FALSE;
  const gboolean done = take_steps(&loop, cancellable, error);
  g_free(loop.x0);
  return done;
}

gsize
ddim_sampling_get_count(const DdimSamplingPoint *point, DdimSamplingArray array)
{
  return point->backend->get_count(point->backend->state, array);
}

gboolean
ddim_sampling_read(const DdimSamplingPoint *point, DdimSamplingArray array, double *values,
                   GError **error)
{
  return point->backend->read(point->backend->state, array, values, error);
}

gboolean
ddim_sampling_write(const DdimSamplingPoint *point, DdimSamplingArray array, const double *values,
                    GError **error)
{
  return point->backend->write(point->backend->state, array, values, error);
}
