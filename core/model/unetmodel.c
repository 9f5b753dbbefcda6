/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The modules of UNetModel, SuperResModel and EncoderUNetModel as their __init__ makes them. */

#include "core/model/unetmodel.h"

/* GroupNorm32 of improved_diffusion.nn. */
#define NORM_EPS 1e-5f
/* timestep_embedding of improved_diffusion.nn. */
#define MAX_PERIOD 10000

typedef struct {
  const DdimUNetConfig *config;
  DdimArchitecture *architecture;
} Builder;

static DdimNorm
norm(const char *prefix, const char *part, guint channels)
{
  return ddim_norm(prefix, part, channels, DDIM_UNETMODEL_NORM_GROUPS, NORM_EPS);
}

/* ResBlock */
static DdimModule *
add_res(const Builder *b, DdimStage *stage, const char *prefix, guint in, guint out)
{
  const gboolean scale_shift = b->config->use_scale_shift_norm;
  DdimModule *m = ddim_stage_add_module(stage, DDIM_MODULE_RES, prefix, in, out);
  m->norm1 = norm(prefix, "in_layers.0", in);
  m->conv1 = ddim_layer(prefix, "in_layers.2", in, out, 3);
  m->emb = ddim_layer(prefix, "emb_layers.1", 4 * b->config->model_channels,
                      scale_shift ? 2 * out : out, 1);
  m->emb_kind = scale_shift ? DDIM_EMB_SCALE_SHIFT : DDIM_EMB_ADD;
  m->norm2 = norm(prefix, "out_layers.0", out);
  m->conv2 = ddim_layer(prefix, "out_layers.3", out, out, 3);
  if (in != out)
    m->skip = ddim_layer(prefix, "skip_connection", in, out, 1);
  return m;
}

/* AttentionBlock */
static void
add_attention(const Builder *b, DdimStage *stage, const char *prefix, guint heads)
{
  const guint channels = stage->out;
  const guint head_channels = b->config->num_head_channels;
  DdimModule *m = ddim_stage_add_module(stage, DDIM_MODULE_ATTENTION, prefix, channels, channels);
  m->norm1 = norm(prefix, "norm", channels);
  m->qkv[0] = ddim_layer(prefix, "qkv", channels, 3 * channels, 1);
  m->qkv_order = b->config->use_new_attention_order ? DDIM_QKV_BY_KIND : DDIM_QKV_BY_HEAD;
  m->proj = ddim_layer(prefix, "proj_out", channels, channels, 1);
  m->heads = head_channels ? channels / head_channels : heads;
}

/* Downsample, Upsample, or a ResBlock with down or up set. */
static void
add_resampling(const Builder *b, DdimStage *stage, const char *prefix, gboolean up)
{
  const guint channels = stage->out;
  if (b->config->resblock_updown) {
    DdimModule *m = add_res(b, stage, prefix, channels, channels);
    m->resample = up ? DDIM_RESAMPLE_UP : DDIM_RESAMPLE_DOWN;
    return;
  }
  DdimModule *m = ddim_stage_add_module(stage, up ? DDIM_MODULE_UP : DDIM_MODULE_DOWN, prefix,
                                        channels, channels);
  if (b->config->conv_resample)
    m->conv1 = ddim_layer(prefix, up ? "conv" : "op", channels, channels, 3);
}

/* The name of the next module of block @index of @list. (transfer full) */
static char *
next_prefix(const DdimStage *stage, const char *list, guint index)
{
  return g_strdup_printf("%s.%u.%u", list, index, stage->modules->len);
}

static void
add_block(const Builder *b, DdimStage *stage, const char *list, guint index, guint level, guint in,
          guint heads)
{
  g_autofree char *res = next_prefix(stage, list, index);
  add_res(b, stage, res, in, b->config->level_channels[level]);
  if (!b->config->level_attention[level])
    return;
  g_autofree char *attention = next_prefix(stage, list, index);
  add_attention(b, stage, attention, heads);
}

static void
add_input_blocks(const Builder *b)
{
  const DdimUNetConfig *config = b->config;
  guint channels = config->level_channels[0], index = 1;
  DdimStage *stage =
      ddim_architecture_add_stage(b->architecture, DDIM_STAGE_INPUT, config->in_channels);
  DdimModule *first = ddim_stage_add_module(stage, DDIM_MODULE_CONV_IN, "input_blocks.0.0",
                                            config->in_channels, channels);
  first->conv1 = ddim_layer("input_blocks.0.0", NULL, config->in_channels, channels, 3);
  for (guint level = 0; level < config->n_levels; level++) {
    for (guint i = 0; i < config->num_res_blocks; i++, index++) {
      stage = ddim_architecture_add_stage(b->architecture, DDIM_STAGE_INPUT, channels);
      add_block(b, stage, "input_blocks", index, level, channels, config->num_heads);
      channels = stage->out;
    }
    if (level + 1 < config->n_levels) {
      stage = ddim_architecture_add_stage(b->architecture, DDIM_STAGE_INPUT, channels);
      g_autofree char *prefix = next_prefix(stage, "input_blocks", index++);
      add_resampling(b, stage, prefix, FALSE);
    }
  }
}

