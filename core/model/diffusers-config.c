/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The fields of UNet2DModel's config.json, which are the arguments of its __init__
 * (diffusers/models/unets/unet_2d.py). */

#include "core/model/diffusers.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/json.h"
#include "core/model/json-fields.h"

#define ORIGIN "config.json"
#define MAX_LAYERS 100
#define MAX_CLASSES (1 << 24)

static void G_GNUC_PRINTF(4, 5)
    fail(DdimJsonFields *f, int code, const char *name, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  g_autofree char *what = g_strdup_vprintf(format, args);
  va_end(args);
  ddim_json_fields_fail(f, code, name, what);
}

/* Refuse a text other than @one and @other. */
static void
expect_text(DdimJsonFields *f, const char *name, const char *value, const char *one,
            const char *other)
{
  if (g_strcmp0(value, one) == 0 || g_strcmp0(value, other) == 0)
    return;
  fail(f, DDIM_ERROR_UNSUPPORTED, name, _("%s is not supported; supported is %s%s%s"),
       value ? value : "null", one, other ? ", " : "", other ? other : "");
}

/* Which attention a level has, and how it ends. */
typedef struct {
  const char *name;
  gboolean attention;
  gboolean own_end; /* the field downsample_type or upsample_type decides */
  DdimBlockEnd end; /* else this */
} BlockType;

static const BlockType down_types[] = {
    {"DownBlock2D", FALSE, FALSE, DDIM_BLOCK_END_CONV},
    {"ResnetDownsampleBlock2D", FALSE, FALSE, DDIM_BLOCK_END_RES},
    {"AttnDownBlock2D", TRUE, TRUE, DDIM_BLOCK_END_CONV},
};
static const BlockType up_types[] = {
    {"UpBlock2D", FALSE, FALSE, DDIM_BLOCK_END_CONV},
    {"ResnetUpsampleBlock2D", FALSE, FALSE, DDIM_BLOCK_END_RES},
    {"AttnUpBlock2D", TRUE, TRUE, DDIM_BLOCK_END_CONV},
};

static const BlockType *
find_type(DdimJsonFields *f, const char *field, const BlockType *types, const char *name)
{
  /* The first models have this in front of the names. */
  const char *plain = g_str_has_prefix(name, "UNetRes") ? name + strlen("UNetRes") : name;

  for (guint i = 0; i < 3; i++)
    if (g_str_equal(types[i].name, plain))
      return &types[i];
  fail(f, DDIM_ERROR_UNSUPPORTED, field,
       _("the block type %s is not supported; supported are %s, "
         "%s, %s"),
       name, types[0].name, types[1].name, types[2].name);
  return &types[0];
}

/* The types of all levels, as the field lists them. */
static void
read_types(DdimJsonFields *f, const char *field, const BlockType *types,
           const char *const *fallback, guint n_levels, const BlockType **chosen)
{
  const char *names[DDIM_MAX_LEVELS] = {fallback[0], fallback[1], fallback[2], fallback[3]};
  const guint stated = ddim_json_fields_get_texts(f, field, DDIM_MAX_LEVELS, names);
  const guint n = stated ? stated : 4;

  if (n != n_levels)
    fail(f, DDIM_ERROR_FORMAT, field, _("%u block types for %u block_out_channels"), n, n_levels);
  for (guint i = 0; i < MIN(n, n_levels); i++)
    chosen[i] = find_type(f, field, types, names[i]);
}

static DdimBlockEnd
read_end(DdimJsonFields *f, const char *field)
{
  const char *type = ddim_json_fields_get_text(f, field, "conv");

  expect_text(f, field, type, "conv", "resnet");
  return g_strcmp0(type, "resnet") == 0 ? DDIM_BLOCK_END_RES : DDIM_BLOCK_END_CONV;
}

