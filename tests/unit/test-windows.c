/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Pictures that are computed in windows: where windows lie, what they count, and that their order
 * does not matter. What comes out is held against float64 in tests/cli/test_windows.py. */
#include <math.h>
#include <string.h>

#include "core/diffusion/noise.h"
#include "core/network/sampler-state.h"
#include "core/network/window-axis.h"
#include "core/network/windows.h"
#include "small-model.h"

enum { CHANNELS = 3, OUT_CHANNELS = 6 };

/* ---- axes ---- */

/* What every axis must hold, counted pixel by pixel. */
static void
check_axis(const DdimWindowAxisParams *params)
{
  g_autoptr(DdimWindowAxis) axis = ddim_window_axis_new(params);
  const DdimClWindowAxis *view = &axis->view;
  g_autofree double *sums = g_new0(double, params->length);
  g_autofree guint *terms = g_new0(guint, params->length);

  g_assert_cmpuint(view->length, ==, params->length);
  g_assert_cmpuint(view->window, ==, MIN(params->window, params->length));
  for (guint i = 0; i < view->n; i++) {
    g_assert_cmpuint(view->places[i] % params->unit, ==, 0);
    g_assert_cmpuint(view->places[i], <, params->length);
    if (!params->wrap)
      g_assert_cmpuint(view->places[i] + view->window, <=, params->length);
    for (guint x = 0; x < view->window; x++) {
      const float weight = view->weights[(gsize)i * view->window + x];
      const guint at = (view->places[i] + x) % params->length;
      g_assert_cmpfloat(weight, >=, 0);
      g_assert_cmpfloat(weight, <=, 1);
      sums[at] += weight;
      terms[at] += weight > 0;
    }
  }
  for (guint x = 0; x < params->length; x++) {
    g_assert_cmpfloat(fabs(sums[x] - 1), <, 1e-6);
    g_assert_cmpuint(terms[x], >=, 1);
    g_assert_cmpuint(terms[x], <=, 2);
  }
  /* Neighbors share as much as is asked for. */
  for (guint i = 0; i + 1 < view->n && params->window > params->unit; i++)
    g_assert_cmpuint(view->places[i + 1] + params->overlap, <=, view->places[i] + view->window);
}

static void
test_axes(void)
{
  for (guint unit = 1; unit <= 16; unit += 5)
    for (guint window = unit; window <= 9 * unit; window += unit)
      for (guint length = unit; length <= 40 * unit; length += unit)
        for (guint overlap = 0; overlap <= window / 2; overlap += 1 + overlap / 3)
          for (guint kind = 0; kind < 4; kind++)
            check_axis(
                &(DdimWindowAxisParams){length, window, overlap, unit, kind % 2, kind / 2 % 2});
}

/* A picture, worked out by hand: two windows of 8 in 12 pixels share the pixels 4 to 7, and change
 * over 2 of them. */
static void
test_by_hand(void)
{
  const DdimWindowAxisParams params = {.length = 12, .window = 8, .overlap = 2, .unit = 4};
  static const float first[8] = {1, 1, 1, 1, 1, 0.75f, 0.25f, 0};
  static const float second[8] = {0, 0.25f, 0.75f, 1, 1, 1, 1, 1};
  g_autoptr(DdimWindowAxis) axis = ddim_window_axis_new(&params);

  g_assert_cmpuint(axis->view.n, ==, 2);
  g_assert_cmpuint(axis->view.places[1], ==, 4);
  g_assert_cmpmem(axis->weights, sizeof first, first, sizeof first);
  g_assert_cmpmem(axis->weights + 8, sizeof second, second, sizeof second);
}

/* The same with places that may be 2 pixels apart, shifted: there is a third window between the
 * two. */
