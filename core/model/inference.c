/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/inference.h"

#include <glib/gi18n-lib.h>
#include "core/data/error.h"

/* A table of classes is the largest thing that has one row for each of something. */
#define LARGEST_DIMENSION (1 << 24)
#define MOST_IMAGE_CHANNELS 4

DdimInference *
ddim_inference_new(void)
{
  return g_new0(DdimInference, 1);
}

void
ddim_inference_free(DdimInference *inference)
{
  if (!inference)
    return;
  for (guint key = 0; key < DDIM_N_KEYS; key++) {
    g_free(inference->values[key]);
    g_free(inference->evidence[key]);
  }
  g_free(inference->data);
  g_free(inference);
}

void
ddim_inference_set(DdimInference *inference, DdimKey key, char *value, char *evidence)
{
  g_free(inference->values[key]);
  g_free(inference->evidence[key]);
  inference->values[key] = value;
  inference->evidence[key] = evidence;
}

void
ddim_inference_set_bool(DdimInference *inference, DdimKey key, gboolean value, char *evidence)
{
  ddim_inference_set(inference, key, g_strdup(value ? "True" : "False"), evidence);
}

void
ddim_inference_set_number(DdimInference *inference, DdimKey key, guint value, char *evidence)
{
  ddim_inference_set(inference, key, g_strdup_printf("%u", value), evidence);
}

void
ddim_inference_set_channel_mult(DdimInference *inference)
{
  g_autoptr(GString) channels = g_string_new(NULL);
  GString *mult = g_string_new(NULL);

  for (guint level = 0; level < inference->n_levels; level++) {
    const guint count = inference->levels[level].channels;
    char factor[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd(factor, sizeof factor, "%.9g", (double)count / inference->base_channels);
    g_string_append_printf(mult, "%s%s", level ? "," : "", factor);
    g_string_append_printf(channels, "%s%u", level ? ", " : "", count);
  }
  ddim_inference_set(inference, DDIM_KEY_CHANNEL_MULT, g_string_free(mult, FALSE),
                     g_strdup_printf(_("the levels have %s channels"), channels->str));
}

void
ddim_inference_set_classes(DdimInference *inference, const DdimTensor *table, const char *name)
{
  char *evidence =
      table ? ddim_inference_describe(table) : g_strdup_printf(_("there is no %s"), name);

  inference->n_classes = table ? table->shape[0] : 0;
  ddim_inference_set_bool(inference, DDIM_KEY_CLASS_COND, table != NULL, g_strdup(evidence));
  ddim_inference_set_number(inference, DDIM_KEY_NUM_CLASSES, inference->n_classes, evidence);
}

gboolean
ddim_inference_set_channels(DdimInference *inference, const DdimTensor *first,
                            const DdimTensor *last, gboolean prefer_super_res, GError **error)
{
  const gsize in = first->shape[1], out = last->shape[0];
  guint image_channels = 0;
  gboolean learn_sigma = FALSE;

  for (guint channels = 1; channels <= MOST_IMAGE_CHANNELS; channels++) {
    const gboolean doubled_in = in == 2 * channels, doubled_out = out == 2 * channels;
    if ((!doubled_in && in != channels) || (!doubled_out && out != channels))
      continue;
    /* A second way to read the numbers: they are equal, and a super-resolution model with learned
     * sigma, of half the channels, is the first. */
    if (image_channels && prefer_super_res)
      continue;
    image_channels = channels;
    learn_sigma = doubled_out;
    inference->super_res = doubled_in;
  }
  if (!image_channels) {
    g_autofree char *first_text = ddim_inference_describe(first);
    g_autofree char *last_text = ddim_inference_describe(last);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s and %s: no model of images with 1 to 4 channels"), first_text, last_text);
    return FALSE;
  }
  ddim_inference_set_number(inference, DDIM_KEY_IN_CHANNELS, image_channels,
                            ddim_inference_describe(first));
  ddim_inference_set_number(inference, DDIM_KEY_OUT_CHANNELS, out, ddim_inference_describe(last));
  ddim_inference_set_bool(inference, DDIM_KEY_LEARN_SIGMA, learn_sigma,
                          ddim_inference_describe(last));
  return TRUE;
}

char *
ddim_inference_describe(const DdimTensor *tensor)
{
  g_autofree char *shape = ddim_tensor_shape_to_string(tensor);

  return g_strdup_printf(_("%s is %s"), tensor->name, shape);
}

const DdimTensor *
ddim_inference_find(DdimCheckpoint *checkpoint, const char *name, guint n_dims, GError **error)
{
  const DdimTensor *tensor = ddim_checkpoint_lookup(checkpoint, name);
  gboolean sane = tensor && tensor->n_dims == n_dims;

  if (!tensor) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND, _("“%s” has no tensor “%s”"),
                ddim_checkpoint_get_path(checkpoint), name);
    return NULL;
  }
  for (guint i = 0; sane && i < n_dims; i++)
    sane = tensor->shape[i] > 0 && tensor->shape[i] <= LARGEST_DIMENSION;
  if (!sane) {
    g_autofree char *text = ddim_inference_describe(tensor);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                _("%s, expected %u dimensions between 1 and %d"), text, n_dims, LARGEST_DIMENSION);
    return NULL;
  }
  return tensor;
}

