/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The sampling loop on a device against the same loop on the host in float64. Both read the same
 * network, which computes in float32 on the device; the state and the steps differ. */
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/diffusion/host-sampling.h"
#include "core/diffusion/scheduler-steps.h"
#include "core/network/device-sampling.h"
#include "append-steps.h"
#include "small-model.h"

enum { BATCH = 2, CHANNELS = 3, SIDE = 16, PLANE = CHANNELS * SIDE * SIDE, COUNT = BATCH * PLANE };
enum { N_STEPS = 7, SEED = 5 };

/* The device rounds coefficients, products and sums of a step to float32, 6e-8 of numbers of about
 * 1 each. The network and x0 = x / sqrt(abar) - ... enlarge what is left of that in the next steps.
 * On a processor the most is 1.1e-5 after the seven to nine steps here; other compilers join
 * products and sums in other ways. A wrong coefficient shows in the first digits. */
#define TOLERANCE 5e-5

typedef struct {
  SmallModel model;
  DdimEvaluator *evaluator;      /* of the loop on the device */
  DdimEvaluator *host_evaluator; /* the model of the loop on the host */
  DdimSamplerState *state;
  DdimDiffusion *diffusion;
  DdimStepTable *table;
} Fixture;

static const gint64 labels[BATCH] = {3, 8};

static void
set_up(Fixture *f, gconstpointer data)
{
  const DdimDiffusionParams params = {.noise_schedule = "cosine",
                                      .diffusion_steps = 1000,
                                      .timestep_respacing = "7",
                                      .var_type = DDIM_VAR_LEARNED_RANGE};
  const DdimEvaluatorSize size = {.batch = BATCH, .height = SIDE, .width = SIDE};
  g_autoptr(GError) error = NULL;

  small_model_open(&f->model);
  f->evaluator = ddim_evaluator_new(f->model.network, &size, NULL, &error);
  g_assert_no_error(error);
  f->host_evaluator = ddim_evaluator_new(f->model.network, &size, NULL, &error);
  g_assert_no_error(error);
  f->state = ddim_sampler_state_new(f->evaluator, &error);
  g_assert_no_error(error);
  f->diffusion = ddim_diffusion_new(&params, &error);
  g_assert_no_error(error);
  f->table = ddim_step_table_new(f->diffusion, &error);
  g_assert_no_error(error);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
  ddim_step_table_free(f->table);
  ddim_diffusion_free(f->diffusion);
  ddim_sampler_state_free(f->state);
  ddim_evaluator_unref(f->host_evaluator);
  ddim_evaluator_unref(f->evaluator);
  small_model_close(&f->model);
}

static void
restart(Fixture *f)
{
  ddim_step_table_free(f->table);
  f->table = ddim_step_table_new(f->diffusion, NULL);
}

/* ---- the same on the host ---- */

static gboolean
predict(gpointer user_data, const double *x, double timestep, gsize n, gsize plane, double *output,
        GError **error)
{
  const Fixture *f = user_data;
  float floats[2 * COUNT];

  g_assert_cmpuint(n * plane, ==, COUNT);
  for (guint i = 0; i < COUNT; i++)
    floats[i] = (float)x[i];
  if (!ddim_evaluator_set_common_conditions(f->host_evaluator, &timestep, 1, labels, error) ||
      !ddim_evaluator_set_x(f->host_evaluator, floats, error) ||
      !ddim_evaluator_evaluate(f->host_evaluator, 0, error) ||
      !ddim_evaluator_get_output(f->host_evaluator, floats, error))
    return FALSE;
  for (guint i = 0; i < 2 * COUNT; i++)
    output[i] = floats[i];
  return TRUE;
}

static void
draw(gpointer user_data, double *out, gsize n)
{
  float floats[COUNT];

  g_assert_cmpuint(n, ==, COUNT);
  ddim_rng_normal(user_data, floats, COUNT);
  for (guint i = 0; i < COUNT; i++)
    out[i] = floats[i];
}