static void
test_shifted_by_hand(void)
{
  const DdimWindowAxisParams params = {
      .length = 12, .window = 8, .overlap = 2, .unit = 2, .shifted = TRUE};
  static const float weights[24] = {1, 1, 1,     1,     0.75f, 0.25f, 0, 0, /* from 0 */
                                    0, 0, 0.25f, 0.75f, 0.75f, 0.25f, 0, 0, /* from 2 */
                                    0, 0, 0.25f, 0.75f, 1,     1,     1, 1 /* from 4 */};
  g_autoptr(DdimWindowAxis) axis = ddim_window_axis_new(&params);

  g_assert_cmpuint(axis->view.n, ==, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint(axis->view.places[i], ==, 2 * i);
  g_assert_cmpmem(axis->weights, sizeof weights, weights, sizeof weights);
}

/* Around a ring they lie halfway; where windows are less than two units apart nothing is shifted.
 */
static void
test_shifted_places(void)
{
  const DdimWindowAxisParams ring = {
      .length = 24, .window = 12, .overlap = 4, .unit = 4, .wrap = TRUE, .shifted = TRUE};
  const DdimWindowAxisParams close = {
      .length = 12, .window = 8, .overlap = 2, .unit = 4, .shifted = TRUE};
  g_autoptr(DdimWindowAxis) axis = ddim_window_axis_new(&ring);
  g_autoptr(DdimWindowAxis) same = ddim_window_axis_new(&close);

  g_assert_cmpuint(axis->view.n, ==, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint(axis->view.places[i], ==, 4 + 8 * i);
  g_assert_cmpuint(same->view.n, ==, 2);
  g_assert_cmpuint(same->view.places[1], ==, 4);
}

/* ---- evaluations ---- */

typedef struct {
  SmallModel model;
  DdimEvaluatorCache *cache;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
  small_model_open(&f->model);
  f->cache = ddim_evaluator_cache_new(f->model.network);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
  ddim_evaluator_cache_free(f->cache);
  small_model_close(&f->model);
}

/* Two timesteps: windows lie shifted in the first and plainly in the second. */
static const double TIMESTEPS[] = {871, 3};

/* The output for @x in step @step of @timesteps, [batch][6][H][W], after all steps were evaluated
 * in turn, that one last. (transfer full) */
static float *
evaluate_at(Fixture *f, const DdimWindowsParams *params, const float *x, const gint64 *labels,
            const double *timesteps, guint n, guint step)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimEvaluator) evaluator =
      ddim_windows_new(f->model.network, f->cache, params, NULL, &error);
  g_assert_no_error(error);
  g_autoptr(DdimSamplerState) state = ddim_sampler_state_new(evaluator, &error);
  g_assert_no_error(error);
  float *output = g_new(float, ddim_evaluator_get_output_count(evaluator));

  g_assert_true(ddim_evaluator_set_common_conditions(evaluator, timesteps, n, labels, &error));
  g_assert_true(ddim_sampler_state_set_x(state, x, &error));
  for (guint i = 1; i <= n; i++)
    g_assert_true(ddim_sampler_state_evaluate(state, evaluator, (step + i) % n, &error));
  g_assert_true(ddim_evaluator_get_output(evaluator, output, &error));
  g_assert_no_error(error);
  return output;
}

static float *
evaluate(Fixture *f, const DdimWindowsParams *params, const float *x, const gint64 *labels,
         guint step)
{
  return evaluate_at(f, params, x, labels, TIMESTEPS, G_N_ELEMENTS(TIMESTEPS), step);
}

static float *
make_x(guint batch, guint height, guint width)
{
  const gsize n = (gsize)batch * CHANNELS * height * width;
  g_autoptr(DdimRng) rng = ddim_rng_new(NULL, 4, NULL);
  float *x = g_new(float, n);

  ddim_rng_normal(rng, x, n);
  return x;
}

static void
test_order(Fixture *f, gconstpointer data)
{
  DdimWindowsParams params = {.batch = 1, .height = 40, .width = 136, .window = 24, .overlap = 8};
  const gint64 label = 3;
  g_autofree float *x = make_x(1, params.height, params.width);
  const gsize bytes = sizeof(float) * OUT_CHANNELS * params.height * params.width;

  for (guint step = 0; step < 2; step++) {
    params.backwards = FALSE;
    g_autofree float *forwards = evaluate(f, &params, x, &label, step);
    params.backwards = TRUE;
    g_autofree float *backwards = evaluate(f, &params, x, &label, step);
    g_assert_cmpmem(forwards, bytes, backwards, bytes);
  }
}

/* How windows lie depends on a timestep's place among the different ones, whatever their order. */
static void
test_turns(Fixture *f, gconstpointer data)
{
  const DdimWindowsParams params = {
      .batch = 1, .height = 40, .width = 48, .window = 24, .overlap = 8};
  const gsize bytes = sizeof(float) * OUT_CHANNELS * params.height * params.width;
  const double third[] = {500, 871, 3, 3}, often[] = {3, 950, 3, 871, 871};
  const gint64 label = 3;
  g_autofree float *x = make_x(1, params.height, params.width);
  g_autofree float *shifted = evaluate(f, &params, x, &label, 0);
  g_autofree float *alone = evaluate_at(f, &params, x, &label, TIMESTEPS, 1, 0);
  g_autofree float *plain = evaluate_at(f, &params, x, &label, third, 4, 1);
  g_autofree float *again = evaluate_at(f, &params, x, &label, often, 5, 3);

  g_assert_cmpmem(plain, bytes, alone, bytes);
  g_assert_cmpmem(again, bytes, shifted, bytes);
  g_assert_cmpint(memcmp(shifted, alone, bytes), !=, 0);
}

