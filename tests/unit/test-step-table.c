/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is in a table of steps: order, noise, timesteps, coefficients; and what is refused. */
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/diffusion/sampler-steps.h"
#include "core/diffusion/step-table.h"

static DdimDiffusion *
new_diffusion(const char *respacing)
{
  const DdimDiffusionParams params = {.noise_schedule = "cosine",
                                      .diffusion_steps = 4000,
                                      .timestep_respacing = respacing,
                                      .rescale_timesteps = TRUE};
  g_autoptr(GError) error = NULL;
  DdimDiffusion *diffusion = ddim_diffusion_new(&params, &error);
  g_assert_no_error(error);
  return diffusion;
}

static DdimStepTable *
new_table(const DdimDiffusion *diffusion)
{
  g_autoptr(GError) error = NULL;
  DdimStepTable *table = ddim_step_table_new(diffusion, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(ddim_step_table_get_n_steps(table), ==, 0);
  return table;
}

/* A whole loop visits every t once, in the sampler's direction, with the sampler's own step. */
static void
test_loops(void)
{
  static const struct {
    DdimSampleParams params;
    gboolean up, draws, uses;
    guint history;
  } rows[] = {
      {{.sampler = DDIM_SAMPLER_DDIM, .clip = TRUE}, FALSE, TRUE, FALSE, 0},
      {{.sampler = DDIM_SAMPLER_DDIM, .eta = 0.5}, FALSE, TRUE, TRUE, 0},
      {{.sampler = DDIM_SAMPLER_DDPM}, FALSE, TRUE, TRUE, 0},
      {{.sampler = DDIM_SAMPLER_DPMPP, .clip = TRUE}, FALSE, FALSE, FALSE, 1},
      {{.sampler = DDIM_SAMPLER_REVERSE}, TRUE, FALSE, FALSE, 0},
  };
  enum { N = 7 };
  g_autoptr(DdimDiffusion) diffusion = new_diffusion("7");

  for (guint k = 0; k < G_N_ELEMENTS(rows); k++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimStepTable) table = ddim_step_table_new_loop(diffusion, &rows[k].params, &error);
    guint n_timesteps;
    g_assert_no_error(error);
    const double *timesteps = ddim_step_table_get_timesteps(table, &n_timesteps);
    g_assert_cmpuint(ddim_step_table_get_n_steps(table), ==, N);
    g_assert_cmpuint(n_timesteps, ==, N);
    g_assert_cmpint(ddim_step_table_draws_noise(table), ==, rows[k].draws);
    g_assert_cmpint(ddim_step_table_uses_noise(table), ==, rows[k].uses);
    g_assert_cmpuint(ddim_step_table_get_history(table), ==, rows[k].history);
    g_assert_true(ddim_step_table_follows_x0(table));
    for (guint i = 0; i < N; i++) {
      const DdimTableStep *step = ddim_step_table_get_step(table, i);
      const guint t = rows[k].up ? i : N - 1 - i;
      DdimStep own;
      g_assert_cmpint(step->kind, ==, DDIM_STEP_EVALUATION);
      g_assert_cmpuint(step->t, ==, t);
      g_assert_cmpfloat(step->timestep, ==, ddim_diffusion_get_model_timestep(diffusion, t));
      g_assert_cmpfloat(step->timestep, ==, timesteps[step->condition]);
      g_assert_cmpint(step->draws_noise, ==, rows[k].draws);
      if (rows[k].params.sampler == DDIM_SAMPLER_DPMPP)
        ddim_diffusion_dpmpp_step(diffusion, t, i > 0, rows[k].params.clip, &own);
      else
        g_assert_true(ddim_diffusion_get_step(diffusion, &rows[k].params, t, &own, NULL));
      g_assert_cmpfloat(step->arithmetic.next_x, ==, own.next_x);
      g_assert_cmpfloat(step->arithmetic.next_x0, ==, own.next_x0);
      g_assert_cmpfloat(step->arithmetic.history[0], ==, own.history[0]);
      g_assert_cmpfloat(step->arithmetic.sigma, ==, own.sigma);
      g_assert_cmpint(step->arithmetic.clip, ==, rows[k].params.clip);
    }
  }
}

