/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/architecture.h"

/** However a network is built, its modules fit together: each reads what the one before it gives,
 * and norms and heads divide their channels. */

static inline void
check_norm(const DdimNorm *norm, guint channels)
{
  g_assert_nonnull(norm->name);
  g_assert_cmpuint(norm->channels, ==, channels);
  g_assert_cmpuint(norm->groups, >, 0);
  g_assert_cmpuint(channels % norm->groups, ==, 0);
  g_assert_cmpfloat(norm->eps, >, 0);
}

static inline void
check_layer(const DdimLayer *layer, guint in, guint out)
{
  g_assert_nonnull(layer->name);
  g_assert_cmpuint(layer->in, ==, in);
  g_assert_cmpuint(layer->out, ==, out);
  g_assert_true(layer->taps == 1 || layer->taps == 3);
}

static inline void
check_res(const DdimModule *module, guint width)
{
  const gboolean scale_shift = module->emb_kind == DDIM_EMB_SCALE_SHIFT;
  check_norm(&module->norm1, module->in);
  check_layer(&module->conv1, module->in, module->out);
  check_layer(&module->emb, width, scale_shift ? 2 * module->out : module->out);
  check_norm(&module->norm2, module->out);
  check_layer(&module->conv2, module->out, module->out);
  if (module->skip.name)
    check_layer(&module->skip, module->in, module->out);
  else
    g_assert_cmpuint(module->in, ==, module->out);
}

static inline void
check_attention(const DdimModule *module)
{
  const gboolean apart = module->qkv_order == DDIM_QKV_APART;
  g_assert_cmpuint(module->in, ==, module->out);
  check_norm(&module->norm1, module->in);
  for (guint i = 0; i < (apart ? 3 : 1); i++)
    check_layer(&module->qkv[i], module->in, apart ? module->in : 3 * module->in);
  check_layer(&module->proj, module->in, module->out);
  g_assert_cmpuint(module->heads, >, 0);
  g_assert_cmpuint(module->in % module->heads, ==, 0);
}

static inline void
check_module(const DdimModule *module, guint width)
{
  g_assert_cmpuint(module->out, >, 0);
  switch (module->type) {
  case DDIM_MODULE_RES:
    check_res(module, width);
    break;
  case DDIM_MODULE_ATTENTION:
    check_attention(module);
    break;
  case DDIM_MODULE_CONV_IN:
    check_layer(&module->conv1, module->in, module->out);
    break;
  case DDIM_MODULE_DOWN:
  case DDIM_MODULE_UP:
  default:
    g_assert_cmpuint(module->in, ==, module->out);
    if (module->conv1.name)
      check_layer(&module->conv1, module->in, module->out);
  }
}

static inline void
check_architecture(const DdimArchitecture *architecture)
{
  const guint width = architecture->embedding.second.out;
  guint channels = architecture->in_channels, n_inputs = 0;
  check_layer(&architecture->embedding.first, architecture->embedding.channels,
              architecture->embedding.first.out);
  check_layer(&architecture->embedding.second, architecture->embedding.first.out, width);
  g_assert_true(!architecture->embedding.label_table == !architecture->embedding.n_classes);
  for (guint s = 0; s < architecture->stages->len; s++) {
    const DdimStage *stage = architecture->stages->pdata[s];
    g_assert_cmpuint(stage->in, ==, channels);
    n_inputs += stage->type == DDIM_STAGE_INPUT;
    if (stage->type == DDIM_STAGE_OUTPUT) {
      g_assert_cmpuint(stage->skip, <, n_inputs);
      channels += ((const DdimStage *)architecture->stages->pdata[stage->skip])->out;
    }
    for (guint m = 0; m < stage->modules->len; m++) {
      const DdimModule *module = stage->modules->pdata[m];
      g_assert_cmpuint(module->in, ==, channels);
      check_module(module, width);
      channels = module->out;
    }
    g_assert_cmpuint(stage->out, ==, channels);
  }
  check_norm(&architecture->out_norm, channels);
  check_layer(&architecture->out_conv, channels, architecture->out_channels);
}
