/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/class-map.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/image-private.h"
#include "core/data/memory.h"
#include "core/edit/picture.h"

/* Larger pictures have no maps. */
#define MAX_PIXELS ((guint64)1 << 28)
/* The shares of all classes take no more bytes than this. */
#define MAX_BYTES ((guint64)1 << 32)
/* A class that is this far from the nearest color, as a part of all, is not there. */
#define LEAST_SHARE (1.0 / 32)

typedef struct {
  gint64 label;
  double color[3]; /* in [-1, 1] */
} Entry;

void
ddim_class_map_free(DdimClassMap *map)
{
  if (!map)
    return;
  for (guint i = 0; i < map->n; i++) {
    ddim_class_mix_free((DdimClassMix *)map->regions[i].mix);
    g_free((guint8 *)map->regions[i].map);
  }
  g_free(map->regions);
  g_free(map);
}

/* ---- colors ---- */

static gboolean
parse_entry(DdimConfig *config, char *text, Entry *entry, GError **error)
{
  char *equals = strrchr(text, '=');
  g_autofree char *whole = g_strdup(text);

  if (!equals)
    return ddim_classes_refuse(error, _("class-colors: '%s' is not valid; expected CLASS=#rrggbb"),
                               whole);
  *equals = '\0';
  const char *color = g_strstrip(equals + 1);
  if (!ddim_config_parse_class(config, g_strstrip(text), &entry->label, error))
    return FALSE;
  if (color[0] != '#' || !ddim_edit_parse_color(color, entry->color, NULL))
    return ddim_classes_refuse(error, _("class-colors: '%s' is not valid; expected CLASS=#rrggbb"),
                               whole);
  return TRUE;
}

static gboolean
is_new(const GArray *entries, const Entry *entry)
{
  const double *wanted = entry->color;

  for (guint i = 0; i < entries->len; i++) {
    const double *color = g_array_index(entries, Entry, i).color;
    if (color[0] == wanted[0] && color[1] == wanted[1] && color[2] == wanted[2])
      return FALSE;
  }
  return TRUE;
}

/* (transfer full) */
static GArray *
parse_colors(DdimConfig *config, const char *text, GError **error)
{
  g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(Entry));
  g_auto(GStrv) parts = g_strsplit(text, ",", -1);

  for (guint i = 0; parts[i]; i++) {
    Entry entry;
    if (!parse_entry(config, g_strstrip(parts[i]), &entry, error))
      return NULL;
    if (!is_new(entries, &entry)) {
      ddim_classes_refuse(error, _("class-colors: two classes have the same color in '%s'"), text);
      return NULL;
    }
    g_array_append_val(entries, entry);
  }
  if (entries->len > 0)
    return g_steal_pointer(&entries);
  ddim_classes_refuse(error, _("class-colors: '%s' is not valid; expected CLASS=#rrggbb"), text);
  return NULL;
}

/* ---- shares ---- */

static void
get_color(const DdimImage *image, gsize pixel, double *color)
{
  const guint8 *bytes = image->pixels + pixel * image->channels;

  for (guint c = 0; c < 3; c++)
    color[c] = bytes[image->channels < 3 ? 0 : c] / 127.5 - 1;
}

static double
get_distance(const double *a, const double *b)
{
  return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
              (a[2] - b[2]) * (a[2] - b[2]));
}

/* @shares [entries][pixels], of @pixel, in parts of 255. */
static void
share_pixel(const GArray *entries, const double *color, guint8 *shares, gsize pixel, gsize pixels)
{
  double near = INFINITY, far = INFINITY;
  guint first = 0, second = 0;

  for (guint i = 0; i < entries->len; i++) {
    const double distance = get_distance(g_array_index(entries, Entry, i).color, color);
    shares[i * pixels + pixel] = 0;
    if (distance < near) {
      far = near;
      second = first;
      near = distance;
      first = i;
    } else if (distance < far) {
      far = distance;
      second = i;
    }
  }
  const double part = isfinite(far) ? near / (near + far) : 0;
  const guint8 share = part < LEAST_SHARE ? 0 : (guint8)lround(255 * part);
  shares[first * pixels + pixel] = 255 - share;
  if (share)
    shares[second * pixels + pixel] = share;
}

/* [entries][pixels of @image]. (transfer full) */
static guint8 *
make_shares(const DdimImage *image, const GArray *entries, GError **error)
{
  const gsize pixels = (gsize)image->width * image->height;
  guint8 *shares = ddim_try_alloc(pixels * entries->len, 1, error);

  for (gsize i = 0; shares && i < pixels; i++) {
    double color[3];
    get_color(image, i, color);
    share_pixel(entries, color, shares, i, pixels);
  }
  return shares;
}

/* ---- scaling ---- */

/* Where output pixel @at of @to lies among @from pixels: between @low and the next, by @part. */
static void
place(guint at, guint from, guint to, guint *low, guint *high, double *part)
{
  const double x = CLAMP((at + 0.5) * from / to - 0.5, 0, from - 1.0);

  *low = (guint)x;
  *high = MIN(*low + 1, from - 1);
  *part = x - *low;
}

/* The shares of one pixel of the picture. Rounded down they leave something over, which goes to the
 * largest. */
