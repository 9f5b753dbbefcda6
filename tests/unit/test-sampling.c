/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The sampling loop on the host: its hooks, where it may begin and end, and what is built on it. */
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/diffusion/host-sampling.h"
#include "append-steps.h"

enum { N_STEPS = 9, COUNT = 10 };

typedef struct {
  DdimDiffusion *diffusion;
  DdimStepTable *table;
  DdimHostSampling *sampling;
  GRand *rand;
  double x[COUNT];
  double offset; /* added to the model's output */
} Fixture;

/* eps = 0.3 x + 0.2 sin(3 x + t / 100). */
static double
wavy(double x, double timestep)
{
  return 0.3 * x + 0.2 * sin(3 * x + timestep / 100);
}

static gboolean
predict_wavy(gpointer user_data, const double *x, double timestep, gsize n, gsize plane,
             double *output, GError **error)
{
  for (gsize i = 0; i < n * plane; i++)
    output[i] = wavy(x[i], timestep) + ((Fixture *)user_data)->offset;
  return TRUE;
}

static void
draw(gpointer user_data, double *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = g_rand_double_range(((Fixture *)user_data)->rand, -1.7, 1.7);
}

static DdimDiffusion *
new_diffusion(void)
{
  const DdimDiffusionParams params = {
      .noise_schedule = "linear", .diffusion_steps = 1000, .timestep_respacing = "9"};
  g_autoptr(GError) error = NULL;
  DdimDiffusion *diffusion = ddim_diffusion_new(&params, &error);
  g_assert_no_error(error);
  return diffusion;
}

/* A state with the same start and the same noise to come each time. */
static void
restart(Fixture *f, const DdimModel *model)
{
  g_autoptr(GError) error = NULL;
  const DdimHostSamplingParams params = {
      .model = model, .n = 2, .plane = COUNT / 2, .x = f->x, .noise = draw, .noise_data = f};

  g_clear_pointer(&f->table, ddim_step_table_free);
  g_clear_pointer(&f->sampling, ddim_host_sampling_free);
  g_clear_pointer(&f->rand, g_rand_free);
  f->table = ddim_step_table_new(f->diffusion, &error);
  f->sampling = ddim_host_sampling_new(&params, &error);
  g_assert_no_error(error);
  f->rand = g_rand_new_with_seed(7);
  draw(f, f->x, COUNT);
}

static void
set_up(Fixture *f, gconstpointer data)
{
  static DdimModel model;

  model = (DdimModel){predict_wavy, f};
  f->diffusion = new_diffusion();
  restart(f, &model);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
  ddim_host_sampling_free(f->sampling);
  ddim_step_table_free(f->table);
  ddim_diffusion_free(f->diffusion);
  g_rand_free(f->rand);
}

static void
run(Fixture *f, const DdimSamplingHooks *hooks, guint n_hooks)
{
  g_autoptr(GError) error = NULL;

  ddim_sampling_run(f->table, ddim_host_sampling_get_backend(f->sampling), hooks, n_hooks, NULL,
                    &error);
  g_assert_no_error(error);
}

static void
check_x(const Fixture *f, const double *expected, double tolerance)
{
  for (guint i = 0; i < COUNT; i++)
    g_assert_cmpfloat_with_epsilon(f->x[i], expected[i], tolerance);
}

/* ---- hooks ---- */

/* A hook that writes down a letter of its own and the place of the step. */
typedef struct {
  GString *log;
  const char *letters;
  Fixture *fixture;
} Logger;

static void
log_part(gpointer user_data, guint part, const DdimSamplingPoint *point)
{
  const Logger *logger = user_data;

  g_assert_true(point->table == logger->fixture->table);
  g_assert_true(point->step == ddim_step_table_get_step(point->table, point->index));
  g_assert_cmpuint(ddim_sampling_get_count(point, DDIM_SAMPLING_X0), ==, COUNT);
  g_string_append_printf(logger->log, "%c%u ", logger->letters[part], point->index);
}

static gboolean
log_before(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  log_part(user_data, 0, point);
  return TRUE;
}

