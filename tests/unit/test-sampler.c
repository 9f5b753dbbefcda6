/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "core/diffusion/host-sampling.h"
#include "core/data/error.h"
#include "golden.h"

#define IMAGES 2
#define PLANE 48 /* 3x4x4, as in samplers.npz */
#define COUNT (IMAGES * PLANE)

static DdimDiffusion *
new_diffusion(const DdimDiffusionParams *params)
{
  g_autoptr(GError) error = NULL;
  DdimDiffusion *diffusion = ddim_diffusion_new(params, &error);
  g_assert_no_error(error);
  return diffusion;
}

/* ---- the original's loops ---- */

typedef struct {
  gboolean learned;
  guint calls;
  const double *noise;
  guint draws;
} Closed;

/* The model of samplers.npz: 0.3 x + 0.2 sin(3 x + t/100); variance channels 0.5 cos(x + t/50). */
static gboolean
predict_closed(gpointer user_data, const double *x, double t, gsize n, gsize plane, double *output,
               GError **error)
{
  Closed *closed = user_data;

  closed->calls++;
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < plane; j++) {
      const double value = x[i * plane + j];
      double *out = output + i * plane * (closed->learned ? 2 : 1);
      out[j] = 0.3 * value + 0.2 * sin(3 * value + t / 100);
      if (closed->learned)
        out[plane + j] = 0.5 * cos(value + t / 50);
    }
  return TRUE;
}

static void
next_noise(gpointer user_data, double *out, gsize n)
{
  Closed *closed = user_data;

  g_assert_cmpuint(n, ==, COUNT);
  closed->draws++;
  memcpy(out, closed->noise + closed->draws * COUNT, n * sizeof *out);
}

static int
find_name(const char *name, const char *const *names)
{
  for (int i = 0; names[i]; i++)
    if (strcmp(name, names[i]) == 0)
      return i;
  g_error("unknown name %s", name);
}

static void
check_loop(JsonObject *row, const char *npz)
{
  static const char *const means[] = {"eps", "xstart", "xprev", NULL};
  static const char *const variances[] = {"fixed_large", "fixed_small", "learned", "learned_range",
                                          NULL};
  static const char *const samplers[] = {"ddim", "ddpm", "reverse", NULL};
  static const DdimSampler numbers[] = {DDIM_SAMPLER_DDIM, DDIM_SAMPLER_DDPM, DDIM_SAMPLER_REVERSE};
  const char *key = json_object_get_string_member(row, "key");
  const DdimDiffusionParams params = {
      .noise_schedule = json_object_get_string_member(row, "schedule"),
      .diffusion_steps = (guint)json_object_get_int_member(row, "steps"),
      .timestep_respacing = json_object_get_string_member(row, "respacing"),
      .mean_type = find_name(json_object_get_string_member(row, "mean_type"), means),
      .var_type = find_name(json_object_get_string_member(row, "var_type"), variances),
      .rescale_timesteps = json_object_get_boolean_member(row, "rescale_timesteps"),
  };
  const DdimSampleParams sample = {
      .sampler = numbers[find_name(json_object_get_string_member(row, "sampler"), samplers)],
      .eta = json_object_get_double_member(row, "eta"),
      .clip = json_object_get_boolean_member(row, "clip_denoised"),
  };
  g_autoptr(DdimArray) noise = golden_array("samplers.npz", "noise");
  g_autoptr(DdimArray) result = golden_array(npz, "%s_sample", key);
  const double *expected = golden_data(result, DDIM_DTYPE_F64, COUNT);
  Closed closed = {.learned = params.var_type >= DDIM_VAR_LEARNED,
                   .noise = golden_data(noise, DDIM_DTYPE_F64, 64 * COUNT)};
  const DdimModel model = {predict_closed, &closed};
  g_autoptr(DdimDiffusion) diffusion = new_diffusion(&params);
  const gboolean reverse = sample.sampler == DDIM_SAMPLER_REVERSE;
  g_autoptr(GError) error = NULL;
  double x[COUNT], largest = 1;

  for (guint i = 0; i < COUNT; i++)
    x[i] = reverse ? tanh(closed.noise[i]) : closed.noise[i];
  ddim_diffusion_sample(diffusion, &sample, &model, IMAGES, PLANE, x, next_noise, &closed, NULL,
                        &error);
  g_assert_no_error(error);
  g_assert_cmpuint(closed.calls, ==, ddim_diffusion_get_num_timesteps(diffusion));
  g_assert_cmpuint(closed.draws, ==, reverse ? 0 : closed.calls);
  for (guint i = 0; i < COUNT; i++)
    largest = MAX(largest, fabs(expected[i]));
  for (guint i = 0; i < COUNT; i++)
    if (!(fabs(x[i] - expected[i]) <= 1e-11 * largest))
      g_error("%s[%u]: %.17g, expected %.17g", key, i, x[i], expected[i]);
}

