/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/weights.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"
#include "core/data/tensor.h"
#include "opencl/device/host-memory.h"

typedef struct {
  const DdimLayer **parts;
  guint n_parts;
  guint in, out;      /* out: of all parts together; of a gradient, as it multiplies */
  gboolean gradient;  /* see ddim_weights_add_gradient() */
  GPtrArray *layouts; /* DdimLayout, those in use */
} Layer;

struct _DdimWeights {
  DdimContext *context;
  DdimCheckpoint *checkpoint;
  gboolean half;
  GArray *layers; /* Layer */
  guint64 bytes;
};

static void
layer_clear(gpointer data)
{
  Layer *layer = data;
  g_free(layer->parts);
  g_ptr_array_unref(layer->layouts);
}

DdimWeights *
ddim_weights_new(DdimContext *context, DdimCheckpoint *checkpoint, gboolean half)
{
  DdimWeights *weights = g_new0(DdimWeights, 1);
  weights->context = context;
  weights->checkpoint = checkpoint;
  weights->half = half;
  weights->layers = g_array_new(FALSE, FALSE, sizeof(Layer));
  g_array_set_clear_func(weights->layers, layer_clear);
  return weights;
}

void
ddim_weights_free(DdimWeights *weights)
{
  if (!weights)
    return;
  g_warn_if_fail(weights->bytes == 0);
  g_array_unref(weights->layers);
  g_free(weights);
}

guint
ddim_weights_add(DdimWeights *weights, const DdimLayer *const *parts, guint n_parts)
{
  Layer layer = {.n_parts = n_parts, .in = parts[0]->in, .layouts = g_ptr_array_new()};
  layer.parts = g_memdup2(parts, n_parts * sizeof *parts);
  for (guint i = 0; i < n_parts; i++) {
    g_return_val_if_fail(parts[i]->in == parts[0]->in && parts[i]->taps == parts[0]->taps, 0);
    layer.out += parts[i]->out;
  }
  g_array_append_val(weights->layers, layer);
  return weights->layers->len - 1;
}

guint
ddim_weights_add_gradient(DdimWeights *weights, guint index)
{
  const Layer *of = &g_array_index(weights->layers, Layer, index);
  const Layer layer = {.parts = g_memdup2(of->parts, of->n_parts * sizeof *of->parts),
                       .n_parts = of->n_parts,
                       .in = of->out,
                       .out = of->in,
                       .gradient = TRUE,
                       .layouts = g_ptr_array_new()};
  g_array_append_val(weights->layers, layer);
  return weights->layers->len - 1;
}

static Layer *
get_layer(const DdimWeights *weights, guint index)
{
  return &g_array_index(weights->layers, Layer, index);
}

static DdimLayout *
find_layout(const Layer *layer, DdimClPacking packing, DdimGemmProvider provider)
{
  for (guint i = 0; i < layer->layouts->len; i++) {
    DdimLayout *layout = layer->layouts->pdata[i];
    if (layout->matrix->packing == packing && layout->matrix->provider == provider)
      return layout;
  }
  return NULL;
}

DdimLayout *
ddim_weights_acquire(DdimWeights *weights, guint index, DdimClPacking packing,
                     DdimGemmProvider provider, GError **error)
{
  Layer *layer = get_layer(weights, index);
  DdimLayout *layout = find_layout(layer, packing, provider);
  if (!layout) {
    const DdimLayer *part = layer->parts[0];
    DdimClMatrix *matrix =
        ddim_cl_matrix_alloc(weights->context, packing, provider, weights->half, layer->out,
                             layer->in, part->taps * part->taps, error);
    if (!matrix)
      return NULL;
    layout = g_new0(DdimLayout, 1);
    layout->matrix = matrix;
    layout->layer = index;
    weights->bytes += matrix->buffer->size;
    g_ptr_array_add(layer->layouts, layout);
  }
  layout->users++;
  return layout;
}

void
ddim_weights_release(DdimWeights *weights, DdimLayout *layout)
{
  if (!layout || --layout->users)
    return;
  g_ptr_array_remove_fast(get_layer(weights, layout->layer)->layouts, layout);
  weights->bytes -= layout->matrix->buffer->size;
  ddim_cl_matrix_free(layout->matrix);
  g_free(layout);
}

static gboolean
set_no_memory(gsize size, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("not enough memory for an array of %zu bytes"), size);
  return FALSE;
}

/* The weights of one part, checked. */
static const DdimTensor *
find_part(const DdimWeights *weights, const DdimLayer *part, GError **error)
{
  g_autofree char *name = g_strdup_printf("%s.weight", part->name);
  const gsize shape[] = {part->out_map ? part->out_map->stored : part->out,
                         part->in_map ? part->in_map->stored : part->in, part->taps, part->taps};
  return ddim_checkpoint_require(weights->checkpoint, name, part->taps == 1 ? 2 : 4, shape, error);
}

