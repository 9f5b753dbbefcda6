/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/parts.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"
#include "core/diffusion/noise-private.h"

static const char *
get_device_name(DdimRunner *runner)
{
  return ddim_device_info_get_name(ddim_context_get_device(runner->session->context));
}

static void
tell(DdimRunner *runner, const char *message)
{
  if (runner->callbacks->message)
    runner->callbacks->message(message, runner->user_data);
}

/* Everything that is on the device, but for the weights that all evaluators share. */
static void
forget_evaluators(DdimRunner *runner)
{
  g_clear_pointer(&runner->state, ddim_sampler_state_free);
  g_clear_pointer(&runner->evaluator, ddim_evaluator_unref);
  ddim_evaluator_cache_clear(runner->session->evaluators);
  if (runner->session->classifier)
    ddim_classifier_forget(runner->session->classifier);
}

/* Fewer images at a time. */
static gboolean
use_fewer(DdimRunner *runner, const char *name)
{
  g_autofree char *message = NULL;

  if (runner->n <= 1)
    return FALSE;
  runner->most = (runner->n + 1) / 2;
  /* Translators: a device, and how many images are computed together */
  message = g_strdup_printf(
      ngettext("%s has not enough memory for the whole batch; %u image is computed at a time",
               "%s has not enough memory for the whole batch; %u images are computed at a time",
               runner->most),
      name, runner->most);
  tell(runner, message);
  return TRUE;
}

static gboolean
use_processor(DdimRunner *runner, const char *name)
{
  const DdimNetworkParams params = ddim_runner_get_network_params(runner);
  g_autofree char *message = NULL;

  if (!ddim_session_use_processor(runner->session, &params))
    return FALSE;
  runner->most = runner->job->batch;
  message = g_strdup_printf(_("%s has not enough memory for one image; %s computes instead"), name,
                            get_device_name(runner));
  tell(runner, message);
  return TRUE;
}

/* Windows, fewer of them at a time, or smaller ones. */
static gboolean
use_windows(DdimRunner *runner, const char *name)
{
  const guint before = runner->windows.window;
  g_autofree char *message = NULL;

  if (ddim_runner_use_windows_one_by_one(runner))
    message = g_strdup_printf(
        _("%s has not enough memory for several windows; one is computed at a time"), name);
  else if (!ddim_runner_use_windows(runner))
    return FALSE;
  else if (before)
    message =
        g_strdup_printf(_("%s has not enough memory for windows of %u pixels; they get %u instead"),
                        name, before, runner->windows.window);
  else
    message = g_strdup_printf(
        _("%s has not enough memory for one piece; the picture is computed in windows"), name);
  tell(runner, message);
  return TRUE;
}

/* Whether there is a way on after @why: without what earlier batches left on the device, with fewer
 * images at a time, on the processor, or in windows.
 * @tidy  whether nothing is left, which is so afterwards */
static gboolean
give_way(DdimRunner *runner, const GError *why, gboolean *tidy)
{
  g_autofree char *name = g_strdup(get_device_name(runner));

  if (!g_error_matches(why, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY) ||
      ddim_context_is_lost(runner->session->context))
    return FALSE;
  forget_evaluators(runner);
  if (!*tidy)
    return *tidy = TRUE;
  return use_fewer(runner, name) || use_processor(runner, name) || use_windows(runner, name);
}

/* One part, which becomes smaller while it does not fit. @rng  where its random numbers begin */
static gboolean
run_part(DdimRunner *runner, guint left, const DdimRng *rng, DdimPartFunc func, gpointer user_data,
         GError **error)
{
  gboolean tidy = FALSE;

  for (;;) {
    g_autoptr(GError) why = NULL;

    runner->n = MIN(runner->most, left);
    ddim_rng_assign(runner->job->rng, rng);
    if (func(runner, user_data, &why))
      return TRUE;
    if (!give_way(runner, why, &tidy)) {
      g_propagate_error(error, g_steal_pointer(&why));
      return FALSE;
    }
  }
}

/* The batch that begins with image @first. Every part draws the numbers of the whole batch. */
static gboolean
run_batch(DdimRunner *runner, guint first, DdimPartFunc func, gpointer user_data, GError **error)
{
  const guint n = MIN(runner->job->batch, runner->job->count - first);
  g_autoptr(DdimRng) rng = ddim_rng_copy(runner->job->rng);

  for (runner->skip = 0; runner->skip < n; runner->skip += runner->n) {
    runner->first = first + runner->skip;
    if (!run_part(runner, n - runner->skip, rng, func, user_data, error))
      return FALSE;
  }
  runner->skip = 0;
  return TRUE;
}

/* Leave out the batch that begins with image @first. Images that have numbers of their own need
 * none of the others, and so does nobody when nothing is wanted. */
static gboolean
pass_batch(DdimRunner *runner, guint first, DdimPartFunc pass, gpointer user_data, GError **error)
{
  if (ddim_rng_is_per_image(runner->job->rng) || runner->total == 0)
    return TRUE;
  if (!pass) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                        _("rng: a part of the pictures can only be made with torch-per-image"));
    return FALSE;
  }
  runner->first = first;
  runner->skip = 0;
  runner->n = MIN(runner->job->batch, runner->job->count - first);
  return pass(runner, user_data, error);
}

gboolean
ddim_parts_run(DdimRunner *runner, DdimPartFunc func, DdimPartFunc pass, gpointer user_data,
               GError **error)
{
  const DdimJob *job = runner->job;

  if (!runner->most)
    runner->most = job->batch;
  if (!ddim_runner_select(runner, error))
    return FALSE;
  for (guint first = 0, n; first < job->count; first += n) {
    n = MIN(job->batch, job->count - first);
    if (!ddim_runner_wants(runner, first, n)) {
      if (!pass_batch(runner, first, pass, user_data, error))
        return FALSE;
      continue;
    }
    if (!run_batch(runner, first, func, user_data, error))
      return FALSE;
    runner->before += n;
  }
  return TRUE;
}

gboolean
ddim_parts_run_one(DdimRunner *runner, DdimPartFunc func, gpointer user_data, GError **error)
{
  g_autoptr(DdimRng) rng = ddim_rng_copy(runner->job->rng);

  if (!runner->most)
    runner->most = runner->job->batch;
  runner->first = 0;
  return run_part(runner, 1, rng, func, user_data, error);
}
