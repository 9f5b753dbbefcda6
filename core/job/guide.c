/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/guide.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"
#include "core/data/memory.h"
#include "core/diffusion/guidance.h"
#include "core/job/recommended.h"
#include "core/model/config-details.h"

struct _DdimGuide {
  const DdimJob *job;
  DdimEvaluator *evaluator; /* of the classifier, with the gradient */
  gsize n, plane;           /* images, and the values of each */
  float *floats;            /* [n][plane] */
  double *values, *shift;   /* [n][plane]; what is added */
  double *output;           /* [n][2][plane], where the model learns variances; else NULL */
};

static gboolean
refuse(GError **error, const char *format, const char *name)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, format, name);
  return FALSE;
}

static gboolean
check_steps(const DdimJob *job, DdimSession *session, GError **error)
{
  const char *name = ddim_config_get_name(session->config);
  g_autofree char *sampler = NULL;

  g_object_get(job->resolved, "sampler", &sampler, NULL);
  if (g_str_equal(ddim_config_get_family(session->config), "consistency_models"))
    return refuse(
        error, _("classifier: %s is a model of consistency_models, which cannot be guided"), name);
  if (g_strcmp0(sampler, DDIM_SAMPLER_OWN) == 0)
    return refuse(error,
                  _("classifier: the own steps of %s cannot be guided; use --sampler ddim or ddpm"),
                  name);
  if (job->classes.mix || job->class_map)
    return refuse(error,
                  _("classifier: %s guides towards one class for each picture, not towards a blend "
                    "or a map of classes"),
                  ddim_config_get_name(session->classifier->config));
  return TRUE;
}

static gboolean
check_picture(const DdimJob *job, DdimConfig *classifier, GError **error)
{
  const char *name = ddim_config_get_name(classifier);
  const guint only = ddim_config_get_only_size(classifier);
  const guint stride = ddim_config_get_stride(classifier);
  const guint channels = ddim_config_get_image_channels(classifier);

  if (channels != job->channels)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("classifier: %s reads pictures of %u channels; the model makes %u"), name,
                channels, job->channels);
  else if (only && (job->width != only || job->height != only))
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("classifier: %s reads pictures of %ux%u only, not of %ux%u; give --size %u, or "
                  "another classifier"),
                name, only, only, job->width, job->height, only);
  else if (job->width % stride || job->height % stride)
    g_set_error(
        error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
        _("classifier: %s reads pictures whose width and height are multiples of %u, not of "
          "%ux%u"),
        name, stride, job->width, job->height);
  else
    return TRUE;
  return FALSE;
}

gboolean
ddim_guide_check(const DdimJob *job, DdimSession *session, GError **error)
{
  return !session->classifier || (check_steps(job, session, error) &&
                                  check_picture(job, session->classifier->config, error));
}

static gboolean
have_memory(DdimGuide *guide, GError **error)
{
  const gsize count = guide->n * guide->plane;

  return (guide->floats = ddim_try_alloc(count, sizeof *guide->floats, error)) &&
         (guide->values = ddim_try_alloc(count, sizeof *guide->values, error)) &&
         (guide->shift = ddim_try_alloc(count, sizeof *guide->shift, error)) &&
         (!ddim_guidance_reads_output(guide->job->diffusion) ||
          (guide->output = ddim_try_alloc(2 * count, sizeof *guide->output, error)));
}

DdimGuide *
ddim_guide_new(DdimRunner *runner, GError **error)
{
  const DdimJob *job = runner->job;
  const DdimEvaluatorSize size = {.batch = runner->n,
                                  .height = job->height,
                                  .width = job->width,
                                  .usual_batch = MIN(job->batch, job->count),
                                  .wrap = job->wrap,
                                  .gradient = TRUE};
  const DdimNetworkParams params = ddim_runner_get_network_params(runner);
  g_autoptr(DdimGuide) guide = g_new0(DdimGuide, 1);
  guint n;
  const double *timesteps = ddim_step_table_get_timesteps(job->steps, &n);

  guide->job = job;
  guide->n = runner->n;
  guide->plane = ddim_runner_get_image_size(runner);
  guide->evaluator =
      ddim_classifier_get_evaluator(runner->session->classifier, &size, &params, error);
  if (!guide->evaluator || !have_memory(guide, error) ||
      !ddim_evaluator_set_common_conditions(guide->evaluator, timesteps, n, NULL, error) ||
      !ddim_evaluator_set_targets(guide->evaluator, runner->labels, error))
    return NULL;
  return g_steal_pointer(&guide);
}

void
ddim_guide_free(DdimGuide *guide)
{
  if (!guide)
    return;
  g_free(guide->floats);
  g_free(guide->values);
  g_free(guide->shift);
  g_free(guide->output);
  g_free(guide);
}

static gboolean
is_ddpm(const DdimGuide *guide)
{
  return guide->job->sample.sampler == DDIM_SAMPLER_DDPM;
}

/* shift = scale * gradient at the x that the model has just seen. */
static gboolean
find_gradient(DdimGuide *guide, const DdimSamplingPoint *point, GError **error)
{
  const gsize count = guide->n * guide->plane;

  if (!ddim_sampling_read(point, DDIM_SAMPLING_X, guide->values, error))
    return FALSE;
  for (gsize i = 0; i < count; i++)
    guide->floats[i] = (float)guide->values[i];
  if (!ddim_evaluator_set_x(guide->evaluator, guide->floats, error) ||
      !ddim_evaluator_evaluate(guide->evaluator, point->step->condition, error) ||
      !ddim_evaluator_get_gradient(guide->evaluator, guide->floats, error))
    return FALSE;
  for (gsize i = 0; i < count; i++)
    guide->shift[i] = guide->job->classifier_scale * guide->floats[i];
  return TRUE;
}

static gboolean
after_output(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  DdimGuide *guide = user_data;
  const DdimDiffusion *diffusion = guide->job->diffusion;
  const guint t = point->step->t;

  if (!find_gradient(guide, point, error))
    return FALSE;
  if (!is_ddpm(guide)) {
    const double factor = ddim_guidance_get_x0_factor(diffusion, t);
    for (gsize i = 0; i < guide->n * guide->plane; i++)
      guide->shift[i] *= factor;
    return TRUE;
  }
  if (guide->output && !ddim_sampling_read(point, DDIM_SAMPLING_OUTPUT, guide->output, error))
    return FALSE;
  ddim_guidance_make_shift(diffusion, t, guide->n, guide->plane, guide->output, guide->shift);
  return TRUE;
}

static gboolean
add_shift(DdimGuide *guide, const DdimSamplingPoint *point, DdimSamplingArray array, GError **error)
{
  if (!ddim_sampling_read(point, array, guide->values, error))
    return FALSE;
  for (gsize i = 0; i < guide->n * guide->plane; i++)
    guide->values[i] += guide->shift[i];
  return ddim_sampling_write(point, array, guide->values, error);
}

static gboolean
on_prediction(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  return add_shift(user_data, point, DDIM_SAMPLING_X0, error);
}

static gboolean
after_step(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  return point->step->kind != DDIM_STEP_EVALUATION ||
         add_shift(user_data, point, DDIM_SAMPLING_X, error);
}

DdimSamplingHooks
ddim_guide_get_hooks(DdimGuide *guide)
{
  DdimSamplingHooks hooks = {.after_output = after_output, .user_data = guide};

  if (is_ddpm(guide))
    hooks.after_step = after_step;
  else
    hooks.on_prediction = on_prediction;
  return hooks;
}
