/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* diffusers' schedulers, with a model in closed form, against what diffusers itself makes of it
 * (tests/data/make-schedulers.py); and the steps of ermongroup/ddim and of
 * openai/consistency_models likewise. */
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/json.h"
#include "core/diffusion/consistency-steps.h"
#include "core/diffusion/ermon-steps.h"
#include "core/diffusion/schedule.h"
#include "core/diffusion/scheduler-steps.h"
#include "wave-noise.h"

enum { IMAGES = 2, PLANE = 8, COUNT = IMAGES * PLANE };

/* float32 scalars there, and float32 arrays in DPM; see the tolerance of assert_near(). */
#define TOLERANCE 2e-6

typedef struct {
  guint n_train;
  gboolean learned;
  GArray *timesteps; /* those that the model was asked about */
  WaveNoise noise;
} Run;

static gboolean
predict(gpointer user_data, const double *x, double t, gsize n, gsize plane, double *output,
        GError **error)
{
  Run *run = user_data;
  const double u = (t + 1) / run->n_train;

  g_array_append_val(run->timesteps, t);
  for (gsize i = 0; i < n; i++)
    for (gsize k = 0; k < plane; k++) {
      const double value = x[i * plane + k];
      double *out = output + i * plane * (run->learned ? 2 : 1) + k;
      *out = value * (u / (u + 0.1)) + 0.1 * sin(3 * value + t / 100);
      if (run->learned)
        out[plane] = 0.03 + 0.02 * cos(value + t / 50);
    }
  return TRUE;
}

static void
set_array(DdimScheduler *scheduler, const char *name, JsonArray *array)
{
  const guint n = json_array_get_length(array);
  g_autofree double *values = g_new(double, n);
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < n; i++)
    values[i] = json_array_get_double_element(array, i);
  ddim_scheduler_set_numbers(scheduler, name, values, n, &error);
  g_assert_no_error(error);
}

static DdimScheduler *
make_scheduler(JsonObject *object)
{
  g_autoptr(GError) error = NULL;
  DdimScheduler *scheduler =
      ddim_scheduler_new(json_object_get_string_member(object, "class"), &error);
  JsonObject *fields = json_object_get_object_member(object, "fields");
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  g_assert_no_error(error);
  json_object_iter_init(&iter, fields);
  while (json_object_iter_next(&iter, &name, &node)) {
    if (JSON_NODE_HOLDS_ARRAY(node))
      set_array(scheduler, name, json_node_get_array(node));
    else if (json_node_get_value_type(node) == G_TYPE_STRING)
      ddim_scheduler_set_text(scheduler, name, json_node_get_string(node), &error);
    else if (json_node_get_value_type(node) == G_TYPE_BOOLEAN)
      ddim_scheduler_set_boolean(scheduler, name, json_node_get_boolean(node), &error);
    else
      ddim_scheduler_set_number(scheduler, name, json_node_get_double(node), &error);
    g_assert_no_error(error);
  }
  ddim_scheduler_check(scheduler, &error);
  g_assert_no_error(error);
  return scheduler;
}

static void
sample_with(const DdimModel *model, const DdimStepTable *table, Run *run, double *x)
{
  const DdimHostSamplingParams params = {.model = model,
                                         .n = IMAGES,
                                         .plane = PLANE,
                                         .learned = run->learned,
                                         .x = x,
                                         .noise = wave_noise_draw,
                                         .noise_data = &run->noise};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimHostSampling) sampling = ddim_host_sampling_new(&params, &error);

  for (guint i = 0; i < COUNT; i++)
    x[i] = ddim_step_table_get_start_scale(table) * 1.3 * sin(1.0 + i);
  ddim_sampling_run(table, ddim_host_sampling_get_backend(sampling), NULL, 0, NULL, &error);
  g_assert_no_error(error);
}

static void
sample(const DdimStepTable *table, Run *run, double *x)
{
  const DdimModel model = {predict, run};

  sample_with(&model, table, run, x);
}

