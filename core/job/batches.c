/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/batches.h"

#include "core/job/guide.h"
#include "core/job/low-res.h"
#include "core/job/parts.h"

typedef struct {
  DdimStartFunc start;
  gpointer user_data;
  const DdimSamplingHooks *hooks;
} Batches;

static gboolean
run_part(DdimRunner *runner, gpointer data, GError **error)
{
  const Batches *batches = data;
  const DdimJob *job = runner->job;
  const gboolean guided = job->classifier_scale > 0;
  g_autoptr(DdimGuide) guide = NULL;
  DdimSamplingHooks hooks[2];
  guint n_hooks = 0;

  if (!ddim_runner_prepare(runner, error))
    return FALSE;
  ddim_runner_begin_batch(runner);
  if (guided && !(guide = ddim_guide_new(runner, error)))
    return FALSE;
  if (guide)
    hooks[n_hooks++] = ddim_guide_get_hooks(guide);
  if (batches->hooks)
    hooks[n_hooks++] = *batches->hooks;
  if (!ddim_low_res_set(runner->evaluator, job->low_res, runner->first, runner->n, error) ||
      !batches->start(runner, ddim_array_get_data(runner->images), batches->user_data, error) ||
      !ddim_runner_run(runner, job->steps, hooks, n_hooks, error))
    return FALSE;
  for (guint i = 0; i < runner->n; i++)
    if (!ddim_runner_finish_image(runner, i, NULL, error))
      return FALSE;
  return TRUE;
}

/* Leave out a batch. What it would have drawn is drawn all the same, so that the next batch finds
 * the generator where it would be. (DdimPartFunc) */
static gboolean
pass_batch(DdimRunner *runner, gpointer data, GError **error)
{
  const Batches *batches = data;
  const DdimStepTable *steps = runner->job->steps;

  if (!ddim_runner_have_images(runner, error))
    return FALSE;
  ddim_runner_begin_batch(runner);
  if (!batches->start(runner, ddim_array_get_data(runner->images), batches->user_data, error))
    return FALSE;
  for (guint i = 0; i < ddim_step_table_get_n_steps(steps); i++) {
    if (g_cancellable_set_error_if_cancelled(runner->cancellable, error))
      return FALSE;
    if (ddim_step_table_get_step(steps, i)->draws_noise)
      ddim_runner_draw(runner, ddim_array_get_data(runner->images));
  }
  return TRUE;
}

gboolean
ddim_batches_run(DdimRunner *runner, DdimStartFunc start, gpointer user_data,
                 const DdimSamplingHooks *hooks, GError **error)
{
  Batches batches = {start, user_data, hooks};

  runner->n_loops = 1;
  return ddim_parts_run(runner, run_part, pass_batch, &batches, error);
}
