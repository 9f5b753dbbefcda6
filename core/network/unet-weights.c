/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The weights of a UNet on their way from a checkpoint to a device. */
#include "core/network/unet-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"

/* The float32 values of a tensor: the mapping itself where it already holds them. */
typedef struct {
  const float *values;
  float *owned;
} Values;

static Values
tensor_values(const DdimTensor *tensor)
{
  if (tensor->dtype == DDIM_DTYPE_F32 && ddim_tensor_is_contiguous(tensor) &&
      (guintptr)tensor->data % sizeof(float) == 0)
    return (Values){.values = (const float *)(gconstpointer)tensor->data};
  float *owned = g_new(float, ddim_tensor_count(tensor));
  ddim_tensor_to_f32(tensor, owned);
  return (Values){.values = owned, .owned = owned};
}

static const DdimTensor *
require(DdimUNet *unet, const char *prefix, const char *suffix, guint n_dims, const gsize *shape,
        GError **error)
{
  g_autofree char *name = g_strdup_printf("%s.%s", prefix, suffix);
  return ddim_checkpoint_require(unet->checkpoint, name, n_dims, shape, error);
}

/* All small vectors, gathered on the host and uploaded as one buffer. */
typedef struct {
  DdimUNet *unet;
  GArray *floats;
  GError **error;
  gboolean failed;
} Gather;

/* Append tensor "@prefix.@suffix" of @count values, padded with zeros; where it starts. */
static guint64
gather(Gather *g, const char *prefix, const char *suffix, guint count)
{
  const guint64 at = g->floats->len;
  const gsize shape[] = {count};
  const DdimTensor *tensor =
      g->failed ? NULL : require(g->unet, prefix, suffix, 1, shape, g->error);
  if (!tensor) {
    g->failed = TRUE;
    return at;
  }
  const guint padded =
      (count + DDIM_CL_COLUMN_PADDING - 1) / DDIM_CL_COLUMN_PADDING * DDIM_CL_COLUMN_PADDING;
  g_array_set_size(g->floats, (guint)(at + padded));
  ddim_tensor_to_f32(tensor, &g_array_index(g->floats, float, at));
  return at;
}

static DdimNormLayer
gather_norm(Gather *g, const char *prefix, const char *name, guint channels)
{
  g_autofree char *full = name ? g_strdup_printf("%s.%s", prefix, name) : g_strdup(prefix);
  return (DdimNormLayer){.gamma = gather(g, full, "weight", channels),
                         .beta = gather(g, full, "bias", channels)};
}

static void
gather_conv(Gather *g, DdimConvLayer *conv, const char *prefix, const char *name, guint in,
            guint out, guint taps)
{
  conv->prefix = name ? g_strdup_printf("%s.%s", prefix, name) : g_strdup(prefix);
  conv->shape = (DdimConvShape){.in = in, .out = out, .taps = taps, .stride = 1};
  conv->bias = gather(g, conv->prefix, "bias", out);
  g_ptr_array_add(g->unet->convs, conv);
}

static void
gather_res(Gather *g, DdimModuleWeights *w)
{
  const DdimModule *m = w->module;
  w->norm1 = gather_norm(g, m->prefix, "in_layers.0", m->in);
  gather_conv(g, &w->conv1, m->prefix, "in_layers.2", m->in, m->out, 3);
  w->conv1.shape.up = m->resample == DDIM_RESAMPLE_UP;
  w->norm2 = gather_norm(g, m->prefix, "out_layers.0", m->out);
  if (m->in != m->out)
    gather_conv(g, &w->skip, m->prefix, "skip_connection", m->in, m->out, 1);
  gather_conv(g, &w->conv2, m->prefix, "out_layers.3", m->out, m->out, 3);
  w->emb_at = g->unet->emb_columns;
  g->unet->emb_columns += m->out * (g->unet->config.use_scale_shift_norm ? 2 : 1);
}

static void
gather_module(Gather *g, DdimModuleWeights *w)
{
  const DdimModule *m = w->module;
  switch (m->type) {
  case DDIM_MODULE_CONV_IN:
    gather_conv(g, &w->conv1, m->prefix, NULL, m->in, m->out, 3);
    break;
  case DDIM_MODULE_RES:
    gather_res(g, w);
    break;
  case DDIM_MODULE_ATTENTION:
    w->norm1 = gather_norm(g, m->prefix, "norm", m->in);
    gather_conv(g, &w->conv1, m->prefix, "qkv", m->in, 3 * m->in, 1);
    gather_conv(g, &w->conv2, m->prefix, "proj_out", m->in, m->in, 1);
    break;
  case DDIM_MODULE_DOWN:
    if (m->has_conv)
      gather_conv(g, &w->conv1, m->prefix, "op", m->in, m->out, 3);
    w->conv1.shape.stride = 2;
    break;
  case DDIM_MODULE_UP:
    if (m->has_conv)
      gather_conv(g, &w->conv1, m->prefix, "conv", m->in, m->out, 3);
    w->conv1.shape.up = TRUE;
    break;
  }
}

