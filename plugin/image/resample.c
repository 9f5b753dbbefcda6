/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/image/resample.h"

#include <glib/gi18n-lib.h>
#include <gegl.h>
#include <string.h>

static void
crop(const SizePlan *plan, const float *samples, guint channels, float *out)
{
  for (guint c = 0; c < channels; c++)
    for (guint y = 0; y < plan->height; y++) {
      gsize row = (gsize)c * plan->sampled_height + plan->crop_y + y;
      memcpy(out + ((gsize)c * plan->height + y) * plan->width,
             samples + row * plan->sampled_width + plan->crop_x, plan->width * sizeof(float));
    }
}

/* One channel, as "Y float": GEGL interpolates the numbers as they are, whatever colour model they
 * belong to. Beyond the edge it reads the nearest sample, for the default, zero, is mid-gray here.
 */
static void
enlarge(const SizePlan *plan, const float *samples, float *out)
{
  const Babl *format = babl_format("Y float");
  GeglRectangle from = {0, 0, plan->sampled_width, plan->sampled_height};
  GeglRectangle to = {0, 0, plan->width, plan->height};
  GeglBuffer *source = gegl_buffer_new(&from, format);
  GeglNode *graph = gegl_node_new();
  GeglNode *load, *scale;

  gegl_buffer_set(source, &from, 0, format, samples, GEGL_AUTO_ROWSTRIDE);
  load = gegl_node_new_child(graph, "operation", "gegl:buffer-source", "buffer", source, NULL);
  scale = gegl_node_new_child(graph, "operation", "gegl:scale-size", "x", (double)plan->width, "y",
                              (double)plan->height, "sampler", GEGL_SAMPLER_LOHALO, "abyss-policy",
                              plan->loops ? GEGL_ABYSS_LOOP : GEGL_ABYSS_CLAMP, NULL);
  gegl_node_link(load, scale);
  gegl_node_blit(scale, 1.0, &to, format, out, GEGL_AUTO_ROWSTRIDE, GEGL_BLIT_DEFAULT);
  g_object_unref(graph);
  g_object_unref(source);
}

float *
resample(const SizePlan *plan, const float *samples, guint channels, GError **error)
{
  gsize plane = (gsize)plan->width * plan->height;
  gsize sampled_plane = (gsize)plan->sampled_width * plan->sampled_height;
  float *out = g_try_malloc_n(plane, channels * sizeof(float));

  if (!out) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                _("Not enough memory for an image of %u × %u pixels"), plan->width, plan->height);
    return NULL;
  }
  if (!plan->scaled)
    crop(plan, samples, channels, out);
  else
    for (guint c = 0; c < channels; c++)
      enlarge(plan, samples + c * sampled_plane, out + c * plane);
  return out;
}