static gboolean
log_output(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  log_part(user_data, 1, point);
  return TRUE;
}

static gboolean
log_prediction(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  log_part(user_data, 2, point);
  return TRUE;
}

static gboolean
log_after(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  log_part(user_data, 3, point);
  return TRUE;
}

static gboolean
predict_and_log(gpointer user_data, const double *x, double timestep, gsize n, gsize plane,
                double *output, GError **error)
{
  memset(output, 0, n * plane * sizeof *output);
  g_string_append(((Logger *)user_data)->log, "model ");
  return TRUE;
}

static void
draw_and_log(gpointer user_data, double *out, gsize n)
{
  g_assert_cmpuint(n, ==, COUNT);
  memset(out, 0, n * sizeof *out);
  g_string_append(((Logger *)user_data)->log, "noise ");
}

static void
test_order(Fixture *f, gconstpointer data)
{
  g_autoptr(GString) log = g_string_new(NULL);
  Logger first = {log, "bopa", f}, second = {log, "BOPA", f};
  const DdimModel model = {predict_and_log, &first};
  const DdimHostSamplingParams params = {.model = &model,
                                         .n = 1,
                                         .plane = COUNT,
                                         .x = f->x,
                                         .noise = draw_and_log,
                                         .noise_data = &first};
  const DdimSamplingHooks hooks[] = {
      {log_before, log_output, log_prediction, log_after, &first},
      {.after_step = log_after, .before_step = log_before, .user_data = &second},
  };

  g_clear_pointer(&f->sampling, ddim_host_sampling_free);
  f->sampling = ddim_host_sampling_new(&params, NULL);
  append_steps(f->table, DDIM_SAMPLER_DDIM, 0, 1, 1);
  g_assert_true(ddim_step_table_append_renoising(f->table, 0, 2, NULL));
  append_steps(f->table, DDIM_SAMPLER_DPMPP, 0, 2, 2);
  run(f, hooks, 2);
  g_assert_cmpstr(log->str, ==,
                  "b0 B0 model noise o0 p0 a0 A0 "
                  "b1 B1 noise a1 A1 "
                  "b2 B2 model o2 p2 a2 A2 ");
}

/* Reading and writing back changes nothing. */
static gboolean
touch_all(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  double values[COUNT];

  for (int array = DDIM_SAMPLING_X; array <= DDIM_SAMPLING_OUTPUT; array++)
    if (!ddim_sampling_read(point, array, values, error) ||
        !ddim_sampling_write(point, array, values, error))
      return FALSE;
  return TRUE;
}

static void
test_identity(Fixture *f, gconstpointer data)
{
  const DdimModel model = {predict_wavy, f};
  const DdimSamplingHooks hooks = {touch_all, touch_all, touch_all, touch_all, NULL};

  for (int sampler = DDIM_SAMPLER_DDIM; sampler <= DDIM_SAMPLER_HEUN; sampler++) {
    double plain[COUNT];
    restart(f, &model);
    append_steps(f->table, sampler, 0.5, N_STEPS - 1, 0);
    run(f, NULL, 0);
    memcpy(plain, f->x, sizeof plain);
    restart(f, &model);
    append_steps(f->table, sampler, 0.5, N_STEPS - 1, 0);
    run(f, &hooks, 1);
    g_assert_cmpmem(f->x, sizeof f->x, plain, sizeof plain);
  }
}

/* Guidance: what is added to the output is as if the model had said it. */
static gboolean
add_to_output(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  double values[COUNT];

  if (!ddim_sampling_read(point, DDIM_SAMPLING_OUTPUT, values, error))
    return FALSE;
  for (guint i = 0; i < COUNT; i++)
    values[i] += 0.25;
  return ddim_sampling_write(point, DDIM_SAMPLING_OUTPUT, values, error);
}

