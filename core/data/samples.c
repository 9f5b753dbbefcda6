/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/samples.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/file.h"
#include "core/data/image-png.h"
#include "core/data/image-private.h"
#include "core/data/npy.h"

typedef enum {
  KIND_FLOATS, /* [N][C][H][W] */
  KIND_BYTES,  /* [N][H][W][C] */
  KIND_PICTURE
} Kind;

struct _DdimSamples {
  char *path;
  Kind kind;
  gsize shape[4]; /* N, C, H, W */
  GBytes *file;   /* content of a .png or .npz */
  DdimImage *image;
  DdimArray *array; /* NULL until a .npz is inflated */
};

void
ddim_samples_free(DdimSamples *samples)
{
  if (!samples)
    return;
  g_clear_pointer(&samples->file, g_bytes_unref);
  g_clear_pointer(&samples->image, ddim_image_free);
  g_clear_pointer(&samples->array, ddim_array_free);
  g_free(samples->path);
  g_free(samples);
}

const gsize *
ddim_samples_get_shape(const DdimSamples *samples)
{
  return samples->shape;
}

static DdimSamples *
samples_new(const char *path)
{
  DdimSamples *samples = g_new0(DdimSamples, 1);

  samples->path = g_strdup(path);
  return samples;
}

static gboolean
is_float(DdimDType dtype)
{
  return dtype == DDIM_DTYPE_F32 || dtype == DDIM_DTYPE_F64 || dtype == DDIM_DTYPE_F16 ||
         dtype == DDIM_DTYPE_BF16;
}

static gboolean
refuse(const char *path, const DdimTensor *tensor, const char *expected, GError **error)
{
  g_autofree char *shape = ddim_tensor_shape_to_string(tensor);

  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: holds %s %s; expected %s"), path,
              ddim_dtype_name(tensor->dtype), shape, expected);
  return FALSE;
}

/* Set kind and shape from @tensor, which has 3 or 4 dimensions. FALSE when it holds no pictures. */
static gboolean
set_layout(DdimSamples *samples, const DdimTensor *tensor)
{
  gsize shape[4] = {1};

  if ((tensor->n_dims != 3 && tensor->n_dims != 4) || ddim_tensor_count(tensor) == 0)
    return FALSE;
  memcpy(shape + 4 - tensor->n_dims, tensor->shape, tensor->n_dims * sizeof *shape);
  memcpy(samples->shape, shape, sizeof shape);
  samples->kind = KIND_FLOATS;
  if (is_float(tensor->dtype))
    return TRUE;
  if (tensor->dtype != DDIM_DTYPE_U8)
    return FALSE;
  samples->kind = KIND_BYTES;
  samples->shape[1] = shape[3];
  samples->shape[2] = shape[1];
  samples->shape[3] = shape[2];
  return TRUE;
}

DdimSamples *
ddim_samples_open_noise(const char *path, GError **error)
{
  g_autoptr(DdimSamples) samples = samples_new(path);

  samples->array = ddim_npy_read(path, error);
  if (!samples->array)
    return NULL;
  if (set_layout(samples, &samples->array->tensor) && samples->kind == KIND_FLOATS)
    return g_steal_pointer(&samples);
  refuse(path, &samples->array->tensor, _("float numbers [count, channels, height, width]"), error);
  return NULL;
}

static gboolean
open_picture(DdimSamples *samples, guint channels, GError **error)
{
  guint width, height;

  samples->kind = KIND_PICTURE;
  samples->file = ddim_file_get_content(samples->path, error);
  if (!samples->file ||
      !ddim_image_read_png_size(samples->file, samples->path, &width, &height, error))
    return FALSE;
  samples->shape[0] = 1;
  samples->shape[1] = channels;
  samples->shape[2] = height;
  samples->shape[3] = width;
  return TRUE;
}

static gboolean
check_layout(DdimSamples *samples, const DdimTensor *tensor, guint channels, GError **error)
{
  g_autofree char *expected = NULL;

  if (!set_layout(samples, tensor))
    return refuse(
        samples->path, tensor,
        _("bytes [count, height, width, channels] or floats [count, channels, height, width]"),
        error);
  if (samples->shape[1] == channels)
    return TRUE;
  expected = g_strdup_printf(_("pictures of %u channels"), channels);
  return refuse(samples->path, tensor, expected, error);
}

static gboolean
open_npz(DdimSamples *samples, guint channels, GError **error)
{
  DdimTensor layout;

  samples->file = ddim_file_get_content(samples->path, error);
  if (!samples->file)
    return FALSE;
  if (!ddim_npz_read_layout(samples->file, "arr_0", &layout, error)) {
    g_prefix_error(error, "“%s”: ", samples->path);
    return FALSE;
  }
  return check_layout(samples, &layout, channels, error);
}