static guint
count_taps(const Layer *layer)
{
  return layer->parts[0]->taps * layer->parts[0]->taps;
}

/* Floats of @layer. */
static gsize
count_values(const Layer *layer)
{
  return (gsize)layer->out * layer->in * count_taps(layer);
}

/* The stored weights of @part at their places among zeros. */
static void
spread(const DdimLayer *part, const float *stored, float *values)
{
  const gsize taps = (gsize)part->taps * part->taps;
  const guint stored_in = part->in_map ? part->in_map->stored : part->in;
  const float scale = part->scale ? part->scale : 1;
  for (guint o = 0; o < part->out; o++)
    for (guint i = 0; i < part->in; i++) {
      const guint row = part->out_map ? part->out_map->at[o] : o;
      const guint column = part->in_map ? part->in_map->at[i] : i;
      const gboolean is_stored = row != DDIM_NO_CHANNEL && column != DDIM_NO_CHANNEL;
      const float *from = is_stored ? stored + ((gsize)row * stored_in + column) * taps : NULL;
      for (gsize tap = 0; tap < taps; tap++)
        *values++ = from ? from[tap] * scale : 0;
    }
}

/* All of @tensor, which has @part's weights. */
static gboolean
read_part(const DdimWeights *weights, const DdimLayer *part, const DdimTensor *tensor,
          float *values, GError **error)
{
  const gsize count = ddim_tensor_count(tensor);
  if (!part->in_map && !part->out_map && !part->scale)
    return ddim_checkpoint_read(weights->checkpoint, tensor, 0, count, DDIM_DTYPE_F32, values,
                                error);
  float *stored = ddim_cl_host_alloc(count * sizeof(float));
  if (!stored)
    return set_no_memory(count * sizeof(float), error);
  const gboolean done =
      ddim_checkpoint_read(weights->checkpoint, tensor, 0, count, DDIM_DTYPE_F32, stored, error);
  if (done)
    spread(part, stored, values);
  ddim_cl_host_free(stored, count * sizeof(float));
  return done;
}

/* The values of all parts, one behind the other. */
static gboolean
read_parts(const DdimWeights *weights, const Layer *layer, float *values, GError **error)
{
  const gsize row = (gsize)layer->parts[0]->in * count_taps(layer);
  float *next = values;
  for (guint i = 0; i < layer->n_parts; i++) {
    const DdimTensor *tensor = find_part(weights, layer->parts[i], error);
    if (!tensor || !read_part(weights, layer->parts[i], tensor, next, error))
      return FALSE;
    next += layer->parts[i]->out * row;
  }
  return TRUE;
}

/* @values [in][out][taps], as the layer has them whose gradient is taken, to [out][in][taps], with
 * the taps turned around. */
static void
transpose(const Layer *layer, const float *values, float *turned)
{
  const guint taps = count_taps(layer);
  for (gsize o = 0; o < layer->out; o++)
    for (gsize i = 0; i < layer->in; i++)
      for (gsize t = 0; t < taps; t++)
        turned[(o * layer->in + i) * taps + t] = values[(i * layer->out + o) * taps + taps - 1 - t];
}

/* Memory for the values is not from the heap: what that has once held it keeps. */
static gboolean
load_values(const DdimWeights *weights, const Layer *layer, DdimClMatrix *matrix, float *values,
            float *turned, GError **error)
{
  if (!read_parts(weights, layer, turned ? turned : values, error))
    return FALSE;
  if (turned)
    transpose(layer, turned, values);
  return ddim_cl_matrix_load(matrix, values, error);
}

gboolean
ddim_weights_load(DdimWeights *weights, DdimLayout *layout, GError **error)
{
  const Layer *layer = get_layer(weights, layout->layer);
  if (layout->loaded)
    return TRUE;
  const gsize size = count_values(layer) * sizeof(float);
  float *values = ddim_cl_host_alloc(size);
  float *turned = layer->gradient && values ? ddim_cl_host_alloc(size) : NULL;
  if (!values || (layer->gradient && !turned))
    set_no_memory(size, error);
  else
    layout->loaded = load_values(weights, layer, layout->matrix, values, turned, error);
  if (turned)
    ddim_cl_host_free(turned, size);
  if (values)
    ddim_cl_host_free(values, size);
  return layout->loaded;
}

guint64
ddim_weights_get_bytes(const DdimWeights *weights)
{
  return weights->bytes;
}