static void
test_guidance(Fixture *f, gconstpointer data)
{
  const DdimModel model = {predict_wavy, f};
  const DdimSamplingHooks hooks = {.after_output = add_to_output};
  double guided[COUNT];

  append_steps(f->table, DDIM_SAMPLER_DDPM, 0, N_STEPS - 1, 0);
  run(f, &hooks, 1);
  memcpy(guided, f->x, sizeof guided);
  restart(f, &model);
  f->offset = 0.25;
  append_steps(f->table, DDIM_SAMPLER_DDPM, 0, N_STEPS - 1, 0);
  run(f, NULL, 0);
  g_assert_cmpmem(f->x, sizeof f->x, guided, sizeof guided);
}

/* Every other value is known, as where a mask covers a picture. */
static double
known(guint i)
{
  return 0.1 * i - 0.4;
}

static gboolean
put_known(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  double values[COUNT];

  if (!ddim_sampling_read(point, DDIM_SAMPLING_X0, values, error))
    return FALSE;
  for (guint i = 0; i < COUNT; i += 2)
    values[i] = known(i);
  return ddim_sampling_write(point, DDIM_SAMPLING_X0, values, error);
}

/* DDNM's loop by its formulas, with an eps that is derived from the corrected x0. */
static void
constrain(const Fixture *f, double *x)
{
  const double *alphas = ddim_diffusion_get_table(f->diffusion, DDIM_TABLE_ALPHAS_CUMPROD);

  for (guint t = N_STEPS; t-- > 0;)
    for (guint i = 0; i < COUNT; i++) {
      const double a = alphas[t], to = t ? alphas[t - 1] : 1;
      const double eps = wavy(x[i], ddim_diffusion_get_model_timestep(f->diffusion, t));
      double x0 = CLAMP((x[i] - sqrt(1 - a) * eps) / sqrt(a), -1, 1);
      if (i % 2 == 0)
        x0 = known(i);
      x[i] = sqrt(to) * x0 + sqrt(1 - to) * (x[i] - sqrt(a) * x0) / sqrt(1 - a);
    }
}

static void
test_constraint(Fixture *f, gconstpointer data)
{
  const DdimSamplingHooks hooks = {.on_prediction = put_known};
  double expected[COUNT];

  memcpy(expected, f->x, sizeof expected);
  constrain(f, expected);
  append_steps(f->table, DDIM_SAMPLER_DDIM, 0, N_STEPS - 1, 0);
  run(f, &hooks, 1);
  check_x(f, expected, 1e-13);
  for (guint i = 0; i < COUNT; i += 2)
    g_assert_cmpfloat(f->x[i], ==, known(i));
}

/* Where a step does not follow x0, a constraint would do nothing: it is refused. */
static void
test_constraint_refused(void)
{
  const DdimDiffusionParams params = {.noise_schedule = "linear",
                                      .diffusion_steps = 100,
                                      .timestep_respacing = "4",
                                      .mean_type = DDIM_MEAN_PREVIOUS_X};
  const DdimSamplingHooks constraint = {.on_prediction = put_known};
  const DdimSamplingHooks other = {.after_step = put_known};
  const DdimModel model = {predict_wavy, &(Fixture){0}};

  for (int sampler = DDIM_SAMPLER_DDIM; sampler <= DDIM_SAMPLER_DDPM; sampler++) {
    const DdimSampleParams sample = {.sampler = sampler};
    Fixture f = {.diffusion = ddim_diffusion_new(&params, NULL)};
    g_autoptr(GError) error = NULL;
    restart(&f, &model);
    g_assert_true(ddim_step_table_append(f.table, &sample, 3, 0, NULL));
    run(&f, &other, 1);
    const gboolean done = ddim_sampling_run(f.table, ddim_host_sampling_get_backend(f.sampling),
                                            &constraint, 1, NULL, &error);
    g_assert_cmpint(done, ==, sampler == DDIM_SAMPLER_DDIM);
    if (!done)
      g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
    tear_down(&f, NULL);
  }
}

static gboolean
fail(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  if (point->index < 4)
    return TRUE;
  g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_MISMATCH, "enough");
  return FALSE;
}

static gboolean
cancel(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  if (point->index == 4)
    g_cancellable_cancel(user_data);
  return TRUE;
}

