/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/architecture.h"

static void
layer_clear(DdimLayer *layer)
{
  g_free(layer->name);
  g_free(layer->in_map);
  g_free(layer->out_map);
}

static void
norm_clear(DdimNorm *norm)
{
  g_free(norm->name);
  g_free(norm->map);
}

static void
module_free(gpointer data)
{
  DdimModule *module = data;
  g_free(module->prefix);
  norm_clear(&module->norm1);
  norm_clear(&module->norm2);
  layer_clear(&module->conv1);
  layer_clear(&module->conv2);
  layer_clear(&module->skip);
  layer_clear(&module->emb);
  for (guint i = 0; i < G_N_ELEMENTS(module->qkv); i++)
    layer_clear(&module->qkv[i]);
  layer_clear(&module->proj);
  g_free(module);
}

static void
stage_free(gpointer data)
{
  DdimStage *stage = data;
  g_ptr_array_unref(stage->modules);
  g_free(stage);
}

DdimArchitecture *
ddim_architecture_new(void)
{
  DdimArchitecture *architecture = g_new0(DdimArchitecture, 1);
  architecture->stages = g_ptr_array_new_with_free_func(stage_free);
  return architecture;
}

void
ddim_architecture_free(DdimArchitecture *architecture)
{
  if (!architecture)
    return;
  g_ptr_array_unref(architecture->stages);
  layer_clear(&architecture->embedding.first);
  layer_clear(&architecture->embedding.second);
  layer_clear(&architecture->embedding.label_first);
  layer_clear(&architecture->embedding.label_second);
  g_free(architecture->embedding.label_table);
  norm_clear(&architecture->out_norm);
  layer_clear(&architecture->out_conv);
  norm_clear(&architecture->pool.norm);
  layer_clear(&architecture->pool.first);
  layer_clear(&architecture->pool.last);
  g_free(architecture->pool.table);
  g_free(architecture);
}

guint
ddim_architecture_get_n_classes(const DdimArchitecture *architecture)
{
  return ddim_architecture_is_classifier(architecture) ? architecture->out_channels
                                                       : architecture->embedding.n_classes;
}

const char *
ddim_pool_get_name(DdimPoolType type)
{
  static const char *const names[] = {"none", "adaptive", "attention", "spatial", "spatial_v2"};
  return names[type];
}

DdimStage *
ddim_architecture_add_stage(DdimArchitecture *architecture, DdimStageType type, guint in)
{
  DdimStage *stage = g_new0(DdimStage, 1);
  stage->type = type;
  stage->modules = g_ptr_array_new_with_free_func(module_free);
  stage->in = stage->out = in;
  g_ptr_array_add(architecture->stages, stage);
  return stage;
}

DdimModule *
ddim_stage_add_module(DdimStage *stage, DdimModuleType type, const char *prefix, guint in,
                      guint out)
{
  DdimModule *module = g_new0(DdimModule, 1);
  module->type = type;
  module->prefix = g_strdup(prefix);
  module->in = in;
  module->out = out;
  g_ptr_array_add(stage->modules, module);
  stage->out = out;
  return module;
}

static char *
join(const char *prefix, const char *part)
{
  return part ? g_strconcat(prefix, ".", part, NULL) : g_strdup(prefix);
}

DdimLayer
ddim_layer(const char *prefix, const char *part, guint in, guint out, guint taps)
{
  return (DdimLayer){.name = join(prefix, part), .in = in, .out = out, .taps = taps};
}

DdimNorm
ddim_norm(const char *prefix, const char *part, guint channels, guint groups, float eps)
{
  return (DdimNorm){.name = join(prefix, part), .channels = channels, .groups = groups, .eps = eps};
}

DdimResample
ddim_module_get_resample(const DdimModule *module)
{
  switch (module->type) {
  case DDIM_MODULE_DOWN:
    return DDIM_RESAMPLE_DOWN;
  case DDIM_MODULE_UP:
    return DDIM_RESAMPLE_UP;
  case DDIM_MODULE_CONV_IN:
  case DDIM_MODULE_RES:
  case DDIM_MODULE_ATTENTION:
  default:
    return module->resample;
  }
}

guint
ddim_architecture_get_stride(const DdimArchitecture *architecture)
{
  g_autoptr(GArray) levels = ddim_architecture_get_levels(architecture);

  return 1u << (levels->len - 1);
}

static void
add_to_level(DdimLevel *level, const DdimModule *module)
{
  level->channels = module->out;
  level->attention |= module->type == DDIM_MODULE_ATTENTION;
  level->blocks += module->type == DDIM_MODULE_RES;
}

