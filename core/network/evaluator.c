/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/evaluator.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

#include "core/data/error.h"
#include "core/network/evaluator-private.h"
#include "core/network/shapes.h"
#include "opencl/check/short.h"
#include "opencl/ops/edges.h"
#include "opencl/ops/update.h"
#include "opencl/plan/arena.h"
#include "opencl/tune/tuning.h"

static guint
pad(guint channels, guint multiple)
{
  return (channels + multiple - 1) / multiple * multiple;
}

/* Become a user of every convolution's weights, laid out as suits the usual batch. */
static gboolean
choose_convs(DdimEvaluator *e, GError **error)
{
  DdimNetwork *network = e->network;
  const DdimEvaluatorSize *size = &e->size;
  g_autofree DdimConvShape *usual =
      ddim_network_get_shapes(network, size->usual_batch, size->height, size->width, size->wrap);
  g_autofree DdimClChoice *choices =
      ddim_network_choose(network, ddim_cl_context_tuning(network->context), usual, e->n_convs);
  g_autofree DdimConvShape *shapes =
      ddim_network_get_shapes(network, size->batch, size->height, size->width, size->wrap);
  e->convs = g_new0(DdimRecordConv, e->n_convs);
  for (guint i = 0; i < e->n_convs; i++) {
    DdimRecordConv *conv = &e->convs[i];
    conv->shape = shapes[i];
    conv->method = choices[i].method;
    conv->layout =
        ddim_weights_acquire(network->weights, i, ddim_conv_method_packing(choices[i].method),
                             choices[i].provider, error);
    if (!conv->layout)
      return FALSE;
  }
  return TRUE;
}

static DdimClMem
place(DdimClArena *arena, guint64 floats)
{
  return (DdimClMem){.at = ddim_cl_arena_alloc(arena, floats * sizeof(float)).at};
}

/* A tensor in the arena, with padded channels. */
static DdimClTensor
place_tensor(DdimClArena *arena, guint n, guint h, guint w, guint channels)
{
  const guint padded = pad(channels, DDIM_CL_COLUMN_PADDING);
  return (DdimClTensor){.mem = place(arena, (guint64)n * h * w * padded),
                        .n = n,
                        .h = h,
                        .w = w,
                        .c = padded,
                        .ld = padded};
}

/* Memory for what outlives an evaluation. */
static gboolean
allocate(DdimEvaluator *e, GError **error)
{
  const DdimArchitecture *architecture = e->network->architecture;
  const gboolean classifier = ddim_architecture_is_classifier(architecture);
  const guint n = e->size.batch, h = e->size.height, w = e->size.width;
  const guint64 pixels = (guint64)n * h * w;
  DdimRecordPorts *ports = &e->ports;
  DdimClArena arena;
  ddim_cl_arena_init(&arena, G_MAXINT64);
  e->x = place(&arena, pixels * e->x_channels);
  e->low_res = place(&arena, pixels * e->network->architecture->low_res_channels);
  e->output = place(&arena, (classifier ? n : pixels) * architecture->out_channels);
  ports->emb = place(&arena, (guint64)n * e->network->embedding.columns);
  ports->y =
      place_tensor(&arena, n, classifier ? 1 : h, classifier ? 1 : w, architecture->out_channels);
  ports->gradient = e->size.gradient;
  if (ports->gradient) {
    e->gradient = place(&arena, pixels * e->x_channels);
    ports->labels = place(&arena, n);
    ports->dx = place_tensor(&arena, n, h, w, e->x_channels);
  }
  e->memory = ddim_cl_buffer_new(e->network->context, ddim_cl_arena_get_bytes(&arena), error);
  DdimClMem *places[] = {&e->x,         &e->low_res,  &e->output,     &ports->emb,
                         &ports->y.mem, &e->gradient, &ports->labels, &ports->dx.mem};
  for (guint i = 0; i < G_N_ELEMENTS(places); i++)
    places[i]->buffer = e->memory;
  ddim_cl_arena_clear(&arena);
  return e->memory != NULL;
}

