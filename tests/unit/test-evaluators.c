/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Several evaluators of one network at the same time: what they share, and that it is safe. */
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/network/sampler-state.h"
#include "small-model.h"

static DdimEvaluator *
evaluator_new(SmallModel *model, DdimEvaluatorSize size)
{
  g_autoptr(GError) error = NULL;
  DdimEvaluator *evaluator = ddim_evaluator_new(model->network, &size, NULL, &error);
  g_assert_no_error(error);
  return evaluator;
}

/* Inputs of @evaluator's batch. Those of image @first + i are the same in every batch. */
static float *
make_x(const DdimEvaluator *evaluator, guint first)
{
  const DdimEvaluatorSize *size = ddim_evaluator_get_size(evaluator);
  const gsize image = (gsize)3 * size->height * size->width;
  float *x = g_new(float, size->batch *image);
  for (guint n = 0; n < size->batch; n++)
    for (gsize i = 0; i < image; i++)
      x[n * image + i] = (float)((i * (7 + 4 * (first + n))) % 101) / 50 - 1;
  return x;
}

static gsize
output_count(const DdimEvaluator *evaluator)
{
  const DdimEvaluatorSize *size = ddim_evaluator_get_size(evaluator);
  return (gsize)size->batch * 6 * size->height * size->width;
}

static void
prepare(DdimEvaluator *evaluator, guint first)
{
  double timesteps[2][4] = {{3, 871, 3, 871}, {100, 5, 999, 0}};
  double packed[8];
  gint64 labels[4];
  g_autoptr(GError) error = NULL;
  g_autofree float *x = make_x(evaluator, first);
  const guint batch = ddim_evaluator_get_size(evaluator)->batch;
  g_assert_cmpuint(first + batch, <=, 4);
  for (guint i = 0; i < batch; i++) {
    labels[i] = (first + i) * 3 % 10;
    packed[i] = timesteps[0][first + i];
    packed[batch + i] = timesteps[1][first + i];
  }
  g_assert_true(ddim_evaluator_set_conditions(evaluator, packed, 2, labels, &error));
  g_assert_true(ddim_evaluator_set_x(evaluator, x, &error));
  g_assert_no_error(error);
}

/* (transfer full) */
static float *
evaluate(DdimEvaluator *evaluator, guint step)
{
  g_autoptr(GError) error = NULL;
  float *output = g_new(float, output_count(evaluator));
  g_assert_true(ddim_evaluator_evaluate(evaluator, step, &error));
  g_assert_true(ddim_evaluator_get_output(evaluator, output, &error));
  g_assert_no_error(error);
  return output;
}

/* What an evaluator of this size computes when it is the only one of its network. */
static float *
evaluate_alone(DdimEvaluatorSize size, guint step)
{
  SmallModel model;
  small_model_open(&model);
  DdimEvaluator *evaluator = evaluator_new(&model, size);
  prepare(evaluator, 0);
  float *output = evaluate(evaluator, step);
  ddim_evaluator_unref(evaluator);
  small_model_close(&model);
  return output;
}

static const DdimEvaluatorSize sizes[] = {
    {.batch = 1, .height = 32, .width = 32},
    {.batch = 3, .height = 16, .width = 24},
    {.batch = 2, .height = 48, .width = 40},
    {.batch = 1, .height = 32, .width = 32, .wrap = DDIM_WRAP_XY},
};

/* Evaluators of several sizes in turn, made and freed in the order that @data tells: what each
 * computes is to the last bit what it computes alone. */
