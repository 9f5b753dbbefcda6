/* SPDX-License-Identifier: LGPL-3.0-or-later
 * One sampler step on the device, against opencl/kernels/update.cl's formula in double. */
#include "opencl/check/check-update.h"
#include "ops.h"

enum { N = 2, H = 5, W = 7, C = 3, COUNT = N * C * H * W };

/* Sums of four products of numbers near 1. */
#define TOLERANCE 5e-7

typedef struct {
  OpsTensor x, x0, output;
  OpsArray noise, ring;
  DdimClPlan *plan;
  DdimClUpdate *update;
} Fixture;

static void
set_up_ring(Fixture *f, guint n_ring)
{
  g_autoptr(GError) error = NULL;
  f->x = ops_tensor(1, 1, 1, 1, COUNT, FALSE, 2);
  f->x0 = ops_tensor(2, 1, 1, 1, COUNT, FALSE, 1);
  f->output = ops_tensor(3, N, H, W, 32, FALSE, 1);
  f->noise = ops_array_random(4, COUNT, 1);
  f->ring = ops_array_random(6, MAX(n_ring, 1) * COUNT, 1);
  f->plan = ddim_cl_plan_new(ops_context());
  ddim_cl_plan_seal(f->plan, &error);
  g_assert_no_error(error);
  const DdimClUpdateMemory memory = {.x = f->x.tensor.mem,
                                     .x0 = f->x0.tensor.mem,
                                     .noise = ops_array_mem(&f->noise),
                                     .ring = ops_array_mem(&f->ring),
                                     .n_ring = n_ring,
                                     .output = f->output.tensor,
                                     .channels = C};
  f->update = ddim_cl_update_new(f->plan, &memory, &error);
  g_assert_no_error(error);
}

static void
set_up(Fixture *f, gconstpointer data)
{
  set_up_ring(f, 0);
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
  ops_array_clear(&f->ring);
}

/* What a step leaves, in double. The ring is a list of what each step has kept. */
typedef struct {
  double x[COUNT], x0[COUNT];
  double kept[16][COUNT];
  guint n_kept;
} State;

static void
start(const Fixture *f, State *state)
{
  *state = (State){.n_kept = 0};
  for (guint i = 0; i < COUNT; i++)
    state->x[i] = ops_tensor_at(&f->x, 0, i);
}

/* The formula of kernels/update.cl for all values. */
static void
reference(const Fixture *f, const DdimClUpdateStep *s, const float *noise, State *state)
{
  for (guint i = 0; i < COUNT; i++) {
    const guint pixel = i % (H * W), c = i / (H * W) % C, n = i / (H * W * C);
    double history[DDIM_CL_UPDATE_HISTORY];
    for (guint k = 0; k < s->n_history; k++)
      history[k] = state->kept[state->n_kept - 1 - k][i];
    const DdimCheckUpdateInput in = {.x = state->x[i],
                                     .m = ops_tensor_at(&f->output, n * H * W + pixel, c),
                                     .v = ops_tensor_at(&f->output, n * H * W + pixel, C + c),
                                     .noise = s->use_noise ? noise[i] : 0,
                                     .history = history};
    state->x0[i] = ddim_check_update_x0(s, &in);
    state->x[i] = ddim_check_update_next(s, &in, state->x0[i]);
    if (s->keep)
      state->kept[state->n_kept][i] = s->keep_x * in.x + s->keep_x0 * state->x0[i];
  }
  state->n_kept += s->keep;
}

static void
check_state(Fixture *f, const State *state, guint n)
{
  g_autoptr(GError) error = NULL;

  ddim_cl_finish(ops_context(), &error);
  g_assert_no_error(error);
  ops_check(ops_tensor_error(&f->x, state->x, COUNT), n * TOLERANCE, "x after %u", n);
  ops_check(ops_tensor_error(&f->x0, state->x0, COUNT), n * TOLERANCE, "x0 after %u", n);
}