/* Down to 2, back to 5, down to the end: values for the model are listed once. */
static void
test_time_travel(void)
{
  static const guint order[] = {6, 5, 4, 3, 2, /* renoised to */ 4, 4, 3, 2, 1, 0};
  static const guint conditions[] = {0, 1, 2, 3, 4, 0, 2, 3, 4, 5, 6};
  const DdimSampleParams params = {.sampler = DDIM_SAMPLER_DPMPP};
  g_autoptr(DdimDiffusion) diffusion = new_diffusion("7");
  g_autoptr(DdimStepTable) table = new_table(diffusion);
  g_autoptr(GError) error = NULL;
  const double *alphas = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD);
  guint n_timesteps;

  g_assert_true(ddim_step_table_append(table, &params, 6, 2, &error));
  g_assert_true(ddim_step_table_append_renoising(table, 1, 4, &error));
  g_assert_true(ddim_step_table_append(table, &params, 4, 0, &error));
  /* renoising to where x is already adds no step */
  g_assert_true(ddim_step_table_append_renoising(table, 4, 4, &error));
  g_assert_no_error(error);
  g_assert_cmpuint(ddim_step_table_get_n_steps(table), ==, G_N_ELEMENTS(order));
  ddim_step_table_get_timesteps(table, &n_timesteps);
  g_assert_cmpuint(n_timesteps, ==, 7);
  for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
    const DdimTableStep *step = ddim_step_table_get_step(table, i);
    g_assert_cmpuint(step->t, ==, order[i]);
    g_assert_cmpint(step->kind, ==, i == 5 ? DDIM_STEP_RENOISING : DDIM_STEP_EVALUATION);
    g_assert_cmpint(step->draws_noise, ==, i == 5);
    if (i != 5)
      g_assert_cmpuint(step->condition, ==, conditions[i]);
    /* a solver's history begins anew after the jump; the last two steps are of the first order */
    g_assert_cmpuint(ddim_step_get_history(&step->arithmetic), ==,
                     i != 0 && i != 5 && i != 6 && step->t > 1);
  }
  const DdimStep *jump = &ddim_step_table_get_step(table, 5)->arithmetic;
  /* a state of index 1 becomes one of index 4: signal and variance are what q_sample makes */
  g_assert_cmpfloat_with_epsilon(jump->next_x * sqrt(alphas[1]), sqrt(alphas[4]), 1e-15);
  g_assert_cmpfloat_with_epsilon(jump->next_x * jump->next_x * (1 - alphas[1]) +
                                     jump->sigma * jump->sigma,
                                 1 - alphas[4], 1e-15);
}

static void
test_q_sample(void)
{
  g_autoptr(DdimDiffusion) diffusion = new_diffusion("7");
  const double *alphas = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD);

  for (guint t = 0; t < 7; t++) {
    double signal, noise;
    ddim_diffusion_q_sample(diffusion, t, &signal, &noise);
    g_assert_cmpfloat_with_epsilon(signal * signal, alphas[t], 1e-15);
    g_assert_cmpfloat_with_epsilon(signal * signal + noise * noise, 1, 1e-15);
    g_assert_true(signal > 0 && noise > 0);
  }
}