static void
record(DdimEvaluator *e)
{
  const DdimNetwork *network = e->network;
  const DdimArchitecture *architecture = network->architecture;
  e->plan = ddim_cl_plan_new(network->context);
  e->ports.convs = e->convs;
  e->ports.x =
      ddim_cl_plan_alloc_tensor(e->plan, DDIM_CL_F32, e->size.batch, e->size.height, e->size.width,
                                pad(architecture->in_channels, DDIM_CL_DEPTH_PADDING));
  ddim_cl_from_planar(e->plan, e->x, e->x_channels, e->low_res,
                      network->architecture->low_res_channels, &e->ports.x);
  if (architecture->centers_input)
    ddim_cl_center(e->plan, e->ports.x.mem,
                   (guint64)e->ports.x.n * e->ports.x.h * e->ports.x.w * e->ports.x.c);
  e->flops = ddim_record_network(network, e->plan, &e->ports);
  ddim_cl_to_planar(e->plan, &e->ports.y, architecture->out_channels, e->output);
  if (e->size.gradient)
    ddim_cl_to_planar(e->plan, &e->ports.dx, e->x_channels, e->gradient);
}

DdimEvaluator *
ddim_evaluator_begin(DdimNetwork *network, const DdimEvaluatorSize *size, GError **error)
{
  if (!ddim_network_check_size(network, size->batch, size->height, size->width, error))
    return NULL;
  g_autoptr(DdimEvaluator) e = g_new0(DdimEvaluator, 1);
  e->refs = 1;
  e->network = ddim_network_ref(network);
  network->n_evaluators++;
  e->size = *size;
  if (!e->size.usual_batch)
    e->size.usual_batch = size->batch;
  e->n_convs = size->gradient ? network->convs->len : network->n_forward;
  e->x_channels = network->architecture->in_channels - network->architecture->low_res_channels;
  if (!choose_convs(e, error) || !allocate(e, error))
    return NULL;
  record(e);
  /* Whoever samples follows each evaluation with an update. */
  ddim_cl_update_announce(network->context);
  return g_steal_pointer(&e);
}

/* What is recorded is being built while weights are loaded. */
static gboolean
load_and_seal(DdimEvaluator *e, const DdimNetworkParams *params, GError **error)
{
  const guint n = e->n_convs;
  for (guint i = 0; i < n; i++) {
    if (g_cancellable_set_error_if_cancelled(params->cancellable, error))
      return FALSE;
    if (params->status)
      params->status(_("Loading weights"), (double)i / n, params->status_data);
    if (!ddim_weights_load(e->network->weights, e->convs[i].layout, error))
      return FALSE;
  }
  return ddim_cl_plan_seal_shared(e->plan, &e->network->scratch, error);
}

static void
release_convs(DdimEvaluator *e)
{
  for (guint i = 0; e->convs && i < e->n_convs; i++)
    ddim_weights_release(e->network->weights, e->convs[i].layout);
  g_clear_pointer(&e->convs, g_free);
}

/* Choose, and record what is chosen, once more. */
static gboolean
start_again(DdimEvaluator *e, GError **error)
{
  g_clear_pointer(&e->plan, ddim_cl_plan_free);
  g_clear_pointer(&e->memory, ddim_cl_buffer_free);
  release_convs(e);
  if (!ddim_network_reload_embedding(e->network, error) || !choose_convs(e, error) ||
      !allocate(e, error))
    return FALSE;
  record(e);
  return TRUE;
}

/* A way that computes wrongly is found out when it is built, and another is taken then. */
gboolean
ddim_evaluator_finish(DdimEvaluator *e, const DdimNetworkParams *params, GError **error)
{
  static const DdimNetworkParams none = {0};
  params = params ? params : &none;
  if (!load_and_seal(e, params, error))
    return FALSE;
  while (!ddim_check_plan(e->plan))
    if (!start_again(e, error) || !load_and_seal(e, params, error))
      return FALSE;
  ddim_cl_plan_all_sealed(e->plan);
  g_autofree char *problem = ddim_check_take_problem(e->network->context);
  if (problem && params->message)
    params->message(problem, params->message_data);
  return TRUE;
}

DdimEvaluator *
ddim_evaluator_new(DdimNetwork *network, const DdimEvaluatorSize *size,
                   const DdimNetworkParams *params, GError **error)
{
  g_autoptr(DdimEvaluator) e = ddim_evaluator_begin(network, size, error);
  return e && ddim_evaluator_finish(e, params, error) ? g_steal_pointer(&e) : NULL;
}

