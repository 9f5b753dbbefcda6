/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/enlarge.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>

/* What the small picture is called. */
#define FILE_NAME "small.png"

DdimRequest *
enlarge_new_request(DdimRequest *request, const WorkerImage *image, guint scale)
{
  DdimRequest *larger = ddim_request_copy(request);

  g_object_set(larger, "command", "upscale", "input", FILE_NAME, "scale", (int)scale, "width", 0,
               "height", 0, "class", image->label, NULL);
  return larger;
}

char *
enlarge_get_command(const char *first, DdimRequest *larger)
{
  g_autofree char *second = ddim_request_to_command(larger);

  return g_strdup_printf("%s -o %s && %s", first, FILE_NAME, second);
}

gboolean
enlarge_cut(const DdimSample *sample, guint width, guint height, float **samples, GError **error)
{
  g_autoptr(DdimImage) image = ddim_sample_to_image(sample, error);
  guint columns, channels;
  const guint8 *pixels;
  gsize plane = (gsize)width * height;

  if (!image)
    return FALSE;
  columns = ddim_image_get_width(image);
  channels = ddim_image_get_channels(image);
  pixels = ddim_image_get_pixels(image);
  g_return_val_if_fail(columns >= width && ddim_image_get_height(image) >= height, FALSE);
  *samples = g_try_malloc_n(plane, channels * sizeof(float));
  if (!*samples) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                _("Not enough memory for an image of %u × %u pixels"), width, height);
    return FALSE;
  }
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      for (guint c = 0; c < channels; c++)
        (*samples)[c * plane + (gsize)y * width + x] =
            pixels[((gsize)y * columns + x) * channels + c] / 127.5f - 1;
  return TRUE;
}
