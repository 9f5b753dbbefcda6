/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/unet.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/data/error.h"
#include "core/network/unet-private.h"
#include "opencl/ops/edges.h"

struct _DdimUNetPlan {
  DdimUNet *unet;
  guint batch, height, width;
  guint x_channels; /* of x: without a super-resolution model's low_res */
  DdimClPlan *plan;
  DdimClMem x, x0, noise, cond, planar_output;
  DdimUNetPorts ports;
  DdimClUpdate *update;
  DdimUNetEmbedding *embedding;
  guint n_steps;
  double flops;
};

DdimModuleWeights *
ddim_unet_get_weights(const DdimUNet *unet, const DdimModule *module)
{
  return g_hash_table_lookup(unet->weights, module);
}

DdimClMem
ddim_unet_vector(const DdimUNet *unet, guint64 at)
{
  return (DdimClMem){.buffer = unet->vectors, .offset = at};
}

static void
conv_clear(DdimConvLayer *conv)
{
  g_clear_pointer(&conv->prefix, g_free);
  g_clear_pointer(&conv->matrix, ddim_cl_matrix_free);
}

static void
weights_free(gpointer data)
{
  DdimModuleWeights *weights = data;
  conv_clear(&weights->conv1);
  conv_clear(&weights->conv2);
  conv_clear(&weights->skip);
  g_free(weights);
}

static GHashTable *
weights_new(GPtrArray *stages)
{
  GHashTable *table = g_hash_table_new_full(NULL, NULL, NULL, weights_free);
  for (guint s = 0; s < stages->len; s++) {
    const DdimStage *stage = stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++) {
      DdimModuleWeights *weights = g_new0(DdimModuleWeights, 1);
      weights->module = stage->modules->pdata[m];
      g_hash_table_insert(table, stage->modules->pdata[m], weights);
    }
  }
  return table;
}

DdimUNet *
ddim_unet_new(DdimContext *context, DdimCheckpoint *checkpoint, const DdimUNetConfig *config,
              const DdimUNetParams *params, GError **error)
{
  static const DdimUNetParams none = {0};
  params = params ? params : &none;
  g_autoptr(DdimUNet) unet = g_new0(DdimUNet, 1);
  unet->context = ddim_context_ref(context);
  unet->checkpoint = ddim_checkpoint_ref(checkpoint);
  unet->config = *config;
  unet->half = params->precision == DDIM_PRECISION_F16;
  unet->stages = ddim_unet_structure_new(config);
  unet->weights = weights_new(unet->stages);
  unet->convs = g_ptr_array_new();
  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++)
    unet->weight_bytes +=
        ddim_tensor_count(ddim_checkpoint_get_tensor(checkpoint, i)) * (unet->half ? 2 : 4);
  if (!ddim_unet_load_vectors(unet, params, error))
    return NULL;
  return g_steal_pointer(&unet);
}

void
ddim_unet_free(DdimUNet *unet)
{
  if (!unet)
    return;
  g_clear_pointer(&unet->convs, g_ptr_array_unref);
  g_clear_pointer(&unet->weights, g_hash_table_unref);
  g_clear_pointer(&unet->stages, g_ptr_array_unref);
  conv_clear(&unet->out_conv);
  ddim_cl_matrix_free(unet->time1);
  ddim_cl_matrix_free(unet->time2);
  ddim_cl_matrix_free(unet->emb);
  ddim_cl_buffer_free(unet->vectors);
  ddim_checkpoint_unref(unet->checkpoint);
  ddim_context_unref(unet->context);
  g_free(unet);
}

guint
ddim_unet_get_stride(const DdimUNet *unet)
{
  return 1u << (unet->config.n_levels - 1);
}