DdimEvaluator *
ddim_evaluator_ref(DdimEvaluator *e)
{
  e->refs++;
  return e;
}

void
ddim_evaluator_unref(DdimEvaluator *e)
{
  if (!e || --e->refs)
    return;
  if (e->parts)
    e->parts->free(e->parts_data);
  ddim_class_mix_free(e->mix);
  ddim_conditioning_free(e->conditioning);
  ddim_cl_plan_free(e->plan);
  ddim_cl_buffer_free(e->memory);
  release_convs(e);
  if (!--e->network->n_evaluators)
    g_clear_pointer(&e->network->scratch, ddim_cl_scratch_unref);
  ddim_network_unref(e->network);
  g_free(e);
}

static gboolean
set_conditions(DdimEvaluator *e, const double *timesteps, guint n_steps, guint per_step,
               const gint64 *labels, GError **error)
{
  g_return_val_if_fail(n_steps > 0, FALSE);
  if (e->parts)
    return e->parts->set_conditions(e->parts_data, timesteps, n_steps, per_step, labels, e->mix,
                                    error);
  g_clear_pointer(&e->conditioning, ddim_conditioning_free);
  e->conditioning = ddim_conditioning_new(e->network, timesteps, n_steps, per_step, labels, e->mix,
                                          e->size.batch, error);
  return e->conditioning != NULL;
}

void
ddim_evaluator_set_mix(DdimEvaluator *e, const DdimClassMix *mix)
{
  ddim_class_mix_free(e->mix);
  e->mix = ddim_class_mix_copy(mix);
}

gboolean
ddim_evaluator_set_conditions(DdimEvaluator *e, const double *timesteps, guint n_steps,
                              const gint64 *labels, GError **error)
{
  return set_conditions(e, timesteps, n_steps, e->size.batch, labels, error);
}

gboolean
ddim_evaluator_set_common_conditions(DdimEvaluator *e, const double *timesteps, guint n_steps,
                                     const gint64 *labels, GError **error)
{
  return set_conditions(e, timesteps, n_steps, 1, labels, error);
}

gboolean
ddim_evaluator_set_low_res(DdimEvaluator *e, const float *low_res, guint height, guint width,
                           GError **error)
{
  g_return_val_if_fail(e->network->architecture->low_res_channels > 0, FALSE);
  DdimContext *context = e->network->context;
  const guint planes = e->size.batch * e->network->architecture->low_res_channels;
  const guint64 from = (guint64)planes * height * width;
  g_autoptr(DdimClPlan) resize = ddim_cl_plan_new(context);
  DdimClMem in = ddim_cl_plan_alloc_floats(resize, from);
  ddim_cl_resize_bilinear(resize, in, height, width, e->low_res, e->size.height, e->size.width,
                          planes, e->size.wrap);
  return ddim_cl_plan_seal(resize, error) && ddim_cl_plan_write(resize, in, from, low_res, error) &&
         ddim_cl_plan_run(resize, error) && ddim_cl_finish(context, error);
}

gboolean
ddim_evaluator_set_x(DdimEvaluator *e, const float *x, GError **error)
{
  const guint64 count = (guint64)e->size.batch * e->x_channels * e->size.height * e->size.width;
  g_return_val_if_fail(!e->parts, FALSE);
  return ddim_cl_plan_write(e->plan, e->x, count, x, error);
}

gboolean
ddim_evaluator_evaluate(DdimEvaluator *e, guint step, GError **error)
{
  g_return_val_if_fail(e->conditioning && step < ddim_conditioning_get_n_steps(e->conditioning),
                       FALSE);
  return ddim_conditioning_load(e->conditioning, step, e->plan, e->ports.emb, error) &&
         ddim_cl_plan_run(e->plan, error);
}

gboolean
ddim_evaluator_evaluate_at(DdimEvaluator *e, DdimClMem x, guint step, GError **error)
{
  const guint64 count = (guint64)e->size.batch * e->x_channels * e->size.height * e->size.width;
  if (e->parts)
    return e->parts->evaluate(e->parts_data, x, step, error);
  return ddim_cl_plan_copy_bytes(e->plan, x, e->plan, e->x, count * sizeof(float), error) &&
         ddim_evaluator_evaluate(e, step, error);
}

