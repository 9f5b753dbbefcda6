/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Every tensor of an architecture, in the order of UNetModel.__init__ (improved_diffusion/unet.py).
 */

#include "core/model/config-private.h"

#include <glib/gi18n-lib.h>
#include <stdarg.h>
#include "core/data/error.h"

typedef struct {
  DdimCheckpoint *checkpoint;
  const DdimUNetConfig *unet;
  GHashTable *seen; /* tensor names that the architecture has */
  GArray *skips;    /* channels of the input blocks, popped by the output blocks */
  guint channels;   /* of h at this point */
  GError **error;
} Walk;

static gboolean
require(Walk *walk, const char *module, const char *part, guint n_dims, const gsize *shape)
{
  g_autofree char *name = g_strconcat(module, ".", part, NULL);
  const DdimTensor *tensor =
      ddim_checkpoint_require(walk->checkpoint, name, n_dims, shape, walk->error);

  if (!tensor)
    return FALSE;
  if (tensor->dtype > DDIM_DTYPE_BF16) {
    g_set_error(walk->error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                _("%s holds %s numbers, expected floating point"), name,
                ddim_dtype_name(tensor->dtype));
    return FALSE;
  }
  g_hash_table_add(walk->seen, (gpointer)tensor->name);
  return TRUE;
}

static gboolean
conv(Walk *walk, const char *module, gsize out, gsize in, gsize kernel)
{
  gsize shape[] = {out, in, kernel, kernel};

  return require(walk, module, "weight", 4, shape) && require(walk, module, "bias", 1, &out);
}

static gboolean
linear(Walk *walk, const char *module, gsize out, gsize in)
{
  gsize shape[] = {out, in};

  return require(walk, module, "weight", 2, shape) && require(walk, module, "bias", 1, &out);
}

static gboolean
norm(Walk *walk, const char *module, gsize channels)
{
  return require(walk, module, "weight", 1, &channels) &&
         require(walk, module, "bias", 1, &channels);
}

static gboolean
res_block(Walk *walk, const char *block, gsize in, gsize out)
{
  gsize rows = walk->unet->use_scale_shift_norm ? 2 * out : out;
  g_autofree char *in_norm = g_strconcat(block, ".in_layers.0", NULL);
  g_autofree char *in_conv = g_strconcat(block, ".in_layers.2", NULL);
  g_autofree char *emb = g_strconcat(block, ".emb_layers.1", NULL);
  g_autofree char *out_norm = g_strconcat(block, ".out_layers.0", NULL);
  g_autofree char *out_conv = g_strconcat(block, ".out_layers.3", NULL);
  g_autofree char *skip = g_strconcat(block, ".skip_connection", NULL);

  walk->channels = out;
  return norm(walk, in_norm, in) && conv(walk, in_conv, out, in, 3) &&
         linear(walk, emb, rows, 4 * (gsize)walk->unet->model_channels) &&
         norm(walk, out_norm, out) && conv(walk, out_conv, out, out, 3) &&
         (in == out || conv(walk, skip, out, in, 1));
}

static gboolean
attention(Walk *walk, const char *block)
{
  gsize channels = walk->channels;
  g_autofree char *in_norm = g_strconcat(block, ".norm", NULL);
  g_autofree char *qkv = g_strconcat(block, ".qkv", NULL);
  g_autofree char *proj = g_strconcat(block, ".proj_out", NULL);

  /* Conv1d weights [3C, C, 1]; the trailing 1 counts as absent. */
  return norm(walk, in_norm, channels) && linear(walk, qkv, 3 * channels, channels) &&
         linear(walk, proj, channels, channels);
}

/* A down- or upsampling layer: a convolution, a residual block, or nothing that has weights. */
static gboolean
resample(Walk *walk, const char *layer, const char *conv_name)
{
  gsize channels = walk->channels;
  g_autofree char *name = g_strconcat(layer, ".", conv_name, NULL);

  if (walk->unet->resblock_updown)
    return res_block(walk, layer, channels, channels);
  return !walk->unet->conv_resample || conv(walk, name, channels, channels, 3);
}