gboolean
ddim_unet_check_size(DdimUNet *unet, guint batch, guint height, guint width, GError **error)
{
  const guint stride = ddim_unet_get_stride(unet);
  if (!batch || !height || !width || height % stride || width % stride) {
    const guint h = MAX(height / stride * stride, stride), w = MAX(width / stride * stride, stride);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("size %ux%u does not fit this model: width and height must be multiples of %u, "
                  "for example %ux%u or %ux%u"),
                width, height, stride, w, h, w + (width % stride ? stride : 0),
                h + (height % stride ? stride : 0));
    return FALSE;
  }
  if ((guint64)height * width > G_MAXINT32 / 64 / batch) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("size %ux%u in batches of %u is too large; use a smaller size or batch"), width,
                height, batch);
    return FALSE;
  }
  return TRUE;
}

static void
record(DdimUNetPlan *p)
{
  const DdimUNetConfig *config = &p->unet->config;
  const guint64 pixels = (guint64)p->batch * p->height * p->width;
  const guint channels = p->x_channels;
  const guint cond_channels = config->in_channels - channels;
  p->x = ddim_cl_plan_alloc(p->plan, pixels * channels);
  p->x0 = ddim_cl_plan_alloc(p->plan, pixels * channels);
  p->noise = ddim_cl_plan_alloc(p->plan, pixels * channels);
  p->cond = ddim_cl_plan_alloc(p->plan, pixels * cond_channels);
  p->planar_output = ddim_cl_plan_alloc(p->plan, pixels * config->out_channels);
  p->ports.emb = ddim_cl_plan_alloc(p->plan, (guint64)p->batch * p->unet->emb_columns);
  const guint padded = (config->in_channels + DDIM_CL_DEPTH_PADDING - 1) / DDIM_CL_DEPTH_PADDING *
                       DDIM_CL_DEPTH_PADDING;
  p->ports.x = ddim_cl_plan_alloc_tensor(p->plan, p->batch, p->height, p->width, padded);
  ddim_cl_from_planar(p->plan, p->x, channels, p->cond, cond_channels, &p->ports.x);
  p->flops = ddim_unet_record(p->unet, p->plan, &p->ports);
  ddim_cl_to_planar(p->plan, &p->ports.output, config->out_channels, p->planar_output);
}

DdimUNetPlan *
ddim_unet_plan_new(DdimUNet *unet, guint batch, guint height, guint width,
                   const DdimUNetParams *params, GError **error)
{
  static const DdimUNetParams none = {0};
  params = params ? params : &none;
  if (!ddim_unet_check_size(unet, batch, height, width, error) ||
      !ddim_unet_prepare(unet, batch, height, width, error))
    return NULL;
  g_autoptr(DdimUNetPlan) p = g_new0(DdimUNetPlan, 1);
  p->unet = unet;
  p->batch = batch;
  p->height = height;
  p->width = width;
  p->x_channels = unet->config.in_channels / (unet->config.super_res ? 2 : 1);
  p->plan = ddim_cl_plan_new(unet->context);
  /* What is recorded is being built while weights are loaded. */
  record(p);
  if (!ddim_unet_load_convs(unet, params, error) || !ddim_cl_plan_seal(p->plan, error))
    return NULL;
  const DdimClUpdateMemory memory = {.x = p->x,
                                     .noise = p->noise,
                                     .x0 = p->x0,
                                     .output = p->ports.output,
                                     .channels = p->x_channels};
  p->update = ddim_cl_update_new(p->plan, &memory, error);
  return p->update ? g_steal_pointer(&p) : NULL;
}

void
ddim_unet_plan_free(DdimUNetPlan *p)
{
  if (!p)
    return;
  ddim_cl_update_free(p->update);
  ddim_unet_embedding_free(p->embedding);
  ddim_cl_plan_free(p->plan);
  g_free(p);
}

gboolean
ddim_unet_plan_set_conditions(DdimUNetPlan *p, const double *timesteps, guint n_steps,
                              const gint64 *labels, GError **error)
{
  g_return_val_if_fail(n_steps > 0, FALSE);
  g_clear_pointer(&p->embedding, ddim_unet_embedding_free);
  p->embedding = ddim_unet_embedding_new(p->unet, timesteps, n_steps, labels, p->batch, error);
  p->n_steps = n_steps;
  return p->embedding != NULL;
}

