/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the shapes of the weights tell: the arguments of UNetModel (improved_diffusion/unet.py) read
 * back from what its constructor made of them. */

#include "core/model/config-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"

#define MAX_CHANNELS 65535
#define MAX_CLASSES (1 << 24)
#define MAX_BLOCKS 1000
#define NORM_GROUPS 32

typedef struct {
  DdimCheckpoint *checkpoint;
  DdimShapes *shapes;
  DdimUNetConfig *unet;
  GStringChunk *chunk;
  GHashTable *modules; /* every module's name, down to four parts: "input_blocks.3.0.op" */
  guint n_blocks;      /* input blocks, as many as output blocks */
  guint period;        /* blocks per level: num_res_blocks + 1 */
  GError **error;
} Inference;

static void
scan_modules(Inference *inference)
{
  guint n = ddim_checkpoint_get_n_tensors(inference->checkpoint);

  for (guint i = 0; i < n; i++) {
    const char *name = ddim_checkpoint_get_tensor(inference->checkpoint, i)->name;
    const char *dot = name;
    if (!ddim_layout_is_ours(name))
      continue;
    for (guint parts = 0; parts < 4 && (dot = strchr(dot, '.')); parts++, dot++) {
      g_autofree char *module = g_strndup(name, dot - name);
      if (!g_hash_table_contains(inference->modules, module))
        g_hash_table_add(inference->modules, g_string_chunk_insert(inference->chunk, module));
    }
  }
}

G_GNUC_PRINTF(2, 3)
static gboolean
has(const Inference *inference, const char *format, ...)
{
  g_autofree char *module = NULL;
  va_list args;

  va_start(args, format);
  module = g_strdup_vprintf(format, args);
  va_end(args);
  return g_hash_table_contains(inference->modules, module);
}

static gboolean
has_attention(const Inference *inference, const char *list, guint index)
{
  return has(inference, "%s.%u.1.qkv", list, index) ||
         has(inference, "%s.%u.1.norm", list, index) ||
         has(inference, "%s.%u.1.proj_out", list, index);
}

static void
set_told(Inference *inference, DdimKey key, char *value, char *evidence)
{
  g_free(inference->shapes->told[key]);
  g_free(inference->shapes->evidence[key]);
  inference->shapes->told[key] = value;
  inference->shapes->evidence[key] = evidence;
}

static void
tell_bool(Inference *inference, DdimKey key, gboolean value, char *evidence)
{
  set_told(inference, key, g_strdup(value ? "True" : "False"), evidence);
}

static void
tell_number(Inference *inference, DdimKey key, guint value, char *evidence)
{
  set_told(inference, key, g_strdup_printf("%u", value), evidence);
}

static char *
describe(const DdimTensor *tensor)
{
  g_autofree char *shape = ddim_tensor_shape_to_string(tensor);

  return g_strdup_printf(_("%s is %s"), tensor->name, shape);
}

/* A tensor whose shape tells something: it must have @n_dims dimensions of a sane size. */
static const DdimTensor *
need(Inference *inference, const char *name, guint n_dims)
{
  const DdimTensor *tensor = ddim_checkpoint_lookup(inference->checkpoint, name);
  gboolean sane = tensor && tensor->n_dims == n_dims;

  if (!tensor) {
    g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND, _("“%s” has no tensor “%s”"),
                ddim_checkpoint_get_path(inference->checkpoint), name);
    return NULL;
  }
  for (guint i = 0; sane && i < n_dims; i++)
    sane = tensor->shape[i] > 0 && tensor->shape[i] <= MAX_CLASSES;
  if (!sane) {
    g_autofree char *text = describe(tensor);
    g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                _("%s, expected %u dimensions between 1 and %d"), text, n_dims, MAX_CLASSES);
    return NULL;
  }
  return tensor;
}

static gboolean
check_channels(Inference *inference, const DdimTensor *tensor, gsize channels)
{
  g_autofree char *text = NULL;

  if (channels <= MAX_CHANNELS && channels % NORM_GROUPS == 0)
    return TRUE;
  text = describe(tensor);
  g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
              _("%s: the channels of a level must be a multiple of %d, at most %d (GroupNorm)"),
              text, NORM_GROUPS, MAX_CHANNELS);
  return FALSE;
}

/* The length of input_blocks and of output_blocks, which are equally long. A block has several
 * tensors, so that there cannot be more blocks than tensors. */
static guint
count_blocks(const Inference *inference)
{
  guint limit = MIN(MAX_BLOCKS, ddim_checkpoint_get_n_tensors(inference->checkpoint));
  guint n = 0;

  for (guint i = 0; i < limit; i++)
    if (has(inference, "input_blocks.%u", i) || has(inference, "output_blocks.%u", i))
      n = i + 1;
  return n;
}

static gboolean
is_upsampler(const Inference *inference, guint block, const char *kind)
{
  return has(inference, "output_blocks.%u.1.%s", block, kind) ||
         has(inference, "output_blocks.%u.2.%s", block, kind);
}