static gboolean
is_learned(JsonObject *object)
{
  JsonObject *fields = json_object_get_object_member(object, "fields");

  return g_str_has_prefix(json_object_get_string_member_with_default(fields, "variance_type", ""),
                          "learned");
}

static void
assert_near(JsonObject *object, const double *x)
{
  JsonArray *expected = json_object_get_array_member(object, "result");
  double largest = 1, error = 0;

  for (guint i = 0; i < COUNT; i++) {
    const double value = json_array_get_double_element(expected, i);
    largest = MAX(largest, fabs(value));
    error = MAX(error, fabs(value - x[i]));
  }
  g_test_message("%g of %g", error, largest);
  g_assert_cmpfloat(error, <=, TOLERANCE * largest);
}

static void
test_case(gconstpointer data)
{
  JsonObject *object = (JsonObject *)data;
  JsonArray *timesteps = json_object_get_array_member(object, "timesteps");
  g_autoptr(DdimScheduler) scheduler = make_scheduler(object);
  const DdimSchedulerRun how = {.n_steps = (guint)json_object_get_int_member(object, "steps"),
                                .eta = json_object_get_double_member(object, "eta")};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimStepTable) table = ddim_scheduler_new_steps(scheduler, &how, &error);
  g_autoptr(GArray) asked = g_array_new(FALSE, FALSE, sizeof(double));
  Run run = {
      .n_train = scheduler->num_train_timesteps, .learned = is_learned(object), .timesteps = asked};
  double x[COUNT];

  g_assert_no_error(error);
  sample(table, &run, x);
  if (json_array_get_length(timesteps) > 0) {
    g_assert_cmpuint(asked->len, ==, json_array_get_length(timesteps));
    for (guint i = 0; i < asked->len; i++)
      g_assert_cmpfloat(g_array_index(asked, double, i), ==,
                        json_array_get_double_element(timesteps, i));
  }
  g_assert_cmpuint(run.noise.draws, ==, json_object_get_int_member(object, "draws"));
  assert_near(object, x);
}

static void
add_cases(JsonParser *parser, const char *file, const char *key, GTestDataFunc test)
{
  g_autofree char *path = g_build_filename(g_getenv("DDIM_TEST_DATA"), file, NULL);
  g_autoptr(GError) error = NULL;

  json_parser_load_from_file(parser, path, &error);
  g_assert_no_error(error);
  JsonArray *cases = json_node_get_array(json_parser_get_root(parser));
  for (guint i = 0; i < json_array_get_length(cases); i++) {
    JsonObject *object = json_array_get_object_element(cases, i);
    g_autofree char *name =
        g_strdup_printf("/schedulers/%s/%u", json_object_get_string_member(object, key), i);
    g_test_add_data_func(name, object, test);
  }
}

/* ---- ermongroup/ddim ---- */

static void
test_ermon(gconstpointer data)
{
  JsonObject *object = (JsonObject *)data;
  JsonArray *timesteps = json_object_get_array_member(object, "timesteps");
  const guint T = (guint)json_object_get_int_member(object, "T");
  const char *schedule = json_object_get_string_member(object, "schedule");
  g_autoptr(GError) error = NULL;
  g_autofree double *betas = ddim_betas_new(schedule, T, &error);
  const DdimErmonRun how = {.betas = betas,
                            .n_train = T,
                            .spec = json_object_get_string_member(object, "spec"),
                            .eta = json_object_get_double_member(object, "eta")};
  g_autoptr(DdimStepTable) table = ddim_ermon_new_steps(&how, &error);
  g_autoptr(GArray) asked = g_array_new(FALSE, FALSE, sizeof(double));
  Run run = {.n_train = T, .timesteps = asked};
  double x[COUNT];

  g_assert_no_error(error);
  sample(table, &run, x);
  g_assert_cmpuint(asked->len, ==, json_array_get_length(timesteps));
  for (guint i = 0; i < asked->len; i++)
    g_assert_cmpfloat(g_array_index(asked, double, i), ==,
                      json_array_get_double_element(timesteps, i));
  g_assert_cmpuint(run.noise.draws, ==, asked->len);
  assert_near(object, x);
}

