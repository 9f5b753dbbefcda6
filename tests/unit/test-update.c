/* SPDX-License-Identifier: LGPL-3.0-or-later
 * One sampler step on the device, against opencl/kernels/update.cl's formula in double. */
#include "opencl/ops/update.h"
#include "ops.h"

enum { N = 2, H = 5, W = 7, C = 3, COUNT = N * C * H * W };

/* Sums of four products of numbers near 1. */
#define TOLERANCE 5e-7

typedef struct {
  OpsTensor x, x0, output;
  OpsArray noise;
  DdimClPlan *plan;
  DdimClUpdate *update;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  f->x = ops_tensor(1, 1, 1, 1, COUNT, FALSE, 2);
  f->x0 = ops_tensor(2, 1, 1, 1, COUNT, FALSE, 1);
  f->output = ops_tensor(3, N, H, W, 32, FALSE, 1);
  f->noise = ops_array_random(4, COUNT, 1);
  f->plan = ddim_cl_plan_new(ops_context());
  ddim_cl_plan_seal(f->plan, &error);
  g_assert_no_error(error);
  const DdimClUpdateMemory memory = {.x = f->x.tensor.mem,
                                     .x0 = f->x0.tensor.mem,
                                     .noise = ops_array_mem(&f->noise),
                                     .output = f->output.tensor,
                                     .channels = C};
  f->update = ddim_cl_update_new(f->plan, &memory, &error);
  g_assert_no_error(error);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
  ddim_cl_update_free(f->update);
  ddim_cl_plan_free(f->plan);
  ops_tensor_clear(&f->x);
  ops_tensor_clear(&f->x0);
  ops_tensor_clear(&f->output);
  ops_array_clear(&f->noise);
}

static double
standard_deviation(const DdimClUpdateStep *s, double v)
{
  if (s->sigma_type == 1)
    return exp(v / 2);
  if (s->sigma_type == 2) {
    const double f = (v + 1) / 2;
    return exp((f * s->max_log + (1 - f) * s->min_log) / 2);
  }
  return s->sigma;
}

/* x and x0, planar, after @step from @x; @x is replaced. */
static void
reference(const Fixture *f, const DdimClUpdateStep *s, const float *noise, double *x, double *x0)
{
  for (guint i = 0; i < COUNT; i++) {
    const guint pixel = i % (H * W), c = i / (H * W) % C, n = i / (H * W * C);
    const double m = ops_tensor_at(&f->output, n * H * W + pixel, c);
    const double v = ops_tensor_at(&f->output, n * H * W + pixel, C + c);
    x0[i] = CLAMP(s->x0_x * x[i] + s->x0_m * m, -(double)s->limit, (double)s->limit);
    x[i] = s->next_x * x[i] + s->next_x0 * x0[i] + s->next_m * m;
    if (s->use_noise)
      x[i] += standard_deviation(s, v) * noise[i];
  }
}

static void
check_steps(Fixture *f, const DdimClUpdateStep *steps, guint n)
{
  g_autoptr(GError) error = NULL;
  double x[COUNT], x0[COUNT];
  for (guint i = 0; i < COUNT; i++)
    x[i] = ops_tensor_at(&f->x, 0, i);
  for (guint i = 0; i < n; i++) {
    g_autofree float *noise = ops_random(100 + i, COUNT, -2, 2);
    reference(f, &steps[i], noise, x, x0);
    ddim_cl_update_run(f->update, &steps[i], steps[i].use_noise ? noise : NULL, &error);
    g_assert_no_error(error);
    /* copied: what comes of the caller's numbers does not matter any more */
    for (guint k = 0; k < COUNT; k++)
      noise[k] = NAN;
  }
  ddim_cl_finish(ops_context(), &error);
  g_assert_no_error(error);
  ops_check(ops_tensor_error(&f->x, x, COUNT), n * TOLERANCE, "x after %u", n);
  ops_check(ops_tensor_error(&f->x0, x0, COUNT), n * TOLERANCE, "x0 after %u", n);
}

static void
test_fixed(Fixture *f, gconstpointer data)
{
  check_steps(f,
              &(DdimClUpdateStep){.x0_x = 1.5f,
                                  .x0_m = -0.75f,
                                  .limit = 1,
                                  .next_x = 0.25f,
                                  .next_x0 = 0.5f,
                                  .next_m = 0.125f,
                                  .sigma = 0.3f,
                                  .use_noise = TRUE},
              1);
}

static void
test_no_clip(Fixture *f, gconstpointer data)
{
  check_steps(
      f,
      &(DdimClUpdateStep){
          .x0_x = 9.5f, .x0_m = -7.75f, .limit = INFINITY, .next_x0 = 0.5f, .next_m = 0.125f},
      1);
}

/* Without noise even a learned sigma is not looked at. */
static void
test_no_noise(Fixture *f, gconstpointer data)
{
  check_steps(f,
              &(DdimClUpdateStep){.x0_x = 1,
                                  .x0_m = 1,
                                  .limit = 0.5f,
                                  .next_x = -0.25f,
                                  .next_x0 = 0.5f,
                                  .sigma = 100,
                                  .sigma_type = 1},
              1);
}

static void
test_learned(Fixture *f, gconstpointer data)
{
  check_steps(f,
              &(DdimClUpdateStep){.x0_x = 1,
                                  .x0_m = 0.5f,
                                  .limit = 1,
                                  .next_x = 0.7f,
                                  .next_x0 = 0.2f,
                                  .sigma_type = 1,
                                  .use_noise = TRUE},
              1);
}

static void
test_learned_range(Fixture *f, gconstpointer data)
{
  check_steps(f,
              &(DdimClUpdateStep){.x0_x = 1,
                                  .x0_m = 0.5f,
                                  .limit = 1,
                                  .next_x = 0.7f,
                                  .next_x0 = 0.2f,
                                  .sigma_type = 2,
                                  .min_log = -6.5f,
                                  .max_log = -2.25f,
                                  .use_noise = TRUE},
              1);
}

/* Step after step, the noise of each uploaded while the one before may still be under way. */
static void
test_sequence(Fixture *f, gconstpointer data)
{
  DdimClUpdateStep steps[8];
  for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
    steps[i] = (DdimClUpdateStep){.x0_x = 1.1f,
                                  .x0_m = -0.2f,
                                  .limit = 1,
                                  .next_x = 0.5f,
                                  .next_x0 = 0.4f,
                                  .sigma = 0.1f * (float)i,
                                  .min_log = -3,
                                  .max_log = -1,
                                  .sigma_type = i % 3,
                                  .use_noise = i != 5};
  check_steps(f, steps, G_N_ELEMENTS(steps));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add("/update/" path, Fixture, NULL, set_up, test, tear_down)
  ADD("fixed", test_fixed);
  ADD("no-clip", test_no_clip);
  ADD("no-noise", test_no_noise);
  ADD("learned", test_learned);
  ADD("learned-range", test_learned_range);
  ADD("sequence", test_sequence);
  return ops_run_tests();
}
