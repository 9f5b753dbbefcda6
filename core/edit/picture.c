/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/edit/picture.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/file.h"
#include "core/data/image-png.h"
#include "core/data/printable.h"
#include "core/data/image-private.h"
#include "core/data/memory.h"

/* Pictures of more pixels are not edited: they and what is made of them must fit into memory. */
#define MAX_PIXELS (1u << 28)

static gboolean
refuse(GError **error, const char *option, const char *path, const char *why)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, "%s: %s: %s", option, path, why);
  return FALSE;
}

static gboolean
check_picture(DdimFile *file, const char *option, GError **error)
{
  const char *path = ddim_file_get_path(file);
  DdimImageHeader header;

  if (!ddim_png_read_header(file, &header, error))
    return FALSE;
  if (header.cmyk)
    return refuse(error, option, path,
                  _("its profile is for printing (CMYK); convert it to sRGB first"));
  if ((guint64)header.width * header.height > MAX_PIXELS)
    return refuse(error, option, path, _("it is too large; cut out the part to edit"));
  return TRUE;
}

DdimImage *
ddim_edit_open_picture(const char *path, const char *option, GError **error)
{
  g_autoptr(DdimFile) file = ddim_file_open(path, error);

  if (!file || !check_picture(file, option, error))
    return NULL;
  return ddim_png_read_image(file, error);
}

static gboolean
has_alpha(const DdimImage *image)
{
  return image->channels % 2 == 0;
}

static guint
count_colors(guint channels)
{
  return channels < 3 ? 1 : 3;
}

static guint8
get_gray(const guint8 *pixel, guint colors)
{
  return colors == 1 ? pixel[0] : (guint8)((pixel[0] + pixel[1] + pixel[2] + 1) / 3);
}

DdimImage *
ddim_edit_convert(const DdimImage *image, guint channels, GError **error)
{
  const guint own = count_colors(image->channels), colors = count_colors(channels);
  const gsize n = (gsize)image->width * image->height;
  const gboolean alpha = has_alpha(image) || channels % 2 == 0;
  DdimImage *out = ddim_image_new(image->width, image->height, colors + alpha, error);

  for (gsize i = 0; out && i < n; i++) {
    const guint8 *from = image->pixels + i * image->channels;
    guint8 *to = out->pixels + i * out->channels;
    for (guint c = 0; c < colors; c++)
      to[c] = colors < own ? get_gray(from, own) : from[MIN(c, own - 1)];
    if (alpha)
      to[colors] = has_alpha(image) ? from[own] : 255;
  }
  return out;
}

void
ddim_edit_drop_alpha(DdimImage *image)
{
  const guint from = image->channels, to = count_colors(from);
  const gsize n = (gsize)image->width * image->height;

  for (gsize i = 0; from != to && i < n; i++)
    memmove(image->pixels + i * to, image->pixels + i * from, to);
  image->channels = to;
}

DdimImage *
ddim_edit_roll(const DdimImage *image, guint dx, guint dy, GError **error)
{
  DdimImage *out = ddim_image_new(image->width, image->height, image->channels, error);
  const gsize line = (gsize)image->width * image->channels;
  const gsize end = (gsize)(image->width - dx % image->width) * image->channels;

  for (guint y = 0; out && y < image->height; y++) {
    const guint8 *from = image->pixels + y * line;
    guint8 *to = out->pixels + (y + (gsize)dy) % image->height * line;
    memcpy(to + line - end, from, end);
    memcpy(to, from + end, line - end);
  }
  return out;
}

guint8 *
ddim_edit_mask_from_picture(const DdimImage *image, const char *path, guint width, guint height,
                            GError **error)
{
  const gsize n = (gsize)width * height;
  guint8 *coverage;
  guint colors;

  if (image->width != width || image->height != height) {
    g_set_error(
        error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
        _("mask: %s is %ux%u pixels, but the picture is %ux%u; the two must be of one size"), path,
        image->width, image->height, width, height);
    return NULL;
  }
  colors = count_colors(image->channels);
  if (!(coverage = ddim_try_alloc(n, 1, error)))
    return NULL;
  for (gsize i = 0; i < n; i++) {
    const guint8 *pixel = image->pixels + i * image->channels;
    const guint alpha = has_alpha(image) ? pixel[colors] : 255;
    coverage[i] = (get_gray(pixel, colors) * alpha + 127) / 255;
  }
  return coverage;
}

guint8 *
ddim_edit_mask_from_box(const char *box, guint width, guint height, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(box, ",", -1);
  guint8 *coverage;
  gint64 n[4];
  gboolean ok = g_strv_length(parts) == 4;

  for (guint i = 0; ok && i < 4; i++)
    ok = g_ascii_string_to_signed(parts[i], 10, i < 2 ? 0 : 1, G_MAXINT, &n[i], NULL);
  if (!ok) {
    g_autofree char *shown = ddim_printable(box);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("box: '%s' is not valid; expected X,Y,W,H in pixels, such as 20,30,64,48"),
                shown);
    return NULL;
  }
  if (n[0] + n[2] > width || n[1] + n[3] > height) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("box: %s reaches beyond the picture, which is %ux%u pixels"), box, width, height);
    return NULL;
  }
  if (!(coverage = ddim_try_alloc((gsize)width * height, 1, error)))
    return NULL;
  for (gint64 y = n[1]; y < n[1] + n[3]; y++)
    memset(coverage + y * width + n[0], 255, n[2]);
  return coverage;
}

