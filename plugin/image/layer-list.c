/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/image/layer-list.h"

/* Those of @group, or of the image itself. (transfer container) */
static GArray *
list_items(ImageRef image, ItemRef group)
{
  GArray *items = g_array_new(FALSE, FALSE, sizeof(ItemRef));
#if DDIM_GIMP_MAJOR >= 3
  g_autofree GimpItem **found =
      group ? gimp_item_get_children(group) : (GimpItem **)gimp_image_get_layers(image);
  for (guint i = 0; found && found[i]; i++)
    g_array_append_val(items, found[i]);
#else
  int n = 0;
  g_autofree gint32 *found =
      group != NO_ITEM ? gimp_item_get_children(group, &n) : gimp_image_get_layers(image, &n);
  g_array_append_vals(items, found, n);
#endif
  return items;
}

static void
named_layer_free(NamedLayer *named)
{
  g_free(named->path);
  g_free(named);
}

/* Add what is in @group, whose path is @parent (nullable). */
static void
add(GPtrArray *list, ImageRef image, ItemRef group, const char *parent)
{
  g_autoptr(GArray) items = list_items(image, group);

  for (guint i = 0; i < items->len; i++) {
    const ItemRef item = g_array_index(items, ItemRef, i);
    g_autofree char *name = gimp_item_get_name(item);
    NamedLayer *named = g_new0(NamedLayer, 1);
    named->layer = GIMP_LAYER(item);
    named->path = parent ? g_strdup_printf("%s/%s", parent, name) : g_strdup(name);
    g_ptr_array_add(list, named);
    if (gimp_item_is_group(item))
      add(list, image, item, named->path);
  }
}

GPtrArray *
layer_list_new(ImageRef image)
{
  GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)named_layer_free);

  if (image != NO_IMAGE)
    add(list, image, NO_ITEM, NULL);
  return list;
}

LayerRef
layer_list_find(ImageRef image, const char *name)
{
  g_autoptr(GPtrArray) list = layer_list_new(image);
  LayerRef layer = image == NO_IMAGE ? NO_LAYER : gimp_image_get_layer_by_name(image, name);

  for (guint i = 0; i < list->len && layer == NO_LAYER; i++) {
    const NamedLayer *named = g_ptr_array_index(list, i);
    if (g_str_equal(named->path, name))
      layer = named->layer;
  }
  return layer;
}
