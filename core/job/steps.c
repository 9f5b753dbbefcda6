/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/steps.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"
#include "core/diffusion/consistency-steps.h"
#include "core/diffusion/ermon-steps.h"
#include "core/diffusion/schedule.h"
#include "core/diffusion/scheduler-steps.h"
#include "core/job/options.h"
#include "core/job/recommended.h"
#include "core/model/keys.h"

/* The steps that the option says, if it names so many and nothing else; 0 if not. */
static guint
get_number(const char *spec)
{
  guint64 n = 0;

  return g_ascii_string_to_unsigned(spec, 10, 1, DDIM_MAX_DIFFUSION_STEPS, &n, NULL) ? (guint)n : 0;
}

static DdimMeanType
get_mean_type(const DdimScheduler *scheduler)
{
  switch (scheduler->prediction_type) {
  case DDIM_PREDICTION_SAMPLE:
    return DDIM_MEAN_START_X;
  case DDIM_PREDICTION_V:
    return DDIM_MEAN_VELOCITY;
  case DDIM_PREDICTION_EPSILON:
    break;
  }
  return DDIM_MEAN_EPSILON;
}

static DdimVarType
get_var_type(const DdimScheduler *scheduler)
{
  switch (scheduler->variance_type) {
  case DDIM_VARIANCE_FIXED_LARGE:
  case DDIM_VARIANCE_FIXED_LARGE_LOG:
    return DDIM_VAR_FIXED_LARGE;
  case DDIM_VARIANCE_LEARNED:
    return DDIM_VAR_LEARNED_PLAIN;
  case DDIM_VARIANCE_LEARNED_RANGE:
    return DDIM_VAR_LEARNED_RANGE;
  case DDIM_VARIANCE_FIXED_SMALL:
  case DDIM_VARIANCE_FIXED_SMALL_LOG:
    break;
  }
  return DDIM_VAR_FIXED_SMALL;
}

/* A model whose noise has sigmas and no betas. */
static gboolean
has_sigmas(DdimConfig *config)
{
  return g_str_equal(ddim_config_get_family(config), "consistency_models");
}

DdimDiffusion *
ddim_steps_new_diffusion(DdimConfig *config, const char *spec, GError **error)
{
  const DdimScheduler *scheduler = ddim_config_get_scheduler(config);
  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;

  if (has_sigmas(config)) /* none; what is returned is not used */
    return ddim_diffusion_new(&params, error);
  if (scheduler) {
    g_autofree double *betas = ddim_scheduler_new_betas(scheduler, error);
    params.diffusion_steps = scheduler->num_train_timesteps;
    params.timestep_respacing = spec;
    params.mean_type = get_mean_type(scheduler);
    params.var_type = get_var_type(scheduler);
    return betas ? ddim_diffusion_new_from_betas(betas, &params, error) : NULL;
  }
  ddim_config_get_diffusion(config, &params);
  params.timestep_respacing = spec;
  return ddim_diffusion_new(&params, error);
}

/* As diffusers' pipelines do. */
static DdimStepTable *
make_scheduler_table(const DdimSteps *steps, DdimRequest *request, const DdimScheduler *scheduler,
                     const char *spec, GError **error)
{
  g_autoptr(DdimScheduler) copy = ddim_scheduler_copy(scheduler);
  g_autofree char *color = NULL;
  DdimSchedulerRun run = {.eta = steps->sample.eta};

  g_object_get(request, "color", &color, NULL);
  run.follows_x0 = color != NULL;
  run.n_steps = *spec ? get_number(spec) : scheduler->num_train_timesteps;
  if (!steps->sample.clip)
    copy->clip_sample = FALSE;
  if (run.n_steps)
    return ddim_scheduler_new_steps(copy, &run, error);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("'%s': this model's own %s takes a number of steps; with --sampler ddim there are "
                "other ways"),
              spec, ddim_scheduler_get_name(scheduler));
  return NULL;
}

/* As the runner of ermongroup/ddim does, which does not clip. */
static DdimStepTable *
make_ermon_table(const DdimSteps *steps, DdimConfig *config, const char *spec, GError **error)
{
  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;
  g_autofree double *betas = NULL;
  g_autofree char *all = NULL;

  ddim_config_get_diffusion(config, &params);
  betas = ddim_betas_new(params.noise_schedule, params.diffusion_steps, error);
  all = g_strdup_printf("uniform:%u", params.diffusion_steps);
  const DdimErmonRun run = {.betas = betas,
                            .n_train = params.diffusion_steps,
                            .spec = *spec ? spec : all,
                            .eta = steps->sample.eta};
  return betas ? ddim_ermon_new_steps(&run, error) : NULL;
}

/* As openai/consistency_models does; an EDM model's own sampler is Heun's method. Other samplers
 * and other commands would need betas. */
