/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/shapes.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "core/data/error.h"

gboolean
ddim_network_check_size(const DdimNetwork *network, guint batch, guint height, guint width,
                        GError **error)
{
  const guint stride = ddim_network_get_stride(network);
  const DdimPool *pool = &network->architecture->pool;
  if (!batch || !height || !width || height % stride || width % stride) {
    const guint h = MAX(height / stride * stride, stride), w = MAX(width / stride * stride, stride);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("size %ux%u does not fit this model: width and height must be multiples of %u, "
                  "for example %ux%u or %ux%u"),
                width, height, stride, w, h, w + (width % stride ? stride : 0),
                h + (height % stride ? stride : 0));
    return FALSE;
  }
  if (pool->type == DDIM_POOL_ATTENTION &&
      (guint64)(height / stride) * (width / stride) + 1 != pool->positions) {
    const guint side = (guint)sqrt(pool->positions - 1) * stride;
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("size %ux%u does not fit this classifier, which reads images of %ux%u"), width,
                height, side, side);
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

/* Sizes are followed from one module to the next. */
typedef struct {
  const DdimNetwork *network;
  DdimConvShape *shapes;
  guint n, h, w;
  DdimWrap wrap;
} Walk;

static void
set_size(const Walk *walk, guint conv)
{
  if (conv == DDIM_NO_CONV)
    return;
  walk->shapes[conv].n = walk->n;
  walk->shapes[conv].h = walk->h;
  walk->shapes[conv].w = walk->w;
  walk->shapes[conv].wrap = walk->shapes[conv].taps > 1 ? walk->wrap : DDIM_WRAP_NONE;
}

static void
walk_module(Walk *walk, const DdimModule *m)
{
  const DdimNetworkModule *module = ddim_network_get_module(walk->network, m);
  ddim_network_follow_size(m, &walk->h, &walk->w);
  set_size(walk, module->conv1);
  set_size(walk, module->conv2);
  set_size(walk, module->skip);
}

/* The pool's layers read one position of each image, or all that attend to each other. */
static void
walk_pool(Walk *walk)
{
  const DdimPool *pool = &walk->network->architecture->pool;
  walk->h = 1;
  walk->w = MAX(pool->positions, 1);
  set_size(walk, walk->network->pool.first);
  walk->w = 1;
  set_size(walk, walk->network->pool.last);
}

/* What takes a gradient back gives what the convolution reads. */
static void
set_gradients(Walk *walk)
{
  for (guint i = 0; walk->network->n_forward + i < walk->network->convs->len; i++) {
    const DdimConvShape *of = &walk->shapes[i];
    DdimConvShape *shape = &walk->shapes[walk->network->n_forward + i];
    shape->n = of->n;
    shape->h = of->h * of->stride;
    shape->w = of->w * of->stride;
    shape->wrap = of->wrap;
  }
}

DdimConvShape *
ddim_network_get_shapes(const DdimNetwork *network, guint batch, guint height, guint width,
                        DdimWrap wrap)
{
  const GPtrArray *stages = network->architecture->stages;
  DdimConvShape *shapes = g_new(DdimConvShape, network->convs->len);
  Walk walk = {network, shapes, batch, height, width, wrap};
  for (guint i = 0; i < network->convs->len; i++)
    shapes[i] = ddim_network_get_conv(network, i)->geometry;
  for (guint s = 0; s < stages->len; s++) {
    const DdimStage *stage = stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++)
      walk_module(&walk, stage->modules->pdata[m]);
  }
  set_size(&walk, network->out_conv);
  walk_pool(&walk);
  set_gradients(&walk);
  return shapes;
}

/* Convolutions' weights on the device may take so many times the size of all the network's tensors.
 * A small network may take more, up to so many bytes: there it costs little memory, and saves
 * several percent of the time of a single image (tests/bench/RESULTS.md). */
#define WEIGHT_BUDGET 1.4
#define SMALL_WEIGHT_BUDGET 1.75
#define SMALL_WEIGHT_BYTES ((guint64)350 << 20)
/* Who asks for half precision asks for little memory. */
#define HALF_WEIGHT_BUDGET 1.1

static guint64
get_weight_budget(const DdimNetwork *network)
{
  const guint64 small = (guint64)(network->tensor_bytes * SMALL_WEIGHT_BUDGET);
  if (network->half)
    return (guint64)(network->tensor_bytes * HALF_WEIGHT_BUDGET);
  return MAX((guint64)(network->tensor_bytes * WEIGHT_BUDGET), MIN(small, SMALL_WEIGHT_BYTES));
}

DdimClChoice *
ddim_network_choose(const DdimNetwork *network, const struct _DdimClTuning *tuning,
                    const DdimConvShape *shapes, guint n)
{
  DdimClChoice *choices = g_new(DdimClChoice, n);
  const guint times = n > network->n_forward ? 2 : 1;
  ddim_cl_choose(network->context, tuning, shapes, n, network->half,
                 times * get_weight_budget(network), choices);
  return choices;
}