static void
test_ermon_refused(void)
{
  static const char *const bad[] = {"",          "uniform",  "uniform:", "uniform:0", "quad:-1",
                                    "quad:1001", "quad:5,5", "ddim10",   NULL};
  g_autofree double *betas = ddim_betas_new("linear", 1000, NULL);

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    const DdimErmonRun how = {.betas = betas, .n_train = 1000, .spec = bad[i]};
    g_autoptr(GError) error = NULL;
    g_assert_null(ddim_ermon_new_steps(&how, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  }
}

/* As a respacing of any process they keep each timestep once. */
static void
test_ermon_spacing(void)
{
  g_autoptr(GError) error = NULL;
  guint n;
  g_autofree guint *quad = ddim_space_timesteps(1000, "quad:50", &n, &error);

  g_assert_no_error(error);
  g_assert_cmpuint(n, ==, 49); /* 0 is in the list twice */
  g_assert_cmpuint(quad[0], ==, 0);
  g_assert_cmpuint(quad[1], ==, 1);
  g_assert_true(quad[48] == 799 || quad[48] == 800);
  g_autofree guint *uniform = ddim_space_timesteps(1000, "uniform:7", &n, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(n, ==, 8); /* range(0, 1000, 142) */
  g_assert_cmpuint(uniform[7], ==, 994);
  g_assert_null(ddim_space_timesteps(1000, "quad:0", &n, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
}

/* ---- openai/consistency_models ---- */

static gboolean
predict_edm(gpointer user_data, const double *y, double t, gsize n, gsize plane, double *output,
            GError **error)
{
  for (gsize i = 0; i < n * plane; i++)
    output[i] = 0.7 * y[i] + 0.4 * sin(3 * y[i] + t / 100);
  return TRUE;
}

static void
test_consistency(gconstpointer data)
{
  JsonObject *object = (JsonObject *)data;
  const gboolean heun = g_str_equal(json_object_get_string_member(object, "sampler"), "heun");
  const DdimConsistencyRun how = {.sampler =
                                      heun ? DDIM_CONSISTENCY_HEUN : DDIM_CONSISTENCY_MULTISTEP,
                                  .distilled = json_object_get_boolean_member(object, "distilled"),
                                  .sigma_min = json_object_get_double_member(object, "sigma_min"),
                                  .sigma_max = json_object_get_double_member(object, "sigma_max"),
                                  .spec = json_object_get_string_member(object, "spec"),
                                  .clip = json_object_get_boolean_member(object, "clip")};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimStepTable) table = ddim_consistency_new_steps(&how, &error);
  Run run = {0};
  const DdimModel model = {predict_edm, NULL};
  double x[COUNT];

  g_assert_no_error(error);
  sample_with(&model, table, &run, x);
  g_assert_cmpuint(run.noise.draws, ==, json_object_get_int_member(object, "draws"));
  assert_near(object, x);
}

static void
test_consistency_refused(void)
{
  static const char *const bad[] = {"", "0", "-1", "0,39,22", "22", "ddim25", "0,a", "100001"};

  for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
    const DdimConsistencyRun how = {.distilled = TRUE,
                                    .sigma_min = g_str_equal(bad[i], "22") ? 90 : 0.002,
                                    .sigma_max = 80,
                                    .spec = bad[i]};
    g_autoptr(GError) error = NULL;
    g_assert_null(ddim_consistency_new_steps(&how, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  }
}

/* ---- what is refused ---- */

typedef gboolean (*SetFunc)(DdimScheduler *scheduler, GError **error);

static gboolean
set_text_for_number(DdimScheduler *s, GError **error)
{
  return ddim_scheduler_set_text(s, "beta_start", "small", error);
}

static gboolean
set_fraction_for_count(DdimScheduler *s, GError **error)
{
  return ddim_scheduler_set_number(s, "num_train_timesteps", 99.5, error);
}

static gboolean
set_huge_count(DdimScheduler *s, GError **error)
{
  return ddim_scheduler_set_number(s, "num_train_timesteps", 1e300, error);
}

static gboolean
set_nan(DdimScheduler *s, GError **error)
{
  return ddim_scheduler_set_number(s, "beta_end", NAN, error);
}

static gboolean
set_number_for_boolean(DdimScheduler *s, GError **error)
{
  return ddim_scheduler_set_number(s, "lower_order_final", 1, error);
}

static gboolean
set_unknown_choice(DdimScheduler *s, GError **error)
{
  return ddim_scheduler_set_text(s, "beta_schedule", "parabolic", error);
}

static gboolean
set_flow(DdimScheduler *s, GError **error)
{
  return ddim_scheduler_set_boolean(s, "use_flow_sigmas", TRUE, error);
}

static gboolean
set_object(DdimScheduler *s, GError **error)
{
  return ddim_scheduler_set_other(s, "solver_p", error);
}

static gboolean
set_short_betas(DdimScheduler *s, GError **error)
{
  const double betas[] = {0.1, 0.2};

  return ddim_scheduler_set_numbers(s, "trained_betas", betas, 2, error) &&
         ddim_scheduler_check(s, error);
}

static gboolean
set_fractional_index(DdimScheduler *s, GError **error)
{
  const double indices[] = {1, 2.5};

  return ddim_scheduler_set_numbers(s, "disable_corrector", indices, 2, error);
}

static gboolean
set_offset(DdimScheduler *s, GError **error)
{
  return ddim_scheduler_set_number(s, "steps_offset", 1000, error) &&
         ddim_scheduler_check(s, error);
}

static gboolean
set_no_betas(DdimScheduler *s, GError **error)
{
  const double none = 0;

  return ddim_scheduler_set_numbers(s, "trained_betas", &none, 0, error);
}

/* x0 would be divided by 0. */
static gboolean
set_threshold_of_zero(DdimScheduler *s, GError **error)
{
  return ddim_scheduler_set_number(s, "sample_max_value", 0, error) &&
         ddim_scheduler_check(s, error) &&
         ddim_scheduler_set_boolean(s, "thresholding", TRUE, error) &&
         ddim_scheduler_check(s, error);
}

static void
test_refused(void)
{
  static const struct {
    SetFunc set;
    DdimError code;
    const char *field;
  } rows[] = {{set_text_for_number, DDIM_ERROR_FORMAT, "beta_start"},
              {set_fraction_for_count, DDIM_ERROR_FORMAT, "num_train_timesteps"},
              {set_huge_count, DDIM_ERROR_FORMAT, "num_train_timesteps"},
              {set_nan, DDIM_ERROR_FORMAT, "beta_end"},
              {set_number_for_boolean, DDIM_ERROR_FORMAT, "lower_order_final"},
              {set_unknown_choice, DDIM_ERROR_FORMAT, "beta_schedule"},
              {set_flow, DDIM_ERROR_UNSUPPORTED, "use_flow_sigmas"},
              {set_object, DDIM_ERROR_UNSUPPORTED, "solver_p"},
              {set_short_betas, DDIM_ERROR_FORMAT, "trained_betas"},
              {set_fractional_index, DDIM_ERROR_FORMAT, "disable_corrector"},
              {set_offset, DDIM_ERROR_UNSUPPORTED, "steps_offset"},
              {set_no_betas, DDIM_ERROR_FORMAT, "trained_betas"},
              {set_threshold_of_zero, DDIM_ERROR_FORMAT, "sample_max_value"}};

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new("UniPCMultistepScheduler", NULL);

    g_assert_false(rows[i].set(scheduler, &error));
    g_assert_error(error, DDIM_ERROR, (int)rows[i].code);
    g_assert_true(g_str_has_prefix(error->message, rows[i].field));
  }
}

static void
test_unknown_class(void)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(ddim_scheduler_new("EulerDiscreteScheduler", &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
  g_assert_nonnull(strstr(error->message, "EulerDiscreteScheduler"));
}

/* Fields that a class does not have are diffusers' to ignore. */
static void
test_ignored(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new("PNDMScheduler", &error);

  g_assert_true(ddim_scheduler_set_number(scheduler, "clip_sample", 3, &error));
  g_assert_true(ddim_scheduler_set_text(scheduler, "_diffusers_version", "0.6", &error));
  g_assert_true(ddim_scheduler_set_other(scheduler, "solver_p", &error));
  g_assert_true(ddim_scheduler_set_null(scheduler, "trained_betas", &error));
  g_assert_no_error(error);
  g_assert_false(scheduler->clip_sample);
}

static void
assert_run_refused(const char *name, const char *spacing, guint n, double eta)
{
  const DdimSchedulerRun run = {.n_steps = n, .eta = eta};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new(name, NULL);

  ddim_scheduler_set_text(scheduler, "timestep_spacing", spacing, NULL);
  g_assert_null(ddim_scheduler_new_steps(scheduler, &run, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
}

static void
test_refused_runs(void)
{
  assert_run_refused("DDIMScheduler", "leading", 0, 0);
  assert_run_refused("DDIMScheduler", "leading", 1001, 0);
  assert_run_refused("DDIMScheduler", "leading", 10, -1);
  assert_run_refused("DDIMScheduler", "leading", 10, NAN);
  assert_run_refused("DDIMScheduler", "leading", 10, 9);
  assert_run_refused("PNDMScheduler", "leading", 3, 0);
  assert_run_refused("DPMSolverMultistepScheduler", "linspace", 1000, 0); /* a timestep twice */
}

static void
count(const char *field, const char *json, gpointer user_data)
{
  (*(guint *)user_data)++;
  if (g_str_equal(field, "beta_schedule"))
    g_assert_cmpstr(json, ==, "\"linear\"");
}

static void
test_foreach(void)
{
  g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new("DDIMScheduler", NULL);
  guint n = 0;

  ddim_scheduler_foreach(scheduler, count, &n);
  g_assert_cmpuint(n, ==, 14); /* without trained_betas, which is null */
}

/* Constraints need steps that follow x0; where DDIM clips, that is a choice. */
static void
test_follows_x0(void)
{
  for (gboolean follows = FALSE; follows <= TRUE; follows++) {
    const DdimSchedulerRun run = {.n_steps = 10, .follows_x0 = follows};
    g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new("DDIMScheduler", NULL);
    g_autoptr(DdimStepTable) table = ddim_scheduler_new_steps(scheduler, &run, NULL);

    g_assert_cmpint(ddim_step_table_follows_x0(table), ==, follows);
  }
}

int
main(int argc, char *argv[])
{
  g_test_init(&argc, &argv, NULL);

  g_autoptr(JsonParser) diffusers = json_parser_new();
  g_autoptr(JsonParser) ermon = json_parser_new();
  g_autoptr(JsonParser) consistency = json_parser_new();

  add_cases(diffusers, "diffusers-schedulers.json", "class", test_case);
  add_cases(ermon, "ermon.json", "spec", test_ermon);
  add_cases(consistency, "consistency.json", "sampler", test_consistency);
  g_test_add_func("/schedulers/consistency-refused", test_consistency_refused);
  g_test_add_func("/schedulers/ermon-refused", test_ermon_refused);
  g_test_add_func("/schedulers/ermon-spacing", test_ermon_spacing);
  g_test_add_func("/schedulers/refused", test_refused);
  g_test_add_func("/schedulers/unknown-class", test_unknown_class);
  g_test_add_func("/schedulers/ignored", test_ignored);
  g_test_add_func("/schedulers/refused-runs", test_refused_runs);
  g_test_add_func("/schedulers/foreach", test_foreach);
  g_test_add_func("/schedulers/follows-x0", test_follows_x0);
  return g_test_run();
}