static void
check_steps(Fixture *f, const DdimClUpdateStep *steps, guint n)
{
  g_autoptr(GError) error = NULL;
  State state;
  start(f, &state);
  for (guint i = 0; i < n; i++) {
    g_autofree float *noise = ops_random(100 + i, COUNT, -2, 2);
    reference(f, &steps[i], noise, &state);
    ddim_cl_update_run(f->update, &steps[i], steps[i].use_noise ? noise : NULL, &error);
    g_assert_no_error(error);
    /* copied: what comes of the caller's numbers does not matter any more */
    for (guint k = 0; k < COUNT; k++)
      noise[k] = NAN;
  }
  check_state(f, &state, n);
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
                                  .sigma_type = i % 4,
                                  .use_noise = i != 5};
  check_steps(f, steps, G_N_ELEMENTS(steps));
}

/* Each step keeps something and reads all that the ring of three holds, also what it overwrites. */
static void
fill_history(DdimClUpdateStep *steps, guint n, guint size)
{
  guint n_kept = 0;

  for (guint i = 0; i < n; i++) {
    steps[i] = (DdimClUpdateStep){.x0_x = 1.1f,
                                  .x0_m = -0.2f,
                                  .limit = 1,
                                  .next_x = 0.5f,
                                  .next_x0 = 0.4f,
                                  .next_m = i % 3 == 0 ? 0.125f : 0,
                                  .sigma = 0.1f,
                                  .min_log = -3,
                                  .max_log = -1,
                                  .sigma_type = i % 4,
                                  .use_noise = i % 2,
                                  .n_history = MIN(n_kept, size),
                                  .history = {0.25f, -0.375f, 0.5f, 0.0625f},
                                  .keep = i != 2,
                                  .keep_x = 0.75f,
                                  .keep_x0 = -0.5f,
                                  .kept = n_kept % size};
    for (guint k = 0; k < steps[i].n_history; k++)
      steps[i].slots[k] = (n_kept - 1 - k) % size;
    n_kept += steps[i].keep;
  }
}

static void
test_history(Fixture *f, gconstpointer data)
{
  DdimClUpdateStep steps[10];

  for (guint size = 1; size <= DDIM_CL_UPDATE_HISTORY; size++) {
    tear_down(f, NULL);
    set_up_ring(f, size);
    fill_history(steps, G_N_ELEMENTS(steps), size);
    check_steps(f, steps, G_N_ELEMENTS(steps));
  }
}

/* In two launches as in one, to the last bit. */
static void
test_parts(Fixture *f, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autofree float *once_x = NULL, *once_x0 = NULL, *parts_x = NULL, *parts_x0 = NULL;
  g_autofree float *noise = ops_random(9, COUNT, -2, 2);
  DdimClUpdateStep steps[9];

  fill_history(steps, G_N_ELEMENTS(steps), 1);
  for (guint parts = 0; parts < 2; parts++) {
    tear_down(f, NULL);
    set_up(f, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
      steps[i].n_history = 0;
      steps[i].keep = FALSE;
      if (parts) {
        g_assert_true(ddim_cl_update_predict(f->update, &steps[i], &error));
        g_assert_true(ddim_cl_update_advance(f->update, &steps[i], noise, &error));
      } else {
        g_assert_true(ddim_cl_update_run(f->update, &steps[i], noise, &error));
      }
    }
    ddim_cl_finish(ops_context(), &error);
    g_assert_no_error(error);
    *(parts ? &parts_x : &once_x) = ops_array_read(&f->x.array);
    *(parts ? &parts_x0 : &once_x0) = ops_array_read(&f->x0.array);
  }
  g_assert_cmpmem(once_x, f->x.array.count * sizeof(float), parts_x,
                  f->x.array.count * sizeof(float));
  g_assert_cmpmem(once_x0, f->x0.array.count * sizeof(float), parts_x0,
                  f->x0.array.count * sizeof(float));
}

