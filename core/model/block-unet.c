/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The modules of ermongroup/ddim's Model (models/diffusion.py) and of diffusers' UNet2DModel
 * (models/unets/unet_2d.py, unet_2d_blocks.py) as their __init__ makes them. */

#include "core/model/block-unet.h"

/* get_timestep_embedding() of both */
#define MAX_PERIOD 10000

typedef struct {
  const DdimBlockUNet *unet;
  const DdimBlockNames *names;
  DdimArchitecture *architecture;
} Builder;

static DdimNorm
norm(const Builder *b, const char *prefix, const char *part, guint channels)
{
  return ddim_norm(prefix, part, channels, b->unet->groups, b->unet->eps);
}

static DdimModule *
add_res(const Builder *b, DdimStage *stage, const char *prefix, guint in, guint out)
{
  const gboolean scale_shift = b->unet->scale_shift;
  DdimModule *m = ddim_stage_add_module(stage, DDIM_MODULE_RES, prefix, in, out);
  m->norm1 = norm(b, prefix, "norm1", in);
  m->conv1 = ddim_layer(prefix, "conv1", in, out, 3);
  m->emb = ddim_layer(prefix, b->names->emb, b->unet->time_width, scale_shift ? 2 * out : out, 1);
  m->emb_kind = scale_shift ? DDIM_EMB_SCALE_SHIFT : DDIM_EMB_ADD;
  m->norm2 = norm(b, prefix, "norm2", out);
  m->conv2 = ddim_layer(prefix, "conv2", out, out, 3);
  if (in != out)
    m->skip = ddim_layer(prefix, b->names->skip, in, out, 1);
  return m;
}

/* @groups  of its norm; 0: none */
static void
add_attention(const Builder *b, DdimStage *stage, const char *prefix, guint groups)
{
  const guint channels = stage->out, head = b->unet->head_channels;
  const char *const parts[] = {b->names->q, b->names->k, b->names->v};
  DdimModule *m = ddim_stage_add_module(stage, DDIM_MODULE_ATTENTION, prefix, channels, channels);
  if (groups)
    m->norm1 = ddim_norm(prefix, b->names->norm, channels, groups, b->unet->eps);
  m->qkv_order = DDIM_QKV_APART;
  for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
    m->qkv[i] = ddim_layer(prefix, parts[i], channels, channels, 1);
  m->proj = ddim_layer(prefix, b->names->proj, channels, channels, 1);
  m->heads = head ? channels / head : 1;
}

/* The end of a level, in front of the next smaller or larger one. */
static void
add_end(const Builder *b, DdimStage *stage, const char *prefix, DdimBlockEnd end, gboolean up)
{
  const guint channels = stage->out;
  if (end == DDIM_BLOCK_END_RES) {
    DdimModule *m = add_res(b, stage, prefix, channels, channels);
    m->resample = up ? DDIM_RESAMPLE_UP : DDIM_RESAMPLE_DOWN;
    return;
  }
  DdimModule *m = ddim_stage_add_module(stage, up ? DDIM_MODULE_UP : DDIM_MODULE_DOWN, prefix,
                                        channels, channels);
  if (end == DDIM_BLOCK_END_CONV)
    m->conv1 = ddim_layer(prefix, "conv", channels, channels, 3);
  m->padding = up ? DDIM_PADDING_SAME : b->unet->padding;
}

/* A residual block of a level, and its attention. */
static void
add_block(const Builder *b, DdimStage *stage, const char *level, guint index, guint in, guint out,
          gboolean attention)
{
  g_autofree char *res = g_strdup_printf("%s.%s.%u", level, b->names->res, index);
  add_res(b, stage, res, in, out);
  if (!attention)
    return;
  g_autofree char *prefix = g_strdup_printf("%s.%s.%u", level, b->names->attention, index);
  add_attention(b, stage, prefix, b->unet->groups);
}