/* Where a level ends: at the first input block that is a downsampling convolution or, without
 * weights, missing; the same number of output blocks ends with the first upsampler. A residual
 * block that downsamples looks like any other, so there only the output side tells. */
static void
find_period(Inference *inference)
{
  DdimUNetConfig *unet = inference->unet;
  guint down = G_MAXUINT, gap = G_MAXUINT, up = G_MAXUINT, block_up = G_MAXUINT;

  for (guint i = inference->n_blocks; i-- > 0;) {
    if (i > 0 && has(inference, "input_blocks.%u.0.op", i))
      down = i;
    if (i > 0 && !has(inference, "input_blocks.%u", i))
      gap = i;
    if (is_upsampler(inference, i, "conv"))
      up = i + 1;
    if (is_upsampler(inference, i, "in_layers"))
      block_up = i + 1;
  }
  unet->resblock_updown = block_up != G_MAXUINT && down == G_MAXUINT;
  unet->conv_resample = MIN(down, up) != G_MAXUINT || unet->resblock_updown || gap == G_MAXUINT;
  if (unet->resblock_updown)
    inference->period = block_up;
  else if (MIN(down, up) != G_MAXUINT)
    inference->period = MIN(down, up);
  else
    inference->period = MIN(gap, inference->n_blocks);
}

static void
tell_resampling(Inference *inference)
{
  const DdimUNetConfig *unet = inference->unet;
  guint down = inference->period, up = inference->period - 1;
  char *evidence;

  if (unet->n_levels == 1)
    return; /* nothing is resampled */
  if (unet->resblock_updown)
    evidence = g_strdup_printf(_("the last layer of output_blocks.%u is a residual block"), up);
  else if (unet->conv_resample)
    evidence = g_strdup_printf(_("input_blocks.%u is a convolution"), down);
  else
    evidence = g_strdup_printf(_("there is no input_blocks.%u"), down);
  tell_bool(inference, DDIM_KEY_RESBLOCK_UPDOWN, unet->resblock_updown, g_strdup(evidence));
  if (!unet->resblock_updown)
    tell_bool(inference, DDIM_KEY_CONV_RESAMPLE, unet->conv_resample, g_strdup(evidence));
  g_free(evidence);
}

static gboolean
infer_structure(Inference *inference)
{
  DdimUNetConfig *unet = inference->unet;

  inference->n_blocks = count_blocks(inference);
  if (inference->n_blocks < 2) {
    need(inference, "input_blocks.1.0.in_layers.2.weight", 4);
    return FALSE;
  }
  find_period(inference);
  unet->num_res_blocks = inference->period - 1;
  unet->n_levels = (inference->n_blocks + inference->period - 1) / inference->period;
  if (unet->num_res_blocks == 0 || unet->n_levels > DDIM_MAX_LEVELS) {
    g_set_error(
        inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
        _("%u blocks in %u levels: supported are up to %d levels of at least one residual block"),
        inference->n_blocks, unet->n_levels, DDIM_MAX_LEVELS);
    return FALSE;
  }
  tell_number(inference, DDIM_KEY_NUM_RES_BLOCKS, unet->num_res_blocks,
              g_strdup_printf(_("there are %u input_blocks in %u levels"), inference->n_blocks,
                              unet->n_levels));
  tell_resampling(inference);
  return TRUE;
}

static gboolean
level_has_attention(const Inference *inference, guint level)
{
  guint n_levels = inference->unet->n_levels;

  for (guint i = 0; i < inference->period; i++) {
    guint in = 1 + level * inference->period + i;
    guint out = (n_levels - 1 - level) * inference->period + i;
    if ((i + 1 < inference->period && has_attention(inference, "input_blocks", in)) ||
        has_attention(inference, "output_blocks", out))
      return TRUE;
  }
  return FALSE;
}

static gboolean
infer_levels(Inference *inference)
{
  DdimUNetConfig *unet = inference->unet;
  g_autoptr(GString) channels = g_string_new(NULL);
  g_autoptr(GString) mult = g_string_new(NULL);

  for (guint level = 0; level < unet->n_levels; level++) {
    char factor[G_ASCII_DTOSTR_BUF_SIZE];
    g_autofree char *name =
        g_strdup_printf("input_blocks.%u.0.in_layers.2.weight", 1 + level * inference->period);
    const DdimTensor *tensor = need(inference, name, 4);
    if (!tensor || !check_channels(inference, tensor, tensor->shape[0]))
      return FALSE;
    unet->level_channels[level] = tensor->shape[0];
    unet->level_attention[level] = level_has_attention(inference, level);
    g_ascii_formatd(factor, sizeof factor, "%.9g",
                    (double)unet->level_channels[level] / unet->model_channels);
    g_string_append_printf(mult, "%s%s", level ? "," : "", factor);
    g_string_append_printf(channels, "%s%u", level ? ", " : "", unet->level_channels[level]);
  }
  set_told(inference, DDIM_KEY_CHANNEL_MULT, g_strdup(mult->str),
           g_strdup_printf(_("the levels have %s channels"), channels->str));
  return TRUE;
}

