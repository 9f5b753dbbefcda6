/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/recorder.h"

DdimClMem
ddim_recorder_get_vector(const DdimRecorder *r, guint64 place)
{
  return ddim_vectors_get(r->network->vectors, place);
}

/* Where the zeros are among the channels of a norm: at most one gap, and one at the end. */
static DdimClNormGaps
norm_gaps(const DdimNorm *norm)
{
  const DdimChannelMap *map = norm->map;
  guint split = 0, end;
  if (!map)
    return (DdimClNormGaps){0};
  while (split < map->stored && map->at[split] != DDIM_NO_CHANNEL)
    split++;
  for (end = split; end < map->n && map->at[end] == DDIM_NO_CHANNEL;)
    end++;
  return (DdimClNormGaps){.width = map->stored / norm->groups,
                          .split = split,
                          .shift = split < map->stored ? end - split : 0};
}

DdimClNorm
ddim_recorder_get_norm(const DdimRecorder *r, const DdimNorm *norm, const DdimNetworkNorm *places)
{
  return (DdimClNorm){.groups = norm->groups,
                      .eps = norm->eps,
                      .gaps = norm_gaps(norm),
                      .gamma = ddim_recorder_get_vector(r, places->gamma),
                      .beta = ddim_recorder_get_vector(r, places->beta)};
}

DdimClMem
ddim_recorder_get_emb(const DdimRecorder *r, const DdimNetworkModule *module)
{
  return ddim_cl_mem_skip_floats(r->ports->emb, module->emb_at);
}

DdimClNorm
ddim_recorder_get_inner_norm(const DdimRecorder *r, const DdimNetworkModule *w)
{
  DdimClNorm norm = ddim_recorder_get_norm(r, &w->module->norm2, &w->norm2);
  if (w->module->emb_kind == DDIM_EMB_SCALE_SHIFT) {
    norm.has_emb = TRUE;
    norm.emb = ddim_recorder_get_emb(r, w);
    norm.emb_ld = r->network->embedding.columns;
  }
  return norm;
}

/* A gradient has no bias. */
static DdimClMem
get_bias(const DdimRecorder *r, guint index)
{
  const gboolean gradient = index >= r->network->n_forward;
  return ddim_recorder_get_vector(r, gradient ? r->network->zeros
                                              : ddim_network_get_conv(r->network, index)->bias);
}

void
ddim_recorder_conv(DdimRecorder *r, guint index, const DdimClTensor *x,
                   const DdimClPrologue *prologue, const DdimClTensor *y,
                   const DdimClTensor *residual, const DdimClMem *emb)
{
  const DdimRecordConv *conv = &r->ports->convs[index];
  DdimClEpilogue epilogue = {.bias = get_bias(r, index),
                             .has_emb = emb != NULL,
                             .emb_ld = r->network->embedding.columns,
                             .residual = residual};
  if (emb)
    epilogue.emb = *emb;
  ddim_cl_conv(r->plan, conv->method, &conv->shape, conv->layout->matrix, x, prologue, y, &epilogue,
               ddim_recorder_get_vector(r, r->network->zeros));
  r->flops += ddim_conv_flops(&conv->shape);
}

DdimClAttention
ddim_recorder_get_attention(const DdimModule *m)
{
  return (DdimClAttention){.heads = m->heads, .interleaved = m->qkv_order == DDIM_QKV_BY_HEAD};
}

double
ddim_recorder_attention_flops(const DdimClTensor *out)
{
  const double positions = (double)out->h * out->w;
  return 4 * out->n * positions * positions * out->c;
}
