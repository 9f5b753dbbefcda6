/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "core/diffusion/sampler-steps.h"
#include "core/diffusion/step.h"
#include "core/data/error.h"
#include "core/diffusion/schedule.h"

static DdimDiffusion *
new_diffusion(const DdimDiffusionParams *params)
{
  g_autoptr(GError) error = NULL;
  DdimDiffusion *diffusion = ddim_diffusion_new(params, &error);
  g_assert_no_error(error);
  return diffusion;
}

/* ---- what must hold whatever the schedule ---- */

static const DdimDiffusionParams schedules[] = {
    {.noise_schedule = "linear", .diffusion_steps = 1000, .timestep_respacing = ""},
    {.noise_schedule = "linear", .diffusion_steps = 1000, .timestep_respacing = "ddim50"},
    {.noise_schedule = "cosine", .diffusion_steps = 4000, .timestep_respacing = "33"},
    {.noise_schedule = "cosine", .diffusion_steps = 60, .timestep_respacing = "5,0,9"},
    {.noise_schedule = "linear", .diffusion_steps = 21, .timestep_respacing = "2"},
};

/* With x_t = sqrt(abar) x0 + sqrt(1-abar) z, the posterior must give x_{t-1} its mean
 * sqrt(abar_prev) x0 and its variance 1 - abar_prev again. */
static void
test_posterior(void)
{
  for (guint k = 0; k < G_N_ELEMENTS(schedules); k++) {
    g_autoptr(DdimDiffusion) diffusion = new_diffusion(&schedules[k]);
    const guint n = ddim_diffusion_get_num_timesteps(diffusion);
    const double *table[DDIM_N_TABLES];
    for (int i = 0; i < DDIM_N_TABLES; i++)
      table[i] = ddim_diffusion_get_table(diffusion, i);
    for (guint t = 0; t < n; t++) {
      const double alpha_bar = table[DDIM_TABLE_ALPHAS_CUMPROD][t];
      const double prev = table[DDIM_TABLE_ALPHAS_CUMPROD_PREV][t];
      const double c1 = table[DDIM_TABLE_POSTERIOR_MEAN_COEF1][t];
      const double c2 = table[DDIM_TABLE_POSTERIOR_MEAN_COEF2][t];
      const double variance = table[DDIM_TABLE_POSTERIOR_VARIANCE][t];
      g_assert_cmpfloat(prev, ==, t > 0 ? table[DDIM_TABLE_ALPHAS_CUMPROD][t - 1] : 1);
      g_assert_cmpfloat(table[DDIM_TABLE_ALPHAS_CUMPROD_NEXT][t], ==,
                        t + 1 < n ? table[DDIM_TABLE_ALPHAS_CUMPROD][t + 1] : 0);
      g_assert_cmpfloat_with_epsilon(alpha_bar, prev * (1 - table[DDIM_TABLE_BETAS][t]), 1e-15);
      g_assert_cmpfloat_with_epsilon(c1 + c2 * sqrt(alpha_bar), sqrt(prev), 1e-11);
      g_assert_cmpfloat_with_epsilon(variance + c2 * c2 * (1 - alpha_bar), 1 - prev, 1e-11);
      g_assert_cmpfloat_with_epsilon(exp(table[DDIM_TABLE_POSTERIOR_LOG_VARIANCE_CLIPPED][t]),
                                     t > 0 ? variance : table[DDIM_TABLE_POSTERIOR_VARIANCE][1],
                                     1e-14);
    }
  }
}

/* Respacing keeps alphas_cumprod: the kept steps' values are those of the whole process. */
static void
test_respacing(void)
{
  for (guint k = 0; k < G_N_ELEMENTS(schedules); k++) {
    DdimDiffusionParams whole = schedules[k];
    whole.timestep_respacing = "";
    g_autoptr(DdimDiffusion) full = new_diffusion(&whole);
    g_autoptr(DdimDiffusion) spaced = new_diffusion(&schedules[k]);
    const guint *map = ddim_diffusion_get_timestep_map(spaced);
    const double *all = ddim_diffusion_get_table(full, DDIM_TABLE_ALPHAS_CUMPROD);
    const double *kept = ddim_diffusion_get_table(spaced, DDIM_TABLE_ALPHAS_CUMPROD);
    for (guint t = 0; t < ddim_diffusion_get_num_timesteps(spaced); t++)
      g_assert_cmpfloat_with_epsilon(kept[t], all[map[t]], 1e-14);
  }
}