static void
test_alternating(gconstpointer data)
{
  const gboolean last_first = GPOINTER_TO_INT(data);
  const guint n = G_N_ELEMENTS(sizes);
  DdimEvaluator *evaluators[G_N_ELEMENTS(sizes)];
  SmallModel model;
  small_model_open(&model);
  for (guint i = 0; i < n; i++) {
    evaluators[i] = evaluator_new(&model, sizes[i]);
    prepare(evaluators[i], 0);
  }
  for (guint step = 0; step < 2; step++)
    for (guint i = 0; i < n; i++) {
      g_autofree float *expected = evaluate_alone(sizes[i], step);
      g_autofree float *actual = evaluate(evaluators[i], step);
      const gsize bytes = output_count(evaluators[i]) * sizeof(float);
      g_assert_cmpmem(actual, bytes, expected, bytes);
    }
  /* The evaluators that are left still compute the same. */
  for (guint i = 0; i < n; i++) {
    DdimEvaluator *gone = evaluators[last_first ? n - 1 - i : i];
    DdimEvaluator *left = evaluators[last_first ? 0 : n - 1];
    g_autofree float *before = evaluate(left, 1);
    ddim_evaluator_unref(gone);
    if (gone == left)
      break;
    g_autofree float *after = evaluate(left, 1);
    const gsize bytes = output_count(left) * sizeof(float);
    g_assert_cmpmem(after, bytes, before, bytes);
  }
  small_model_close(&model);
}

/* Output stays until the next evaluation of the same evaluator, whatever others do meanwhile. */
static void
test_output_stays(void)
{
  SmallModel model;
  small_model_open(&model);
  g_autoptr(GError) error = NULL;
  DdimEvaluator *first = evaluator_new(&model, sizes[0]), *second = evaluator_new(&model, sizes[2]);
  prepare(first, 0);
  prepare(second, 0);
  const gsize count = output_count(first);
  g_autofree float *expected = evaluate(first, 0);
  g_free(evaluate(second, 0));
  g_autofree float *actual = g_new(float, count);
  g_assert_true(ddim_evaluator_get_output(first, actual, &error));
  g_assert_cmpmem(actual, count * sizeof(float), expected, count * sizeof(float));
  ddim_evaluator_unref(first);
  ddim_evaluator_unref(second);
  small_model_close(&model);
}

/* A short last batch takes no weights of its own, and computes what the whole batch computes. On
 * x86 matrix units the products are of numbers with 16 bits, and norms add in another order, so
 * roundings differ by up to 2^-16 of what is added up. */
static void
test_short_batch(void)
{
  const DdimEvaluatorSize whole = {.batch = 4, .height = 32, .width = 32};
  const DdimEvaluatorSize rest = {.batch = 1, .height = 32, .width = 32, .usual_batch = 4};
  SmallModel model;
  small_model_open(&model);
  DdimEvaluator *all = evaluator_new(&model, whole);
  const guint64 before = ddim_context_get_device_bytes(model.context, NULL);
  DdimEvaluator *one = evaluator_new(&model, rest);
  const guint64 after = ddim_context_get_device_bytes(model.context, NULL);
  /* Input, output (twice: planar as well), the step's conditioning, tables of tasks for matrix
   * units; no weights, which take more. */
  g_assert_cmpuint(after - before, <, 32 * 32 * (3 + 6 + 32) * sizeof(float) + (128 << 10));
  prepare(all, 0);
  prepare(one, 3);
  g_autofree float *expected = evaluate(all, 0), *actual = evaluate(one, 0);
  const gsize count = output_count(one);
  for (gsize i = 0; i < count; i++)
    g_assert_cmpfloat_with_epsilon(actual[i], expected[3 * count + i], 5e-5);
  ddim_evaluator_unref(all);
  ddim_evaluator_unref(one);
  small_model_close(&model);
}

/* Weights belong to those that use them. */
static void
test_weights_freed(void)
{
  SmallModel model;
  small_model_open(&model);
  DdimEvaluator *first = evaluator_new(&model, sizes[0]);
  const guint64 one = ddim_context_get_device_bytes(model.context, NULL);
  DdimEvaluator *same = evaluator_new(&model, sizes[0]);
  const guint64 two = ddim_context_get_device_bytes(model.context, NULL);
  g_assert_cmpuint(two - one, <, (one - model.bytes) / 2);
  ddim_evaluator_unref(first);
  g_assert_cmpuint(ddim_context_get_device_bytes(model.context, NULL), ==, one);
  ddim_evaluator_unref(same);
  g_assert_cmpuint(ddim_context_get_device_bytes(model.context, NULL), ==, model.bytes);
  /* A reference keeps an evaluator alive, even if the network is released first. */
  first = evaluator_new(&model, sizes[0]);
  ddim_evaluator_ref(first);
  ddim_evaluator_unref(first);
  prepare(first, 0);
  g_autofree float *output = evaluate(first, 0);
  g_assert_true(isfinite(output[0]));
  ddim_evaluator_unref(first);
  small_model_close(&model);
}

