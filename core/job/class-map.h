/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/classes.h"
#include "core/job/request.h"
#include "core/network/windows.h"

G_BEGIN_DECLS

/** Parts of a picture that have a class each. Private to the job's folder. */
typedef struct {
  guint n;
  DdimWindowRegion *regions; /**< [n] for pictures of the size that the map was read for */
} DdimClassMap;

/** Read the options class-map, a .png, and class-colors, "lava=#ff0000,marble=#0000ff", for
 * pictures of @width x @height. A pixel has the classes of the two colors that are nearest to its
 * own; with the distances d1 and d2 the farther one has the share d1 / (d1 + d2), but nothing below
 * 1/32. The shares are scaled to the picture, bilinearly. Puts a class that stands for all into
 * @classes.
 * @map  (out) (nullable) NULL where the request has no map
 * Errors: DDIM_ERROR_ARGUMENT. */
gboolean ddim_class_map_read(DdimClassMap **map, DdimClasses *classes, DdimConfig *config,
                             DdimRequest *request, guint width, guint height, GError **error);
void ddim_class_map_free(DdimClassMap *map);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClassMap, ddim_class_map_free)

G_END_DECLS
