/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/padding.h"

#include <math.h>

/* The stored channels of a tensor: of one, or of two that were joined. */
typedef struct {
  guint first, second;
} Channels;

typedef struct {
  guint unit;
  guint width; /* stored values of the embedding */
  DdimArchitecture *result;
} Padder;

static guint
pad(const Padder *p, guint channels)
{
  return (channels + p->unit - 1) / p->unit * p->unit;
}

static guint
pad_both(const Padder *p, Channels channels)
{
  return pad(p, channels.first) + pad(p, channels.second);
}

/* A map of @n parts; those of @real channels take @padded ones. NULL when no channel is added. */
static DdimChannelMap *
map_new(guint n, const guint *real, const guint *padded)
{
  guint all = 0, stored = 0, to = 0, from = 0;
  for (guint part = 0; part < n; part++) {
    all += padded[part];
    stored += real[part];
  }
  if (all == stored)
    return NULL;
  DdimChannelMap *map = g_malloc(sizeof *map + all * sizeof map->at[0]);
  *map = (DdimChannelMap){.n = all, .stored = stored};
  for (guint part = 0; part < n; part++)
    for (guint i = 0; i < padded[part]; i++)
      map->at[to++] = i < real[part] ? from++ : DDIM_NO_CHANNEL;
  return map;
}

static DdimChannelMap *
map_channels(const Padder *p, Channels channels)
{
  const guint real[] = {channels.first, channels.second};
  const guint padded[] = {pad(p, channels.first), pad(p, channels.second)};
  return map_new(2, real, padded);
}

/* A copy of @layer that reads and makes the channels of the maps, which it takes. */
static DdimLayer
pad_layer(const DdimLayer *layer, DdimChannelMap *in, DdimChannelMap *out)
{
  DdimLayer padded = *layer;
  if (!layer->name) {
    g_free(in);
    g_free(out);
    return padded;
  }
  padded.name = g_strdup(layer->name);
  padded.in_map = in;
  padded.out_map = out;
  padded.in = in ? in->n : layer->in;
  padded.out = out ? out->n : layer->out;
  return padded;
}

static DdimLayer
pad_conv(const Padder *p, const DdimLayer *layer, Channels in, Channels out)
{
  return pad_layer(layer, map_channels(p, in), map_channels(p, out));
}

static DdimNorm
pad_norm(const Padder *p, const DdimNorm *norm, Channels channels)
{
  DdimNorm padded = *norm;
  padded.name = g_strdup(norm->name);
  padded.map = norm->name ? map_channels(p, channels) : NULL;
  if (padded.map)
    padded.channels = padded.map->n;
  return padded;
}

static void
pad_res(const Padder *p, const DdimModule *m, Channels in, DdimModule *to)
{
  const Channels out = {m->out, 0};
  const Channels row = {m->out, m->emb_kind == DDIM_EMB_SCALE_SHIFT ? m->out : 0};
  to->norm1 = pad_norm(p, &m->norm1, in);
  to->conv1 = pad_conv(p, &m->conv1, in, out);
  to->emb = pad_conv(p, &m->emb, (Channels){p->width, 0}, row);
  to->norm2 = pad_norm(p, &m->norm2, out);
  to->conv2 = pad_conv(p, &m->conv2, out, out);
  to->skip = pad_conv(p, &m->skip, in, out);
}

/* How the heads of an attention are computed. */
typedef struct {
  guint stored; /* heads that the state dict has, of `own` channels */
  guint own;
  guint heads, length; /* those that are computed, and their channels */
} Heads;

/* More heads of zeros, if they fill the channels up; else longer ones. What cannot be computed in
 * any way stays as it is, and is refused later. */
static Heads
choose_heads(const Padder *p, const DdimModule *m)
{
  Heads heads = {.stored = m->heads, .own = m->out, .heads = m->heads, .length = m->out};
  const guint all = pad(p, m->out);
  if (!m->heads || m->out % m->heads)
    return heads;
  heads.own = heads.length = m->out / m->heads;
  if (all % heads.own == 0)
    heads.heads = all / heads.own;
  while (heads.heads * heads.length % p->unit)
    heads.length++;
  return heads;
}

static DdimChannelMap *
map_heads(const Heads *heads)
{
  g_autofree guint *real = g_new0(guint, heads->heads), *padded = g_new(guint, heads->heads);
  for (guint i = 0; i < heads->heads; i++) {
    real[i] = i < heads->stored ? heads->own : 0;
    padded[i] = heads->length;
  }
  return map_new(heads->heads, real, padded);
}