typedef void (*ModuleFunc)(DdimModuleWeights *weights, gpointer data);

static void
foreach_module(DdimUNet *unet, ModuleFunc func, gpointer data)
{
  for (guint s = 0; s < unet->stages->len; s++) {
    const DdimStage *stage = unet->stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++)
      func(ddim_unet_get_weights(unet, stage->modules->pdata[m]), data);
  }
}

static void
gather_one(DdimModuleWeights *weights, gpointer data)
{
  gather_module(data, weights);
}

/* Biases of all emb_layers, in the order of their columns. */
static void
gather_emb_bias(DdimModuleWeights *w, gpointer data)
{
  Gather *g = data;
  if (w->module->type == DDIM_MODULE_RES)
    gather(g, w->module->prefix, "emb_layers.1.bias",
           w->module->out * (g->unet->config.use_scale_shift_norm ? 2 : 1));
}

/* Fill @matrix from the tensor @prefix.weight. */
static gboolean
load_weight(DdimUNet *unet, DdimClMatrix *matrix, const char *prefix, guint taps, GError **error)
{
  const gsize shape[] = {matrix->out, matrix->in, taps, taps};
  const DdimTensor *tensor = require(unet, prefix, "weight", taps == 1 ? 2 : 4, shape, error);
  if (!tensor)
    return FALSE;
  Values values = tensor_values(tensor);
  const gboolean ok = ddim_cl_matrix_load(matrix, values.values, error);
  g_free(values.owned);
  ddim_checkpoint_release(unet->checkpoint, tensor);
  return ok;
}

/* A linear layer from the tensor @prefix.weight. */
static DdimClMatrix *
load_linear(DdimUNet *unet, const char *prefix, guint out, guint in, GError **error)
{
  g_autoptr(DdimClMatrix) matrix =
      ddim_cl_matrix_alloc(unet->context, DDIM_CL_PACK_PLAIN,
                           ddim_cl_default_provider(unet->context), unet->half, out, in, 1, error);
  return matrix && load_weight(unet, matrix, prefix, 1, error) ? g_steal_pointer(&matrix) : NULL;
}

typedef struct {
  DdimUNet *unet;
  float *rows; /* [emb_columns][4 * model_channels] */
  GError **error;
  gboolean failed;
} EmbRows;

static void
copy_emb_rows(DdimModuleWeights *w, gpointer data)
{
  EmbRows *rows = data;
  if (w->module->type != DDIM_MODULE_RES || rows->failed)
    return;
  const guint width = 4 * rows->unet->config.model_channels;
  const gsize shape[] = {(gsize)w->module->out * (rows->unet->config.use_scale_shift_norm ? 2 : 1),
                         width};
  const DdimTensor *tensor =
      require(rows->unet, w->module->prefix, "emb_layers.1.weight", 2, shape, rows->error);
  if (!tensor) {
    rows->failed = TRUE;
    return;
  }
  ddim_tensor_to_f32(tensor, rows->rows + (gsize)w->emb_at * width);
  ddim_checkpoint_release(rows->unet->checkpoint, tensor);
}

/* The time embedding's layers, and every block's projection of it side by side as one matrix. */
static gboolean
load_embedding(DdimUNet *unet, GError **error)
{
  const guint channels = unet->config.model_channels, width = 4 * channels;
  if (!(unet->time1 = load_linear(unet, "time_embed.0", width, channels, error)) ||
      !(unet->time2 = load_linear(unet, "time_embed.2", width, width, error)))
    return FALSE;
  g_autofree float *buffer = g_new(float, (gsize)unet->emb_columns *width);
  EmbRows rows = {.unet = unet, .rows = buffer, .error = error};
  foreach_module(unet, copy_emb_rows, &rows);
  if (rows.failed)
    return FALSE;
  unet->emb =
      ddim_cl_matrix_new(unet->context, DDIM_CL_PACK_PLAIN, ddim_cl_default_provider(unet->context),
                         unet->half, buffer, unet->emb_columns, width, 1, error);
  return unet->emb != NULL;
}

gboolean
ddim_unet_load_vectors(DdimUNet *unet, const DdimUNetParams *params, GError **error)
{
  g_autoptr(GArray) floats = g_array_new(FALSE, TRUE, sizeof(float));
  Gather g = {.unet = unet, .floats = floats, .error = error};
  const guint width = 4 * unet->config.model_channels;
  foreach_module(unet, gather_one, &g);
  const DdimStage *last = unet->stages->pdata[unet->stages->len - 1];
  unet->out_norm = gather_norm(&g, "out.0", NULL, last->out);
  gather_conv(&g, &unet->out_conv, "out.2", NULL, last->out, unet->config.out_channels, 3);
  unet->time_bias1 = gather(&g, "time_embed.0", "bias", width);
  unet->time_bias2 = gather(&g, "time_embed.2", "bias", width);
  unet->emb_bias = floats->len;
  foreach_module(unet, gather_emb_bias, &g);
  if (g.failed)
    return FALSE;
  unet->zeros = floats->len;
  guint most = DDIM_CL_DEPTH_PADDING;
  for (guint i = 0; i < unet->convs->len; i++)
    most = MAX(most, ((DdimConvLayer *)unet->convs->pdata[i])->shape.in);
  g_array_set_size(floats, floats->len + most);
  const guint64 size = floats->len * sizeof(float);
  unet->vectors = ddim_cl_buffer_new(unet->context, size, error);
  return unet->vectors && ddim_cl_buffer_write(unet->vectors, 0, size, floats->data, error) &&
         load_embedding(unet, error);
}

