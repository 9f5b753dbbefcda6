/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The UNet on OpenCL against outputs of the original, computed in float64
 * (tests/data/make_oracle.py, make-seamless.py). */
#include <math.h>

#include "core/model/config.h"
#include "core/data/error.h"
#include "core/network/evaluator.h"
#include "golden.h"
#include "opencl/device/context-private.h"

#define BLOCK_BYTES 2000000

typedef struct {
  DdimContext *context;
  DdimCheckpoint *checkpoint;
  DdimConfig *config;
  DdimNetwork *network;
} Model;

static void
model_open(Model *model, const char *weights, const char *flags, DdimPrecision precision)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *path = golden_path(weights);
  const DdimNetworkParams params = {.precision = precision};
  model->context = ddim_context_new(NULL, &error);
  g_assert_no_error(error);
  model->checkpoint = ddim_checkpoint_open(path, &error);
  g_assert_no_error(error);
  model->config = ddim_config_load(model->checkpoint, flags, &error);
  g_assert_no_error(error);
  model->network =
      ddim_network_new(model->context, model->checkpoint, model->config, &params, &error);
  g_assert_no_error(error);
}

static void
model_clear(Model *model)
{
  ddim_network_unref(model->network);
  ddim_config_unref(model->config);
  ddim_checkpoint_unref(model->checkpoint);
  ddim_context_unref(model->context);
}

typedef struct {
  const char *name, *flags;
  gboolean labels, low_res;
} Case;

static const Case cases[] = {
    {"tiny_uncond", "--image_size 16 --num_heads 1", FALSE, FALSE},
    {"small_cond", "--image_size 32 --num_heads 4 --class_cond True", TRUE, FALSE},
    {"superres", "--large_size 32 --small_size 8 --num_heads 2 --class_cond True", TRUE, TRUE},
    {"guided_updown", "--image_size 16 --num_head_channels 16", TRUE, FALSE},
    {"guided_new_order", "--image_size 16 --num_head_channels 8 --use_new_attention_order True",
     FALSE, FALSE},
    {"guided_pooled", "--image_size 16 --num_heads 2 --num_heads_upsample 4", TRUE, FALSE},
    {"guided_gray", "--image_size 16 --num_heads 4 --use_new_attention_order True", FALSE, FALSE},
};

/* A seamless evaluation, of the first image of a case, cut to this size. */
typedef struct {
  guint index; /* among the cases */
  guint height, width;
} Seamless;

static const Seamless seamless[] = {
    {0, 10, 14}, {1, 20, 12}, {2, 16, 24}, {3, 12, 20}, {5, 20, 12}};

/* The first image of [N][C][H][W], cut to @height x @width. (transfer full) */
static DdimArray *
cut(const DdimArray *images, gsize height, gsize width)
{
  const gsize *from = images->tensor.shape;
  const gsize shape[4] = {1, from[1], height, width};
  g_autoptr(GError) error = NULL;
  DdimArray *part = ddim_array_new(DDIM_DTYPE_F32, 4, shape, &error);
  float *to = ddim_array_get_data(part);
  g_assert_no_error(error);
  const float *values = golden_data(images, DDIM_DTYPE_F32, ddim_tensor_count(&images->tensor));
  for (gsize row = 0; row < from[1] * height; row++)
    memcpy(to + row * width, values + (row / height * from[2] + row % height) * from[3],
           width * sizeof(float));
  return part;
}

/* The output of @evaluator, as its model makes it of @x. (transfer full) */
static float *
compute(DdimEvaluator *evaluator, const DdimArray *x)
{
  g_autoptr(GError) error = NULL;
  float *output = g_new(float, ddim_evaluator_get_output_count(evaluator));
  ddim_evaluator_set_x(evaluator, golden_data(x, DDIM_DTYPE_F32, ddim_tensor_count(&x->tensor)),
                       &error);
  g_assert_no_error(error);
  g_assert_true(ddim_evaluator_evaluate(evaluator, 0, &error));
  g_assert_true(ddim_evaluator_get_output(evaluator, output, &error));
  g_assert_no_error(error);
  return output;
}