/* Several pictures at once, each with its class, are those made one by one. */
static void
test_batch(Fixture *f, gconstpointer data)
{
  DdimWindowsParams params = {.batch = 3, .height = 36, .width = 28, .window = 16, .overlap = 4};
  const gint64 labels[] = {3, 0, 9};
  const gsize plane = params.height * params.width, bytes = sizeof(float) * OUT_CHANNELS * plane;
  g_autofree float *x = make_x(params.batch, params.height, params.width);

  for (guint step = 0; step < 2; step++) {
    params.batch = 3;
    g_autofree float *together = evaluate(f, &params, x, labels, step);
    params.batch = 1;
    for (guint i = 0; i < 3; i++) {
      g_autofree float *alone = evaluate(f, &params, x + i * CHANNELS * plane, labels + i, step);
      g_assert_cmpmem(together + i * OUT_CHANNELS * plane, bytes, alone, bytes);
    }
  }
}

/* Shift @x by one distance of windows along @horizontal or vertical, around the edge. */
static void
roll(const float *x, guint planes, guint size, guint by, gboolean horizontal, float *rolled)
{
  for (guint p = 0; p < planes; p++)
    for (guint y = 0; y < size; y++)
      for (guint i = 0; i < size; i++)
        rolled[(p * size + (horizontal ? y : (y + by) % size)) * size +
               (horizontal ? (i + by) % size : i)] = x[(p * size + y) * size + i];
}

/* Where windows wrap, a picture that is shifted around the edge gives the same shifted. Where they
 * do not, it does not. */
static void
test_wrap(Fixture *f, gconstpointer data)
{
  enum { SIZE = 48, DISTANCE = 16 };
  const gsize bytes = sizeof(float) * OUT_CHANNELS * SIZE * SIZE;
  g_autofree float *x = make_x(1, SIZE, SIZE), *shifted = make_x(1, SIZE, SIZE);
  g_autofree float *expected = g_malloc(bytes);
  const gint64 label = 5;

  for (DdimWrap wrap = DDIM_WRAP_NONE; wrap <= DDIM_WRAP_XY; wrap++)
    for (guint kind = 0; kind < 4; kind++) {
      const gboolean horizontal = kind % 2;
      const guint step = kind / 2;
      const DdimWindowsParams params = {
          .batch = 1, .height = SIZE, .width = SIZE, .window = 24, .overlap = 8, .wrap = wrap};
      g_autofree float *plain = evaluate(f, &params, x, &label, step);
      roll(x, CHANNELS, SIZE, DISTANCE, horizontal, shifted);
      g_autofree float *actual = evaluate(f, &params, shifted, &label, step);
      roll(plain, OUT_CHANNELS, SIZE, DISTANCE, horizontal, expected);
      g_assert_cmpint(memcmp(actual, expected, bytes) == 0, ==,
                      (wrap & (horizontal ? DDIM_WRAP_X : DDIM_WRAP_Y)) != 0);
    }
}

/* ---- stopping ---- */

static gboolean
stop_later(double fraction, gpointer data, GError **error)
{
  double *last = data;

  g_assert_cmpfloat(fraction, >, *last);
  g_assert_cmpfloat(fraction, <=, 1);
  *last = fraction;
  if (fraction < 0.5)
    return TRUE;
  g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "enough");
  return FALSE;
}

static void
test_stop(Fixture *f, gconstpointer data)
{
  double last = 0, timestep = 5;
  const gint64 label = 1;
  const DdimWindowsParams params = {.batch = 1,
                                    .height = 64,
                                    .width = 64,
                                    .window = 16,
                                    .overlap = 4,
                                    .progress = stop_later,
                                    .progress_data = &last};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimEvaluator) evaluator =
      ddim_windows_new(f->model.network, f->cache, &params, NULL, &error);
  g_assert_no_error(error);
  g_autoptr(DdimSamplerState) state = ddim_sampler_state_new(evaluator, &error);
  g_autofree float *x = make_x(1, 64, 64);

  g_assert_true(ddim_evaluator_set_common_conditions(evaluator, &timestep, 1, &label, &error));
  g_assert_true(ddim_sampler_state_set_x(state, x, &error));
  g_assert_false(ddim_sampler_state_evaluate(state, evaluator, 0, &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpfloat(last, <, 1);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/windows/axes", test_axes);
  g_test_add_func("/windows/by-hand", test_by_hand);
  g_test_add_func("/windows/shifted-by-hand", test_shifted_by_hand);
  g_test_add_func("/windows/shifted-places", test_shifted_places);
  g_test_add("/windows/order", Fixture, NULL, set_up, test_order, tear_down);
  g_test_add("/windows/turns", Fixture, NULL, set_up, test_turns, tear_down);
  g_test_add("/windows/batch", Fixture, NULL, set_up, test_batch, tear_down);
  g_test_add("/windows/wrap", Fixture, NULL, set_up, test_wrap, tear_down);
  g_test_add("/windows/stop", Fixture, NULL, set_up, test_stop, tear_down);
  return g_test_run();
}