/* One layer of q, k and v has no place for zeros: its channels must be a multiple as they are. */
static void
pad_attention(const Padder *p, const DdimModule *m, Channels in, DdimModule *to)
{
  const Heads heads = choose_heads(p, m);
  const gboolean apart = m->qkv_order == DDIM_QKV_APART;
  to->heads = heads.heads;
  to->norm1 = pad_norm(p, &m->norm1, in);
  for (guint i = 0; i < G_N_ELEMENTS(m->qkv); i++)
    to->qkv[i] = pad_layer(&m->qkv[i], map_channels(p, in), apart ? map_heads(&heads) : NULL);
  /* The kernels divide by the square root of the length that they see. */
  if (heads.length != heads.own)
    to->qkv[0].scale = sqrtf((float)heads.length / (float)heads.own);
  to->proj = pad_layer(&m->proj, map_heads(&heads), map_channels(p, (Channels){m->out, 0}));
}

static Channels
pad_module(const Padder *p, const DdimModule *m, Channels in, DdimStage *stage)
{
  const Channels out = {m->out, 0};
  const gboolean first = m->type == DDIM_MODULE_CONV_IN; /* which reads an image */
  DdimModule *to = ddim_stage_add_module(stage, m->type, m->prefix, first ? m->in : pad_both(p, in),
                                         pad_both(p, out));
  to->resample = m->resample;
  to->padding = m->padding;
  to->emb_kind = m->emb_kind;
  to->qkv_order = m->qkv_order;
  if (m->type == DDIM_MODULE_RES)
    pad_res(p, m, in, to);
  else if (m->type == DDIM_MODULE_ATTENTION)
    pad_attention(p, m, in, to);
  else
    to->conv1 = pad_layer(&m->conv1, first ? NULL : map_channels(p, in), map_channels(p, out));
  return out;
}

static void
pad_stage(const Padder *p, const DdimArchitecture *a, const DdimStage *stage)
{
  const gboolean image = p->result->stages->len == 0;
  DdimStage *to =
      ddim_architecture_add_stage(p->result, stage->type, image ? stage->in : pad(p, stage->in));
  Channels channels = {stage->in, 0};
  to->skip = stage->skip;
  if (stage->type == DDIM_STAGE_OUTPUT)
    channels.second = ((const DdimStage *)a->stages->pdata[stage->skip])->out;
  for (guint i = 0; i < stage->modules->len; i++)
    channels = pad_module(p, stage->modules->pdata[i], channels, to);
}

static void
pad_embedding(const Padder *p, const DdimEmbedding *from, DdimEmbedding *to)
{
  const Channels width = {p->width, 0}, hidden = {from->first.out, 0};
  *to = *from;
  to->first = pad_layer(&from->first, NULL, map_channels(p, hidden));
  to->second = pad_conv(p, &from->second, hidden, width);
  to->label_table = g_strdup(from->label_table);
  /* These are computed on the host. */
  to->label_first = pad_layer(&from->label_first, NULL, NULL);
  to->label_second = pad_layer(&from->label_second, NULL, NULL);
}

static gboolean
fits(const DdimArchitecture *a, guint unit)
{
  if (a->embedding.first.out % unit || a->embedding.second.out % unit)
    return FALSE;
  for (guint s = 0; s < a->stages->len; s++) {
    const DdimStage *stage = a->stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++)
      if (((const DdimModule *)stage->modules->pdata[m])->out % unit)
        return FALSE;
  }
  return TRUE;
}

DdimArchitecture *
ddim_architecture_pad(const DdimArchitecture *a, guint unit)
{
  if (ddim_architecture_is_classifier(a) || fits(a, unit)) /* whose channels always do */
    return NULL;
  DdimArchitecture *result = ddim_architecture_new();
  const Padder p = {.unit = unit, .width = a->embedding.second.out, .result = result};
  const Channels last = {a->out_norm.channels, 0};
  result->in_channels = a->in_channels;
  result->out_channels = a->out_channels;
  result->low_res_channels = a->low_res_channels;
  result->centers_input = a->centers_input;
  pad_embedding(&p, &a->embedding, &result->embedding);
  for (guint s = 0; s < a->stages->len; s++)
    pad_stage(&p, a, a->stages->pdata[s]);
  result->out_norm = pad_norm(&p, &a->out_norm, last);
  result->out_conv = pad_layer(&a->out_conv, map_channels(&p, last), NULL);
  return result;
}