static void
add_down(const Builder *b)
{
  const DdimBlockUNet *unet = b->unet;
  guint channels = unet->first_channels;
  DdimStage *stage =
      ddim_architecture_add_stage(b->architecture, DDIM_STAGE_INPUT, unet->in_channels);
  DdimModule *first =
      ddim_stage_add_module(stage, DDIM_MODULE_CONV_IN, "conv_in", unet->in_channels, channels);
  first->conv1 = ddim_layer("conv_in", NULL, unet->in_channels, channels, 3);
  for (guint l = 0; l < unet->n_levels; l++) {
    const DdimBlockLevel *level = &unet->levels[l];
    g_autofree char *name = g_strdup_printf("%s.%u", b->names->down, l);
    for (guint i = 0; i < unet->num_res_blocks; i++) {
      stage = ddim_architecture_add_stage(b->architecture, DDIM_STAGE_INPUT, channels);
      add_block(b, stage, name, i, channels, level->channels, level->down_attention);
      channels = level->channels;
    }
    if (l + 1 == unet->n_levels)
      continue;
    stage = ddim_architecture_add_stage(b->architecture, DDIM_STAGE_INPUT, channels);
    g_autofree char *end = g_strdup_printf("%s.%s", name, b->names->downsample);
    add_end(b, stage, end, level->down_end, FALSE);
  }
}

/* Without modules the stage is the identity. */
static void
add_middle(const Builder *b)
{
  const guint channels = b->unet->levels[b->unet->n_levels - 1].channels;
  DdimStage *stage = ddim_architecture_add_stage(b->architecture, DDIM_STAGE_MIDDLE, channels);
  if (!b->unet->has_middle)
    return;
  add_res(b, stage, b->names->middle[0], channels, channels);
  if (b->unet->middle_attention)
    add_attention(b, stage, b->names->middle[1], b->unet->middle_groups);
  add_res(b, stage, b->names->middle[2], channels, channels);
}

static void
add_up(const Builder *b)
{
  const DdimBlockUNet *unet = b->unet;
  GPtrArray *stages = b->architecture->stages;
  guint channels = unet->levels[unet->n_levels - 1].channels;
  guint skip = stages->len - 1; /* the last INPUT stage is in front of the middle */
  for (guint l = unet->n_levels; l-- > 0;) {
    const DdimBlockLevel *level = &unet->levels[l];
    const guint index = b->names->up_from_inside ? unet->n_levels - 1 - l : l;
    g_autofree char *name = g_strdup_printf("%s.%u", b->names->up, index);
    for (guint i = 0; i <= unet->num_res_blocks; i++) {
      DdimStage *stage = ddim_architecture_add_stage(b->architecture, DDIM_STAGE_OUTPUT, channels);
      stage->skip = --skip;
      const DdimStage *from = stages->pdata[skip];
      add_block(b, stage, name, i, channels + from->out, level->channels, level->up_attention);
      if (l > 0 && i == unet->num_res_blocks) {
        g_autofree char *end = g_strdup_printf("%s.%s", name, b->names->upsample);
        add_end(b, stage, end, level->up_end, TRUE);
      }
      channels = stage->out;
    }
  }
}

static DdimEmbedding
make_embedding(const Builder *b)
{
  const DdimBlockUNet *unet = b->unet;
  const DdimBlockNames *names = b->names;
  const guint in = unet->time_channels, width = unet->time_width;
  DdimEmbedding embedding = {.channels = in,
                             .max_period = MAX_PERIOD,
                             .frequency_shift = unet->frequency_shift,
                             .sine_first = unet->sine_first,
                             .first = ddim_layer(names->time_first, NULL, in, width, 1),
                             .second = ddim_layer(names->time_second, NULL, width, width, 1),
                             .n_classes = unet->num_classes};
  if (unet->label_layers) {
    embedding.label_first = ddim_layer(names->label_first, NULL, in, width, 1);
    embedding.label_second = ddim_layer(names->label_second, NULL, width, width, 1);
  } else if (unet->num_classes) {
    embedding.label_table = g_strdup(names->label_table);
  }
  return embedding;
}

DdimArchitecture *
ddim_block_unet_architecture_new(const DdimBlockUNet *unet)
{
  DdimArchitecture *architecture = ddim_architecture_new();
  const Builder b = {unet, unet->names, architecture};
  const guint channels = unet->levels[0].channels;
  architecture->in_channels = unet->in_channels;
  architecture->out_channels = unet->out_channels;
  architecture->centers_input = unet->centers_input;
  architecture->embedding = make_embedding(&b);
  add_down(&b);
  add_middle(&b);
  add_up(&b);
  architecture->out_norm = norm(&b, unet->names->norm_out, NULL, channels);
  architecture->out_conv = ddim_layer("conv_out", NULL, channels, unet->out_channels, 3);
  return architecture;
}