/* What is in x0 between the two parts counts, not what was predicted. */
static void
test_corrected_x0(Fixture *f, gconstpointer data)
{
  const DdimClUpdateStep step = {
      .x0_x = 1.5f, .x0_m = -0.75f, .limit = 1, .next_x = 0.25f, .next_x0 = 0.5f};
  g_autofree float *corrected = ops_random(77, COUNT, -3, 3);
  g_autoptr(GError) error = NULL;
  State state;

  start(f, &state);
  for (guint i = 0; i < COUNT; i++) {
    state.x[i] = step.next_x * state.x[i] + step.next_x0 * corrected[i];
    state.x0[i] = corrected[i];
  }
  g_assert_true(ddim_cl_update_predict(f->update, &step, &error));
  g_assert_true(ddim_cl_plan_write(f->plan, f->x0.tensor.mem, COUNT, corrected, &error));
  g_assert_true(ddim_cl_update_advance(f->update, &step, NULL, &error));
  check_state(f, &state, 1);
}

/* It touches x alone: an output that is not there yet does no harm. */
static void
test_renoise(Fixture *f, gconstpointer data)
{
  const DdimClUpdateStep step = {.next_x = 0.8f, .sigma = 0.6f, .use_noise = TRUE};
  g_autofree float *noise = ops_random(5, COUNT, -2, 2);
  g_autoptr(GError) error = NULL;
  State state;

  start(f, &state);
  for (guint i = 0; i < COUNT; i++) {
    state.x[i] = step.next_x * state.x[i] + step.sigma * noise[i];
    state.x0[i] = ops_tensor_at(&f->x0, 0, i);
  }
  g_assert_true(ddim_cl_update_renoise(f->update, &step, noise, &error));
  check_state(f, &state, 1);
}

static guint
find_broken(Fixture *f)
{
  g_autoptr(GError) error = NULL;
  guint step = 1000;
  g_assert_true(ddim_cl_update_find_broken(f->update, &step, &error));
  g_assert_no_error(error);
  return step;
}

/* One value of the output becomes @bad in step 3 of 5: that step is found, in one launch and in
 * two, also where the next steps are without fault. */
static void
check_broken(float bad, gboolean parts)
{
  const DdimClUpdateStep step = {
      .x0_x = 1, .x0_m = 0.5f, .limit = 1, .next_x = 0.5f, .next_x0 = 0.5f};
  g_autoptr(GError) error = NULL;
  Fixture f;
  set_up(&f, NULL);
  for (guint watch = 0; watch < 2; watch++) {
    g_autofree float *output = ops_array_read(&f.output.array), *x = ops_array_read(&f.x.array);
    g_assert_true(ddim_cl_update_watch(f.update, &error));
    for (guint i = 0; i < 5; i++) {
      const float usual = output[1];
      output[1] = i == 3 ? bad : usual;
      g_assert_true(ddim_cl_plan_write(f.plan, f.output.tensor.mem, 32, output, &error));
      output[1] = usual;
      if (i == 4)
        g_assert_true(ddim_cl_plan_write(f.plan, f.x.tensor.mem, COUNT, x, &error));
      if (!parts)
        g_assert_true(ddim_cl_update_run(f.update, &step, NULL, &error));
      else
        g_assert_true(ddim_cl_update_predict(f.update, &step, &error) &&
                      ddim_cl_update_advance(f.update, &step, NULL, &error));
      g_assert_cmpuint(find_broken(&f), ==, MIN(i + 1, isfinite(bad) ? 5 : 3));
    }
  }
  tear_down(&f, NULL);
}

static void
test_broken(Fixture *f, gconstpointer data)
{
  for (guint parts = 0; parts < 2; parts++) {
    check_broken(NAN, parts);
    check_broken(INFINITY, parts);
    check_broken(-INFINITY, parts);
    check_broken(1e30f, parts);
  }
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
  ADD("history", test_history);
  ADD("parts", test_parts);
  ADD("corrected-x0", test_corrected_x0);
  ADD("renoise", test_renoise);
  ADD("broken", test_broken);
  return ops_run_tests();
}