GArray *
ddim_architecture_get_levels(const DdimArchitecture *architecture)
{
  GArray *levels = g_array_new(FALSE, TRUE, sizeof(DdimLevel));

  g_array_set_size(levels, 1);
  for (guint s = 0; s < architecture->stages->len; s++) {
    const DdimStage *stage = architecture->stages->pdata[s];
    if (stage->type != DDIM_STAGE_INPUT)
      continue;
    for (guint m = 0; m < stage->modules->len; m++) {
      const DdimModule *module = stage->modules->pdata[m];
      if (ddim_module_get_resample(module) == DDIM_RESAMPLE_DOWN)
        g_array_set_size(levels, levels->len + 1);
      else
        add_to_level(&g_array_index(levels, DdimLevel, levels->len - 1), module);
    }
  }
  return levels;
}

typedef struct {
  DdimTensorVisitor visitor;
  gpointer user_data;
} Visit;

static gboolean
visit(const Visit *v, const char *name, const char *part, guint n_dims, const gsize *shape)
{
  g_autofree char *full = g_strconcat(name, ".", part, NULL);
  return v->visitor(full, n_dims, shape, v->user_data);
}

static gboolean
visit_layer(const Visit *v, const DdimLayer *layer)
{
  const gsize shape[] = {layer->out, layer->in, layer->taps, layer->taps};
  const guint n_dims = layer->taps == 1 ? 2 : 4;
  return !layer->name || (visit(v, layer->name, "weight", n_dims, shape) &&
                          (layer->no_bias || visit(v, layer->name, "bias", 1, shape)));
}

static gboolean
visit_norm(const Visit *v, const DdimNorm *norm)
{
  const gsize channels = norm->channels;
  return !norm->name || (visit(v, norm->name, "weight", 1, &channels) &&
                         visit(v, norm->name, "bias", 1, &channels));
}

static gboolean
visit_module(const Visit *v, const DdimModule *m)
{
  return visit_norm(v, &m->norm1) && visit_layer(v, &m->conv1) && visit_layer(v, &m->emb) &&
         visit_norm(v, &m->norm2) && visit_layer(v, &m->conv2) && visit_layer(v, &m->skip) &&
         visit_layer(v, &m->qkv[0]) && visit_layer(v, &m->qkv[1]) && visit_layer(v, &m->qkv[2]) &&
         visit_layer(v, &m->proj);
}

static gboolean
visit_embedding(const Visit *v, const DdimEmbedding *embedding)
{
  return visit_layer(v, &embedding->first) && visit_layer(v, &embedding->second) &&
         visit_layer(v, &embedding->label_first) && visit_layer(v, &embedding->label_second);
}

static gboolean
visit_classes(const Visit *v, const DdimEmbedding *embedding)
{
  const gsize table[] = {embedding->n_classes, embedding->second.out};
  return !embedding->label_table || visit(v, embedding->label_table, "weight", 2, table);
}

static gboolean
visit_output(const Visit *v, const DdimArchitecture *architecture)
{
  const DdimPool *pool = &architecture->pool;
  const gsize table[] = {pool->norm.channels, pool->positions};
  return visit_norm(v, &architecture->out_norm) && visit_layer(v, &architecture->out_conv) &&
         visit_norm(v, &pool->norm) && visit_layer(v, &pool->first) &&
         visit_layer(v, &pool->last) &&
         (!pool->table || v->visitor(pool->table, 2, table, v->user_data));
}

gboolean
ddim_architecture_foreach_tensor(const DdimArchitecture *architecture, DdimTensorVisitor visitor,
                                 gpointer user_data)
{
  const Visit v = {visitor, user_data};
  if (!visit_embedding(&v, &architecture->embedding) ||
      !visit_classes(&v, &architecture->embedding))
    return FALSE;
  for (guint s = 0; s < architecture->stages->len; s++) {
    const DdimStage *stage = architecture->stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++)
      if (!visit_module(&v, stage->modules->pdata[m]))
        return FALSE;
  }
  return visit_output(&v, architecture);
}

static gboolean
count_tensor(const char *name, guint n_dims, const gsize *shape, gpointer user_data)
{
  guint64 *sum = user_data, count = 1;
  for (guint i = 0; i < n_dims; i++)
    count *= shape[i];
  *sum += count;
  return TRUE;
}

guint64
ddim_module_count_parameters(const DdimModule *module)
{
  guint64 sum = 0;
  visit_module(&(const Visit){count_tensor, &sum}, module);
  return sum;
}

guint64
ddim_embedding_count_parameters(const DdimEmbedding *embedding)
{
  guint64 sum = 0;
  visit_embedding(&(const Visit){count_tensor, &sum}, embedding);
  return sum;
}

guint64
ddim_architecture_count_output_parameters(const DdimArchitecture *architecture)
{
  guint64 sum = 0;
  visit_output(&(const Visit){count_tensor, &sum}, architecture);
  return sum;
}