static gboolean
infer_embeddings(Inference *inference)
{
  DdimUNetConfig *unet = inference->unet;
  const DdimTensor *time = need(inference, "time_embed.0.weight", 2);

  if (!time)
    return FALSE;
  if (time->shape[1] > MAX_CHANNELS || time->shape[1] % 2) {
    g_autofree char *text = describe(time);
    g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s: the channels of the time embedding must be even and at most %d"), text,
                MAX_CHANNELS);
    return FALSE;
  }
  unet->model_channels = time->shape[1];
  tell_number(inference, DDIM_KEY_NUM_CHANNELS, unet->model_channels, describe(time));

  if (has(inference, "label_emb")) {
    const DdimTensor *label = need(inference, "label_emb.weight", 2);
    if (!label)
      return FALSE;
    unet->num_classes = label->shape[0];
    tell_bool(inference, DDIM_KEY_CLASS_COND, TRUE, describe(label));
    tell_number(inference, DDIM_KEY_NUM_CLASSES, unet->num_classes, describe(label));
  } else {
    tell_bool(inference, DDIM_KEY_CLASS_COND, FALSE, g_strdup(_("there is no label_emb.weight")));
    tell_number(inference, DDIM_KEY_NUM_CLASSES, 0, g_strdup(_("there is no label_emb.weight")));
  }
  return TRUE;
}

static gboolean
infer_scale_shift(Inference *inference)
{
  DdimUNetConfig *unet = inference->unet;
  const DdimTensor *emb = need(inference, "input_blocks.1.0.emb_layers.1.weight", 2);

  if (!emb)
    return FALSE;
  unet->use_scale_shift_norm = emb->shape[0] == 2 * (gsize)unet->level_channels[0];
  tell_bool(inference, DDIM_KEY_USE_SCALE_SHIFT_NORM, unet->use_scale_shift_norm, describe(emb));
  return TRUE;
}

/* in_channels = C, or 2C in a super-resolution model; out_channels = C, or 2C with learned sigma; C
 * from 1 to 4. */
static gboolean
infer_channels(Inference *inference, gboolean prefer_super_res)
{
  DdimShapes *shapes = inference->shapes;
  DdimUNetConfig *unet = inference->unet;
  const DdimTensor *in = need(inference, "input_blocks.0.0.weight", 4);
  const DdimTensor *out = in ? need(inference, "out.2.weight", 4) : NULL;

  if (!out)
    return FALSE;
  for (guint channels = 1; channels <= 4; channels++) {
    gboolean super_res = in->shape[1] == 2 * channels;
    gboolean learn_sigma = out->shape[0] == 2 * channels;
    if ((!super_res && in->shape[1] != channels) || (!learn_sigma && out->shape[0] != channels))
      continue;
    /* Equal numbers mean a plain model or a super-resolution one with learned sigma, of half the
     * channels. */
    if (shapes->image_channels && shapes->unet.super_res && prefer_super_res)
      continue;
    shapes->image_channels = channels;
    shapes->learn_sigma = learn_sigma;
    unet->super_res = super_res;
  }
  unet->in_channels = in->shape[1];
  unet->out_channels = out->shape[0];
  if (!shapes->image_channels) {
    g_autofree char *in_text = describe(in), *out_text = describe(out);
    g_set_error(inference->error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s and %s: no model of images with 1 to 4 channels"), in_text, out_text);
    return FALSE;
  }
  tell_number(inference, DDIM_KEY_IN_CHANNELS, shapes->image_channels, describe(in));
  tell_number(inference, DDIM_KEY_OUT_CHANNELS, unet->out_channels, describe(out));
  tell_bool(inference, DDIM_KEY_LEARN_SIGMA, shapes->learn_sigma, describe(out));
  return TRUE;
}

DdimShapes *
ddim_shapes_new(DdimCheckpoint *checkpoint, gboolean prefer_super_res, GError **error)
{
  g_autoptr(DdimShapes) shapes = NULL;
  g_autoptr(GHashTable) modules = g_hash_table_new(g_str_hash, g_str_equal);
  gboolean good;

  shapes = g_new0(DdimShapes, 1);
  shapes->extra = g_ptr_array_new_with_free_func(g_free);
  Inference inference = {.checkpoint = checkpoint,
                         .shapes = shapes,
                         .unet = &shapes->unet,
                         .chunk = g_string_chunk_new(4096),
                         .modules = modules,
                         .error = error};
  scan_modules(&inference);
  good = infer_embeddings(&inference) && infer_structure(&inference) && infer_levels(&inference) &&
         infer_scale_shift(&inference) && infer_channels(&inference, prefer_super_res) &&
         ddim_shapes_verify(checkpoint, &shapes->unet, shapes->extra, error);
  g_string_chunk_free(inference.chunk);
  return good ? g_steal_pointer(&shapes) : NULL;
}

void
ddim_shapes_free(DdimShapes *shapes)
{
  if (!shapes)
    return;
  for (guint i = 0; i < DDIM_N_KEYS; i++) {
    g_free(shapes->told[i]);
    g_free(shapes->evidence[i]);
  }
  g_ptr_array_unref(shapes->extra);
  g_free(shapes);
}
