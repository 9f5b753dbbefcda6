/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/samples.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/image.h"

static gboolean
is_float(DdimDType dtype)
{
  return dtype == DDIM_DTYPE_F32 || dtype == DDIM_DTYPE_F64 || dtype == DDIM_DTYPE_F16 ||
         dtype == DDIM_DTYPE_BF16;
}

static void
refuse(const char *path, const DdimTensor *tensor, const char *expected, GError **error)
{
  g_autofree char *shape = ddim_tensor_shape_to_string(tensor);

  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: holds %s %s; expected %s"), path,
              ddim_dtype_name(tensor->dtype), shape, expected);
}

/* Any float tensor of 3 or 4 dimensions as float32 of 4. */
static DdimArray *
to_float_images(const DdimTensor *tensor, GError **error)
{
  gsize shape[4] = {1};
  DdimArray *array;

  memcpy(shape + 4 - tensor->n_dims, tensor->shape, tensor->n_dims * sizeof *shape);
  array = ddim_array_new(DDIM_DTYPE_F32, 4, shape, error);
  if (array)
    ddim_tensor_to_f32(tensor, ddim_array_get_data(array));
  return array;
}

static gboolean
is_image_shaped(const DdimTensor *tensor)
{
  return (tensor->n_dims == 3 || tensor->n_dims == 4) && ddim_tensor_count(tensor) > 0;
}

DdimArray *
ddim_samples_read_noise(const char *path, GError **error)
{
  g_autoptr(DdimArray) array = ddim_npy_read(path, error);

  if (!array)
    return NULL;
  if (!is_float(array->tensor.dtype) || !is_image_shaped(&array->tensor)) {
    refuse(path, &array->tensor, _("float numbers [count, channels, height, width]"), error);
    return NULL;
  }
  return to_float_images(&array->tensor, error);
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

static DdimArray *
array_from_image(const DdimImage *image, guint channels, GError **error)
{
  g_autoptr(DdimImage) converted = convert_channels(image, channels, error);
  gsize shape[4] = {1, channels, image->height, image->width};
  DdimArray *array = converted ? ddim_array_new(DDIM_DTYPE_F32, 4, shape, error) : NULL;

  if (array)
    ddim_image_to_samples(converted, ddim_array_get_data(array));
  return array;
}

/* Bytes [N][H][W][C], the layout of image_sample.py's arr_0, to what super_res_sample.py makes of
 * them: float32 [N][C][H][W], x / 127.5 - 1. */
static DdimArray *
array_from_bytes(const DdimTensor *tensor, GError **error)
{
  guint first = tensor->n_dims - 3;
  gsize n = first ? tensor->shape[0] : 1;
  const gsize *size = tensor->shape + first;
  gsize shape[4] = {n, size[2], size[0], size[1]}, plane = size[0] * size[1];
  DdimArray *array = ddim_array_new(DDIM_DTYPE_F32, 4, shape, error);
  g_autoptr(DdimArray) rows = NULL;
  float *out;
  const float *in;

  rows = array ? to_float_images(tensor, error) : NULL;
  if (!rows) {
    ddim_array_free(array);
    return NULL;
  }
  out = ddim_array_get_data(array);
  in = ddim_array_get_data(rows);
  for (gsize i = 0; i < n; i++)
    for (gsize p = 0; p < plane; p++)
      for (gsize c = 0; c < size[2]; c++)
        out[(i * size[2] + c) * plane + p] = *in++ / 127.5f - 1.0f;
  return array;
}

DdimArray *
ddim_samples_read_images(const char *path, guint channels, GError **error)
{
  g_autoptr(DdimArray) source = NULL, array = NULL;

  if (g_str_has_suffix(path, ".png")) {
    g_autoptr(DdimImage) image = ddim_image_read_png(path, NULL, error);
    return image ? array_from_image(image, channels, error) : NULL;
  }
  source = g_str_has_suffix(path, ".npz") ? ddim_npz_read(path, "arr_0", error)
                                          : ddim_npy_read(path, error);
  if (!source)
    return NULL;
  if (is_image_shaped(&source->tensor) && source->tensor.dtype == DDIM_DTYPE_U8)
    array = array_from_bytes(&source->tensor, error);
  else if (is_image_shaped(&source->tensor) && is_float(source->tensor.dtype))
    array = to_float_images(&source->tensor, error);
  else
    refuse(path, &source->tensor,
           _("bytes [count, height, width, channels] or floats [count, channels, height, width]"),
           error);
  if (array && array->tensor.shape[1] != channels) {
    g_autofree char *expected = g_strdup_printf(_("pictures of %u channels"), channels);
    refuse(path, &source->tensor, expected, error);
    return NULL;
  }
  return g_steal_pointer(&array);
}

DdimArray *
ddim_samples_take(const DdimArray *images, gsize first, gsize n, GError **error)
{
  const DdimTensor *tensor = &images->tensor;
  gsize shape[4] = {n, tensor->shape[1], tensor->shape[2], tensor->shape[3]};
  gsize size = shape[1] * shape[2] * shape[3];
  DdimArray *batch = ddim_array_new(DDIM_DTYPE_F32, 4, shape, error);

  g_return_val_if_fail(tensor->shape[0] == 1 || first + n <= tensor->shape[0], NULL);
  for (gsize i = 0; batch && i < n; i++)
    memcpy((float *)ddim_array_get_data(batch) + i * size,
           (const float *)tensor->data + (tensor->shape[0] == 1 ? 0 : first + i) * size,
           size * sizeof(float));
  return batch;
}