static void
run_on_host(Fixture *f, const DdimSamplingHooks *hooks, guint n_hooks, double *x)
{
  g_autoptr(DdimRng) rng = ddim_rng_new(NULL, SEED, NULL);
  const DdimModel model = {predict, f};
  const DdimHostSamplingParams params = {.model = &model,
                                         .n = BATCH,
                                         .plane = PLANE,
                                         .learned = TRUE,
                                         .x = x,
                                         .noise = draw,
                                         .noise_data = rng};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimHostSampling) sampling = ddim_host_sampling_new(&params, &error);
  g_assert_no_error(error);

  draw(rng, x, COUNT);
  ddim_sampling_run(f->table, ddim_host_sampling_get_backend(sampling), hooks, n_hooks, NULL,
                    &error);
  g_assert_no_error(error);
}

static gboolean
try_on_device(Fixture *f, const DdimSamplingHooks *hooks, guint n_hooks, GCancellable *cancellable,
              float *x, GError **error)
{
  g_autoptr(DdimRng) rng = ddim_rng_new(NULL, SEED, NULL);
  const DdimDeviceSamplingParams params = {
      .state = f->state, .evaluator = f->evaluator, .labels = labels, .rng = rng};
  g_autoptr(DdimDeviceSampling) sampling = ddim_device_sampling_new(&params);

  ddim_rng_normal(rng, x, COUNT);
  g_assert_true(ddim_sampler_state_set_x(f->state, x, error));
  const gboolean done = ddim_sampling_run(f->table, ddim_device_sampling_get_backend(sampling),
                                          hooks, n_hooks, cancellable, error);
  g_assert_true(ddim_sampler_state_get_x(f->state, x, NULL));
  return done;
}

static void
run_on_device(Fixture *f, const DdimSamplingHooks *hooks, guint n_hooks, float *x)
{
  g_autoptr(GError) error = NULL;

  try_on_device(f, hooks, n_hooks, NULL, x, &error);
  g_assert_no_error(error);
}

/* The table's steps on both, with the same hooks. */
static void
compare(Fixture *f, const DdimSamplingHooks *hooks, guint n_hooks, const char *what)
{
  double host[COUNT], largest = 1, worst = 0;
  float device[COUNT];

  run_on_host(f, hooks, n_hooks, host);
  run_on_device(f, hooks, n_hooks, device);
  for (guint i = 0; i < COUNT; i++) {
    largest = MAX(largest, fabs(host[i]));
    worst = MAX(worst, fabs(host[i] - device[i]));
  }
  g_test_message("%s: %.1e of %.2f", what, worst, largest);
  g_assert_cmpfloat(worst, <=, TOLERANCE * largest);
}

/* ---- the tests ---- */

/* Where a sampler begins. Those that look back multiply differences of x0, Heun's method by sigma /
 * alpha, which is some hundred in the first step from noise; and so they do errors. */
static guint
get_first(int sampler)
{
  return sampler > DDIM_SAMPLER_DPMPP ? N_STEPS - 3 : N_STEPS - 1;
}

static void
test_samplers(Fixture *f, gconstpointer data)
{
  append_steps(f->table, DDIM_SAMPLER_DDIM, 0, N_STEPS - 1, 0);
  compare(f, NULL, 0, "DDIM");
  restart(f);
  append_steps(f->table, DDIM_SAMPLER_DDIM, 0.7, N_STEPS - 1, 0);
  compare(f, NULL, 0, "DDIM with noise");
  restart(f);
  append_steps(f->table, DDIM_SAMPLER_DDPM, 0, N_STEPS - 1, 0);
  compare(f, NULL, 0, "DDPM");
  restart(f);
  append_steps(f->table, DDIM_SAMPLER_DPMPP, 0, N_STEPS - 1, 0);
  compare(f, NULL, 0, "DPM-Solver++(2M)");
  for (int sampler = DDIM_SAMPLER_DPMPP_SDE; sampler <= DDIM_SAMPLER_HEUN; sampler++) {
    g_autofree char *what = g_strdup_printf("sampler %d", sampler);
    restart(f);
    append_steps(f->table, sampler, 0, get_first(sampler), 0);
    compare(f, NULL, 0, what);
  }
}