static void
test_golden_loops(void)
{
  g_autoptr(JsonNode) root = golden_json("samplers.json");
  g_autoptr(JsonNode) more = golden_json("diffusion.json");
  JsonArray *rows = json_node_get_array(root);
  JsonArray *more_rows = json_object_get_array_member(json_node_get_object(more), "samplers");

  g_assert_cmpuint(json_array_get_length(rows), ==, 9);
  for (guint i = 0; i < json_array_get_length(rows); i++)
    check_loop(json_array_get_object_element(rows, i), "samplers.npz");
  g_assert_cmpuint(json_array_get_length(more_rows), ==, 10);
  for (guint i = 0; i < json_array_get_length(more_rows); i++)
    check_loop(json_array_get_object_element(more_rows, i), "diffusion.npz");
}

/* ---- a model that is right ---- */

static const DdimDiffusionParams schedules[] = {
    {.noise_schedule = "linear", .diffusion_steps = 1000, .timestep_respacing = "ddim50"},
    {.noise_schedule = "cosine", .diffusion_steps = 4000, .timestep_respacing = "33"},
    {.noise_schedule = "cosine", .diffusion_steps = 60, .timestep_respacing = "5,0,9"},
    {.noise_schedule = "linear", .diffusion_steps = 21, .timestep_respacing = "2"},
};

/* A model that knows the image: eps = (x - sqrt(abar) image) / sqrt(1 - abar). */
typedef struct {
  const DdimDiffusion *diffusion;
  double image[PLANE];
  GRand *rand;
} Knowing;

static gboolean
predict_knowing(gpointer user_data, const double *x, double timestep, gsize n, gsize plane,
                double *output, GError **error)
{
  const Knowing *knowing = user_data;
  const guint *map = ddim_diffusion_get_timestep_map(knowing->diffusion);
  guint t = 0;

  while (map[t] != (guint)timestep)
    t++;
  const double a = ddim_diffusion_get_table(knowing->diffusion, DDIM_TABLE_ALPHAS_CUMPROD)[t];
  for (gsize i = 0; i < n * plane; i++)
    output[i] = (x[i] - sqrt(a) * knowing->image[i % plane]) / sqrt(1 - a);
  return TRUE;
}

static void
uniform_noise(gpointer user_data, double *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = g_rand_double_range(((Knowing *)user_data)->rand, -2, 2);
}

/* Every sampler lands on it from anywhere, whatever noise is added on the way. */
static void
test_landing(void)
{
  static const DdimSampleParams samples[] = {
      {.sampler = DDIM_SAMPLER_DDIM, .clip = TRUE},
      {.sampler = DDIM_SAMPLER_DDIM, .eta = 0.5, .clip = TRUE},
      {.sampler = DDIM_SAMPLER_DDIM, .eta = 1},
      {.sampler = DDIM_SAMPLER_DDPM, .clip = TRUE},
  };

  for (guint k = 0; k < G_N_ELEMENTS(schedules); k++)
    for (guint s = 0; s < G_N_ELEMENTS(samples); s++) {
      g_autoptr(DdimDiffusion) diffusion = new_diffusion(&schedules[k]);
      g_autoptr(GRand) rand = g_rand_new_with_seed(s);
      Knowing knowing = {.diffusion = diffusion, .rand = rand};
      const DdimModel model = {predict_knowing, &knowing};
      g_autoptr(GError) error = NULL;
      double x[COUNT];
      for (guint i = 0; i < PLANE; i++)
        knowing.image[i] = -1 + 2.0 * i / (PLANE - 1);
      uniform_noise(&knowing, x, COUNT);
      ddim_diffusion_sample(diffusion, &samples[s], &model, IMAGES, PLANE, x, uniform_noise,
                            &knowing, NULL, &error);
      g_assert_no_error(error);
      for (guint i = 0; i < COUNT; i++)
        g_assert_cmpfloat_with_epsilon(x[i], knowing.image[i % PLANE], 1e-9);
    }
}

/* ---- one step ---- */

static const double *
reference_noise(void)
{
  static const double values[] = {0.5, -0.25, 1.5, -3};
  return values;
}

/* Two images with learned variances lie [image][mean, variance][plane]; clipping acts on x0, eps
 * follows. */