/* Evaluate @s with @wrap, and return the largest absolute difference from the float64 output. */
static double
evaluate_seamless(const Seamless *s, DdimWrap wrap, DdimPrecision precision)
{
  static const char *const axes[] = {NULL, "x", "y", "xy"};
  const Case *c = &cases[s->index];
  g_autoptr(GError) error = NULL;
  g_autofree char *weights = g_strdup_printf("unet_%s.pt", c->name);
  g_autofree char *data = g_strdup_printf("unet_%s.npz", c->name);
  Model model;
  model_open(&model, weights, c->flags, precision);
  g_autoptr(DdimArray) all = golden_array(data, "x");
  g_autoptr(DdimArray) x = cut(all, s->height, s->width);
  g_autoptr(DdimArray) t = golden_array(data, "t");
  g_autoptr(DdimArray) out = golden_array("seamless.npz", "%s-%s", c->name, axes[wrap]);
  g_autoptr(DdimArray) y = c->labels ? golden_array(data, "y") : NULL;
  g_autoptr(DdimArray) all_low = c->low_res ? golden_array(data, "low_res") : NULL;
  const double timestep = (double)*(const gint64 *)t->tensor.data;

  const DdimEvaluatorSize size = {.batch = 1, .height = s->height, .width = s->width, .wrap = wrap};
  g_autoptr(DdimEvaluator) evaluator = ddim_evaluator_new(model.network, &size, NULL, &error);
  g_assert_no_error(error);
  ddim_evaluator_set_conditions(evaluator, &timestep, 1, y ? (const gint64 *)y->tensor.data : NULL,
                                &error);
  g_assert_no_error(error);
  if (all_low) {
    const gsize scale = all->tensor.shape[2] / all_low->tensor.shape[2];
    g_autoptr(DdimArray) low_res = cut(all_low, s->height / scale, s->width / scale);
    ddim_evaluator_set_low_res(evaluator, ddim_array_get_data(low_res), s->height / scale,
                               s->width / scale, &error);
    g_assert_no_error(error);
  }
  g_autofree float *actual = compute(evaluator, x);
  g_clear_pointer(&evaluator, ddim_evaluator_unref);
  model_clear(&model);

  const gsize count = ddim_tensor_count(&out->tensor);
  const float *expected = golden_data(out, DDIM_DTYPE_F32, count);
  double worst = 0;
  for (gsize i = 0; i < count; i++) {
    g_assert_true(isfinite(actual[i]));
    worst = MAX(worst, fabs((double)actual[i] - expected[i]));
  }
  g_test_message("%s, %s: largest error %.2e", c->name, axes[wrap], worst);
  return worst;
}

static void
test_seamless(gconstpointer data)
{
  /* The kernels of graphics cards take minutes on a processor. test-conv has each axis for them. */
  const gboolean slow = g_strcmp0(g_getenv("DDIM_KERNELS"), "gpu") == 0;

  for (DdimWrap wrap = slow ? DDIM_WRAP_XY : DDIM_WRAP_X; wrap <= DDIM_WRAP_XY; wrap++)
    g_assert_cmpfloat(evaluate_seamless(data, wrap, DDIM_PRECISION_F32), <, 2e-4);
  if (!slow)
    g_assert_cmpfloat(evaluate_seamless(data, DDIM_WRAP_XY, DDIM_PRECISION_F16), <, 4e-3);
}

/* Evaluate @c, on a device that allocates at most @limit bytes at once, and return the largest
 * absolute difference from the float64 output. */
static double
evaluate(const Case *c, DdimPrecision precision, guint64 limit)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *weights = g_strdup_printf("unet_%s.pt", c->name);
  g_autofree char *data = g_strdup_printf("unet_%s.npz", c->name);
  Model model;
  model_open(&model, weights, c->flags, precision);
  DdimDeviceInfo *device = model.context->info;
  device->max_allocation = MIN(device->max_allocation, limit);
  g_autoptr(DdimArray) x = golden_array(data, "x");
  g_autoptr(DdimArray) t = golden_array(data, "t");
  g_autoptr(DdimArray) out = golden_array(data, "out");
  g_autoptr(DdimArray) y = c->labels ? golden_array(data, "y") : NULL;
  g_autoptr(DdimArray) low_res = c->low_res ? golden_array(data, "low_res") : NULL;
  const guint batch = x->tensor.shape[0];
  const gint64 *steps = golden_data(t, DDIM_DTYPE_I64, batch);
  g_autofree double *timesteps = g_new(double, batch);
  for (guint i = 0; i < batch; i++)
    timesteps[i] = (double)steps[i];
  const gsize count = ddim_tensor_count(&out->tensor);
  const double *expected = golden_data(out, DDIM_DTYPE_F64, count);

  const DdimEvaluatorSize size = {
      .batch = batch, .height = x->tensor.shape[2], .width = x->tensor.shape[3]};
  g_autoptr(DdimEvaluator) evaluator = ddim_evaluator_new(model.network, &size, NULL, &error);
  g_assert_no_error(error);
  ddim_evaluator_set_conditions(evaluator, timesteps, 1,
                                y ? golden_data(y, DDIM_DTYPE_I64, batch) : NULL, &error);
  g_assert_no_error(error);
  if (low_res)
    ddim_evaluator_set_low_res(
        evaluator, golden_data(low_res, DDIM_DTYPE_F32, ddim_tensor_count(&low_res->tensor)),
        low_res->tensor.shape[2], low_res->tensor.shape[3], &error);
  g_assert_no_error(error);
  g_autofree float *actual = compute(evaluator, x);
  g_clear_pointer(&evaluator, ddim_evaluator_unref);
  model_clear(&model);

  double worst = 0;
  for (gsize i = 0; i < count; i++) {
    g_assert_true(isfinite(actual[i]));
    worst = MAX(worst, fabs(actual[i] - expected[i]));
  }
  g_test_message("%s: largest error %.2e", c->name, worst);
  return worst;
}