/* x_{t-1} as a linear function of x_t and of the model's output, clipping aside. */
static void
step_totals(const DdimStep *step, double *of_x, double *of_model)
{
  *of_x = step->next_x + step->next_x0 * step->x0_x;
  *of_model = step->next_m + step->next_x0 * step->x0_m;
}

/* DDIM with eta = 1 is DDPM with the posterior's variance (section 4.1 of the paper). */
static void
test_eta_one(void)
{
  for (guint k = 0; k < G_N_ELEMENTS(schedules); k++)
    for (int mean = DDIM_MEAN_EPSILON; mean <= DDIM_MEAN_PREVIOUS_X; mean++) {
      DdimDiffusionParams params = schedules[k];
      params.mean_type = mean;
      params.var_type = DDIM_VAR_FIXED_SMALL;
      g_autoptr(DdimDiffusion) diffusion = new_diffusion(&params);
      for (guint t = 0; t < ddim_diffusion_get_num_timesteps(diffusion); t++) {
        g_autoptr(GError) error = NULL;
        DdimStep ddim, ddpm;
        double x1, m1, x2, m2;
        ddim_diffusion_ddim_step(diffusion, t, 1, FALSE, &ddim, &error);
        g_assert_no_error(error);
        ddim_diffusion_ddpm_step(diffusion, t, FALSE, &ddpm);
        step_totals(&ddim, &x1, &m1);
        step_totals(&ddpm, &x2, &m2);
        g_assert_cmpfloat_with_epsilon(ddim.sigma, ddpm.sigma, 1e-10);
        g_assert_cmpfloat_with_epsilon(x1, x2, 1e-8 * MAX(1, fabs(x2)));
        g_assert_cmpfloat_with_epsilon(m1, m2, 1e-8 * MAX(1, fabs(m2)));
      }
    }
}

/* The three predictions say the same of x0: with outputs that agree, the steps agree. */
static void
test_mean_types(void)
{
  const double x0 = 0.37, eps = -1.21;
  DdimDiffusionParams params = schedules[1];

  for (guint t = 0; t < 50; t += 7)
    for (int sampler = DDIM_SAMPLER_DDIM; sampler <= DDIM_SAMPLER_REVERSE; sampler++) {
      double results[3];
      for (int mean = DDIM_MEAN_EPSILON; mean <= DDIM_MEAN_PREVIOUS_X; mean++) {
        params.mean_type = mean;
        g_autoptr(DdimDiffusion) diffusion = new_diffusion(&params);
        const double alpha_bar = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD)[t];
        const double c1 = ddim_diffusion_get_table(diffusion, DDIM_TABLE_POSTERIOR_MEAN_COEF1)[t];
        const double c2 = ddim_diffusion_get_table(diffusion, DDIM_TABLE_POSTERIOR_MEAN_COEF2)[t];
        const DdimSampleParams sample = {.sampler = sampler, .eta = 0.4, .clip = TRUE};
        const double noise = 0.8;
        double x = sqrt(alpha_bar) * x0 + sqrt(1 - alpha_bar) * eps, found;
        const double outputs[] = {eps, x0, c1 * x0 + c2 * x};
        g_autoptr(GError) error = NULL;
        DdimStep step;
        ddim_diffusion_get_step(diffusion, &sample, t, &step, &error);
        g_assert_no_error(error);
        ddim_step_apply(&step, 1, 1, FALSE, &x, &outputs[mean], &noise, &found);
        g_assert_cmpfloat_with_epsilon(found, x0, 1e-10);
        results[mean] = x;
      }
      g_assert_cmpfloat_with_epsilon(results[1], results[0], 1e-10);
      g_assert_cmpfloat_with_epsilon(results[2], results[0], 1e-10);
    }
}

/* One reverse step and the DDIM step back, the model saying the same both times, are the identity.
 */