static void
test_apply_layout(void)
{
  const DdimStep step = {.x0_x = 2,
                         .x0_m = 1,
                         .next_x = 10,
                         .next_x0 = 100,
                         .next_m = 1000,
                         .clip = TRUE,
                         .sigma_type = DDIM_SIGMA_LEARNED_RANGE,
                         .min_log = 2 * log(0.1),
                         .max_log = 2 * log(10)};
  double x[] = {0.1, 0.2, 0.3, 0.4}, x0[4];
  const double output[] = {0.5, 0.9, /* v */ -1, 1, /* second image */ -3, -0.1, /* v */ 0, 1};
  static const double expected_x0[] = {0.7, 1, -1, 0.7};
  static const double expected[] = {1 + 70 + 500 + 0.5 * 0.1, 2 + 100 + 900 - 0.25 * 10,
                                    3 - 100 - 3000 + 1.5 * 1, 4 + 70 - 100 - 3.0 * 10};

  ddim_step_apply(&step, 2, 2, TRUE, x, output, reference_noise(), x0);
  for (guint i = 0; i < 4; i++) {
    g_assert_cmpfloat_with_epsilon(x0[i], expected_x0[i], 1e-12);
    g_assert_cmpfloat_with_epsilon(x[i], expected[i], 1e-9);
  }

  const DdimStep learned = {.sigma_type = DDIM_SIGMA_LEARNED};
  const double log_variance[] = {0, 2 * log(3)};
  x[0] = 0;
  ddim_step_apply(&learned, 1, 1, TRUE, x, log_variance, reference_noise(), x0);
  g_assert_cmpfloat_with_epsilon(x[0], 1.5, 1e-12);
}

static void
test_bad_eta(void)
{
  static const double etas[] = {-0.1, -1, NAN, INFINITY, -INFINITY, 1.5, 100};
  const DdimDiffusionParams params = {
      .noise_schedule = "linear", .diffusion_steps = 1000, .timestep_respacing = "20"};
  g_autoptr(DdimDiffusion) diffusion = new_diffusion(&params);
  Closed closed = {0};
  const DdimModel model = {predict_closed, &closed};
  double x[PLANE] = {0};

  for (guint i = 0; i < G_N_ELEMENTS(etas); i++) {
    const DdimSampleParams sample = {.sampler = DDIM_SAMPLER_DDIM, .eta = etas[i]};
    g_autoptr(GError) error = NULL;
    g_assert_false(ddim_diffusion_sample(diffusion, &sample, &model, 1, PLANE, x, next_noise,
                                         &closed, NULL, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    g_assert_nonnull(strstr(error->message, "eta"));
  }
  g_assert_cmpuint(closed.calls, ==, 0);
}

/* ---- stopping ---- */

typedef struct {
  guint calls, stop_at;
  GCancellable *cancellable; /* NULL: fail instead */
} Stopping;

static gboolean
predict_stopping(gpointer user_data, const double *x, double timestep, gsize n, gsize plane,
                 double *output, GError **error)
{
  Stopping *stopping = user_data;

  memset(output, 0, n * plane * sizeof *output);
  if (++stopping->calls != stopping->stop_at)
    return TRUE;
  if (stopping->cancellable != NULL) {
    g_cancellable_cancel(stopping->cancellable);
    return TRUE;
  }
  g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, "the model failed");
  return FALSE;
}

static void
test_stopping(void)
{
  const DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;
  const DdimSampleParams sample = DDIM_SAMPLE_PARAMS_INIT;
  g_autoptr(DdimDiffusion) diffusion = new_diffusion(&params);
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  double x[4] = {0};

  for (guint i = 0; i < 3; i++) {
    Stopping stopping = {.stop_at = i == 2 ? 0 : 5, .cancellable = i == 0 ? NULL : cancellable};
    const DdimModel model = {predict_stopping, &stopping};
    g_autoptr(GError) error = NULL;
    g_assert_false(ddim_diffusion_sample(diffusion, &sample, &model, 1, 4, x, NULL, NULL,
                                         i == 0 ? NULL : cancellable, &error));
    if (i == 0)
      g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
    else
      g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpuint(stopping.calls, ==, i == 2 ? 0 : 5);
  }
}

/* More images than there is memory for are refused, not tried. */
static void
test_too_many(void)
{
  const DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;
  const DdimSampleParams sample = DDIM_SAMPLE_PARAMS_INIT;
  g_autoptr(DdimDiffusion) diffusion = new_diffusion(&params);
  Stopping stopping = {0};
  const DdimModel model = {predict_stopping, &stopping};
  g_autoptr(GError) error = NULL;
  double x[1] = {0};

  g_assert_false(ddim_diffusion_sample(diffusion, &sample, &model, G_MAXSIZE / 2, 3, x, NULL, NULL,
                                       NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  g_assert_cmpuint(stopping.calls, ==, 0);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/sampler/golden-loops", test_golden_loops);
  g_test_add_func("/sampler/landing", test_landing);
  g_test_add_func("/sampler/apply-layout", test_apply_layout);
  g_test_add_func("/sampler/bad-eta", test_bad_eta);
  g_test_add_func("/sampler/stopping", test_stopping);
  g_test_add_func("/sampler/too-many", test_too_many);
  return g_test_run();
}
