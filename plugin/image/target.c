/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/image/target.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"

static GeglBuffer *
copy_selection(ImageRef image, const GeglRectangle *bounds)
{
  AUTO_OBJECT(GeglBuffer)
  selection = gimp_drawable_get_buffer(GIMP_DRAWABLE(gimp_image_get_selection(image)));
  GeglBuffer *copy = gegl_buffer_new(bounds, babl_format("Y float"));

  gegl_buffer_copy(selection, bounds, GEGL_ABYSS_NONE, copy, bounds);
  return copy;
}

gboolean
target_look(Target *target, ImageRef image, DrawableRef drawable, GError **error)
{
  int x2, y2;

  memset(target, 0, sizeof *target);
  target->image = image;
  target->drawable = drawable;
  if (image == NO_IMAGE)
    return TRUE;
  if (!gimp_image_is_valid(image)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND, _("The image was closed"));
    return FALSE;
  }
  if (gimp_image_get_base_type(image) == GIMP_INDEXED) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("Indexed images have too few colors for this; change the image to RGB first "
                  "(Image → Mode → RGB)"));
    return FALSE;
  }
  if (gimp_image_get_floating_sel(image) != NO_LAYER) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("The image has a floating selection; anchor it or make it a layer first"));
    return FALSE;
  }
  gimp_selection_bounds(image, &target->selected, &target->x, &target->y, &x2, &y2);
  target->width = x2 - target->x;
  target->height = y2 - target->y;
  return TRUE;
}

gboolean
target_init(Target *target, ImageRef image, DrawableRef drawable, GError **error)
{
  if (!target_look(target, image, drawable, error))
    return FALSE;
  if (target->selected)
    target->mask =
        copy_selection(image, GEGL_RECTANGLE(target->x, target->y, target->width, target->height));
  return TRUE;
}

void
target_clear(Target *target)
{
  g_clear_object(&target->mask);
}

DdimRequest *
target_fit_request(const Target *target, DdimRequest *request)
{
  DdimRequest *fitted = ddim_request_copy(request);
  int width, height;

  g_object_get(fitted, "width", &width, "height", &height, NULL);
  g_object_set(fitted, "width", width ? width : (int)target->width, "height",
               height ? height : (int)target->height, NULL);
  return fitted;
}

LayerRef
target_find_place(const Target *target, int *position)
{
  ItemRef item = NO_ITEM;

  *position = -1;
  if (target->drawable == NO_DRAWABLE || !gimp_item_is_valid(GIMP_ITEM(target->drawable)))
    return NO_LAYER;
  if (gimp_item_is_layer_mask(GIMP_ITEM(target->drawable))) {
    LayerRef owner = gimp_layer_from_mask(GIMP_LAYER_MASK(target->drawable));
    if (owner != NO_LAYER)
      item = GIMP_ITEM(owner);
  } else if (gimp_item_is_layer(GIMP_ITEM(target->drawable)))
    item = GIMP_ITEM(target->drawable);
  if (item == NO_ITEM)
    return NO_LAYER;
  *position = gimp_image_get_item_position(target->image, item);
  item = gimp_item_get_parent(item);
  return item == NO_ITEM ? NO_LAYER : GIMP_LAYER(item);
}

void
target_add_mask(const Target *target, LayerRef layer)
{
  AUTO_OBJECT(GeglBuffer) buffer = NULL;
  GeglRectangle from;
  MaskRef mask;

  if (!target->mask)
    return;
  mask = gimp_layer_create_mask(layer, GIMP_ADD_MASK_BLACK);
  buffer = gimp_drawable_get_buffer(GIMP_DRAWABLE(mask));
  from = *gegl_buffer_get_extent(buffer);
  from.x = target->x;
  from.y = target->y;
  gegl_buffer_copy(target->mask, &from, GEGL_ABYSS_NONE, buffer, gegl_buffer_get_extent(buffer));
  g_clear_object(&buffer); /* sends the pixels to GIMP */
  gimp_layer_add_mask(layer, mask);
  gimp_layer_set_edit_mask(layer, FALSE);
}