static gboolean
open_npy(DdimSamples *samples, guint channels, GError **error)
{
  samples->array = ddim_npy_read(samples->path, error);
  return samples->array && check_layout(samples, &samples->array->tensor, channels, error);
}

DdimSamples *
ddim_samples_open_images(const char *path, guint channels, GError **error)
{
  g_autoptr(DdimSamples) samples = samples_new(path);
  const gboolean ok = g_str_has_suffix(path, ".png")   ? open_picture(samples, channels, error)
                      : g_str_has_suffix(path, ".npz") ? open_npz(samples, channels, error)
                                                       : open_npy(samples, channels, error);

  return ok ? g_steal_pointer(&samples) : NULL;
}

/* Bring @image to @channels channels: gray is repeated, alpha is dropped or opaque. */
static DdimImage *
convert_channels(const DdimImage *image, guint channels, GError **error)
{
  gsize n = (gsize)image->width * image->height;
  guint colors = (channels - 1) / 2 * 2 + 1, own_colors = (image->channels - 1) / 2 * 2 + 1;
  DdimImage *out;

  if (colors == 1 && own_colors == 3) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("low-res: the picture has colors, but the model takes gray ones"));
    return NULL;
  }
  out = ddim_image_new(image->width, image->height, channels, error);
  for (gsize i = 0; out && i < n; i++) {
    const guint8 *from = image->pixels + i * image->channels;
    guint8 *to = out->pixels + i * channels;

    for (guint c = 0; c < colors; c++)
      to[c] = from[MIN(c, own_colors - 1)];
    if (channels > colors)
      to[colors] = image->channels > own_colors ? from[own_colors] : 255;
  }
  return out;
}

gboolean
ddim_samples_load(DdimSamples *samples, GError **error)
{
  g_autoptr(DdimImage) image = NULL;

  if (samples->kind == KIND_PICTURE && !samples->image) {
    image = ddim_image_read_png(samples->file, samples->path, error);
    samples->image = image ? convert_channels(image, samples->shape[1], error) : NULL;
    return samples->image != NULL;
  }
  if (samples->kind == KIND_PICTURE || samples->array)
    return TRUE;
  samples->array = ddim_npz_read_bytes(samples->file, "arr_0", error);
  if (!samples->array)
    g_prefix_error(error, "“%s”: ", samples->path);
  return samples->array != NULL;
}

static gsize
image_size(const DdimSamples *samples)
{
  return samples->shape[1] * samples->shape[2] * samples->shape[3];
}

static gboolean
read_floats(DdimSamples *samples, gsize index, float *out, GError **error)
{
  const gsize size = image_size(samples);

  ddim_tensor_read(&samples->array->tensor, index * size, size, DDIM_DTYPE_F32, out);
  if (ddim_is_finite(out, size))
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
              _("%s: holds a number that is infinite or not a number (NaN), in image %zu"),
              samples->path, index);
  return FALSE;
}

/* Convert bytes in the layout of image_sample.py's arr_0 to x / 127.5 - 1, as super_res_sample.py
 * does. */
static void
read_bytes(DdimSamples *samples, gsize index, float *out)
{
  const gsize size = image_size(samples), channels = samples->shape[1];
  const gsize plane = size / channels;
  g_autofree guint8 *bytes = g_malloc(size);

  ddim_tensor_read(&samples->array->tensor, index * size, size, DDIM_DTYPE_U8, bytes);
  for (gsize p = 0; p < plane; p++)
    for (gsize c = 0; c < channels; c++)
      out[c * plane + p] = bytes[p * channels + c] / 127.5f - 1.0f;
}

gboolean
ddim_samples_read(DdimSamples *samples, gsize first, gsize n, float *out, GError **error)
{
  const gsize size = image_size(samples), count = samples->shape[0];

  g_return_val_if_fail(count == 1 || first + n <= count, FALSE);
  if (!ddim_samples_load(samples, error))
    return FALSE;
  for (gsize i = 0; i < n; i++) {
    const gsize index = count == 1 ? 0 : first + i;
    if (samples->kind == KIND_PICTURE)
      ddim_image_to_samples(samples->image, out + i * size);
    else if (samples->kind == KIND_BYTES)
      read_bytes(samples, index, out + i * size);
    else if (!read_floats(samples, index, out + i * size, error))
      return FALSE;
  }
  return TRUE;
}
