/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/network.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"
#include "core/model/config-details.h"
#include "core/network/network-private.h"
#include "core/network/padding.h"
#include "opencl/check/short.h"
#include "opencl/tune/choice.h"

typedef void (*ModuleFunc)(DdimNetwork *network, DdimNetworkModule *module, gpointer data);

static void
foreach_module(DdimNetwork *network, ModuleFunc func, gpointer data)
{
  GPtrArray *stages = network->architecture->stages;
  for (guint s = 0; s < stages->len; s++) {
    const DdimStage *stage = stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++)
      func(network, g_hash_table_lookup(network->modules, stage->modules->pdata[m]), data);
  }
}

/* What the operations demand of an architecture. */

static gboolean
refuse(const char *name, const char *what, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
              /* Translators: a layer's name, then what is the matter with it */
              _("the layer “%s” cannot be computed: %s"), name, what);
  return FALSE;
}

static gboolean
check_layer(const DdimLayer *layer, GError **error)
{
  if (layer->name && layer->taps != 1 && layer->taps != 3)
    return refuse(layer->name, _("its size is neither 1x1 nor 3x3"), error);
  if (layer->name && layer->out % DDIM_CL_COLUMN_PADDING)
    return refuse(layer->name, _("its channels are no multiple of 32"), error);
  return TRUE;
}

static gboolean
check_norm(const DdimNorm *norm, GError **error)
{
  const guint channels = norm->map ? norm->map->stored : norm->channels;
  if (norm->name && (!norm->groups || channels % norm->groups))
    return refuse(norm->name, _("its groups do not divide its channels"), error);
  return TRUE;
}

static gboolean
check_module(const DdimModule *m, GError **error)
{
  if (m->type == DDIM_MODULE_ATTENTION && (!m->heads || m->proj.in % m->heads))
    return refuse(m->prefix, _("its heads do not divide its channels"), error);
  return check_norm(&m->norm1, error) && check_norm(&m->norm2, error) &&
         check_layer(&m->conv1, error) && check_layer(&m->conv2, error) &&
         check_layer(&m->skip, error) && check_layer(&m->emb, error) &&
         check_layer(&m->qkv[0], error) && check_layer(&m->qkv[1], error) &&
         check_layer(&m->qkv[2], error) && check_layer(&m->proj, error);
}

static gboolean
check_architecture(const DdimArchitecture *architecture, GError **error)
{
  for (guint s = 0; s < architecture->stages->len; s++) {
    const DdimStage *stage = architecture->stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++)
      if (!check_module(stage->modules->pdata[m], error))
        return FALSE;
  }
  const DdimPool *pool = &architecture->pool;
  if (pool->type == DDIM_POOL_ATTENTION && (!pool->heads || pool->norm.channels % pool->heads))
    return refuse(pool->first.name, _("its heads do not divide its channels"), error);
  return check_norm(&architecture->out_norm, error) && check_norm(&pool->norm, error) &&
         check_layer(&pool->first, error) && check_layer(&architecture->embedding.first, error) &&
         check_layer(&architecture->embedding.second, error);
}

/* Add the convolution that @parts are together. Returns its index. */
static guint
add_conv_of(DdimNetwork *network, const DdimLayer *const *parts, guint n_parts)
{
  DdimNetworkConv conv = {.prefix = parts[0]->name};
  conv.geometry = (DdimConvShape){.in = parts[0]->in, .taps = parts[0]->taps, .stride = 1};
  for (guint i = 0; i < n_parts; i++) {
    const guint64 bias = ddim_vectors_append_bias(network->vectors, parts[i]);
    if (i == 0)
      conv.bias = bias;
    conv.geometry.out += parts[i]->out;
  }
  ddim_vectors_pad(network->vectors);
  g_array_append_val(network->convs, conv);
  return ddim_weights_add(network->weights, parts, n_parts);
}

static guint
add_conv(DdimNetwork *network, const DdimLayer *layer)
{
  return layer->name ? add_conv_of(network, &layer, 1) : DDIM_NO_CONV;
}