/* Whether pixel @i of @size lies within @n pixels of the line in the middle. */
static gboolean
is_near_middle(guint i, guint size, guint n)
{
  return i < size / 2 ? size / 2 - i <= n : i - size / 2 < n;
}

guint8 *
ddim_edit_mask_from_seams(guint width, guint height, DdimWrap axes, guint n, GError **error)
{
  guint8 *coverage = ddim_try_alloc((gsize)width * height, 1, error);

  for (guint y = 0; coverage && y < height; y++)
    for (guint x = 0; x < width; x++)
      if (((axes & DDIM_WRAP_X) && is_near_middle(x, width, n)) ||
          ((axes & DDIM_WRAP_Y) && is_near_middle(y, height, n)))
        coverage[(gsize)y * width + x] = 255;
  return coverage;
}

guint8 *
ddim_edit_mask_from_alpha(const DdimImage *image, GError **error)
{
  const gsize n = (gsize)image->width * image->height;
  g_autofree guint8 *coverage = NULL;
  gboolean any = FALSE;

  if (!has_alpha(image))
    return NULL;
  if (!(coverage = ddim_try_alloc(n, 1, error)))
    return NULL;
  for (gsize i = 0; i < n; i++) {
    coverage[i] = 255 - image->pixels[i * image->channels + image->channels - 1];
    any = any || coverage[i];
  }
  return any ? g_steal_pointer(&coverage) : NULL;
}

/* Compute squared distances along one axis. The lower envelope of parabolas (Felzenszwalb and
 * Huttenlocher 2012) would be faster for a large reach, but a mask is only spread by a few
 * pixels. */
static void
spread_line(const double *from, double *to, gsize n, gsize stride, guint reach)
{
  for (gsize i = 0; i < n; i++) {
    double least = G_MAXDOUBLE;
    const gsize first = i - MIN(i, reach), last = MIN(i + reach, n - 1);
    for (gsize k = first; k <= last; k++) {
      const double d = (double)i - (double)k;
      least = fmin(least, from[k * stride] + d * d);
    }
    to[i * stride] = least;
  }
}

gboolean
ddim_edit_feather(guint8 *coverage, guint width, guint height, guint feather, GError **error)
{
  const gsize n = (gsize)width * height;
  g_autofree double *far = NULL, *near = NULL;

  if (feather == 0)
    return TRUE;
  if (!(far = ddim_try_alloc(n, sizeof(double), error)) ||
      !(near = ddim_try_alloc(n, sizeof(double), error)))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    far[i] = coverage[i] ? 0 : 1e18;
  for (guint y = 0; y < height; y++)
    spread_line(far + (gsize)y * width, near + (gsize)y * width, width, 1, feather);
  for (guint x = 0; x < width; x++)
    spread_line(near + x, far + x, height, width, feather);
  for (gsize i = 0; i < n; i++) {
    const double part = 1 - sqrt(far[i]) / (feather + 1);
    if (!coverage[i] && part > 0)
      coverage[i] = (guint8)MAX(1, lrint(255 * part));
  }
  return TRUE;
}

static gboolean
mean_of_picture(const char *path, double *color, GError **error)
{
  g_autoptr(DdimImage) image = ddim_edit_open_picture(path, "color", error);
  guint64 sum[3] = {0, 0, 0};
  guint colors;
  gsize n;

  if (!image)
    return FALSE;
  colors = count_colors(image->channels);
  n = (gsize)image->width * image->height;
  for (gsize i = 0; i < n; i++)
    for (guint c = 0; c < 3; c++)
      sum[c] += image->pixels[i * image->channels + MIN(c, colors - 1)];
  for (guint c = 0; c < 3; c++)
    color[c] = sum[c] / (double)n / 127.5 - 1;
  return TRUE;
}

gboolean
ddim_edit_parse_color(const char *text, double *color, GError **error)
{
  const char *digits = text[0] == '#' ? text + 1 : text;
  const gsize length = strlen(digits);
  gboolean ok = length == 6 || (length == 3 && digits != text);

  for (gsize i = 0; i < length; i++)
    ok = ok && g_ascii_isxdigit(digits[i]);
  if (!ok && g_str_has_suffix(text, ".png"))
    return mean_of_picture(text, color, error);
  if (!ok) {
    g_autofree char *shown = ddim_printable(text);
    g_set_error(
        error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
        _("color: '%s' is not valid; expected \"#rrggbb\" in hexadecimal digits, or a .png"),
        shown);
    return FALSE;
  }
  for (guint c = 0; c < 3; c++) {
    const int high = g_ascii_xdigit_value(digits[length == 6 ? 2 * c : c]);
    const int low = g_ascii_xdigit_value(digits[length == 6 ? 2 * c + 1 : c]);
    color[c] = (16 * high + low) / 127.5 - 1;
  }
  return TRUE;
}
