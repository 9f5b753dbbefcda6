/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dpm++sde, unipc, plms and heun, with a model in closed form, against the papers' own formulas in
 * numpy (tests/data/make-solvers.py); and how fast they approach the exact solution. */
#include <math.h>

#include "core/data/json.h"
#include "wave-noise.h"

enum { COUNT = 16 };

/* Both compute in float64. x0 of the first steps is some hundred times as large as x. */
#define TOLERANCE 1e-9

typedef struct {
  guint T;
  WaveNoise noise;
} Run;

static gboolean
predict(gpointer user_data, const double *x, double t, gsize n, gsize plane, double *output,
        GError **error)
{
  const Run *run = user_data;
  const double u = (t + 1) / run->T;

  for (gsize i = 0; i < n * plane; i++)
    output[i] = x[i] * (u / (u + 0.1)) + 0.1 * sin(3 * x[i] + t / 100);
  return TRUE;
}

static void
test_case(gconstpointer data)
{
  JsonObject *object = (JsonObject *)data;
  Run run = {.T = (guint)json_object_get_int_member(object, "T")};
  const DdimModel model = {predict, &run};
  const DdimDiffusionParams params = {
      .noise_schedule = json_object_get_string_member(object, "schedule"),
      .diffusion_steps = run.T,
      .timestep_respacing = json_object_get_string_member(object, "steps")};
  JsonArray *expected = json_object_get_array_member(object, "result");
  DdimSampleParams sample = {.clip = json_object_get_boolean_member(object, "clip")};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimDiffusion) diffusion = ddim_diffusion_new(&params, &error);
  double x[COUNT], largest = 1, worst = 0;

  g_assert_no_error(error);
  ddim_sampler_from_name(json_object_get_string_member(object, "sampler"), &sample.sampler, &error);
  g_assert_no_error(error);
  for (guint i = 0; i < COUNT; i++)
    x[i] = 1.3 * sin(1.0 + i);
  ddim_diffusion_sample(diffusion, &sample, &model, 1, COUNT, x, wave_noise_draw,
                        &run.noise, NULL, &error);
  g_assert_no_error(error);
  for (guint i = 0; i < COUNT; i++) {
    const double value = json_array_get_double_element(expected, i);
    largest = MAX(largest, fabs(value));
    worst = MAX(worst, fabs(value - x[i]));
  }
  g_test_message("%g of %g", worst, largest);
  g_assert_cmpfloat(worst, <=, TOLERANCE * largest);
  g_assert_cmpuint(
      run.noise.draws, ==,
      sample.sampler == DDIM_SAMPLER_DPMPP_SDE ? ddim_diffusion_get_num_timesteps(diffusion) : 0);
}

static void
add_cases(JsonArray *cases)
{
  for (guint i = 0; i < json_array_get_length(cases); i++) {
    JsonObject *object = json_array_get_object_element(cases, i);
    g_autofree char *name =
        g_strdup_printf("/solvers/%s/%u", json_object_get_string_member(object, "sampler"), i);
    g_test_add_data_func(name, object, test_case);
  }
}

/* ---- the order of convergence ---- */

/* Data that are normally distributed have an exact prediction, and an exact solution: x keeps its
 * place in the distribution. */
#define MEAN 0.3
#define DEVIATION 0.2

typedef struct {
  const DdimDiffusion *diffusion;
} Normal;

static double
get_spread(double alpha_bar)
{
  return sqrt(alpha_bar * DEVIATION * DEVIATION + 1 - alpha_bar);
}

static gboolean
predict_normal(gpointer user_data, const double *x, double timestep, gsize n, gsize plane,
               double *output, GError **error)
{
  const DdimDiffusion *diffusion = user_data;
  const guint *map = ddim_diffusion_get_timestep_map(diffusion);
  guint t = 0;

  while (map[t] != (guint)timestep)
    t++;
  const double a = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD)[t];
  const double spread = get_spread(a);
  for (gsize i = 0; i < n * plane; i++)
    output[i] = sqrt(1 - a) * (x[i] - sqrt(a) * MEAN) / (spread * spread);
  return TRUE;
}

/* The error after a run from 999 down to respaced index @stop, where alpha_bar is still far
 * from 1. */
static double
get_error(DdimSampler sampler, guint n)
{
  g_autofree char *respacing = g_strdup_printf("%u", n);
  const DdimDiffusionParams params = {
      .noise_schedule = "linear", .diffusion_steps = 1000, .timestep_respacing = respacing};
  const DdimSampleParams sample = {.sampler = sampler};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimDiffusion) diffusion = ddim_diffusion_new(&params, &error);
  g_autoptr(DdimStepTable) table = ddim_step_table_new(diffusion, &error);
  const DdimModel model = {predict_normal, diffusion};
  const double *abar = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD);
  double x = 0.7, place;
  const DdimHostSamplingParams host = {.model = &model, .n = 1, .plane = 1, .x = &x};
  g_autoptr(DdimHostSampling) sampling = ddim_host_sampling_new(&host, &error);
  const guint stop = n / 5;

  place = (x - sqrt(abar[n - 1]) * MEAN) / get_spread(abar[n - 1]);
  ddim_step_table_append(table, &sample, n - 1, stop, &error);
  g_assert_no_error(error);
  ddim_sampling_run(table, ddim_host_sampling_get_backend(sampling), NULL, 0, NULL, &error);
  g_assert_no_error(error);
  return fabs(x - (sqrt(abar[stop - 1]) * MEAN + place * get_spread(abar[stop - 1])));
}

static void
test_order(void)
{
  static const struct {
    DdimSampler sampler;
    double least; /* by how much twice the steps reduce the error: 2 for order 1, 4 for order 2 */
  } rows[] = {{DDIM_SAMPLER_DDIM, 1.8},
              {DDIM_SAMPLER_UNIPC, 3},
              {DDIM_SAMPLER_PLMS, 3}, /* its first step is of order 1, which is what remains */
              {DDIM_SAMPLER_HEUN, 3}};

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    const double coarse = get_error(rows[i].sampler, 100), fine = get_error(rows[i].sampler, 200);
    g_test_message("sampler %d: %g %g", rows[i].sampler, coarse, fine);
    g_assert_cmpfloat(coarse / fine, >=, rows[i].least);
    if (i > 0)
      g_assert_cmpfloat(coarse, <, get_error(DDIM_SAMPLER_DDIM, 100) / 3);
  }
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);

  g_autofree char *path = g_build_filename(g_getenv("DDIM_TEST_DATA"), "solvers.json", NULL);
  g_autoptr(JsonParser) parser = json_parser_new();
  g_autoptr(GError) error = NULL;

  json_parser_load_from_file(parser, path, &error);
  g_assert_no_error(error);
  add_cases(json_node_get_array(json_parser_get_root(parser)));
  g_test_add_func("/solvers/order", test_order);
  return g_test_run();
}