static void
scale_pixel(const guint8 *shares, const DdimImage *image, guint n, guint x, guint y, guint width,
            guint height, DdimClassMap *map)
{
  const gsize pixels = (gsize)image->width * image->height, at = (gsize)y * width + x;
  guint left, right, top, bottom, sum = 0, most = 0;
  double across, down;

  place(x, image->width, width, &left, &right, &across);
  place(y, image->height, height, &top, &bottom, &down);
  for (guint i = 0; i < n; i++) {
    const guint8 *upper = shares + i * pixels + (gsize)top * image->width;
    const guint8 *lower = shares + i * pixels + (gsize)bottom * image->width;
    guint8 *out = (guint8 *)map->regions[i].map + at;
    *out = (guint8)((1 - down) * ((1 - across) * upper[left] + across * upper[right]) +
                    down * ((1 - across) * lower[left] + across * lower[right]));
    sum += *out;
    most = *out > map->regions[most].map[at] ? i : most;
  }
  ((guint8 *)map->regions[most].map)[at] += 255 - sum;
}

static DdimClassMap *
make_map(const DdimImage *image, const GArray *entries, guint width, guint height, GError **error)
{
  g_autoptr(DdimClassMap) map = g_new0(DdimClassMap, 1);
  g_autofree guint8 *shares = make_shares(image, entries, error);

  map->n = entries->len;
  map->regions = g_new0(DdimWindowRegion, map->n);
  if (!shares)
    return NULL;
  for (guint i = 0; i < map->n; i++) {
    const double whole = 1;
    map->regions[i].mix = ddim_class_mix_new(1, &g_array_index(entries, Entry, i).label, &whole);
    if (!(map->regions[i].map = ddim_try_alloc((gsize)width * height, 1, error)))
      return NULL;
  }
  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      scale_pixel(shares, image, map->n, x, y, width, height, map);
  return g_steal_pointer(&map);
}

/* ---- the whole ---- */

/* Scaled to the picture, the map's sides are within one of its pixels. */
static gboolean
check_proportions(const DdimImage *image, const char *path, guint width, guint height,
                  GError **error)
{
  if (fabs((double)image->width * height / width - image->height) <= 1)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("class-map: %s is of %ux%u pixels, which are other proportions than the picture's "
                "%ux%u"),
              path, image->width, image->height, width, height);
  return FALSE;
}

static gboolean
check_memory(const DdimImage *image, guint n, guint width, guint height, GError **error)
{
  const guint64 pixels = MAX((guint64)image->width * image->height, (guint64)width * height);

  return pixels <= MAX_BYTES / n ||
         ddim_classes_refuse(
             error, "%s",
             _("class-map: the picture or the map is too large for so many classes; make it "
               "smaller, or name fewer classes in --class-colors"));
}

static void
name_classes(DdimClasses *classes, DdimConfig *config, const GArray *entries)
{
  g_autoptr(GString) name = g_string_new(NULL);

  for (guint i = 0; i < entries->len; i++) {
    const gint64 label = g_array_index(entries, Entry, i).label;
    const char *own = ddim_config_get_class_name(config, (guint)label);
    g_string_append(name, i ? "+" : "");
    if (own)
      g_string_append(name, own);
    else
      g_string_append_printf(name, "%" G_GINT64_FORMAT, label);
  }
  classes->name = g_string_free(g_steal_pointer(&name), FALSE);
  g_array_append_val(classes->labels, g_array_index(entries, Entry, 0).label);
}

static gboolean
check_options(const char *path, const char *colors, const DdimClasses *classes, DdimConfig *config,
              GError **error)
{
  if (!path || !colors)
    return ddim_classes_refuse(
        error, "%s",
        path ? _("class-map: nothing says which color stands for which class; give "
                 "--class-colors")
             : _("class-colors: there is no map with these colors; give --class-map"));
  if (classes->labels->len > 0)
    return ddim_classes_refuse(error, "%s",
                               _("class: a map of classes is given as well; give one of the two"));
  if (ddim_config_get_n_classes(config) == 0)
    return ddim_classes_refuse(error, _("class-map: the model %s has no classes to choose from"),
                               ddim_config_get_name(config));
  return TRUE;
}

gboolean
ddim_class_map_read(DdimClassMap **map, DdimClasses *classes, DdimConfig *config,
                    DdimRequest *request, guint width, guint height, GError **error)
{
  g_autofree char *path = NULL, *colors = NULL;
  g_autoptr(GArray) entries = NULL;
  g_autoptr(DdimImage) image = NULL;

  *map = NULL;
  g_object_get(request, "class-map", &path, "class-colors", &colors, NULL);
  if (!path && !colors)
    return TRUE;
  if ((guint64)width * height > MAX_PIXELS)
    return ddim_classes_refuse(
        error, _("class-map: the picture is too large for a map; make it smaller than %s"),
        "16384x16384");
  if (!check_options(path, colors, classes, config, error) ||
      !(entries = parse_colors(config, colors, error)) ||
      !(image = ddim_edit_open_picture(path, "class-map", error)) ||
      !check_proportions(image, path, width, height, error) ||
      !check_memory(image, entries->len, width, height, error) ||
      !(*map = make_map(image, entries, width, height, error)))
    return FALSE;
  name_classes(classes, config, entries);
  return TRUE;
}
