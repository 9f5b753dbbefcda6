/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Holding what a source says against what the weights say. */

#include "core/model/config-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* script_util.create_model(): attention where the image is downsampled by image_size // res for a
 * res in the list. */
static gboolean
list_has_level(const char *list, guint image_size, guint level)
{
  g_auto(GStrv) items = g_strsplit(list, ",", -1);

  for (guint i = 0; items[i]; i++) {
    guint64 res = g_ascii_strtoull(items[i], NULL, 10);
    if (res > 0 && image_size / res == 1u << level)
      return TRUE;
  }
  return FALSE;
}

static gboolean
attention_differs(const DdimUNetConfig *unet, const char *list, guint image_size)
{
  for (guint level = 0; level < unet->n_levels; level++)
    if (list_has_level(list, image_size, level) != !!unet->level_attention[level])
      return TRUE;
  return FALSE;
}

static gboolean
mult_differs(const DdimUNetConfig *unet, const char *list)
{
  g_auto(GStrv) items = g_strsplit(list, ",", -1);
  guint n = g_strv_length(items);

  if (n == 0) /* guided-diffusion's way to say: the one of image_size */
    return FALSE;
  if (n != unet->n_levels)
    return TRUE;
  for (guint level = 0; level < n; level++)
    if ((guint)(g_ascii_strtod(items[level], NULL) * unet->model_channels) !=
        unet->level_channels[level])
      return TRUE;
  return FALSE;
}

gboolean
ddim_shapes_contradict(const DdimShapes *shapes, DdimKey key, const char *value, guint image_size)
{
  const DdimUNetConfig *unet = &shapes->unet;

  switch (key) {
  case DDIM_KEY_ATTENTION_RESOLUTIONS:
    return image_size > 0 && attention_differs(unet, value, image_size);
  case DDIM_KEY_CHANNEL_MULT:
    return mult_differs(unet, value);
  case DDIM_KEY_LARGE_SIZE:
  case DDIM_KEY_SMALL_SIZE:
    return !unet->super_res;
  case DDIM_KEY_IN_CHANNELS: /* SuperResModel doubles what it is given; both ways of counting are
                                met */
    if (unet->super_res && g_ascii_strtoull(value, NULL, 10) == unet->in_channels)
      return FALSE;
    break;
  default:
    break;
  }
  return shapes->told[key] && !g_str_equal(shapes->told[key], value);
}

char *
ddim_shapes_attention_text(const DdimUNetConfig *unet, guint image_size)
{
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint level = 0; level < unet->n_levels; level++) {
    guint res = image_size >> level;
    if (!unet->level_attention[level])
      continue;
    if (res == 0 || image_size / res != 1u << level)
      return NULL;
    g_string_append_printf(text, "%s%u", text->len ? "," : "", res);
  }
  return attention_differs(unet, text->str, image_size) ? NULL : g_strdup(text->str);
}

static char *
explain_attention(const DdimUNetConfig *unet, guint image_size)
{
  g_autoptr(GString) levels = g_string_new(NULL);
  g_autofree char *text = ddim_shapes_attention_text(unet, image_size);

  for (guint level = 0; level < unet->n_levels; level++)
    if (unet->level_attention[level])
      g_string_append_printf(levels, "%s1/%u", levels->len ? ", " : "", 1u << level);
  if (levels->len == 0)
    return g_strdup(
        _("no level but the innermost block has attention weights (input_blocks.N.1.qkv.weight)"));
  if (!text)
    return g_strdup_printf(
        _("attention weights (input_blocks.N.1.qkv.weight) are at %s of the image's size"),
        levels->str);
  return g_strdup_printf(
      _("attention weights (input_blocks.N.1.qkv.weight) are at %s of the image's size %u, so "
        "attention_resolutions is %s"),
      levels->str, image_size, text);
}

char *
ddim_shapes_explain(const DdimShapes *shapes, DdimKey key, guint image_size)
{
  if (key == DDIM_KEY_ATTENTION_RESOLUTIONS)
    return explain_attention(&shapes->unet, image_size);
  if (key == DDIM_KEY_LARGE_SIZE || key == DDIM_KEY_SMALL_SIZE)
    return g_strdup_printf(_("%s, so this is no super-resolution model"),
                           shapes->evidence[DDIM_KEY_IN_CHANNELS]);
  return g_strdup_printf(_("%s, so %s is %s"), shapes->evidence[key], ddim_key_name(key),
                         shapes->told[key]);
}
