/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/samples.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/file.h"
#include "core/data/image-png.h"
#include "core/data/image-private.h"
#include "core/data/memory.h"
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
  DdimFile *file;
  DdimImage *image;  /* NULL until a .png is decoded */
  DdimArray *array;  /* NULL until a .npz is inflated, or a .npy in Fortran order is loaded */
  DdimTensor layout; /* of an array */
  guint64 offset;    /* where the numbers of a .npy begin; else 0 */
};

void
ddim_samples_free(DdimSamples *samples)
{
  if (!samples)
    return;
  g_clear_pointer(&samples->file, ddim_file_free);
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
samples_new(const char *path, GError **error)
{
  g_autoptr(DdimSamples) samples = g_new0(DdimSamples, 1);

  samples->path = g_strdup(path);
  samples->file = ddim_file_open(path, error);
  return samples->file ? g_steal_pointer(&samples) : NULL;
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

static gboolean
read_npy_layout(DdimSamples *samples, GError **error)
{
  if (ddim_npy_read_layout(samples->file, &samples->layout, &samples->offset, error))
    return TRUE;
  g_prefix_error(error, "“%s”: ", samples->path);
  return FALSE;
}

DdimSamples *
ddim_samples_open_noise(const char *path, GError **error)
{
  g_autoptr(DdimSamples) samples = samples_new(path, error);

  if (!samples || !read_npy_layout(samples, error))
    return NULL;
  if (set_layout(samples, &samples->layout) && samples->kind == KIND_FLOATS)
    return g_steal_pointer(&samples);
  refuse(path, &samples->layout, _("float numbers [count, channels, height, width]"), error);
  return NULL;
}

static gboolean
open_picture(DdimSamples *samples, guint channels, GError **error)
{
  DdimImageHeader header;

  samples->kind = KIND_PICTURE;
  if (!ddim_png_read_header(samples->file, &header, error))
    return FALSE;
  samples->shape[0] = 1;
  samples->shape[1] = channels;
  samples->shape[2] = header.height;
  samples->shape[3] = header.width;
  return TRUE;
}

static gboolean
check_layout(DdimSamples *samples, guint channels, GError **error)
{
  const DdimTensor *tensor = &samples->layout;
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
  if (!ddim_npz_read_layout(samples->file, "arr_0", &samples->layout, error)) {
    g_prefix_error(error, "“%s”: ", samples->path);
    return FALSE;
  }
  return check_layout(samples, channels, error);
}

static gboolean
open_npy(DdimSamples *samples, guint channels, GError **error)
{
  return read_npy_layout(samples, error) && check_layout(samples, channels, error);
}

DdimSamples *
ddim_samples_open_images(const char *path, guint channels, GError **error)
{
  g_autoptr(DdimSamples) samples = samples_new(path, error);
  const gboolean ok = !samples                         ? FALSE
                      : g_str_has_suffix(path, ".png") ? open_picture(samples, channels, error)
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

/* What was judged when the file was opened must still be true of what is read. */
static gboolean
has_changed(const DdimSamples *samples, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: the file changed while it was read"),
              samples->path);
  return FALSE;
}

static gboolean
load_picture(DdimSamples *samples, GError **error)
{
  g_autoptr(DdimImage) image = ddim_png_read_image(samples->file, error);

  if (!image)
    return FALSE;
  if (image->height != samples->shape[2] || image->width != samples->shape[3])
    return has_changed(samples, error);
  samples->image = convert_channels(image, samples->shape[1], error);
  return samples->image != NULL;
}

static gboolean
load_npz(DdimSamples *samples, GError **error)
{
  g_autoptr(DdimArray) array = ddim_npz_read_file(samples->file, "arr_0", error);

  if (!array) {
    g_prefix_error(error, "“%s”: ", samples->path);
    return FALSE;
  }
  if (array->tensor.dtype != samples->layout.dtype ||
      array->tensor.n_dims != samples->layout.n_dims ||
      memcmp(array->tensor.shape, samples->layout.shape,
             array->tensor.n_dims * sizeof *array->tensor.shape) != 0)
    return has_changed(samples, error);
  samples->array = g_steal_pointer(&array);
  return TRUE;
}

static gboolean
load_npy(DdimSamples *samples, GError **error)
{
  const gsize n = ddim_tensor_count(&samples->layout) * ddim_dtype_size(samples->layout.dtype);
  GBytes *bytes = ddim_file_load(samples->file, samples->offset, n, error);

  if (!bytes)
    return FALSE;
  samples->array = g_new0(DdimArray, 1);
  samples->array->bytes = bytes;
  samples->array->tensor = samples->layout;
  samples->array->tensor.data = g_bytes_get_data(bytes, NULL);
  return TRUE;
}

static gboolean
is_npy(const DdimSamples *samples)
{
  return samples->offset > 0;
}

gboolean
ddim_samples_load(DdimSamples *samples, GError **error)
{
  if (samples->kind == KIND_PICTURE)
    return samples->image || load_picture(samples, error);
  if (samples->array)
    return TRUE;
  if (!is_npy(samples))
    return load_npz(samples, error);
  return ddim_tensor_is_contiguous(&samples->layout) || load_npy(samples, error);
}

static gsize
image_size(const DdimSamples *samples)
{
  return samples->shape[1] * samples->shape[2] * samples->shape[3];
}

/* Read the numbers of image @index as @dtype. */
static gboolean
read_numbers(DdimSamples *samples, gsize index, DdimDType dtype, gpointer out, GError **error)
{
  const gsize size = image_size(samples);
  const gsize bytes = size * ddim_dtype_size(samples->layout.dtype);
  g_autoptr(GBytes) part = NULL;
  DdimTensor image;
  gsize n_bytes;

  if (samples->array) {
    ddim_tensor_read(&samples->array->tensor, index * size, size, dtype, out);
    return TRUE;
  }
  part = ddim_file_load(samples->file, samples->offset + index * bytes, bytes, error);
  if (!part || !ddim_tensor_set_layout(&image, samples->layout.dtype, 1, &size, &n_bytes))
    return FALSE;
  image.data = g_bytes_get_data(part, NULL);
  ddim_tensor_read(&image, 0, size, dtype, out);
  return TRUE;
}

static gboolean
read_floats(DdimSamples *samples, gsize index, float *out, GError **error)
{
  const gsize size = image_size(samples);

  if (!read_numbers(samples, index, DDIM_DTYPE_F32, out, error))
    return FALSE;
  if (ddim_is_finite(out, size))
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
              _("%s: holds a number that is infinite or not a number (NaN), in image %zu"),
              samples->path, index);
  return FALSE;
}

/* Convert bytes in the layout of image_sample.py's arr_0 to x / 127.5 - 1, as super_res_sample.py
 * does. */
static gboolean
read_bytes(DdimSamples *samples, gsize index, float *out, GError **error)
{
  const gsize size = image_size(samples), channels = samples->shape[1];
  const gsize plane = size / channels;
  g_autofree guint8 *bytes = ddim_try_alloc(size, 1, error);

  if (!bytes || !read_numbers(samples, index, DDIM_DTYPE_U8, bytes, error))
    return FALSE;
  for (gsize p = 0; p < plane; p++)
    for (gsize c = 0; c < channels; c++)
      out[c * plane + p] = bytes[p * channels + c] / 127.5f - 1.0f;
  return TRUE;
}

/* Read image @index as floats. */
static gboolean
read_image(DdimSamples *samples, gsize index, float *out, GError **error)
{
  if (samples->kind == KIND_BYTES)
    return read_bytes(samples, index, out, error);
  if (samples->kind == KIND_FLOATS)
    return read_floats(samples, index, out, error);
  ddim_image_to_samples(samples->image, out);
  return TRUE;
}

gboolean
ddim_samples_read(DdimSamples *samples, gsize first, gsize n, float *out, GError **error)
{
  const gsize size = image_size(samples), count = samples->shape[0];

  g_return_val_if_fail(count == 1 || first + n <= count, FALSE);
  if (!ddim_samples_load(samples, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if (!read_image(samples, count == 1 ? 0 : first + i, out + i * size, error))
      return FALSE;
  return TRUE;
}