static void
read_levels(DdimJsonFields *f, DdimBlockUNet *unet)
{
  static const char *const down[] = {"DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D",
                                     "AttnDownBlock2D"};
  static const char *const up[] = {"AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"};
  guint channels[DDIM_MAX_LEVELS] = {224, 448, 672, 896};
  const BlockType *downs[DDIM_MAX_LEVELS] = {NULL}, *ups[DDIM_MAX_LEVELS] = {NULL};
  const guint stated = ddim_json_fields_get_uints(f, "block_out_channels", DDIM_MAX_LEVELS,
                                                  DDIM_MAX_CHANNELS, channels);
  const DdimBlockEnd down_end = read_end(f, "downsample_type");
  const DdimBlockEnd up_end = read_end(f, "upsample_type");
  const guint n = stated ? stated : 4;

  read_types(f, "down_block_types", down_types, down, n, downs);
  read_types(f, "up_block_types", up_types, up, n, ups);
  unet->n_levels = n;
  for (guint i = 0; i < n && !f->error; i++) {
    const BlockType *to = ups[n - 1 - i]; /* up_block_types begins with the innermost level */
    unet->levels[i] = (DdimBlockLevel){.channels = channels[i],
                                       .down_attention = downs[i]->attention,
                                       .up_attention = to->attention,
                                       .down_end = downs[i]->own_end ? down_end : downs[i]->end,
                                       .up_end = to->own_end ? up_end : to->end};
  }
}

static void
check_channels(DdimJsonFields *f, const DdimBlockUNet *unet)
{
  for (guint i = 0; i < unet->n_levels && !f->error; i++) {
    const DdimBlockLevel *level = &unet->levels[i];
    const guint channels = level->channels;
    const gboolean middle = i + 1 == unet->n_levels && unet->has_middle && unet->middle_attention;
    const gboolean attention = level->down_attention || level->up_attention || middle;
    if (channels % unet->groups)
      fail(f, DDIM_ERROR_FORMAT, "norm_num_groups", _("%u does not divide %u channels"),
           unet->groups, channels);
    if (attention && unet->head_channels && channels % unet->head_channels)
      fail(f, DDIM_ERROR_UNSUPPORTED, "attention_head_dim", _("%u does not divide %u channels"),
           unet->head_channels, channels);
    if (middle && unet->middle_groups && channels % unet->middle_groups)
      fail(f, DDIM_ERROR_FORMAT, "attn_norm_num_groups", _("%u does not divide %u channels"),
           unet->middle_groups, channels);
  }
}

static void
read_middle(DdimJsonFields *f, DdimBlockUNet *unet)
{
  const char *type = ddim_json_fields_get_text(f, "mid_block_type", "UNetMidBlock2D");
  const guint groups =
      ddim_json_fields_get_optional(f, "attn_norm_num_groups", DDIM_MAX_CHANNELS, 0);

  if (type)
    expect_text(f, "mid_block_type", type, "UNetMidBlock2D", NULL);
  unet->has_middle = type != NULL;
  unet->middle_attention = ddim_json_fields_get_boolean(f, "add_attention", TRUE);
  unet->middle_groups = groups ? groups : unet->scale_shift ? 0 : unet->groups;
  if (ddim_json_fields_get_double(f, "mid_block_scale_factor", -G_MAXDOUBLE, G_MAXDOUBLE, 1) != 1)
    fail(f, DDIM_ERROR_UNSUPPORTED, "mid_block_scale_factor", _("only 1 is supported"));
}

static void
read_blocks(DdimJsonFields *f, DdimBlockUNet *unet)
{
  const char *act = ddim_json_fields_get_text(f, "act_fn", "silu");
  const char *shift = ddim_json_fields_get_text(f, "resnet_time_scale_shift", "default");

  expect_text(f, "act_fn", act, "silu", "swish");
  expect_text(f, "resnet_time_scale_shift", shift, "default", "scale_shift");
  unet->scale_shift = g_strcmp0(shift, "scale_shift") == 0;
  unet->num_res_blocks = ddim_json_fields_get_uint(f, "layers_per_block", 1, MAX_LAYERS, 2);
  unet->groups = ddim_json_fields_get_uint(f, "norm_num_groups", 1, DDIM_MAX_CHANNELS, 32);
  unet->eps = (float)ddim_json_fields_get_double(f, "norm_eps", 0, 1, 1e-5);
  unet->head_channels =
      ddim_json_fields_get_optional(f, "attention_head_dim", DDIM_MAX_CHANNELS, 8);
  unet->padding = ddim_json_fields_get_uint(f, "downsample_padding", 0, 1, 1)
                      ? DDIM_PADDING_SAME
                      : DDIM_PADDING_RIGHT_BOTTOM;
  ddim_json_fields_ignore(f, "dropout");
}

