/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/edit/canvas.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/image-private.h"

static gsize
plane_size(const DdimCanvas *canvas)
{
  return (gsize)canvas->width * canvas->height;
}

/* Whether pixel @at of @image has a color to keep to. */
static gboolean
is_visible(const DdimImage *image, gsize at)
{
  return image->channels % 2 || image->pixels[(at + 1) * image->channels - 1] > 0;
}

/* Fill one image from the picture's bytes, and the maps. */
static void
fill(DdimCanvas *canvas, const DdimRect *rect, const DdimImage *image, const guint8 *coverage)
{
  const gsize plane = plane_size(canvas);

  for (guint y = 0; y < canvas->height && rect->y + y < image->height; y++)
    for (guint x = 0; x < canvas->width && rect->x + x < image->width; x++) {
      const gsize at = (gsize)y * canvas->width + x;
      const gsize from = (gsize)(rect->y + y) * image->width + rect->x + x;
      canvas->inside[at] = 1;
      canvas->coverage[at] = is_visible(image, from) ? coverage[from] : 255;
      canvas->known[at] = canvas->coverage[at] == 0;
      for (guint c = 0; c < canvas->channels; c++)
        canvas->samples[c * plane + at] = image->pixels[from * image->channels + c] / 127.5f - 1.0f;
    }
}

DdimCanvas *
ddim_canvas_new(const DdimFrame *frame, guint n, guint channels, const DdimImage *image,
                const guint8 *coverage, GError **error)
{
  g_autoptr(DdimCanvas) canvas = g_new0(DdimCanvas, 1);
  gsize plane, size;

  g_return_val_if_fail(channels <= image->channels, NULL);
  canvas->n = n;
  canvas->channels = channels;
  canvas->width = frame->rect.width;
  canvas->height = frame->rect.height;
  plane = plane_size(canvas);
  size = plane * channels;
  canvas->samples = g_try_new0(float, size *n);
  canvas->known = g_try_malloc0(plane);
  canvas->inside = g_try_malloc0(plane);
  canvas->coverage = g_try_malloc(plane);
  if (!canvas->samples || !canvas->known || !canvas->inside || !canvas->coverage) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("not enough memory for %u images of %ux%u pixels: make fewer at a time"), n,
                canvas->width, canvas->height);
    return NULL;
  }
  memset(canvas->coverage, 255, plane);
  fill(canvas, &frame->rect, image, coverage);
  for (guint i = 1; i < n; i++)
    memcpy(canvas->samples + i * size, canvas->samples, size * sizeof(float));
  return g_steal_pointer(&canvas);
}

void
ddim_canvas_free(DdimCanvas *canvas)
{
  if (!canvas)
    return;
  g_free(canvas->samples);
  g_free(canvas->known);
  g_free(canvas->inside);
  g_free(canvas->coverage);
  g_free(canvas);
}

/* Where pixel (@x, @y) of @window is in a plane. */
static gsize
place_of(const DdimCanvas *canvas, const DdimRect *window, guint x, guint y)
{
  return (gsize)((window->y + y) % canvas->height) * canvas->width +
         (window->x + x) % canvas->width;
}

void
ddim_canvas_get(const DdimCanvas *canvas, const DdimRect *window, float *samples)
{
  for (guint p = 0; p < canvas->n * canvas->channels; p++)
    for (guint y = 0; y < window->height; y++)
      for (guint x = 0; x < window->width; x++)
        *samples++ = canvas->samples[p * plane_size(canvas) + place_of(canvas, window, x, y)];
}

void
ddim_canvas_get_map(const DdimCanvas *canvas, const guint8 *from, const DdimRect *window,
                    guint8 *map)
{
  for (guint y = 0; y < window->height; y++)
    for (guint x = 0; x < window->width; x++)
      *map++ = from[place_of(canvas, window, x, y)];
}

void
ddim_canvas_put(DdimCanvas *canvas, const DdimRect *window, const DdimRect *share,
                const float *samples)
{
  const guint left = (share->x + canvas->width - window->x) % canvas->width;
  const guint top = (share->y + canvas->height - window->y) % canvas->height;

  for (guint p = 0; p < canvas->n * canvas->channels; p++)
    for (guint y = 0; y < share->height; y++)
      for (guint x = 0; x < share->width; x++) {
        const gsize at = place_of(canvas, share, x, y);
        if (!canvas->known[at])
          canvas->samples[p * plane_size(canvas) + at] =
              samples[((gsize)p * window->height + top + y) * window->width + left + x];
      }
  for (guint y = 0; y < share->height; y++)
    for (guint x = 0; x < share->width; x++)
      canvas->known[place_of(canvas, share, x, y)] = 1;
}

gboolean
ddim_canvas_is_open(const DdimCanvas *canvas, const DdimRect *rect)
{
  for (guint y = 0; y < rect->height; y++)
    for (guint x = 0; x < rect->width; x++) {
      const gsize at = place_of(canvas, rect, x, y);
      if (canvas->inside[at] && !canvas->known[at])
        return TRUE;
    }
  return FALSE;
}

static guint8
blend(guint8 old, double made, guint coverage)
{
  const double value = (coverage * made + (255 - coverage) * (double)old) / 255;

  return (guint8)CLAMP(lrint(value), 0, 255);
}

/* The byte value of a sample, not yet rounded. It is computed in float32, as in the original. */
static double
to_byte(float sample, gboolean truncate)
{
  const float value = (sample + 1.0f) * 127.5f;
  const double byte = value > 0 ? MIN(value, 255) : 0;

  return truncate ? floor(byte) : byte;
}

DdimImage *
ddim_canvas_compose(const DdimCanvas *canvas, const DdimFrame *frame, guint i,
                    const DdimImage *image, const guint8 *coverage, gboolean truncate,
                    GError **error)
{
  DdimImage *out = ddim_image_new(image->width, image->height, image->channels, error);
  const gsize plane = plane_size(canvas);
  const float *samples = canvas->samples + i * canvas->channels * plane;

  if (!out)
    return NULL;
  memcpy(out->pixels, image->pixels, (gsize)image->width * image->height * image->channels);
  for (guint y = 0; y < canvas->height && frame->rect.y + y < image->height; y++)
    for (guint x = 0; x < canvas->width && frame->rect.x + x < image->width; x++) {
      const gsize to = (gsize)(frame->rect.y + y) * image->width + frame->rect.x + x;
      guint8 *pixel = out->pixels + to * image->channels;
      for (guint c = 0; coverage[to] && c < image->channels; c++) {
        const double made =
            c < canvas->channels
                ? to_byte(samples[c * plane + (gsize)y * canvas->width + x], truncate)
                : 255;
        pixel[c] = blend(pixel[c], made, coverage[to]);
      }
    }
  return out;
}