static guint
add_qkv(DdimNetwork *network, const DdimModule *m)
{
  const DdimLayer *const parts[] = {&m->qkv[0], &m->qkv[1], &m->qkv[2]};
  return add_conv_of(network, parts, m->qkv_order == DDIM_QKV_APART ? 3 : 1);
}

static DdimNetworkNorm
add_norm(DdimNetwork *network, const DdimNorm *norm)
{
  DdimNetworkNorm places = {0};
  if (!norm->name)
    return places;
  places.gamma = ddim_vectors_append_norm(network->vectors, norm, "weight");
  ddim_vectors_pad(network->vectors);
  places.beta = ddim_vectors_append_norm(network->vectors, norm, "bias");
  ddim_vectors_pad(network->vectors);
  return places;
}

/* In the order of evaluation. */
static void
add_module(DdimNetwork *network, DdimNetworkModule *module, gpointer data)
{
  const DdimModule *m = module->module;
  module->norm1 = add_norm(network, &m->norm1);
  module->conv1 =
      m->type == DDIM_MODULE_ATTENTION ? add_qkv(network, m) : add_conv(network, &m->conv1);
  module->norm2 = add_norm(network, &m->norm2);
  module->skip = add_conv(network, &m->skip);
  module->conv2 = add_conv(network, m->type == DDIM_MODULE_ATTENTION ? &m->proj : &m->conv2);
  if (module->conv1 != DDIM_NO_CONV) {
    DdimNetworkConv *conv = &g_array_index(network->convs, DdimNetworkConv, module->conv1);
    conv->geometry.stride = m->type == DDIM_MODULE_DOWN ? 2 : 1;
    conv->geometry.right_bottom =
        m->type == DDIM_MODULE_DOWN && m->padding == DDIM_PADDING_RIGHT_BOTTOM;
    conv->geometry.up = m->type == DDIM_MODULE_UP || m->resample == DDIM_RESAMPLE_UP;
  }
  if (m->emb.name) {
    module->emb_at = network->embedding.columns;
    network->embedding.columns += m->emb.out;
  }
}

static void
collect_emb(DdimNetwork *network, DdimNetworkModule *module, gpointer data)
{
  if (module->module->emb.name)
    g_ptr_array_add(data, (gpointer)&module->module->emb);
}

/* Lay a layer of the embedding out: they are needed by every evaluator, and small. */
static DdimLayout *
load_layer(DdimNetwork *network, guint layer, GError **error)
{
  DdimLayout *layout =
      ddim_weights_acquire(network->weights, layer, DDIM_CL_PACK_PLAIN,
                           ddim_cl_default_provider(network->context, network->half), error);
  if (layout && ddim_weights_load(network->weights, layout, error))
    return layout;
  ddim_weights_release(network->weights, layout);
  return NULL;
}

static DdimLayout *
load_linear(DdimNetwork *network, const DdimLayer *const *parts, guint n_parts, GError **error)
{
  return load_layer(network, ddim_weights_add(network->weights, parts, n_parts), error);
}

/* Lay @layout out for the provider that is the default one now. It stays as it was if that fails.
 */
static gboolean
reload(DdimNetwork *network, DdimLayout **layout, GError **error)
{
  DdimLayout *now;
  if ((*layout)->matrix->provider == ddim_cl_default_provider(network->context, network->half))
    return TRUE;
  if (!(now = load_layer(network, (*layout)->layer, error)))
    return FALSE;
  ddim_weights_release(network->weights, *layout);
  *layout = now;
  return TRUE;
}

gboolean
ddim_network_reload_embedding(DdimNetwork *network, GError **error)
{
  DdimNetworkEmbedding *embedding = &network->embedding;
  return reload(network, &embedding->first, error) && reload(network, &embedding->second, error) &&
         reload(network, &embedding->blocks, error);
}