gboolean
ddim_unet_plan_set_low_res(DdimUNetPlan *p, const float *low_res, guint height, guint width,
                           GError **error)
{
  g_return_val_if_fail(p->unet->config.super_res, FALSE);
  const guint planes = p->batch * p->x_channels;
  const guint64 count = (guint64)planes * height * width;
  g_autoptr(DdimClPlan) resize = ddim_cl_plan_new(p->unet->context);
  DdimClMem in = ddim_cl_plan_alloc(resize, count);
  DdimClMem out = ddim_cl_plan_alloc(resize, (guint64)planes * p->height * p->width);
  ddim_cl_resize_bilinear(resize, in, height, width, out, p->height, p->width, planes);
  return ddim_cl_plan_seal(resize, error) &&
         ddim_cl_plan_write(resize, in, count, low_res, error) && ddim_cl_plan_run(resize, error) &&
         ddim_cl_plan_copy(resize, out, p->plan, p->cond, (guint64)planes * p->height * p->width,
                           error) &&
         ddim_cl_finish(p->unet->context, error);
}

static guint64
x_count(const DdimUNetPlan *p)
{
  return (guint64)p->batch * p->x_channels * p->height * p->width;
}

gboolean
ddim_unet_plan_set_x(DdimUNetPlan *p, const float *x, GError **error)
{
  return ddim_cl_plan_write(p->plan, p->x, x_count(p), x, error);
}

gboolean
ddim_unet_plan_evaluate(DdimUNetPlan *p, guint step, GError **error)
{
  g_return_val_if_fail(p->embedding && step < p->n_steps, FALSE);
  return ddim_unet_embedding_load(p->embedding, step, p->plan, p->ports.emb, error) &&
         ddim_cl_plan_run(p->plan, error);
}

gboolean
ddim_unet_plan_update(DdimUNetPlan *p, const DdimStep *step, const float *noise, GError **error)
{
  const gboolean use_noise = noise && (step->sigma != 0 || step->sigma_type != DDIM_SIGMA_FIXED);
  const DdimClUpdateStep device = {.x0_x = (float)step->x0_x,
                                   .x0_m = (float)step->x0_m,
                                   .limit = step->clip ? 1.0f : INFINITY,
                                   .next_x = (float)step->next_x,
                                   .next_x0 = (float)step->next_x0,
                                   .next_m = (float)step->next_m,
                                   .sigma = (float)step->sigma,
                                   .min_log = (float)step->min_log,
                                   .max_log = (float)step->max_log,
                                   .sigma_type = step->sigma_type,
                                   .use_noise = use_noise};
  return ddim_cl_update_run(p->update, &device, noise, error);
}

gboolean
ddim_unet_plan_wait(DdimUNetPlan *p, GError **error)
{
  return ddim_cl_finish(p->unet->context, error);
}

gboolean
ddim_unet_plan_get_x(DdimUNetPlan *p, float *x, GError **error)
{
  return ddim_cl_plan_read(p->plan, p->x, x_count(p), x, error);
}

gboolean
ddim_unet_plan_get_x0(DdimUNetPlan *p, float *x0, GError **error)
{
  return ddim_cl_plan_read(p->plan, p->x0, x_count(p), x0, error);
}

gboolean
ddim_unet_plan_get_output(DdimUNetPlan *p, float *output, GError **error)
{
  const guint64 count = (guint64)p->batch * p->unet->config.out_channels * p->height * p->width;
  return ddim_cl_plan_read(p->plan, p->planar_output, count, output, error);
}

double
ddim_unet_plan_get_flops(const DdimUNetPlan *p)
{
  return p->flops;
}

gboolean
ddim_unet_plan_profile(DdimUNetPlan *p, DdimProfileFunc func, gpointer user_data, GError **error)
{
  return ddim_cl_plan_profile(p->plan, func, user_data, error);
}
