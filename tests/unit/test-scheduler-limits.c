/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Fields of diffusers' schedulers at the ends of their ranges. */
#include <string.h>

#include "core/data/error.h"
#include "core/diffusion/schedule.h"
#include "core/diffusion/scheduler-steps.h"

/* Clipping to 0 is no clipping to 1, which a step without a limit has. */
static void
test_clip_range(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new("DDIMScheduler", NULL);

  ddim_scheduler_set_number(scheduler, "clip_sample_range", 0, NULL);
  g_assert_false(ddim_scheduler_check(scheduler, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
  ddim_scheduler_set_boolean(scheduler, "clip_sample", FALSE, NULL);
  g_assert_true(ddim_scheduler_check(scheduler, NULL));
}

static void
test_no_timestep_left(void)
{
  static const char *const spacings[] = {"trailing", "linspace", "leading"};
  const DdimSchedulerRun run = {.n_steps = 10};

  for (guint i = 0; i < G_N_ELEMENTS(spacings); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new("DPMSolverMultistepScheduler", NULL);

    ddim_scheduler_set_number(scheduler, "lambda_min_clipped", 1e6, NULL);
    ddim_scheduler_set_number(scheduler, "solver_order", 1, NULL);
    ddim_scheduler_set_text(scheduler, "timestep_spacing", spacings[i], NULL);
    g_assert_null(ddim_scheduler_new_steps(scheduler, &run, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    g_assert_nonnull(strstr(error->message, "lambda_min_clipped"));
  }
}

/* A beta of 0 has no logarithm, between which and another one a learned variance lies. */
static void
test_infinite_variance(void)
{
  const double betas[] = {0.1, 0.1, 0, 0.1};
  const DdimSchedulerRun run = {.n_steps = 4};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new("DDPMScheduler", NULL);

  ddim_scheduler_set_number(scheduler, "num_train_timesteps", 4, NULL);
  ddim_scheduler_set_numbers(scheduler, "trained_betas", betas, 4, NULL);
  ddim_scheduler_set_text(scheduler, "variance_type", "learned_range", NULL);
  g_assert_true(ddim_scheduler_check(scheduler, NULL));
  g_assert_null(ddim_scheduler_new_steps(scheduler, &run, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
}

/* So much noise that nothing is left of the picture: sigma is infinite, and an error says so. */
static void
test_noise_alone(void)
{
  static const char *const classes[] = {"DPMSolverMultistepScheduler", "UniPCMultistepScheduler"};
  const DdimSchedulerRun run = {.n_steps = 20};

  for (guint i = 0; i < 2 * G_N_ELEMENTS(classes); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new(classes[i / 2], NULL);

    ddim_scheduler_set_number(scheduler, "beta_end", 1, NULL);
    ddim_scheduler_set_boolean(scheduler, "use_karras_sigmas", i % 2, NULL);
    g_assert_null(ddim_scheduler_new_steps(scheduler, &run, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  }
}

/* Timesteps beyond the schedule, by an offset, are refused before anything is looked up there. */
static void
test_offset(void)
{
  static const char *const classes[] = {"DDIMScheduler", "DPMSolverMultistepScheduler",
                                        "UniPCMultistepScheduler"};
  const DdimSchedulerRun run = {.n_steps = 2};

  for (guint i = 0; i < G_N_ELEMENTS(classes); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new(classes[i], NULL);

    ddim_scheduler_set_text(scheduler, "timestep_spacing", "leading", NULL);
    ddim_scheduler_set_number(scheduler, "steps_offset", 999, NULL);
    g_assert_true(ddim_scheduler_check(scheduler, NULL));
    g_assert_null(ddim_scheduler_new_steps(scheduler, &run, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  }
}

/* What is looked up for each step is found at once: the longest lists that a file may ask for take
 * seconds, where a search through all of them for each step would take hours. */
static void
test_long_lists(void)
{
  const guint n = DDIM_MAX_DIFFUSION_STEPS;
  const DdimSchedulerRun run = {.n_steps = n};
  g_autofree double *indices = g_new(double, n);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new("UniPCMultistepScheduler", NULL);

  for (guint i = 0; i < n; i++)
    indices[i] = n - 1 - i;
  ddim_scheduler_set_number(scheduler, "num_train_timesteps", n, NULL);
  ddim_scheduler_set_number(scheduler, "beta_start", 1e-7, NULL);
  ddim_scheduler_set_number(scheduler, "beta_end", 2e-5, NULL);
  ddim_scheduler_set_number(scheduler, "solver_order", 1, NULL);
  ddim_scheduler_set_text(scheduler, "final_sigmas_type", "sigma_min", NULL);
  ddim_scheduler_set_boolean(scheduler, "use_karras_sigmas", TRUE, NULL);
  g_assert_true(ddim_scheduler_set_numbers(scheduler, "disable_corrector", indices, n, NULL));
  g_autoptr(DdimStepTable) table = ddim_scheduler_new_steps(scheduler, &run, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(ddim_step_table_get_n_steps(table), ==, n);
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);

  g_test_add_func("/scheduler-limits/clip-range", test_clip_range);
  g_test_add_func("/scheduler-limits/no-timestep-left", test_no_timestep_left);
  g_test_add_func("/scheduler-limits/infinite-variance", test_infinite_variance);
  g_test_add_func("/scheduler-limits/noise-alone", test_noise_alone);
  g_test_add_func("/scheduler-limits/offset", test_offset);
  g_test_add_func("/scheduler-limits/long-lists", test_long_lists);
  return g_test_run();
}