static DdimStepTable *
make_consistency_table(const DdimSteps *steps, DdimRequest *request, DdimConfig *config,
                       const char *sampler, const char *spec, GError **error)
{
  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;
  g_autofree char *command = NULL;
  const gboolean own = g_strcmp0(sampler, DDIM_SAMPLER_OWN) == 0;

  g_object_get(request, "command", &command, NULL);
  if (ddim_command_from_name(command) != DDIM_COMMAND_GENERATE ||
      (!own && g_strcmp0(sampler, "heun") != 0)) {
    g_set_error(
        error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
        _("%s is a model of consistency_models: it takes 'ddim generate' with --sampler own "
          "or heun"),
        ddim_config_get_name(config));
    return NULL;
  }
  ddim_config_get_diffusion(config, &params);
  const gboolean distilled = g_str_equal(params.noise_schedule, DDIM_SCHEDULE_CONSISTENCY);
  const DdimConsistencyRun run = {.sampler = own && distilled ? DDIM_CONSISTENCY_MULTISTEP
                                                              : DDIM_CONSISTENCY_HEUN,
                                  .distilled = distilled,
                                  .sigma_min = 0.002,
                                  .sigma_max = 80,
                                  .spec = spec,
                                  .clip = steps->sample.clip};
  return ddim_consistency_new_steps(&run, error);
}

/* The table of the model's own program; NULL without an error when it is one of our samplers'. */
static DdimStepTable *
make_own_table(const DdimSteps *steps, DdimRequest *request, DdimConfig *config, const char *spec,
               GError **error)
{
  const DdimScheduler *scheduler = ddim_config_get_scheduler(config);
  g_autofree char *command = NULL;

  g_object_get(request, "command", &command, NULL);
  if (ddim_command_from_name(command) != DDIM_COMMAND_GENERATE)
    return NULL;
  if (scheduler)
    return make_scheduler_table(steps, request, scheduler, spec, error);
  if (g_str_equal(ddim_config_get_family(config), "ermongroup/ddim") &&
      (!*spec || ddim_ermon_takes(spec)))
    return make_ermon_table(steps, config, spec, error);
  return NULL;
}

/* With `own` and without a table of its own the model is sampled by ddim, and the request says so
 * then. */
static gboolean
make_table(DdimSteps *steps, DdimRequest *request, DdimConfig *config, const char *sampler,
           const char *spec, GError **error)
{
  g_autoptr(GError) own_error = NULL;

  if (has_sigmas(config))
    return (steps->table = make_consistency_table(steps, request, config, sampler, spec, error)) !=
           NULL;
  if (g_strcmp0(sampler, DDIM_SAMPLER_OWN) == 0) {
    steps->table = make_own_table(steps, request, config, spec, &own_error);
    if (own_error) {
      g_propagate_prefixed_error(error, g_steal_pointer(&own_error), "steps: ");
      return FALSE;
    }
    if (steps->table)
      return TRUE;
    steps->sample.sampler = DDIM_SAMPLER_DDIM;
    g_object_set(request, "sampler", "ddim", NULL);
  }
  steps->table = ddim_step_table_new_loop(steps->diffusion, &steps->sample, error);
  return steps->table != NULL;
}

gboolean
ddim_steps_init(DdimSteps *steps, DdimRequest *resolved, DdimConfig *config, double eta,
                guint channels, GError **error)
{
  g_autofree char *spec = NULL, *sampler = NULL;

  *steps = (DdimSteps){.sample = DDIM_SAMPLE_PARAMS_INIT};
  ddim_request_take_recommended(resolved, config);
  g_object_get(resolved, "steps", &spec, "sampler", &sampler, "eta", &steps->sample.eta, "clip",
               &steps->sample.clip, NULL);
  if (g_strcmp0(sampler, DDIM_SAMPLER_OWN) != 0 &&
      !ddim_sampler_from_name(sampler, &steps->sample.sampler, error))
    return FALSE;
  if (steps->sample.eta < 0) {
    steps->sample.eta = eta >= 0 ? eta : ddim_config_get_eta(config);
    g_object_set(resolved, "eta", steps->sample.eta, NULL);
  }
  steps->diffusion = ddim_steps_new_diffusion(config, spec ? spec : "", error);
  if (!steps->diffusion) {
    /* Only the steps can be wrong: the other parameters were checked when the model was read. */
    g_prefix_error(error, "steps: ");
    return FALSE;
  }
  const guint expected = ddim_diffusion_get_model_channels(steps->diffusion, channels);
  if (expected != ddim_config_get_out_channels(config)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH,
                _("the model %s gives %u channels where %u are expected"),
                ddim_config_get_name(config), ddim_config_get_out_channels(config), expected);
    return FALSE;
  }
  return make_table(steps, resolved, config, sampler, spec ? spec : "", error);
}

void
ddim_steps_clear(DdimSteps *steps)
{
  g_clear_pointer(&steps->table, ddim_step_table_free);
  g_clear_pointer(&steps->diffusion, ddim_diffusion_free);
}