/* A hook's error ends the loop where it is; a cancellation at the end of the step. */
static void
test_stopping(Fixture *f, gconstpointer data)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  const DdimSamplingHooks failing[] = {{.before_step = fail},
                                       {.after_output = fail},
                                       {.on_prediction = fail},
                                       {.after_step = fail},
                                       {.before_step = cancel, .user_data = cancellable}};
  const DdimModel model = {predict_wavy, f};
  double after[2][COUNT];

  for (guint n = 4; n <= 5; n++) {
    restart(f, &model);
    append_steps(f->table, DDIM_SAMPLER_DDPM, 0, N_STEPS - 1, N_STEPS - n);
    run(f, NULL, 0);
    memcpy(after[n - 4], f->x, sizeof f->x);
  }
  for (guint i = 0; i < G_N_ELEMENTS(failing); i++) {
    g_autoptr(GError) error = NULL;
    restart(f, &model);
    append_steps(f->table, DDIM_SAMPLER_DDPM, 0, N_STEPS - 1, 0);
    g_assert_false(ddim_sampling_run(f->table, ddim_host_sampling_get_backend(f->sampling),
                                     &failing[i], 1, cancellable, &error));
    if (i == 4)
      g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    else
      g_assert_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH);
    g_assert_cmpmem(f->x, sizeof f->x, after[i >= 3], sizeof f->x);
  }
}

/* ---- where a loop begins and ends ---- */

/* A loop in two pieces is the loop: the state of a solver without history is x and the noise. */
static void
test_pieces(Fixture *f, gconstpointer data)
{
  const DdimModel model = {predict_wavy, f};
  double whole[COUNT];

  append_steps(f->table, DDIM_SAMPLER_DDIM, 0.5, N_STEPS - 1, 0);
  run(f, NULL, 0);
  memcpy(whole, f->x, sizeof whole);
  for (guint middle = 1; middle < N_STEPS; middle++) {
    restart(f, &model);
    append_steps(f->table, DDIM_SAMPLER_DDIM, 0.5, N_STEPS - 1, middle);
    run(f, NULL, 0);
    g_clear_pointer(&f->table, ddim_step_table_free);
    f->table = ddim_step_table_new(f->diffusion, NULL);
    append_steps(f->table, DDIM_SAMPLER_DDIM, 0.5, middle - 1, 0);
    run(f, NULL, 0);
    g_assert_cmpmem(f->x, sizeof f->x, whole, sizeof whole);
  }
}

/* A model that knows the image, see test-sampler.c. */
static gboolean
predict_knowing(gpointer user_data, const double *x, double timestep, gsize n, gsize plane,
                double *output, GError **error)
{
  const Fixture *f = user_data;
  const guint *map = ddim_diffusion_get_timestep_map(f->diffusion);
  double signal, noise;
  guint t = 0;

  while (map[t] != (guint)timestep)
    t++;
  ddim_diffusion_q_sample(f->diffusion, t, &signal, &noise);
  for (gsize i = 0; i < n * plane; i++)
    output[i] = (x[i] - signal * known(i)) / noise;
  return TRUE;
}

static void
noise_image(const Fixture *f, guint t, double *x)
{
  double signal, noise;

  ddim_diffusion_q_sample(f->diffusion, t, &signal, &noise);
  for (guint i = 0; i < COUNT; i++)
    x[i] = signal * known(i) + noise * (i % 3 - 0.8);
}

static void
check_known(const Fixture *f)
{
  for (guint i = 0; i < COUNT; i++)
    g_assert_cmpfloat_with_epsilon(f->x[i], known(i), 1e-12);
}

/* SDEdit: from an image with noise for any t, every sampler finds the image. */
static void
test_any_start(Fixture *f, gconstpointer data)
{
  const DdimModel model = {predict_knowing, f};

  for (int sampler = DDIM_SAMPLER_DDIM; sampler <= DDIM_SAMPLER_HEUN; sampler++)
    for (guint t = 0; t < N_STEPS; t++) {
      restart(f, &model);
      noise_image(f, t, f->x);
      append_steps(f->table, sampler, 0.3, t, 0);
      run(f, NULL, 0);
      check_known(f);
    }
}