static void
test_reverse_and_back(void)
{
  for (guint k = 0; k < G_N_ELEMENTS(schedules); k++) {
    g_autoptr(DdimDiffusion) diffusion = new_diffusion(&schedules[k]);
    for (guint t = 0; t + 1 < ddim_diffusion_get_num_timesteps(diffusion); t++) {
      const double start = 0.6, eps = 0.9;
      double x = start, x0;
      DdimStep step;
      ddim_diffusion_reverse_step(diffusion, t, FALSE, &step);
      ddim_step_apply(&step, 1, 1, FALSE, &x, &eps, NULL, &x0);
      ddim_diffusion_ddim_step(diffusion, t + 1, 0, FALSE, &step, NULL);
      ddim_step_apply(&step, 1, 1, FALSE, &x, &eps, NULL, &x0);
      g_assert_cmpfloat_with_epsilon(x, start, 1e-9);
    }
  }
}

/* ---- the edges ---- */

/* One kept step, and a last beta of 1: always finite, and the sample is x0 where nothing else is
 * known. */
static void
test_degenerate(void)
{
  static const DdimDiffusionParams rows[] = {
      {.noise_schedule = "linear", .diffusion_steps = 1000, .timestep_respacing = "1"},
      {.noise_schedule = "cosine", .diffusion_steps = 1, .timestep_respacing = ""},
      {.noise_schedule = "linear", .diffusion_steps = 20, .timestep_respacing = ""},
      {.noise_schedule = "linear", .diffusion_steps = 20, .timestep_respacing = "2"},
      {.noise_schedule = "linear", .diffusion_steps = 20, .timestep_respacing = "6"},
      {.noise_schedule = "linear", .diffusion_steps = 20, .timestep_respacing = "0,1"},
  };

  for (guint k = 0; k < G_N_ELEMENTS(rows); k++)
    for (int mean = DDIM_MEAN_EPSILON; mean <= DDIM_MEAN_PREVIOUS_X; mean++)
      for (int variance = DDIM_VAR_FIXED_LARGE; variance <= DDIM_VAR_LEARNED_PLAIN; variance++) {
        DdimDiffusionParams params = rows[k];
        params.mean_type = mean;
        params.var_type = variance;
        g_autoptr(DdimDiffusion) diffusion = new_diffusion(&params);
        const guint n = ddim_diffusion_get_num_timesteps(diffusion);
        const gboolean learned = ddim_diffusion_get_model_channels(diffusion, 3) == 6;
        for (int i = 0; i < DDIM_N_TABLES; i++)
          for (guint t = 0; t < n; t++)
            g_assert_true(isfinite(ddim_diffusion_get_table(diffusion, i)[t]));
        for (int sampler = DDIM_SAMPLER_DDIM; sampler <= DDIM_SAMPLER_REVERSE; sampler++)
          for (guint t = 0; t < n; t++) {
            const DdimSampleParams sample = {.sampler = sampler, .eta = 1};
            double x = 0.7, x0;
            const double output[] = {0.2, 0.1}, noise = 0.5;
            DdimStep step;
            g_assert_true(ddim_diffusion_get_step(diffusion, &sample, t, &step, NULL));
            ddim_step_apply(&step, 1, 1, learned, &x, output, &noise, &x0);
            g_assert_true(isfinite(x) && isfinite(x0));
            if (t == 0 && sampler != DDIM_SAMPLER_REVERSE) {
              g_assert_false(ddim_step_uses_noise(&step));
              g_assert_cmpfloat_with_epsilon(x, mean == DDIM_MEAN_PREVIOUS_X ? output[0] : x0,
                                             1e-12);
            }
          }
      }
}

static void
test_pure_noise(void)
{
  const DdimDiffusionParams params = {
      .noise_schedule = "linear", .diffusion_steps = 20, .timestep_respacing = ""};
  g_autoptr(DdimDiffusion) diffusion = new_diffusion(&params);
  const double prev = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD)[18];
  const double eps = 123;
  double x = 0.7, x0;
  DdimStep step;

  g_assert_true(ddim_diffusion_ddim_step(diffusion, 19, 0, TRUE, &step, NULL));
  ddim_step_apply(&step, 1, 1, FALSE, &x, &eps, NULL, &x0);
  g_assert_cmpfloat(x0, ==, 0);
  g_assert_cmpfloat_with_epsilon(x, sqrt(1 - prev) * 0.7, 1e-15);
}