/* Start in the middle, end in the middle, up again, back in time, in one list. */
static void
test_journey(Fixture *f, gconstpointer data)
{
  append_steps(f->table, DDIM_SAMPLER_DPMPP, 0, 4, 2);
  append_steps(f->table, DDIM_SAMPLER_REVERSE, 0, 1, 3);
  append_steps(f->table, DDIM_SAMPLER_DDPM, 0, 4, 3);
  g_assert_true(ddim_step_table_append_renoising(f->table, 2, 5, NULL));
  append_steps(f->table, DDIM_SAMPLER_DPMPP, 0, 5, 1);
  compare(f, NULL, 0, "a journey");
}

/* A history of four that is read whole while the oldest is overwritten. The coefficients have no
 * meaning. */
static void
test_history(Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2 * N_STEPS; i++) {
    DdimTableStep step = {.t = N_STEPS - 1 - i % N_STEPS, .draws_noise = i % 2};
    DdimStep *s = &step.arithmetic;
    static const double history[DDIM_STEP_HISTORY] = {0.3, -0.25, 0.2, -0.125};
    *s = (DdimStep){.x0_x = 1.1,
                    .x0_m = -0.4,
                    .next_x = 0.4,
                    .next_x0 = 0.3,
                    .next_m = 0.2,
                    .clip = TRUE,
                    .keep = i != 3,
                    .keep_x = 0.5,
                    .keep_x0 = -0.75,
                    .sigma = i % 2 ? 0.1 : 0};
    for (guint k = 0; k < MIN(i > 3 ? i - 1 : i, DDIM_STEP_HISTORY); k++)
      s->history[k] = history[k];
    g_assert_true(ddim_step_table_append_step(f->table, &step, NULL));
  }
  g_assert_cmpuint(ddim_step_table_get_history(f->table), ==, DDIM_STEP_HISTORY);
  compare(f, NULL, 0, "a history of four");
}

/* diffusers' schedulers, of which PNDM keeps arrays for a while, UniPC reads most of them, and
 * thresholding goes through the host in each step. */
static void
test_schedulers(Fixture *f, gconstpointer data)
{
  static const struct {
    const char *name;
    guint order;
    gboolean thresholding;
    guint n_steps, history;
  } rows[] = {{"PNDMScheduler", 2, FALSE, 6, 5},
              {"UniPCMultistepScheduler", 4, FALSE, 9, 4},
              {"DPMSolverMultistepScheduler", 3, TRUE, 6, 2},
              {"DDIMScheduler", 2, TRUE, 6, 0}};

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    const DdimSchedulerRun run = {.n_steps = rows[i].n_steps, .eta = 0.5};
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimScheduler) scheduler = ddim_scheduler_new(rows[i].name, &error);

    /* Little noise: with the usual betas the first x0 are some hundred times as large as what they
     * are computed from, and so are the errors. */
    scheduler->beta_end = 0.005;
    scheduler->solver_order = rows[i].order;
    scheduler->thresholding = rows[i].thresholding;
    scheduler->dynamic_thresholding_ratio = 0.7;
    scheduler->sample_max_value = 3;
    ddim_step_table_free(f->table);
    f->table = ddim_scheduler_new_steps(scheduler, &run, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(ddim_step_table_get_history(f->table), ==, rows[i].history);
    compare(f, NULL, 0, rows[i].name);
  }
}

/* Values that a hook gets at a part of the loop, and gives back changed. */
typedef struct {
  DdimSamplingArray array;
  double factor, offset;
} Change;

static gboolean
change(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  const Change *how = user_data;
  const gsize count = ddim_sampling_get_count(point, how->array);
  g_autofree double *values = g_new(double, count);

  g_assert_cmpuint(count, ==, how->array == DDIM_SAMPLING_OUTPUT ? 2 * COUNT : COUNT);
  if (!ddim_sampling_read(point, how->array, values, error))
    return FALSE;
  for (gsize i = 0; i < count; i += 1 + i % 3)
    values[i] = how->factor * values[i] + how->offset;
  return ddim_sampling_write(point, how->array, values, error);
}