/* Encoding: up to any noise level, and down again to where it began or to the image. The model's
 * eps stays the same all the way, so nothing is lost. */
static void
test_reverse(Fixture *f, gconstpointer data)
{
  const DdimModel model = {predict_knowing, f};

  for (guint top = 1; top < N_STEPS; top++) {
    double expected[COUNT];
    restart(f, &model);
    noise_image(f, 0, f->x);
    append_steps(f->table, DDIM_SAMPLER_REVERSE, 0, 0, top - 1);
    run(f, NULL, 0);
    noise_image(f, top, expected);
    check_x(f, expected, 1e-12);
    append_steps(f->table, DDIM_SAMPLER_DDIM, 0, top, 1);
    noise_image(f, 0, f->x);
    run(f, NULL, 0); /* both in one table */
    noise_image(f, 0, expected);
    check_x(f, expected, 1e-12);
    append_steps(f->table, DDIM_SAMPLER_DPMPP, 0, 0, 0);
    run(f, NULL, 0);
    check_known(f);
  }
}

/* RePaint: down three steps, back two, and so on, against a loop of the formulas. */
static void
travel(Fixture *f, double *x)
{
  const double *alphas = ddim_diffusion_get_table(f->diffusion, DDIM_TABLE_ALPHAS_CUMPROD);
  guint t = N_STEPS - 1;

  for (;;) {
    for (guint down = 0; down < 3; down++, t--) {
      double z[COUNT];
      draw(f, z, COUNT); /* at eta 0 drawn and not used */
      for (guint i = 0; i < COUNT; i++) {
        const double a = alphas[t], to = t ? alphas[t - 1] : 1;
        const double eps = wavy(x[i], ddim_diffusion_get_model_timestep(f->diffusion, t));
        const double x0 = CLAMP((x[i] - sqrt(1 - a) * eps) / sqrt(a), -1, 1);
        x[i] = sqrt(to) * x0 + sqrt(1 - to) * (x[i] - sqrt(a) * x0) / sqrt(1 - a);
      }
      if (t == 0)
        return;
    }
    double z[COUNT];
    draw(f, z, COUNT);
    const double kept = alphas[t + 2] / alphas[t];
    for (guint i = 0; i < COUNT; i++)
      x[i] = sqrt(kept) * x[i] + sqrt(1 - kept) * z[i];
    t += 2;
  }
}

static void
test_time_travel(Fixture *f, gconstpointer data)
{
  const DdimModel model = {predict_wavy, f};
  double expected[COUNT];

  memcpy(expected, f->x, sizeof expected);
  travel(f, expected);
  restart(f, &model);
  for (guint t = N_STEPS - 1;; t--) {
    append_steps(f->table, DDIM_SAMPLER_DDIM, 0, t, t - 2);
    if (t == 2)
      break;
    g_assert_true(ddim_step_table_append_renoising(f->table, t - 3, t - 1, NULL));
  }
  run(f, NULL, 0);
  check_x(f, expected, 1e-12);
}

/* ---- solvers and windows ---- */

/* Coefficients of Adams-Bashforth, of order 1 to 4. */
static const double adams[4][4] = {{1},
                                   {3.0 / 2, -1.0 / 2},
                                   {23.0 / 12, -16.0 / 12, 5.0 / 12},
                                   {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24}};