static void
test_model_timesteps(void)
{
  static const struct {
    guint steps;
    gboolean rescale;
    double first, last;
  } rows[] = {
      {1000, FALSE, 0, 999},
      {1000, TRUE, 0, 999},
      {4000, FALSE, 0, 3999},
      {4000, TRUE, 0, 999.75},
      {3000, TRUE, 0, (float)(2999 * (float)(1000.0 / 3000))},
      {100, TRUE, 0, 990},
  };

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    const DdimDiffusionParams params = {.noise_schedule = "cosine",
                                        .diffusion_steps = rows[i].steps,
                                        .timestep_respacing = "7",
                                        .rescale_timesteps = rows[i].rescale};
    g_autoptr(DdimDiffusion) diffusion = new_diffusion(&params);
    g_assert_cmpfloat(ddim_diffusion_get_model_timestep(diffusion, 0), ==, rows[i].first);
    g_assert_cmpfloat(ddim_diffusion_get_model_timestep(diffusion, 6), ==, rows[i].last);
  }
}

static void
test_bad_betas(void)
{
  enum { N = 120 };
  static const struct {
    guint index;
    double value;
    const char *says;
  } rows[] = {
      {0, 0, "beta 0"},
      {119, -0.5, "beta 119"},
      {60, 1.0000001, "at most 1"},
      {5, NAN, "beta 5"},
      {5, INFINITY, "beta 5"},
      {7, 1e-17, "too small"},
      {118, 1, "no signal after step 118"},
      {0, 1, "no signal after step 0"},
  };
  const DdimDiffusionParams params = {.diffusion_steps = N, .timestep_respacing = "40"};
  double betas[N];

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    for (guint t = 0; t < N; t++)
      betas[t] = 0.01;
    betas[rows[i].index] = rows[i].value;
    g_assert_null(ddim_diffusion_new_from_betas(betas, &params, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    if (strstr(error->message, rows[i].says) == NULL)
      g_error("\"%s\" does not say %s", error->message, rows[i].says);
  }
  /* 0.001^120 is no double any more */
  g_autoptr(GError) error = NULL;
  for (guint t = 0; t < N; t++)
    betas[t] = 0.999;
  g_assert_null(ddim_diffusion_new_from_betas(betas, &params, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
}

static void
test_own_betas(void)
{
  const DdimDiffusionParams params = {.noise_schedule = "linear", .diffusion_steps = 30};
  g_autofree double *betas = ddim_betas_new("linear", 30, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimDiffusion) own = ddim_diffusion_new_from_betas(betas, &params, &error);
  g_assert_no_error(error);
  g_autoptr(DdimDiffusion) named = new_diffusion(&params);

  for (int i = 0; i < DDIM_N_TABLES; i++)
    g_assert_cmpmem(ddim_diffusion_get_table(own, i), 30 * sizeof(double),
                    ddim_diffusion_get_table(named, i), 30 * sizeof(double));
}

static void
test_bad_params(void)
{
  static const DdimDiffusionParams rows[] = {
      {.noise_schedule = "quadratic", .diffusion_steps = 100},
      {.noise_schedule = "linear", .diffusion_steps = 19},
      {.noise_schedule = "cosine", .diffusion_steps = 0},
      {.noise_schedule = "cosine", .diffusion_steps = 100, .timestep_respacing = "101"},
      {.noise_schedule = "cosine", .diffusion_steps = 1000, .timestep_respacing = "ddim60"},
  };

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(ddim_diffusion_new(&rows[i], &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/diffusion/posterior", test_posterior);
  g_test_add_func("/diffusion/respacing", test_respacing);
  g_test_add_func("/diffusion/eta-one", test_eta_one);
  g_test_add_func("/diffusion/mean-types", test_mean_types);
  g_test_add_func("/diffusion/reverse-and-back", test_reverse_and_back);
  g_test_add_func("/diffusion/degenerate", test_degenerate);
  g_test_add_func("/diffusion/pure-noise", test_pure_noise);
  g_test_add_func("/diffusion/model-timesteps", test_model_timesteps);
  g_test_add_func("/diffusion/bad-betas", test_bad_betas);
  g_test_add_func("/diffusion/own-betas", test_own_betas);
  g_test_add_func("/diffusion/bad-params", test_bad_params);
  return g_test_run();
}
