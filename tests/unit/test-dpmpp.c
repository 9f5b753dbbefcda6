/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* DPM-Solver++(2M) on data that are normally distributed, where the best prediction of x0 and the
 * exact solution of the differential equation have closed forms. */
#include <math.h>

#include "core/diffusion/host-sampling.h"

#define MEAN 0.3
#define DEVIATION 0.2

enum { COUNT = 12 };

static DdimDiffusion *
new_diffusion(const char *schedule, guint diffusion_steps, const char *respacing, DdimMeanType mean)
{
  const DdimDiffusionParams params = {.noise_schedule = schedule,
                                      .diffusion_steps = diffusion_steps,
                                      .timestep_respacing = respacing,
                                      .mean_type = mean};
  g_autoptr(GError) error = NULL;
  DdimDiffusion *diffusion = ddim_diffusion_new(&params, &error);
  g_assert_no_error(error);
  return diffusion;
}

static double
alpha_bar_at(const DdimDiffusion *diffusion, guint t)
{
  return ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD)[t];
}

/* E[x0 | x_t] for x0 ~ N(MEAN, DEVIATION^2). */
static double
best_x0(double alpha_bar, double x)
{
  const double signal = sqrt(alpha_bar), variance = DEVIATION * DEVIATION;

  return MEAN + signal * variance / (alpha_bar * variance + 1 - alpha_bar) * (x - signal * MEAN);
}

static gboolean
predict(gpointer user_data, const double *x, double timestep, gsize n, gsize plane, double *output,
        GError **error)
{
  const DdimDiffusion *diffusion = user_data;
  const guint *map = ddim_diffusion_get_timestep_map(diffusion);
  guint t = 0;

  while (map[t] != (guint)timestep)
    t++;
  const double a = alpha_bar_at(diffusion, t);
  for (gsize i = 0; i < n * plane; i++) {
    output[i] = best_x0(a, x[i]);
    if (ddim_diffusion_get_mean_type(diffusion) == DDIM_MEAN_EPSILON)
      output[i] = (x[i] - sqrt(a) * output[i]) / sqrt(1 - a);
  }
  return TRUE;
}

/* Algorithm 2 as an exponential integrator in y = x / sigma and u = exp(lambda) = alpha / sigma,
 * where dy/du = x0: the slope over [u_t, u_{t-1}] is x0 plus half a step of its difference
 * quotient in lambda. It is x0 alone in the first step and in the one to index 0. The end, where u
 * is infinite, is x = x0. */
static double
integrate(const DdimDiffusion *diffusion, double x, gboolean clip)
{
  double slope_before = 0, lambda_before = 0;

  for (guint t = ddim_diffusion_get_num_timesteps(diffusion); t-- > 0;) {
    const double a = alpha_bar_at(diffusion, t), sigma = sqrt(1 - a), u = sqrt(a) / sigma;
    const double x0 = clip ? CLAMP(best_x0(a, x), -1, 1) : best_x0(a, x);
    double slope = x0;
    if (t == 0)
      return x0;
    const double a_to = alpha_bar_at(diffusion, t - 1), sigma_to = sqrt(1 - a_to);
    const double u_to = sqrt(a_to) / sigma_to;
    if (t > 1 && t + 1 < ddim_diffusion_get_num_timesteps(diffusion))
      slope += log(u_to / u) / 2 * (x0 - slope_before) / (log(u) - lambda_before);
    x = sigma_to * (x / sigma + (u_to - u) * slope);
    slope_before = x0;
    lambda_before = log(u);
  }
  g_return_val_if_reached(0);
}

static void
sample(const DdimDiffusion *diffusion, DdimSampler sampler, gboolean clip, double *x)
{
  const DdimSampleParams params = {.sampler = sampler, .clip = clip};
  const DdimModel model = {predict, (gpointer)diffusion};
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < COUNT; i++)
    x[i] = -2.2 + 0.4 * i;
  ddim_diffusion_sample(diffusion, &params, &model, 2, COUNT / 2, x, NULL, NULL, NULL, &error);
  g_assert_no_error(error);
}

/* Both are the same sums of double, in another order. */
static void
test_algorithm(void)
{
  static const struct {
    const char *schedule;
    guint steps;
    const char *respacing;
  } rows[] = {{"linear", 1000, "10"}, {"cosine", 4000, "25"}, {"cosine", 60, "5,0,9"},
              {"linear", 1000, "1"},  {"linear", 1000, "2"},  {"linear", 1000, ""}};

  for (guint k = 0; k < G_N_ELEMENTS(rows); k++)
    for (int mean = DDIM_MEAN_EPSILON; mean <= DDIM_MEAN_START_X; mean++)
      for (gboolean clip = FALSE; clip <= TRUE; clip++) {
        g_autoptr(DdimDiffusion) diffusion =
            new_diffusion(rows[k].schedule, rows[k].steps, rows[k].respacing, mean);
        double x[COUNT];
        sample(diffusion, DDIM_SAMPLER_DPMPP, clip, x);
        for (guint i = 0; i < COUNT; i++)
          g_assert_cmpfloat_with_epsilon(x[i], integrate(diffusion, -2.2 + 0.4 * i, clip), 1e-10);
      }
}

