/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/enlarge.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>

#include "plugin/image/resample.h"
#include "plugin/work/sizing.h"

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

static float *
no_memory(guint width, guint height, GError **error)
{
  g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
              _("Not enough memory for an image of %u × %u pixels"), width, height);
  return NULL;
}

/* The left upper part of @image. (transfer full) */
static float *
cut(const DdimImage *image, guint width, guint height, GError **error)
{
  const guint columns = ddim_image_get_width(image), channels = ddim_image_get_channels(image);
  const guint8 *pixels = ddim_image_get_pixels(image);
  const gsize plane = (gsize)width * height;
  float *samples = g_try_malloc_n(plane, channels * sizeof(float));

  g_return_val_if_fail(columns >= width && ddim_image_get_height(image) >= height, NULL);
  if (!samples)
    return no_memory(width, height, error);
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      for (guint c = 0; c < channels; c++)
        samples[c * plane + (gsize)y * width + x] =
            pixels[((gsize)y * columns + x) * channels + c] / 127.5f - 1;
  return samples;
}

gboolean
enlarge_fit(const DdimSample *sample, DdimRequest *request, guint width, guint height,
            float **samples, GError **error)
{
  g_autoptr(DdimImage) image = ddim_sample_to_image(sample, error);
  g_autofree float *whole = NULL;

  if (!image)
    return FALSE;
  const SizePlan plan = sizing_plan_enlarged(request, width, height, ddim_image_get_width(image),
                                             ddim_image_get_height(image));
  if (!plan.scaled)
    return (*samples = cut(image, width, height, error)) != NULL;
  if (!(whole = cut(image, plan.sampled_width, plan.sampled_height, error)))
    return FALSE;
  *samples = resample(&plan, whole, ddim_image_get_channels(image), error);
  return *samples != NULL;
}