static DdimEvaluator *
get(DdimEvaluatorCache *cache, DdimEvaluatorSize size)
{
  g_autoptr(GError) error = NULL;
  DdimEvaluator *evaluator = ddim_evaluator_cache_get(cache, &size, NULL, &error);
  g_assert_no_error(error);
  return evaluator;
}

/* An evaluator that is asked for again is still there, and the bound of memory is kept. */
static void
test_cache(void)
{
  SmallModel model;
  small_model_open(&model);
  g_autoptr(GError) error = NULL;
  guint64 most = 0;
  for (guint side = 8; side <= 64; side += 8) {
    DdimEvaluator *evaluator =
        evaluator_new(&model, (DdimEvaluatorSize){.batch = 1, .height = side, .width = side});
    most = MAX(most, ddim_context_get_device_bytes(model.context, NULL) - model.bytes);
    ddim_evaluator_unref(evaluator);
  }
  DdimEvaluatorCache *cache = ddim_evaluator_cache_new(model.network);
  const DdimEvaluatorSize whole = {.batch = 3, .height = 32, .width = 32};
  const DdimEvaluatorSize rest = {.batch = 2, .height = 32, .width = 32, .usual_batch = 3};
  const DdimEvaluatorSize ring = {.batch = 3, .height = 32, .width = 32, .wrap = DDIM_WRAP_X};
  DdimEvaluator *all = get(cache, whole), *short_one = get(cache, rest), *again = get(cache, whole);
  DdimEvaluator *wrapped = get(cache, ring);
  g_assert_true(all == again);
  g_assert_true(wrapped != all);
  ddim_evaluator_unref(wrapped);
  g_assert_true(all != short_one);
  ddim_evaluator_unref(all);
  ddim_evaluator_unref(again);
  ddim_evaluator_unref(short_one);
  ddim_evaluator_cache_clear(cache);
  g_assert_cmpuint(ddim_context_get_device_bytes(model.context, NULL), ==, model.bytes);
  /* A cache that has never seen more than these sizes. */
  ddim_evaluator_cache_free(cache);
  cache = ddim_evaluator_cache_new(model.network);
  for (guint round = 0; round < 3; round++)
    for (guint side = 8; side <= 64; side += 8) {
      DdimEvaluator *evaluator =
          get(cache, (DdimEvaluatorSize){.batch = 1, .height = side, .width = side});
      g_assert_cmpuint(ddim_context_get_device_bytes(model.context, NULL) - model.bytes, <=,
                       most + most / 4);
      ddim_evaluator_unref(evaluator);
    }
  /* An evaluator that cannot be made is an error, and does no harm. */
  const DdimEvaluatorSize odd = {.batch = 1, .height = 33, .width = 32};
  g_assert_null(ddim_evaluator_cache_get(cache, &odd, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  ddim_evaluator_cache_free(cache);
  small_model_close(&model);
}

/* x after two steps of a loop, the second of which is taken by @second. */
static float *
run_loop(DdimEvaluator *first, DdimEvaluator *second)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimSamplerState) state = ddim_sampler_state_new(first, &error);
  g_assert_no_error(error);
  const gsize count = output_count(first) / 2;
  const DdimStep step = {
      .x0_x = 1.25, .x0_m = -0.75, .next_x = 0.5, .next_x0 = 0.5, .sigma = 0.25, .clip = TRUE};
  DdimEvaluator *evaluators[] = {first, second};
  const DdimHistorySlots none = {0};
  g_autofree float *x = make_x(first, 0);
  float *result = g_new(float, count);
  g_assert_true(ddim_sampler_state_set_x(state, x, &error));
  for (guint i = 0; i < 2; i++) {
    prepare(evaluators[i], 0);
    g_assert_true(ddim_sampler_state_evaluate(state, evaluators[i], i, &error));
    g_assert_true(ddim_sampler_state_update(state, evaluators[i], &step, &none, x, &error));
  }
  g_assert_true(ddim_sampler_state_get_x(state, result, &error));
  g_assert_no_error(error);
  return result;
}