/* Whatever is wrong is said, and leaves the table as it was. */
static void
test_refused(void)
{
  static const struct {
    DdimSampleParams params;
    guint first, last;
    const char *says;
  } rows[] = {
      {{.sampler = DDIM_SAMPLER_DDIM}, 7, 0, "steps 7 to 0"},
      {{.sampler = DDIM_SAMPLER_DDIM}, 2, 3, "steps 2 to 3"},
      {{.sampler = DDIM_SAMPLER_DDPM}, G_MAXUINT, 0, "steps"},
      {{.sampler = DDIM_SAMPLER_REVERSE}, 3, 2, "steps 3 to 2"},
      {{.sampler = DDIM_SAMPLER_REVERSE}, 0, 7, "steps 0 to 7"},
      {{.sampler = DDIM_SAMPLER_DDIM, .eta = -1}, 6, 0, "eta"},
      {{.sampler = DDIM_SAMPLER_DDIM, .eta = NAN}, 6, 0, "eta"},
      {{.sampler = (DdimSampler)17}, 6, 0, "17"},
  };
  const DdimSampleParams good = DDIM_SAMPLE_PARAMS_INIT;
  g_autoptr(DdimDiffusion) diffusion = new_diffusion("7");
  g_autoptr(DdimStepTable) table = new_table(diffusion);
  guint n_timesteps;

  g_assert_true(ddim_step_table_append(table, &good, 6, 5, NULL));
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_false(
        ddim_step_table_append(table, &rows[i].params, rows[i].first, rows[i].last, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    if (!strstr(error->message, rows[i].says))
      g_error("\"%s\" does not say %s", error->message, rows[i].says);
  }
  for (guint to = 0; to < 8; to += 7) {
    g_autoptr(GError) error = NULL;
    g_assert_false(ddim_step_table_append_renoising(table, 1, to, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  }
  g_assert_cmpuint(ddim_step_table_get_n_steps(table), ==, 2);
  ddim_step_table_get_timesteps(table, &n_timesteps);
  g_assert_cmpuint(n_timesteps, ==, 2);
  g_assert_false(ddim_step_table_uses_noise(table));
}

static void
test_names(void)
{
  static const char *const good[] = {DDIM_SAMPLER_NAMES, NULL};
  static const DdimSampler samplers[] = {
      DDIM_SAMPLER_DDIM,  DDIM_SAMPLER_DDPM, DDIM_SAMPLER_DPMPP, DDIM_SAMPLER_DPMPP_SDE,
      DDIM_SAMPLER_UNIPC, DDIM_SAMPLER_PLMS, DDIM_SAMPLER_HEUN};
  static const char *const bad[] = {"", "DDIM", "ddpm ", "reverse", "euler", "dpm", "\x1b[31m"};
  DdimSampler sampler;

  for (guint i = 0; good[i]; i++) {
    g_autoptr(GError) error = NULL;
    ddim_sampler_from_name(good[i], &sampler, &error);
    g_assert_no_error(error);
    g_assert_cmpint(sampler, ==, samplers[i]);
  }
  sampler = DDIM_SAMPLER_REVERSE;
  for (guint i = 0; i <= G_N_ELEMENTS(bad); i++) {
    const char *name = i < G_N_ELEMENTS(bad) ? bad[i] : NULL;
    g_autoptr(GError) error = NULL;
    g_assert_false(ddim_sampler_from_name(name, &sampler, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    g_assert_nonnull(strstr(error->message, "ddim, ddpm, dpm++"));
    g_assert_null(strchr(error->message, '\x1b'));
    g_assert_cmpint(sampler, ==, DDIM_SAMPLER_REVERSE);
  }
}

/* The whole process of a million steps is listed, and not one step more. */
static void
test_long(void)
{
  const DdimDiffusionParams params = {.noise_schedule = "linear", .diffusion_steps = 1000000};
  const DdimSampleParams sample = DDIM_SAMPLE_PARAMS_INIT;
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimDiffusion) diffusion = ddim_diffusion_new(&params, &error);
  g_assert_no_error(error);
  g_autoptr(DdimStepTable) table = ddim_step_table_new_loop(diffusion, &sample, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(ddim_step_table_get_n_steps(table), ==, 1000000);
  g_assert_cmpuint(ddim_step_table_get_step(table, 999999)->condition, ==, 999999);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/step-table/loops", test_loops);
  g_test_add_func("/step-table/time-travel", test_time_travel);
  g_test_add_func("/step-table/q-sample", test_q_sample);
  g_test_add_func("/step-table/refused", test_refused);
  g_test_add_func("/step-table/names", test_names);
  g_test_add_func("/step-table/long", test_long);
  return g_test_run();
}