guint
ddim_inference_get_stride(const DdimInference *inference)
{
  return 1u << (inference->n_levels - 1);
}

/* script_util.create_model(): attention where the image is downsampled by image_size // res for a
 * res in the list. */
static gboolean
list_has_level(const char *list, guint image_size, guint level)
{
  g_auto(GStrv) items = g_strsplit(list, ",", -1);

  for (guint i = 0; items[i]; i++) {
    const guint64 res = g_ascii_strtoull(items[i], NULL, 10);
    if (res > 0 && image_size / res == 1u << level)
      return TRUE;
  }
  return FALSE;
}

static gboolean
attention_differs(const DdimInference *inference, const char *list, guint image_size)
{
  for (guint level = 0; level < inference->n_levels; level++)
    if (list_has_level(list, image_size, level) != !!inference->levels[level].attention)
      return TRUE;
  return FALSE;
}

/* @list: the factors, which ddim_inference_set_channel_mult() rounds to nine digits: 64 channels of
 * 60 are 1.06666667. The original cuts off fractions. */
static gboolean
mult_differs(const DdimInference *inference, const char *list)
{
  const double rounding = 1e-4;
  g_auto(GStrv) items = g_strsplit(list, ",", -1);
  const guint n = g_strv_length(items);

  if (n == 0) /* guided-diffusion's way to say: the one of image_size */
    return FALSE;
  if (n != inference->n_levels)
    return TRUE;
  for (guint level = 0; level < n; level++)
    if ((guint)(g_ascii_strtod(items[level], NULL) * inference->base_channels + rounding) !=
        inference->levels[level].channels)
      return TRUE;
  return FALSE;
}

gboolean
ddim_inference_contradicts(const DdimInference *inference, DdimKey key, const char *value,
                           guint image_size)
{
  switch (key) {
  case DDIM_KEY_ATTENTION_RESOLUTIONS:
    return image_size > 0 && attention_differs(inference, value, image_size);
  case DDIM_KEY_CHANNEL_MULT:
    return mult_differs(inference, value);
  case DDIM_KEY_LARGE_SIZE:
  case DDIM_KEY_SMALL_SIZE:
    return !inference->super_res;
  case DDIM_KEY_IN_CHANNELS:
    /* SuperResModel doubles what it is given. Files state either number. */
    if (inference->super_res && inference->values[key] &&
        g_ascii_strtoull(value, NULL, 10) == 2 * g_ascii_strtoull(inference->values[key], NULL, 10))
      return FALSE;
    break;
  default:
    break;
  }
  return inference->values[key] && !g_str_equal(inference->values[key], value);
}

char *
ddim_inference_get_attention_text(const DdimInference *inference, guint image_size)
{
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint level = 0; level < inference->n_levels; level++) {
    const guint res = image_size >> level;
    if (!inference->levels[level].attention)
      continue;
    if (res == 0 || image_size / res != 1u << level)
      return NULL;
    g_string_append_printf(text, "%s%u", text->len ? "," : "", res);
  }
  return attention_differs(inference, text->str, image_size) ? NULL : g_strdup(text->str);
}

static char *
explain_attention(const DdimInference *inference, guint image_size)
{
  g_autoptr(GString) levels = g_string_new(NULL);
  g_autofree char *text = ddim_inference_get_attention_text(inference, image_size);

  for (guint level = 0; level < inference->n_levels; level++)
    if (inference->levels[level].attention)
      g_string_append_printf(levels, "%s1/%u", levels->len ? ", " : "", 1u << level);
  if (levels->len == 0)
    return g_strdup_printf(_("no level but the innermost block has attention weights (%s)"),
                           inference->evidence[DDIM_KEY_ATTENTION_RESOLUTIONS]);
  if (!text)
    return g_strdup_printf(_("attention weights (%s) are at %s of the image's size"),
                           inference->evidence[DDIM_KEY_ATTENTION_RESOLUTIONS], levels->str);
  return g_strdup_printf(_("attention weights (%s) are at %s of the image's size %u, so "
                           "attention_resolutions is %s"),
                         inference->evidence[DDIM_KEY_ATTENTION_RESOLUTIONS], levels->str,
                         image_size, text);
}

char *
ddim_inference_explain(const DdimInference *inference, DdimKey key, guint image_size)
{
  if (key == DDIM_KEY_ATTENTION_RESOLUTIONS)
    return explain_attention(inference, image_size);
  if (key == DDIM_KEY_LARGE_SIZE || key == DDIM_KEY_SMALL_SIZE)
    return g_strdup_printf(_("%s, so this is no super-resolution model"),
                           inference->evidence[DDIM_KEY_IN_CHANNELS]);
  return g_strdup_printf(_("%s, so %s is %s"), inference->evidence[key], ddim_key_name(key),
                         inference->values[key]);
}