/* PLMS (arXiv 2202.09778) keeps eps, not x0. */
static DdimTableStep
plms_step(const DdimDiffusion *diffusion, guint t, guint order)
{
  const double *alphas = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD);
  const double a = alphas[t], to = t ? alphas[t - 1] : 1;
  const double of_eps = sqrt(1 - to) - sqrt(to / a * (1 - a));
  DdimTableStep step = {.t = t};
  DdimStep *s = &step.arithmetic;

  ddim_diffusion_ddim_step(diffusion, t, 0, FALSE, s, NULL);
  s->keep = TRUE;
  s->keep_x = 1 / sqrt(1 - a);
  s->keep_x0 = -sqrt(a / (1 - a));
  s->next_x = sqrt(to / a) + of_eps * adams[order - 1][0] * s->keep_x;
  s->next_x0 = of_eps * adams[order - 1][0] * s->keep_x0;
  for (guint k = 1; k < order; k++)
    s->history[k - 1] = of_eps * adams[order - 1][k];
  return step;
}

static void
test_plms(Fixture *f, gconstpointer data)
{
  const double *alphas = ddim_diffusion_get_table(f->diffusion, DDIM_TABLE_ALPHAS_CUMPROD);
  double expected[COUNT];

  for (guint i = 0; i < N_STEPS; i++) {
    const DdimTableStep step = plms_step(f->diffusion, N_STEPS - 1 - i, MIN(i + 1, 4));
    g_assert_true(ddim_step_table_append_step(f->table, &step, NULL));
  }
  g_assert_cmpuint(ddim_step_table_get_history(f->table), ==, 3);
  for (guint i = 0; i < COUNT; i++) {
    double x = f->x[i], eps[N_STEPS];
    for (guint n = 0; n < N_STEPS; n++) {
      const guint t = N_STEPS - 1 - n;
      const double a = alphas[t], to = t ? alphas[t - 1] : 1;
      double slope = 0;
      eps[n] = wavy(x, ddim_diffusion_get_model_timestep(f->diffusion, t));
      for (guint k = 0; k < MIN(n + 1, 4); k++)
        slope += adams[MIN(n, 3)][k] * eps[n - k];
      x = sqrt(to) * (x - sqrt(1 - a) * slope) / sqrt(a) + sqrt(1 - to) * slope;
    }
    expected[i] = x;
  }
  run(f, NULL, 0);
  check_x(f, expected, 1e-12);
}

/* An output that is put together from two windows, each evaluated by itself. */
static gboolean
evaluate_windows(gpointer state, const DdimTableStep *step, GError **error)
{
  const DdimSamplingBackend *whole = ddim_host_sampling_get_backend(state);
  Fixture plain = {.offset = 0};
  double x[COUNT], output[COUNT];

  return whole->read(state, DDIM_SAMPLING_X, x, error) &&
         predict_wavy(&plain, x + 4, step->timestep, 1, COUNT - 4, output + 4, error) &&
         predict_wavy(&plain, x, step->timestep, 1, 4, output, error) &&
         whole->write(state, DDIM_SAMPLING_OUTPUT, output, error);
}

static void
test_windows(Fixture *f, gconstpointer data)
{
  const DdimModel model = {predict_wavy, f};
  g_autoptr(GError) error = NULL;
  double whole[COUNT];

  append_steps(f->table, DDIM_SAMPLER_DPMPP, 0, N_STEPS - 1, 0);
  run(f, NULL, 0);
  memcpy(whole, f->x, sizeof whole);
  restart(f, &model);
  append_steps(f->table, DDIM_SAMPLER_DPMPP, 0, N_STEPS - 1, 0);
  DdimSamplingBackend backend = *ddim_host_sampling_get_backend(f->sampling);
  backend.evaluate = evaluate_windows;
  ddim_sampling_run(f->table, &backend, NULL, 0, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpmem(f->x, sizeof f->x, whole, sizeof whole);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add("/sampling/" path, Fixture, NULL, set_up, test, tear_down)
  ADD("order", test_order);
  ADD("identity", test_identity);
  ADD("guidance", test_guidance);
  ADD("constraint", test_constraint);
  g_test_add_func("/sampling/constraint-refused", test_constraint_refused);
  ADD("stopping", test_stopping);
  ADD("pieces", test_pieces);
  ADD("any-start", test_any_start);
  ADD("reverse", test_reverse);
  ADD("time-travel", test_time_travel);
  ADD("plms", test_plms);
  ADD("windows", test_windows);
  return g_test_run();
}