static gboolean
block(Walk *walk, const char *list, guint index, guint level, gsize in)
{
  g_autofree char *first = g_strdup_printf("%s.%u.0", list, index);
  g_autofree char *second = g_strdup_printf("%s.%u.1", list, index);

  return res_block(walk, first, in, walk->unet->level_channels[level]) &&
         (!walk->unet->level_attention[level] || attention(walk, second));
}

static gboolean
input_blocks(Walk *walk)
{
  const DdimUNetConfig *unet = walk->unet;
  guint index = 1;

  walk->channels = unet->level_channels[0];
  if (!conv(walk, "input_blocks.0.0", walk->channels, unet->in_channels, 3))
    return FALSE;
  g_array_append_val(walk->skips, walk->channels);
  for (guint level = 0; level < unet->n_levels; level++) {
    for (guint i = 0; i < unet->num_res_blocks; i++, index++) {
      if (!block(walk, "input_blocks", index, level, walk->channels))
        return FALSE;
      g_array_append_val(walk->skips, walk->channels);
    }
    if (level + 1 < unet->n_levels) {
      g_autofree char *layer = g_strdup_printf("input_blocks.%u.0", index++);
      if (!resample(walk, layer, "op"))
        return FALSE;
      g_array_append_val(walk->skips, walk->channels);
    }
  }
  return TRUE;
}

static gboolean
output_blocks(Walk *walk)
{
  const DdimUNetConfig *unet = walk->unet;
  guint index = 0;

  for (guint level = unet->n_levels; level-- > 0;) {
    for (guint i = 0; i <= unet->num_res_blocks; i++, index++) {
      guint skip = g_array_index(walk->skips, guint, walk->skips->len - 1);
      g_array_set_size(walk->skips, walk->skips->len - 1);
      if (!block(walk, "output_blocks", index, level, (gsize)walk->channels + skip))
        return FALSE;
      if (level > 0 && i == unet->num_res_blocks) {
        guint position = unet->level_attention[level] ? 2 : 1;
        g_autofree char *layer = g_strdup_printf("output_blocks.%u.%u", index, position);
        if (!resample(walk, layer, "conv"))
          return FALSE;
      }
    }
  }
  return TRUE;
}

static gboolean
embeddings(Walk *walk)
{
  gsize channels = walk->unet->model_channels;
  gsize label_shape[] = {walk->unet->num_classes, 4 * channels};

  return linear(walk, "time_embed.0", 4 * channels, channels) &&
         linear(walk, "time_embed.2", 4 * channels, 4 * channels) &&
         (walk->unet->num_classes == 0 || require(walk, "label_emb", "weight", 2, label_shape));
}

static gboolean
walk_all(Walk *walk)
{
  if (!embeddings(walk) || !input_blocks(walk) ||
      !res_block(walk, "middle_block.0", walk->channels, walk->channels) ||
      !attention(walk, "middle_block.1") ||
      !res_block(walk, "middle_block.2", walk->channels, walk->channels) || !output_blocks(walk))
    return FALSE;
  return norm(walk, "out.0", walk->channels) &&
         conv(walk, "out.2", walk->unet->out_channels, walk->channels, 3);
}

gboolean
ddim_shapes_verify(DdimCheckpoint *checkpoint, const DdimUNetConfig *unet, GPtrArray *extra,
                   GError **error)
{
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  g_autoptr(GArray) skips = g_array_new(FALSE, FALSE, sizeof(guint));
  Walk walk = {
      .checkpoint = checkpoint, .unet = unet, .seen = seen, .skips = skips, .error = error};

  if (!walk_all(&walk))
    return FALSE;
  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const char *name = ddim_checkpoint_get_tensor(checkpoint, i)->name;
    if (g_hash_table_contains(seen, name))
      continue;
    /* Inside the UNet, a tensor that the architecture has no use for means another architecture. */
    if (ddim_layout_is_ours(name)) {
      g_set_error(
          error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
          _("the tensor %s belongs to no UNet of improved-diffusion with %u levels of %u blocks"),
          name, unet->n_levels, unet->num_res_blocks);
      return FALSE;
    }
    g_ptr_array_add(extra, g_strdup(name));
  }
  return TRUE;
}