/* The embedding's layers, and every block's projection of its result as one matrix. */
static gboolean
load_embedding(DdimNetwork *network, GError **error)
{
  const DdimEmbedding *embedding = &network->architecture->embedding;
  const DdimLayer *first = &embedding->first, *second = &embedding->second;
  DdimNetworkEmbedding *loaded = &network->embedding;
  g_autoptr(GPtrArray) blocks = g_ptr_array_new();
  foreach_module(network, collect_emb, blocks);
  return (loaded->first = load_linear(network, &first, 1, error)) &&
         (loaded->second = load_linear(network, &second, 1, error)) &&
         (loaded->blocks =
              load_linear(network, (const DdimLayer *const *)blocks->pdata, blocks->len, error));
}

static void
release_embedding(DdimNetwork *network)
{
  DdimNetworkEmbedding *embedding = &network->embedding;
  ddim_weights_release(network->weights, g_steal_pointer(&embedding->first));
  ddim_weights_release(network->weights, g_steal_pointer(&embedding->second));
  ddim_weights_release(network->weights, g_steal_pointer(&embedding->blocks));
}

static void
add_emb_bias(DdimNetwork *network, DdimNetworkModule *module, gpointer data)
{
  if (module->module->emb.name)
    ddim_vectors_append_bias(network->vectors, &module->module->emb);
}

static guint64
start_emb_bias(DdimNetwork *network)
{
  const guint64 place = ddim_vectors_append_zeros(network->vectors, 0);
  foreach_module(network, add_emb_bias, NULL);
  ddim_vectors_pad(network->vectors);
  return place;
}

static void
add_pool(DdimNetwork *network)
{
  const DdimPool *pool = &network->architecture->pool;
  network->pool.norm = add_norm(network, &pool->norm);
  network->pool.first = add_conv(network, &pool->first);
  network->pool.last = add_conv(network, &pool->last);
  if (pool->table) {
    network->pool.table = ddim_vectors_append_table(network->vectors, pool->table,
                                                    pool->norm.channels, pool->positions);
    ddim_vectors_pad(network->vectors);
  }
}

/* A gradient goes back through a convolution by one with in and out exchanged. Evaluators put zeros
 * between the pixels where the stride is 2. */
static void
add_gradients(DdimNetwork *network)
{
  for (guint i = 0; i < network->n_forward; i++) {
    const DdimNetworkConv *of = ddim_network_get_conv(network, i);
    const DdimNetworkConv conv = {.prefix = of->prefix,
                                  .geometry = {.in = of->geometry.out,
                                               .out = of->geometry.in,
                                               .taps = of->geometry.taps,
                                               .stride = 1}};
    g_array_append_val(network->convs, conv);
    ddim_weights_add_gradient(network->weights, i);
  }
}

/* Zeros that stand for any channels or biases, and of a classifier, ones that stand for scales. */
static void
add_constants(DdimNetwork *network)
{
  guint most = DDIM_CL_COLUMN_PADDING;
  for (guint i = 0; i < network->convs->len; i++)
    most = MAX(most, ddim_network_get_conv(network, i)->geometry.in);
  ddim_vectors_pad(network->vectors);
  network->zeros = ddim_vectors_append_zeros(network->vectors, most);
  ddim_vectors_pad(network->vectors);
  if (network->n_forward < network->convs->len)
    network->ones = ddim_vectors_append_ones(network->vectors, most);
}

/* Know all layers, and have everything on the device but the convolutions' weights. */
static gboolean
load(DdimNetwork *network, GError **error)
{
  const DdimArchitecture *architecture = network->architecture;
  DdimNetworkEmbedding *embedding = &network->embedding;
  foreach_module(network, add_module, NULL);
  network->out_norm = add_norm(network, &architecture->out_norm);
  network->out_conv = add_conv(network, &architecture->out_conv);
  add_pool(network);
  network->n_forward = network->convs->len;
  if (ddim_architecture_is_classifier(architecture))
    add_gradients(network);
  embedding->first_bias =
      ddim_vectors_append_bias(network->vectors, &architecture->embedding.first);
  embedding->second_bias =
      ddim_vectors_append_bias(network->vectors, &architecture->embedding.second);
  embedding->bias = start_emb_bias(network);
  add_constants(network);
  return ddim_vectors_upload(network->vectors, error) && load_embedding(network, error);
}

