/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/image-private.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"

DdimImage *
ddim_image_new(guint width, guint height, guint channels, GError **error)
{
  DdimImage *image;
  gsize row = 0, size = 0;
  guint8 *pixels = NULL;

  if (width && height && channels >= 1 && channels <= 4 &&
      g_size_checked_mul(&row, width, channels) && g_size_checked_mul(&size, row, height))
    pixels = g_try_malloc0(size);
  if (!pixels) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("an image of %u x %u pixels with %u channels cannot be made"), width, height,
                channels);
    return NULL;
  }
  image = g_new0(DdimImage, 1);
  image->width = width;
  image->height = height;
  image->channels = channels;
  image->pixels = pixels;
  return image;
}

DdimImage *
ddim_image_copy(const DdimImage *image, GError **error)
{
  DdimImage *copy = ddim_image_new(image->width, image->height, image->channels, error);

  if (copy)
    memcpy(copy->pixels, image->pixels, (gsize)image->width * image->height * image->channels);
  return copy;
}

void
ddim_image_free(DdimImage *image)
{
  if (!image)
    return;
  g_free(image->pixels);
  g_free(image);
}

guint
ddim_image_get_width(const DdimImage *image)
{
  g_return_val_if_fail(image != NULL, 0);
  return image->width;
}

guint
ddim_image_get_height(const DdimImage *image)
{
  g_return_val_if_fail(image != NULL, 0);
  return image->height;
}

guint
ddim_image_get_channels(const DdimImage *image)
{
  g_return_val_if_fail(image != NULL, 0);
  return image->channels;
}

const guint8 *
ddim_image_get_pixels(const DdimImage *image)
{
  g_return_val_if_fail(image != NULL, NULL);
  return image->pixels;
}

/* In float32, as in the originals. */
static guint8
byte_from_sample(float x, DdimBytes bytes)
{
  float value = bytes == DDIM_BYTES_TRUNCATED ? (x + 1.0f) * 127.5f
                : bytes == DDIM_BYTES_ROUNDED ? (x + 1.0f) / 2.0f * 255.0f + 0.5f
                                              : rintf((x / 2.0f + 0.5f) * 255.0f);

  if (!(value > 0.0f)) /* also NaN */
    return 0;
  return value >= 255.0f ? 255 : (guint8)value;
}

DdimImage *
ddim_image_new_from_samples(const float *samples, guint channels, guint height, guint width,
                            GError **error)
{
  return ddim_image_new_from_samples_as(samples, channels, height, width, DDIM_BYTES_TRUNCATED,
                                        error);
}

DdimImage *
ddim_image_new_from_samples_as(const float *samples, guint channels, guint height, guint width,
                               DdimBytes bytes, GError **error)
{
  DdimImage *image = ddim_image_new(width, height, channels, error);
  gsize plane = (gsize)width * height;

  if (!image)
    return NULL;
  for (gsize i = 0; i < plane; i++)
    for (guint c = 0; c < channels; c++)
      image->pixels[i * channels + c] = byte_from_sample(samples[c * plane + i], bytes);
  return image;
}

void
ddim_image_to_samples(const DdimImage *image, float *samples)
{
  gsize plane = (gsize)image->width * image->height;

  for (gsize i = 0; i < plane; i++)
    for (guint c = 0; c < image->channels; c++)
      samples[c * plane + i] = image->pixels[i * image->channels + c] / 127.5f - 1.0f;
}

static void
paste(DdimImage *into, const DdimImage *image, gsize left, gsize top)
{
  gsize row = (gsize)image->width * image->channels;

  for (gsize y = 0; y < image->height; y++)
    memcpy(into->pixels + ((top + y) * into->width + left) * into->channels,
           image->pixels + y * row, row);
}

void
ddim_image_get_grid(guint n, guint *columns, guint *rows)
{
  *columns = 1;
  while ((guint64)*columns * *columns < n)
    ++*columns;
  *rows = (n + *columns - 1) / *columns;
}

DdimImage *
ddim_image_new_grid(DdimImage *const *images, guint n, GError **error)
{
  guint columns, rows, width = 0, height = 0;
  DdimImage *grid;

  g_return_val_if_fail(n > 0, NULL);
  ddim_image_get_grid(n, &columns, &rows);
  for (guint i = 1; i < n; i++)
    g_return_val_if_fail(images[i]->width == images[0]->width &&
                             images[i]->height == images[0]->height &&
                             images[i]->channels == images[0]->channels,
                         NULL);
  /* An overflowing side becomes 0, which ddim_image_new() refuses. */
  if (!g_uint_checked_mul(&width, columns, images[0]->width) ||
      !g_uint_checked_mul(&height, rows, images[0]->height))
    width = 0;
  grid = ddim_image_new(width, height, images[0]->channels, error);
  for (guint i = 0; grid && i < n; i++)
    paste(grid, images[i], (gsize)(i % columns) * images[i]->width,
          (gsize)(i / columns) * images[i]->height);
  return grid;
}
