/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/layers/layers.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"
#include "plugin/layers/pixels.h"
#include "plugin/work/names.h"
#include "plugin/work/settings.h"

/* ---- making layers, none of which is in the image yet ---- */

/* "marble #42 · DDIM textures": the layers' dock shows the beginning. A group of several has the
 * seeds of the first and the last: "marble #42–44 · DDIM textures". */
static char *
make_name(const WorkerResult *result, const char *label, guint first, guint last)
{
  const WorkerImage *from = g_ptr_array_index(result->images, first);
  const WorkerImage *to = g_ptr_array_index(result->images, last);
  g_autofree char *seed = ddim_request_get_as_string(from->settings, "seed");
  g_autofree char *end = ddim_request_get_as_string(to->settings, "seed");
  gboolean several = g_strcmp0(seed, end) != 0;

  return g_strdup_printf("%s%s#%s%s%s · DDIM %s", label ? names_show_class(label) : "",
                         label ? " " : "", seed, several ? "–" : "", several ? end : "",
                         result->model);
}

/* The class of all images, NULL when they differ. */
static const char *
common_label(const WorkerResult *result)
{
  const WorkerImage *first = g_ptr_array_index(result->images, 0);

  for (guint i = 1; i < result->images->len; i++) {
    const WorkerImage *image = g_ptr_array_index(result->images, i);
    if (g_strcmp0(image->label, first->label) != 0)
      return NULL;
  }
  return first->label;
}

static void
attach_settings(LayerRef layer, const WorkerResult *result, int index)
{
  g_autofree char *json = settings_to_parasite(result, index);
  GimpParasite *parasite =
      gimp_parasite_new(SETTINGS_PARASITE, GIMP_PARASITE_PERSISTENT, strlen(json) + 1, json);

  gimp_item_attach_parasite(GIMP_ITEM(layer), parasite);
  gimp_parasite_free(parasite);
}

static LayerRef
make_layer(ImageRef image, const WorkerResult *result, guint index, GError **error)
{
  const WorkerImage *picture = g_ptr_array_index(result->images, index);
  gboolean gray = gimp_image_get_base_type(image) == GIMP_GRAY;
  gboolean alpha = picture->channels % 2 == 0;
  GimpImageType type = gray ? (alpha ? GIMP_GRAYA_IMAGE : GIMP_GRAY_IMAGE)
                            : (alpha ? GIMP_RGBA_IMAGE : GIMP_RGB_IMAGE);
  LayerRef layer = gimp_layer_new(image, "DDIM", picture->width, picture->height, type, 100.0,
                                  gimp_image_get_default_new_layer_mode(image));

  if (layer == NO_LAYER) {
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, _("GIMP made no layer of %u × %u pixels"),
                picture->width, picture->height);
    return NO_LAYER;
  }
  if (!pixels_fill(GIMP_DRAWABLE(layer), picture, error)) {
    gimp_item_delete(GIMP_ITEM(layer));
    return NO_LAYER;
  }
  attach_settings(layer, result, index);
  return layer;
}

/* (nullable) (element-type LayerRef) */
static GArray *
make_layers(ImageRef image, const WorkerResult *result, GError **error)
{
  g_autoptr(GArray) layers = g_array_new(FALSE, FALSE, sizeof(LayerRef));

  for (guint i = 0; i < result->images->len; i++) {
    LayerRef layer = make_layer(image, result, i, error);
    if (layer == NO_LAYER) {
      for (guint j = 0; j < layers->len; j++)
        gimp_item_delete(GIMP_ITEM(g_array_index(layers, LayerRef, j)));
      return NULL;
    }
    g_array_append_val(layers, layer);
  }
  return g_steal_pointer(&layers);
}

/* ---- putting them in ---- */

/* A layer that is made again gets a name of its own: "NAME (2)". */
static char *
make_unique(ImageRef image, const char *name)
{
  char *unique = g_strdup(name);
  guint n = 1;

  while (gimp_image_get_layer_by_name(image, unique) != NO_LAYER) {
    g_free(unique);
    unique = g_strdup_printf("%s (%u)", name, ++n);
  }
  return unique;
}

static LayerRef
new_group(ImageRef image)
{
#if DDIM_GIMP_MAJOR >= 3
  return GIMP_LAYER(gimp_group_layer_new(image, NULL));
#else
  return gimp_layer_group_new(image);
#endif
}

static void
insert(ImageRef image, LayerRef layer, const char *name, LayerRef parent, int position)
{
  g_autofree char *unique = make_unique(image, name);

  gimp_item_set_name(GIMP_ITEM(layer), unique);
  gimp_image_insert_layer(image, layer, parent, position);
}

static LayerRef
insert_group(ImageRef image, const WorkerResult *result, GArray *layers, LayerRef parent,
             int position)
{
  g_autofree char *name = make_name(result, common_label(result), 0, layers->len - 1);
  LayerRef group = new_group(image);

  attach_settings(group, result, -1);
  insert(image, group, name, parent, position);
  for (guint i = 0; i < layers->len; i++) {
    const WorkerImage *picture = g_ptr_array_index(result->images, i);
    g_autofree char *own = make_name(result, picture->label, i, i);
    insert(image, g_array_index(layers, LayerRef, i), own, group, result->frames ? 0 : (int)i);
  }
  return group;
}