/* Batch, height and width of every convolution's output when the input has @h x @w. */
static void
set_sizes(DdimUNet *unet, guint n, guint h, guint w)
{
  const guint full_h = h, full_w = w;
  for (guint s = 0; s < unet->stages->len; s++) {
    const DdimStage *stage = unet->stages->pdata[s];
    for (guint i = 0; i < stage->modules->len; i++) {
      const DdimModule *m = stage->modules->pdata[i];
      DdimModuleWeights *weights = ddim_unet_get_weights(unet, m);
      if (m->type == DDIM_MODULE_DOWN || m->resample == DDIM_RESAMPLE_DOWN) {
        h /= 2;
        w /= 2;
      } else if (m->type == DDIM_MODULE_UP || m->resample == DDIM_RESAMPLE_UP) {
        h *= 2;
        w *= 2;
      }
      DdimConvLayer *convs[] = {&weights->conv1, &weights->conv2, &weights->skip};
      for (guint c = 0; c < G_N_ELEMENTS(convs); c++) {
        convs[c]->shape.n = n;
        convs[c]->shape.h = h;
        convs[c]->shape.w = w;
      }
    }
  }
  unet->out_conv.shape.n = n;
  unet->out_conv.shape.h = full_h;
  unet->out_conv.shape.w = full_w;
}

/* The matrix as @choice wants it, to be loaded unless it is there already. */
static gboolean
prepare_conv(DdimUNet *unet, DdimConvLayer *conv, DdimClChoice choice, GError **error)
{
  if (conv->matrix && conv->choice.method == choice.method &&
      conv->choice.provider == choice.provider)
    return TRUE;
  g_clear_pointer(&conv->matrix, ddim_cl_matrix_free);
  conv->loaded = FALSE;
  conv->choice = choice;
  conv->matrix = ddim_cl_matrix_alloc(unet->context, ddim_conv_method_packing(choice.method),
                                      choice.provider, unet->half, conv->shape.out, conv->shape.in,
                                      conv->shape.taps * conv->shape.taps, error);
  return conv->matrix != NULL;
}

/* Weights on the device may take this many times the checkpoint's size as float32. */
#define WEIGHT_BUDGET 1.9

DdimConvShape *
ddim_unet_get_shapes(DdimUNet *unet, guint n, guint h, guint w)
{
  DdimConvShape *shapes = g_new(DdimConvShape, unet->convs->len);
  set_sizes(unet, n, h, w);
  for (guint i = 0; i < unet->convs->len; i++)
    shapes[i] = ((DdimConvLayer *)unet->convs->pdata[i])->shape;
  return shapes;
}

DdimClChoice *
ddim_unet_choose(DdimUNet *unet, const DdimClTuning *tuning, const DdimConvShape *shapes)
{
  DdimClChoice *choices = g_new(DdimClChoice, unet->convs->len);
  ddim_cl_choose(unet->context, tuning, shapes, unet->convs->len, unet->half,
                 (guint64)(unet->weight_bytes * WEIGHT_BUDGET), choices);
  return choices;
}

gboolean
ddim_unet_prepare(DdimUNet *unet, guint n, guint h, guint w, GError **error)
{
  g_autofree DdimConvShape *shapes = ddim_unet_get_shapes(unet, n, h, w);
  g_autofree DdimClChoice *choices =
      ddim_unet_choose(unet, ddim_cl_context_tuning(unet->context), shapes);
  for (guint i = 0; i < unet->convs->len; i++)
    if (!prepare_conv(unet, unet->convs->pdata[i], choices[i], error))
      return FALSE;
  return TRUE;
}

gboolean
ddim_unet_load_convs(DdimUNet *unet, const DdimUNetParams *params, GError **error)
{
  for (guint i = 0; i < unet->convs->len; i++) {
    DdimConvLayer *conv = unet->convs->pdata[i];
    if (g_cancellable_set_error_if_cancelled(params->cancellable, error))
      return FALSE;
    if (params->status)
      params->status(_("Loading weights"), (double)i / unet->convs->len, params->status_data);
    if (conv->loaded)
      continue;
    if (!load_weight(unet, conv->matrix, conv->prefix, conv->shape.taps, error))
      return FALSE;
    conv->loaded = TRUE;
  }
  return TRUE;
}
