/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/image/compat.h"

G_BEGIN_DECLS

/** All layers of an image with names for people: a layer in a group has the group's name in front,
 * "Sky/Clouds". */

typedef struct {
  LayerRef layer;
  char *path;
} NamedLayer;

/** From the topmost to the lowest, each group before what is in it; empty for NO_IMAGE.
 * (element-type NamedLayer) (transfer full) */
GPtrArray *layer_list_new(ImageRef image);

/** The layer that has this name, or else this path. NO_LAYER when there is none. */
LayerRef layer_list_find(ImageRef image, const char *name);

G_END_DECLS