static GHashTable *
modules_new(const DdimArchitecture *architecture)
{
  GHashTable *modules = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  for (guint s = 0; s < architecture->stages->len; s++) {
    const DdimStage *stage = architecture->stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++) {
      DdimNetworkModule *module = g_new0(DdimNetworkModule, 1);
      module->module = stage->modules->pdata[m];
      g_hash_table_insert(modules, stage->modules->pdata[m], module);
    }
  }
  return modules;
}

static gboolean
count_bytes(const char *name, guint n_dims, const gsize *shape, gpointer data)
{
  DdimNetwork *network = data;
  guint64 count = 1;
  for (guint i = 0; i < n_dims; i++)
    count *= shape[i];
  network->tensor_bytes += count * (network->half ? 2 : 4);
  return TRUE;
}

DdimNetwork *
ddim_network_new_of(DdimContext *context, DdimCheckpoint *checkpoint,
                    const DdimArchitecture *architecture, const DdimNetworkParams *params,
                    GError **error)
{
  g_autoptr(DdimNetwork) network = g_new0(DdimNetwork, 1);
  g_atomic_ref_count_init(&network->refs);
  network->context = ddim_context_ref(context);
  network->checkpoint = ddim_checkpoint_ref(checkpoint);
  network->padded = ddim_architecture_pad(architecture, DDIM_CL_COLUMN_PADDING);
  network->architecture = architecture = network->padded ? network->padded : architecture;
  network->half = params && params->precision == DDIM_PRECISION_F16;
  network->modules = modules_new(architecture);
  network->convs = g_array_new(FALSE, FALSE, sizeof(DdimNetworkConv));
  network->vectors = ddim_vectors_new(context, checkpoint);
  network->weights = ddim_weights_new(context, checkpoint, network->half);
  ddim_architecture_foreach_tensor(architecture, count_bytes, network);
  ddim_check_begin(context);
  if (!check_architecture(architecture, error) || !load(network, error))
    return NULL;
  return g_steal_pointer(&network);
}

DdimNetwork *
ddim_network_new(DdimContext *context, DdimCheckpoint *checkpoint, DdimConfig *config,
                 const DdimNetworkParams *params, GError **error)
{
  DdimNetwork *network =
      ddim_network_new_of(context, checkpoint, ddim_config_get_architecture(config), params, error);
  if (network)
    network->config = ddim_config_ref(config);
  return network;
}

DdimNetwork *
ddim_network_ref(DdimNetwork *network)
{
  g_atomic_ref_count_inc(&network->refs);
  return network;
}

void
ddim_network_unref(DdimNetwork *network)
{
  if (!network || !g_atomic_ref_count_dec(&network->refs))
    return;
  release_embedding(network);
  ddim_weights_free(network->weights);
  ddim_vectors_free(network->vectors);
  g_array_unref(network->convs);
  g_hash_table_unref(network->modules);
  ddim_architecture_free(network->padded);
  if (network->config)
    ddim_config_unref(network->config);
  ddim_checkpoint_unref(network->checkpoint);
  ddim_context_unref(network->context);
  g_free(network);
}

guint
ddim_network_get_stride(const DdimNetwork *network)
{
  return ddim_architecture_get_stride(network->architecture);
}

const DdimNetworkModule *
ddim_network_get_module(const DdimNetwork *network, const DdimModule *module)
{
  return g_hash_table_lookup(network->modules, module);
}

const DdimNetworkConv *
ddim_network_get_conv(const DdimNetwork *network, guint index)
{
  return &g_array_index(network->convs, DdimNetworkConv, index);
}

void
ddim_network_follow_size(const DdimModule *m, guint *height, guint *width)
{
  if (m->type == DDIM_MODULE_DOWN || m->resample == DDIM_RESAMPLE_DOWN) {
    *height /= 2;
    *width /= 2;
  } else if (m->type == DDIM_MODULE_UP || m->resample == DDIM_RESAMPLE_UP) {
    *height *= 2;
    *width *= 2;
  }
}