static void
test_float32(gconstpointer data)
{
  g_assert_cmpfloat(evaluate(data, DDIM_PRECISION_F32, G_MAXUINT64), <, 2e-4);
}

/* Weights rounded to half, Winograd's after their transform, and activations wherever they are
 * kept: some 20 to 40 times on the way through these models, by up to 2^-11 of each. `ddim info`
 * promises this bound. */
static void
test_half(gconstpointer data)
{
  const double error = evaluate(data, DDIM_PRECISION_F16, G_MAXUINT64);
  g_assert_cmpfloat(error, <, 5e-3);
  g_assert_cmpfloat(error, >, 0);
}

/* Intermediates that lie in several blocks of memory, because no one may hold them all. */
static void
test_blocks(void)
{
  g_assert_cmpfloat(evaluate(&cases[1], DDIM_PRECISION_F32, BLOCK_BYTES), <, 2e-4);
}

static void
test_size_error(void)
{
  g_autoptr(GError) error = NULL;
  const DdimEvaluatorSize odd = {.batch = 1, .height = 17, .width = 16};
  const DdimEvaluatorSize large = {.batch = G_MAXUINT, .height = 65536, .width = 65536};
  Model model;
  model_open(&model, "unet_tiny_uncond.pt", "--image_size 16 --num_heads 1", DDIM_PRECISION_F32);
  g_assert_cmpuint(ddim_network_get_stride(model.network), ==, 2);
  g_assert_null(ddim_evaluator_new(model.network, &odd, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  g_assert_nonnull(strstr(error->message, "16x18"));
  g_clear_error(&error);
  g_assert_null(ddim_evaluator_new(model.network, &large, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  model_clear(&model);
}

typedef struct {
  GCancellable *cancellable;
  guint calls, cancel_at;
} Loading;

static void
on_loading(const char *what, double fraction, gpointer data)
{
  Loading *loading = data;
  if (++loading->calls == loading->cancel_at)
    g_cancellable_cancel(loading->cancellable);
}

static void
run_once(DdimNetwork *network, float *output)
{
  const double timestep = 500;
  float x[3 * 16 * 16];
  g_autoptr(GError) error = NULL;
  const DdimEvaluatorSize size = {.batch = 1, .height = 16, .width = 16};
  g_autoptr(DdimEvaluator) evaluator = ddim_evaluator_new(network, &size, NULL, &error);
  g_assert_no_error(error);
  for (guint i = 0; i < G_N_ELEMENTS(x); i++)
    x[i] = (float)(i % 17) / 8 - 1;
  g_assert_true(ddim_evaluator_set_conditions(evaluator, &timestep, 1, NULL, &error));
  g_assert_true(ddim_evaluator_set_x(evaluator, x, &error));
  g_assert_true(ddim_evaluator_evaluate(evaluator, 0, &error));
  g_assert_true(ddim_evaluator_get_output(evaluator, output, &error));
  g_assert_no_error(error);
}

/* Weights that were not loaded when the user stopped are loaded by the next plan. */
static void
test_stopped_loading(void)
{
  const char *flags = "--image_size 16 --num_heads 1";
  g_autofree float *expected = g_new0(float, 6 * 16 * 16), *actual = g_new0(float, 6 * 16 * 16);
  const DdimEvaluatorSize size = {.batch = 1, .height = 16, .width = 16};
  Model whole, stopped;
  model_open(&whole, "unet_tiny_uncond.pt", flags, DDIM_PRECISION_F32);
  run_once(whole.network, expected);
  model_open(&stopped, "unet_tiny_uncond.pt", flags, DDIM_PRECISION_F32);
  for (guint at = 1; at < 12; at += 5) {
    g_autoptr(GError) error = NULL;
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    Loading loading = {.cancellable = cancellable, .cancel_at = at};
    const DdimNetworkParams params = {
        .status = on_loading, .status_data = &loading, .cancellable = cancellable};
    g_assert_null(ddim_evaluator_new(stopped.network, &size, &params, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpuint(loading.calls, ==, at);
  }
  run_once(stopped.network, actual);
  g_assert_cmpmem(actual, 6 * 16 * 16 * sizeof(float), expected, 6 * 16 * 16 * sizeof(float));
  model_clear(&whole);
  model_clear(&stopped);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *f32 = g_strdup_printf("/unet/float32/%s", cases[i].name);
    g_autofree char *f16 = g_strdup_printf("/unet/half/%s", cases[i].name);
    g_test_add_data_func(f32, &cases[i], test_float32);
    g_test_add_data_func(f16, &cases[i], test_half);
  }
  for (guint i = 0; i < G_N_ELEMENTS(seamless); i++) {
    g_autofree char *path = g_strdup_printf("/unet/seamless/%s", cases[seamless[i].index].name);
    g_test_add_data_func(path, &seamless[i], test_seamless);
  }
  g_test_add_func("/unet/blocks", test_blocks);
  g_test_add_func("/unet/size-error", test_size_error);
  g_test_add_func("/unet/stopped-loading", test_stopped_loading);
  return g_test_run();
}