/* The same on the host, from the evaluator's outputs. */
static float *
expect_loop(DdimEvaluator *evaluator)
{
  g_autoptr(GError) error = NULL;
  const gsize count = output_count(evaluator) / 2;
  const guint batch = ddim_evaluator_get_size(evaluator)->batch;
  const gsize image = count / batch;
  g_autofree float *noise = make_x(evaluator, 0);
  float *x = make_x(evaluator, 0);
  prepare(evaluator, 0);
  for (guint step = 0; step < 2; step++) {
    g_assert_true(ddim_evaluator_set_x(evaluator, x, &error));
    g_autofree float *output = evaluate(evaluator, step);
    for (gsize i = 0; i < count; i++) {
      /* The mean's channels come first in each image's output, then the variance's. */
      const float mean = output[i / image * 2 * image + i % image];
      const float x0 = CLAMP(1.25f * x[i] - 0.75f * mean, -1.0f, 1.0f);
      x[i] = 0.5f * x[i] + 0.5f * x0 + 0.25f * noise[i];
    }
  }
  return x;
}

/* Any evaluator of its size can move a state on. */
static void
test_state(void)
{
  SmallModel model;
  small_model_open(&model);
  const DdimEvaluatorSize size = {.batch = 2, .height = 16, .width = 32};
  DdimEvaluator *first = evaluator_new(&model, size), *second = evaluator_new(&model, size);
  g_autofree float *expected = expect_loop(first);
  g_autofree float *one = run_loop(first, first), *two = run_loop(first, second);
  const gsize count = output_count(first) / 2;
  for (gsize i = 0; i < count; i++)
    g_assert_cmpfloat_with_epsilon(one[i], expected[i], 1e-5);
  g_assert_cmpmem(two, count * sizeof(float), one, count * sizeof(float));
  ddim_evaluator_unref(first);
  ddim_evaluator_unref(second);
  small_model_close(&model);
}

/* What the network of @model and one evaluator of a batch take with @precision. */
static guint64
count_bytes(const SmallModel *model, DdimPrecision precision)
{
  g_autoptr(GError) error = NULL;
  const DdimNetworkParams params = {.precision = precision};
  const DdimEvaluatorSize size = {.batch = 4, .height = 32, .width = 32};
  g_autoptr(DdimNetwork) network =
      ddim_network_new(model->context, model->checkpoint, model->config, &params, &error);
  g_assert_no_error(error);
  g_autoptr(DdimEvaluator) evaluator = ddim_evaluator_new(network, &size, NULL, &error);
  g_assert_no_error(error);
  g_assert_nonnull(evaluator);
  return ddim_context_get_device_bytes(model->context, NULL) - model->bytes;
}

/* Weights and activations are kept as half; only what is transformed on the way is not. */
static void
test_half(void)
{
  SmallModel model;
  small_model_open(&model);
  const guint64 single = count_bytes(&model, DDIM_PRECISION_F32);
  const guint64 half = count_bytes(&model, DDIM_PRECISION_F16);
  g_test_message("%.1f MiB as float32, %.1f as half", single / 1048576.0, half / 1048576.0);
  g_assert_cmpfloat((double)half, <=, 0.6 * (double)single);
  small_model_close(&model);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_data_func("/evaluators/alternating/first-goes-first", GINT_TO_POINTER(FALSE),
                       test_alternating);
  g_test_add_data_func("/evaluators/alternating/last-goes-first", GINT_TO_POINTER(TRUE),
                       test_alternating);
  g_test_add_func("/evaluators/output-stays", test_output_stays);
  g_test_add_func("/evaluators/short-batch", test_short_batch);
  g_test_add_func("/evaluators/weights-freed", test_weights_freed);
  g_test_add_func("/evaluators/cache", test_cache);
  g_test_add_func("/evaluators/state", test_state);
  g_test_add_func("/evaluators/half", test_half);
  return g_test_run();
}