/* Hooks that change things do the same on the host and on the device. */
static void
test_changes(Fixture *f, gconstpointer data)
{
  Change x = {DDIM_SAMPLING_X, 0.9, 0.1}, x0 = {DDIM_SAMPLING_X0, 0.5, -0.25};
  Change output = {DDIM_SAMPLING_OUTPUT, 1, 0.125};
  const DdimSamplingHooks hooks[] = {
      {.on_prediction = change, .user_data = &x0},
      {.after_output = change, .user_data = &output},
      {.before_step = change, .user_data = &x},
      {.after_step = change, .user_data = &x},
  };

  for (guint i = 0; i < G_N_ELEMENTS(hooks); i++)
    for (int sampler = DDIM_SAMPLER_DDIM; sampler <= DDIM_SAMPLER_HEUN; sampler++) {
      g_autofree char *what = g_strdup_printf("hook %u, sampler %d", i, sampler);
      restart(f);
      append_steps(f->table, sampler, 0.3, get_first(sampler), 0);
      compare(f, &hooks[i], 1, what);
    }
  restart(f);
  append_steps(f->table, DDIM_SAMPLER_DDPM, 0, N_STEPS - 1, 0);
  compare(f, hooks, G_N_ELEMENTS(hooks), "all hooks");
}

static gboolean
touch_all(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  Change none = {DDIM_SAMPLING_X, 1, 0};

  for (; none.array <= DDIM_SAMPLING_OUTPUT; none.array++)
    if (!change(point, &none, error))
      return FALSE;
  return TRUE;
}

static gboolean
touch_x0(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  Change none = {DDIM_SAMPLING_X0, 1, 0};

  return change(point, &none, error);
}

/* A hook that changes nothing leaves every bit as it is, though the step is then taken in parts. */
static void
test_identity(Fixture *f, gconstpointer data)
{
  const DdimSamplingHooks all = {touch_x0, touch_all, touch_all, touch_all, NULL};
  const DdimSamplingHooks constraint = {.on_prediction = touch_x0};

  for (int sampler = DDIM_SAMPLER_DDIM; sampler <= DDIM_SAMPLER_HEUN; sampler++) {
    float plain[COUNT], touched[COUNT];
    restart(f);
    append_steps(f->table, sampler, 0.7, get_first(sampler), 0);
    run_on_device(f, NULL, 0, plain);
    run_on_device(f, &constraint, 1, touched);
    g_assert_cmpmem(touched, sizeof touched, plain, sizeof plain);
    run_on_device(f, &all, 1, touched);
    g_assert_cmpmem(touched, sizeof touched, plain, sizeof plain);
  }
}

static gboolean
cancel(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  if (point->index == 2)
    g_cancellable_cancel(user_data);
  return TRUE;
}

static void
test_cancel(Fixture *f, gconstpointer data)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  const DdimSamplingHooks hooks = {.after_step = cancel, .user_data = cancellable};
  g_autoptr(GError) error = NULL;
  float stopped[COUNT], three[COUNT];

  append_steps(f->table, DDIM_SAMPLER_DDIM, 0.5, N_STEPS - 1, 0);
  g_assert_false(try_on_device(f, &hooks, 1, cancellable, stopped, &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  restart(f);
  append_steps(f->table, DDIM_SAMPLER_DDIM, 0.5, N_STEPS - 1, N_STEPS - 3);
  run_on_device(f, NULL, 0, three);
  g_assert_cmpmem(stopped, sizeof stopped, three, sizeof three);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add("/device-sampling/" path, Fixture, NULL, set_up, test, tear_down)
  ADD("samplers", test_samplers);
  ADD("journey", test_journey);
  ADD("history", test_history);
  ADD("schedulers", test_schedulers);
  ADD("changes", test_changes);
  ADD("identity", test_identity);
  ADD("cancel", test_cancel);
  return g_test_run();
}