static void
read_time(DdimJsonFields *f, DdimBlockUNet *unet)
{
  const guint channels = unet->levels[0].channels;
  const guint width = ddim_json_fields_get_optional(f, "time_embedding_dim", DDIM_MAX_CHANNELS, 0);

  expect_text(f, "time_embedding_type",
              ddim_json_fields_get_text(f, "time_embedding_type", "positional"), "positional",
              NULL);
  unet->first_channels = unet->time_channels = channels;
  unet->time_width = width ? width : 4 * channels;
  unet->frequency_shift = ddim_json_fields_get_double(f, "freq_shift", -1000, 1000, 0);
  unet->sine_first = !ddim_json_fields_get_boolean(f, "flip_sin_to_cos", TRUE);
  if (fabs(channels / 2 - unet->frequency_shift) < 1e-6)
    fail(f, DDIM_ERROR_FORMAT, "freq_shift", _("it leaves no frequencies of %u channels"),
         channels);
  ddim_json_fields_ignore(f, "num_train_timesteps");
}

static void
read_classes(DdimJsonFields *f, DdimUNet2DConfig *config)
{
  const char *type = ddim_json_fields_get_text(f, "class_embed_type", NULL);
  const guint n = ddim_json_fields_get_optional(f, "num_class_embeds", MAX_CLASSES, 0);

  if (g_strcmp0(type, "identity") == 0)
    fail(
        f, DDIM_ERROR_UNSUPPORTED, "class_embed_type",
        _("identity takes a vector for each image in place of a class, and nothing here gives one; "
          "supported are timestep, and num_class_embeds without this field"));
  else if (type)
    expect_text(f, "class_embed_type", type, "timestep", NULL);
  config->numbered_classes = config->unet.label_layers = type != NULL;
  config->unet.num_classes = n ? n : type ? DDIM_NUMBERED_CLASSES : 0;
}

/* A number, or [height, width], or null. */
static void
read_size(DdimJsonFields *f, DdimUNet2DConfig *config)
{
  JsonNode *node = json_object_get_member(f->object, "sample_size");
  guint size[2] = {0};

  if (!node || !JSON_NODE_HOLDS_ARRAY(node)) {
    config->sample_height = config->sample_width =
        ddim_json_fields_get_optional(f, "sample_size", 1 << 16, 0);
    return;
  }
  if (ddim_json_fields_get_uints(f, "sample_size", 2, 1 << 16, size) == 1)
    size[1] = size[0];
  config->sample_height = size[0];
  config->sample_width = size[1];
}

static void
read_images(DdimJsonFields *f, DdimUNet2DConfig *config)
{
  DdimBlockUNet *unet = &config->unet;

  read_size(f, config);
  unet->in_channels = ddim_json_fields_get_uint(f, "in_channels", 1, DDIM_MAX_CHANNELS, 3);
  unet->out_channels = ddim_json_fields_get_uint(f, "out_channels", 1, DDIM_MAX_CHANNELS, 3);
  unet->centers_input = ddim_json_fields_get_boolean(f, "center_input_sample", FALSE);
  if (unet->in_channels > 4)
    fail(f, DDIM_ERROR_UNSUPPORTED, "in_channels",
         _("%u channels are no image; supported are 1 to 4"), unet->in_channels);
  else if (unet->out_channels != unet->in_channels && unet->out_channels != 2 * unet->in_channels)
    fail(f, DDIM_ERROR_UNSUPPORTED, "out_channels",
         _("%u channels for images of %u; supported are %u, and %u with a learned variance"),
         unet->out_channels, unet->in_channels, unet->in_channels, 2 * unet->in_channels);
}

gboolean
ddim_unet2d_config_parse(const char *text, gsize length, DdimUNet2DConfig *config, GError **error)
{
  g_autoptr(JsonNode) root = ddim_json_parse(text, length, ORIGIN, error);
  g_auto(DdimJsonFields) f = {0};

  *config = (DdimUNet2DConfig){0};
  if (!root)
    return FALSE;
  if (!JSON_NODE_HOLDS_OBJECT(root)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: expected a JSON object"), ORIGIN);
    return FALSE;
  }
  ddim_json_fields_init(&f, json_node_get_object(root), ORIGIN);
  expect_text(&f, "_class_name", ddim_json_fields_get_text(&f, "_class_name", "UNet2DModel"),
              "UNet2DModel", NULL);
  read_images(&f, config);
  read_blocks(&f, &config->unet);
  read_middle(&f, &config->unet);
  read_levels(&f, &config->unet);
  read_time(&f, &config->unet);
  read_classes(&f, config);
  ddim_json_fields_refuse_others(&f);
  if (!f.error)
    check_channels(&f, &config->unet);
  if (!f.error)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&f.error));
  return FALSE;
}