gboolean
ddim_evaluator_wait(DdimEvaluator *e, GError **error)
{
  return ddim_cl_finish(e->network->context, error);
}

gsize
ddim_evaluator_get_output_count(const DdimEvaluator *e)
{
  return (gsize)e->size.batch * e->network->architecture->out_channels * e->ports.y.h *
         e->ports.y.w;
}

gboolean
ddim_evaluator_set_targets(DdimEvaluator *e, const gint64 *labels, GError **error)
{
  const guint classes = e->network->architecture->out_channels;
  g_autofree float *floats = g_new(float, e->size.batch);
  g_return_val_if_fail(e->size.gradient, FALSE);
  for (guint i = 0; i < e->size.batch; i++) {
    if (labels[i] < 0 || labels[i] >= classes) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("label %" PRId64 " is not one of the classifier's classes, 0 to %u"), labels[i],
                  classes - 1);
      return FALSE;
    }
    floats[i] = (float)labels[i];
  }
  return ddim_cl_plan_write(e->plan, e->ports.labels, e->size.batch, floats, error);
}

gboolean
ddim_evaluator_get_gradient(DdimEvaluator *e, float *gradient, GError **error)
{
  const guint64 count = (guint64)e->size.batch * e->x_channels * e->size.height * e->size.width;
  g_return_val_if_fail(e->size.gradient, FALSE);
  return ddim_cl_plan_read(e->plan, e->gradient, count, gradient, error);
}

/* The output as the network leaves it, where it is not kept in planes too. A line at a time, so
 * that a large picture takes no second copy. */
static gboolean
read_nhwc(DdimEvaluator *e, float *output, GError **error)
{
  const DdimClTensor *y = &e->ports.y;
  const gsize plane = (gsize)y->h * y->w, line = (gsize)y->w * y->ld;
  const guint channels = e->network->architecture->out_channels;
  g_autofree float *values = g_new(float, line);
  for (gsize row = 0; row < (gsize)y->n * y->h; row++) {
    float *to = output + (row / y->h) * channels * plane + row % y->h * y->w;
    if (!ddim_cl_plan_read(e->plan, ddim_cl_mem_skip_floats(y->mem, row * line), line, values,
                           error))
      return FALSE;
    for (guint c = 0; c < channels; c++)
      for (guint i = 0; i < y->w; i++)
        to[c * plane + i] = values[(gsize)i * y->ld + c];
  }
  return TRUE;
}

gboolean
ddim_evaluator_get_output(DdimEvaluator *e, float *output, GError **error)
{
  return e->parts ? read_nhwc(e, output, error)
                  : ddim_cl_plan_read(e->plan, e->output, ddim_evaluator_get_output_count(e),
                                      output, error);
}

/* It is kept twice: planar for those who read it, and as the network leaves it for the steps. */
gboolean
ddim_evaluator_set_output(DdimEvaluator *e, const float *output, GError **error)
{
  const DdimClTensor *y = &e->ports.y;
  const gsize pixels = (gsize)y->h * y->w, channels = e->network->architecture->out_channels;
  const gsize count = y->n * pixels * y->ld;
  g_autofree float *values = g_try_new0(float, count);
  if (!values) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                        _("not enough memory; use a smaller size or batch"));
    return FALSE;
  }
  for (gsize n = 0; n < y->n; n++)
    for (gsize c = 0; c < channels; c++)
      for (gsize pixel = 0; pixel < pixels; pixel++)
        values[(n * pixels + pixel) * y->ld + c] = output[(n * channels + c) * pixels + pixel];
  return ddim_cl_plan_write(e->plan, y->mem, count, values, error) &&
         (e->parts || ddim_cl_plan_write(e->plan, e->output, ddim_evaluator_get_output_count(e),
                                         output, error));
}

const DdimEvaluatorSize *
ddim_evaluator_get_size(const DdimEvaluator *e)
{
  return &e->size;
}

double
ddim_evaluator_get_flops(const DdimEvaluator *e)
{
  return e->parts ? e->parts->get_flops(e->parts_data) : e->flops;
}

gboolean
ddim_evaluator_profile(DdimEvaluator *e, DdimProfileFunc func, gpointer user_data, GError **error)
{
  return ddim_cl_plan_profile(e->plan, func, user_data, error);
}