/* The exact solution from x at index @from to index @to: its distance from the mean shrinks as the
 * deviation of x_t does. */
static double
exact(const DdimDiffusion *diffusion, guint from, guint to, double x)
{
  const double a = alpha_bar_at(diffusion, from), a_to = alpha_bar_at(diffusion, to);
  const double variance = DEVIATION * DEVIATION;

  return sqrt(a_to) * MEAN +
         sqrt((a_to * variance + 1 - a_to) / (a * variance + 1 - a)) * (x - sqrt(a) * MEAN);
}

/* Of @n steps of the whole process, those down to its timestep 200. Where less noise is left, steps
 * of equal length in t are long in lambda, and their error does not yet fall as theory has it. */
static double
largest_error(DdimSampler sampler, guint n)
{
  g_autofree char *respacing = g_strdup_printf("ddim%u", n);
  g_autoptr(DdimDiffusion) diffusion = new_diffusion("linear", 1000, respacing, DDIM_MEAN_EPSILON);
  const DdimSampleParams params = {.sampler = sampler};
  const DdimModel model = {predict, diffusion};
  const guint end = 200 / (1000 / n);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimStepTable) table = ddim_step_table_new(diffusion, &error);
  double x[COUNT], largest = 0;

  for (guint i = 0; i < COUNT; i++)
    x[i] = -2.2 + 0.4 * i;
  const DdimHostSamplingParams host = {.model = &model, .n = 1, .plane = COUNT, .x = x};
  g_autoptr(DdimHostSampling) sampling = ddim_host_sampling_new(&host, &error);
  ddim_step_table_append(table, &params, n - 1, end + 1, &error);
  g_assert_no_error(error);
  ddim_sampling_run(table, ddim_host_sampling_get_backend(sampling), NULL, 0, NULL, &error);
  g_assert_no_error(error);
  for (guint i = 0; i < COUNT; i++)
    largest = MAX(largest, fabs(x[i] - exact(diffusion, n - 1, end, -2.2 + 0.4 * i)));
  return largest;
}

/* Half the step: DDIM's error halves, being of the first order; DPM-Solver++(2M) is of the second,
 * and its error falls to a quarter. */
static void
test_order(void)
{
  const double ddim = largest_error(DDIM_SAMPLER_DDIM, 100);
  const double ddim_half = largest_error(DDIM_SAMPLER_DDIM, 200);
  const double dpmpp = largest_error(DDIM_SAMPLER_DPMPP, 100);
  const double dpmpp_half = largest_error(DDIM_SAMPLER_DPMPP, 200);

  g_test_message("DDIM %g %g, DPM-Solver++ %g %g", ddim, ddim_half, dpmpp, dpmpp_half);
  g_assert_cmpfloat(log2(ddim / ddim_half), >, 0.9);
  g_assert_cmpfloat(log2(ddim / ddim_half), <, 1.1);
  g_assert_cmpfloat(log2(dpmpp / dpmpp_half), >, 1.9);
  g_assert_cmpfloat(log2(dpmpp / dpmpp_half), <, 2.1);
  g_assert_cmpfloat(dpmpp, <, ddim / 4);
}

/* From pure noise to the image, against a thousand steps. Here the end counts, where steps are long
 * in lambda; a loop that is of the second order to the last step is worse than DDIM's. */
static void
test_whole_loop(void)
{
  static const char *const respacings[] = {"10", "15", "20", "25", "50"};
  g_autoptr(DdimDiffusion) all = new_diffusion("linear", 1000, "", DDIM_MEAN_EPSILON);
  double best[COUNT];

  sample(all, DDIM_SAMPLER_DDIM, FALSE, best);
  for (guint k = 0; k < G_N_ELEMENTS(respacings); k++) {
    g_autoptr(DdimDiffusion) diffusion =
        new_diffusion("linear", 1000, respacings[k], DDIM_MEAN_EPSILON);
    double errors[2] = {0};
    for (guint s = 0; s < 2; s++) {
      double x[COUNT];
      sample(diffusion, s ? DDIM_SAMPLER_DPMPP : DDIM_SAMPLER_DDIM, FALSE, x);
      for (guint i = 0; i < COUNT; i++)
        errors[s] = MAX(errors[s], fabs(x[i] - best[i]));
    }
    g_test_message("%s steps: DDIM %g, DPM-Solver++ %g", respacings[k], errors[0], errors[1]);
    g_assert_cmpfloat(errors[1], <, errors[0]);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/dpmpp/algorithm", test_algorithm);
  g_test_add_func("/dpmpp/order", test_order);
  g_test_add_func("/dpmpp/whole-loop", test_whole_loop);
  return g_test_run();
}