static void
add_middle_block(const Builder *b)
{
  const guint channels = b->config->level_channels[b->config->n_levels - 1];
  DdimStage *stage = ddim_architecture_add_stage(b->architecture, DDIM_STAGE_MIDDLE, channels);
  add_res(b, stage, "middle_block.0", channels, channels);
  add_attention(b, stage, "middle_block.1", b->config->num_heads);
  add_res(b, stage, "middle_block.2", channels, channels);
}

static void
add_output_blocks(const Builder *b)
{
  const DdimUNetConfig *config = b->config;
  GPtrArray *stages = b->architecture->stages;
  guint channels = config->level_channels[config->n_levels - 1];
  guint skip = stages->len - 1, index = 0; /* the first is read by the stage behind the middle's */
  for (guint level = config->n_levels; level-- > 0;) {
    for (guint i = 0; i <= config->num_res_blocks; i++, index++) {
      DdimStage *stage = ddim_architecture_add_stage(b->architecture, DDIM_STAGE_OUTPUT, channels);
      stage->skip = --skip;
      const DdimStage *from = stages->pdata[skip];
      add_block(b, stage, "output_blocks", index, level, channels + from->out,
                config->num_heads_upsample);
      if (level > 0 && i == config->num_res_blocks) {
        g_autofree char *prefix = next_prefix(stage, "output_blocks", index);
        add_resampling(b, stage, prefix, TRUE);
      }
      channels = stage->out;
    }
  }
}

/* The channels and the embedding, which a UNet and an encoder have in common. */
static void
set_ends(const Builder *b)
{
  const DdimUNetConfig *config = b->config;
  DdimArchitecture *architecture = b->architecture;
  const guint channels = config->model_channels;
  architecture->in_channels = config->in_channels;
  architecture->out_channels = config->out_channels;
  architecture->low_res_channels = config->super_res ? config->in_channels / 2 : 0;
  architecture->embedding =
      (DdimEmbedding){.channels = channels,
                      .max_period = MAX_PERIOD,
                      .first = ddim_layer("time_embed.0", NULL, channels, 4 * channels, 1),
                      .second = ddim_layer("time_embed.2", NULL, 4 * channels, 4 * channels, 1),
                      .label_table = config->num_classes ? g_strdup("label_emb") : NULL,
                      .n_classes = config->num_classes};
}

DdimArchitecture *
ddim_unetmodel_architecture_new(const DdimUNetConfig *config)
{
  DdimArchitecture *architecture = ddim_architecture_new();
  const Builder b = {config, architecture};
  set_ends(&b);
  add_input_blocks(&b);
  add_middle_block(&b);
  add_output_blocks(&b);
  architecture->out_norm = norm("out.0", NULL, config->level_channels[0]);
  architecture->out_conv =
      ddim_layer("out.2", NULL, config->level_channels[0], config->out_channels, 3);
  return architecture;
}

guint
ddim_encoder_count_features(const DdimUNetConfig *config)
{
  guint sum = config->level_channels[0]; /* input_blocks.0 */
  for (guint level = 0; level < config->n_levels; level++) {
    const gboolean inner = level + 1 < config->n_levels;
    sum += (config->num_res_blocks + (inner ? 1 : 0)) * config->level_channels[level];
  }
  return sum + config->level_channels[config->n_levels - 1]; /* middle_block */
}

/* The spatial pools, which read the means of all blocks. */
static void
set_spatial_pool(const DdimUNetConfig *config, DdimPool *pool)
{
  const gboolean normed = pool->type == DDIM_POOL_SPATIAL_V2;
  const guint features = ddim_encoder_count_features(config), hidden = config->pool_hidden;
  pool->first = ddim_layer("out.0", NULL, features, hidden, 1);
  if (normed)
    pool->norm = norm("out.1", NULL, hidden);
  pool->last = ddim_layer(normed ? "out.3" : "out.2", NULL, hidden, config->out_channels, 1);
}

/* AdaptiveAvgPool2d, or AttentionPool2d. */
static void
set_pool(const DdimUNetConfig *config, DdimPool *pool)
{
  const guint channels = config->level_channels[config->n_levels - 1];
  pool->type = config->pool;
  if (pool->type == DDIM_POOL_SPATIAL || pool->type == DDIM_POOL_SPATIAL_V2) {
    set_spatial_pool(config, pool);
    return;
  }
  pool->norm = norm("out.0", NULL, channels);
  if (pool->type == DDIM_POOL_ADAPTIVE) {
    pool->last = ddim_layer("out.3", NULL, channels, config->out_channels, 1);
    return;
  }
  pool->table = g_strdup(DDIM_ENCODER_TABLE);
  pool->positions = config->pool_positions;
  pool->first = ddim_layer("out.2.qkv_proj", NULL, channels, 3 * channels, 1);
  pool->last = ddim_layer("out.2.c_proj", NULL, channels, config->out_channels, 1);
  pool->heads = channels / config->num_head_channels;
}

DdimArchitecture *
ddim_encoder_architecture_new(const DdimUNetConfig *config)
{
  DdimArchitecture *architecture = ddim_architecture_new();
  const Builder b = {config, architecture};
  set_ends(&b);
  add_input_blocks(&b);
  add_middle_block(&b);
  set_pool(config, &architecture->pool);
  return architecture;
}