/* As layers without a group, because GIMP's export takes each layer as a frame. Returns the lowest.
 */
static LayerRef
insert_frames(ImageRef image, const WorkerResult *result, GArray *layers)
{
  for (guint i = 0; i < layers->len; i++) {
    const WorkerImage *picture = g_ptr_array_index(result->images, i);
    g_autofree char *name = make_name(result, picture->label, i, i);
    insert(image, g_array_index(layers, LayerRef, i), name, NO_LAYER, 0);
  }
  return g_array_index(layers, LayerRef, 0);
}

static LayerRef
insert_one(ImageRef image, const WorkerResult *result, LayerRef layer, LayerRef parent,
           int position)
{
  const WorkerImage *picture = g_ptr_array_index(result->images, 0);
  g_autofree char *name = make_name(result, picture->label, 0, 0);

  insert(image, layer, name, parent, position);
  return layer;
}

static void
set_active(ImageRef image, LayerRef layer)
{
#if DDIM_GIMP_MAJOR >= 3
  const GimpLayer *layers[] = {layer, NULL};
  gimp_image_set_selected_layers(image, layers);
#else
  gimp_image_set_active_layer(image, layer);
#endif
}

LayerRef
layers_insert(const Target *target, const WorkerResult *result, GArray **made, GError **error)
{
  g_autoptr(GArray) layers = NULL;
  ImageRef image = target->image;
  LayerRef parent, layer;
  int position;

  if (result->images->len == 0 || (image != NO_IMAGE && !gimp_image_is_valid(image))) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND, _("The image was closed"));
    return NO_LAYER;
  }
  if (image == NO_IMAGE) {
    const WorkerImage *first = g_ptr_array_index(result->images, 0);
    image = gimp_image_new(first->width, first->height, first->channels < 3 ? GIMP_GRAY : GIMP_RGB);
  }
  layers = make_layers(image, result, error);
  if (!layers) {
    if (target->image == NO_IMAGE)
      gimp_image_delete(image);
    return NO_LAYER;
  }
  for (guint i = 0; i < layers->len; i++)
    gimp_layer_set_offsets(g_array_index(layers, LayerRef, i), target->x, target->y);

  gimp_image_undo_group_start(image);
  parent = target_find_place(target, &position);
  if (layers->len == 1)
    layer = insert_one(image, result, g_array_index(layers, LayerRef, 0), parent, position);
  else if (result->frames && target->image == NO_IMAGE)
    layer = insert_frames(image, result, layers);
  else
    layer = insert_group(image, result, layers, parent, position);
  target_add_mask(target, layer);
  /* The one on top, which is seen. */
  set_active(image, g_array_index(layers, LayerRef, result->frames ? layers->len - 1 : 0));
  gimp_image_undo_group_end(image);
  if (made)
    *made = g_steal_pointer(&layers);
  return layer;
}

void
layers_keep(GArray *layers, const gboolean *keep)
{
  ImageRef image = NO_IMAGE;

  for (guint i = 0; i < layers->len; i++) {
    LayerRef layer = g_array_index(layers, LayerRef, i);
    if (!gimp_item_is_valid(GIMP_ITEM(layer)))
      continue;
    if (image == NO_IMAGE) {
      image = layers_get_image(layer);
      gimp_image_undo_group_start(image);
    }
    if (keep[i])
      set_active(image, layer);
    else
      gimp_image_remove_layer(image, layer);
  }
  if (image != NO_IMAGE)
    gimp_image_undo_group_end(image);
}

ImageRef
layers_get_image(LayerRef layer)
{
  return gimp_item_get_image(GIMP_ITEM(layer));
}

/* ---- reading settings back ---- */

LayerRef
layers_get_active(ImageRef image)
{
#if DDIM_GIMP_MAJOR >= 3
  g_autofree GimpLayer **layers = gimp_image_get_selected_layers(image);
  return layers ? layers[0] : NO_LAYER;
#else
  return gimp_image_get_active_layer(image);
#endif
}

static DdimRequest *
read_parasite(GimpParasite *parasite, GError **error)
{
#if DDIM_GIMP_MAJOR >= 3
  guint32 size = 0;
  const char *data = gimp_parasite_get_data(parasite, &size);
  return settings_from_parasite(data, size, error);
#else
  return settings_from_parasite(gimp_parasite_data(parasite), gimp_parasite_data_size(parasite),
                                error);
#endif
}

DdimRequest *
layers_read_settings(ImageRef image, GError **error)
{
  LayerRef layer =
      image != NO_IMAGE && gimp_image_is_valid(image) ? layers_get_active(image) : NO_LAYER;
  GimpParasite *parasite =
      layer == NO_LAYER ? NULL : gimp_item_get_parasite(GIMP_ITEM(layer), SETTINGS_PARASITE);
  DdimRequest *request;

  if (!parasite) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND,
                _("The active layer was not generated here, so it has no settings"));
    return NULL;
  }
  request = read_parasite(parasite, error);
  gimp_parasite_free(parasite);
  return request;
}
