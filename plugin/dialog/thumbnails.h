/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gdk-pixbuf/gdk-pixbuf.h>
#include "core/data/image.h"
#include "plugin/dialog/catalog.h"

G_BEGIN_DECLS

/** Small pictures of a model's classes, made by the model itself when nothing else is to do, and
 * kept in the user's cache. At most THUMBNAILS_MAX_CLASSES of a model and THUMBNAILS_MAX_MODELS
 * models have some; those made longest ago are removed. */

#define THUMBNAILS_SIZE 32
#define THUMBNAILS_MAX_CLASSES 64
#define THUMBNAILS_MAX_MODELS 12

/** (transfer full) (nullable) NULL when there is none, or a damaged one. */
GdkPixbuf *thumbnails_load(const CatalogModel *model, guint class);
/** Keep a thumbnail of @image. Failing is of no consequence. */
void thumbnails_save(const CatalogModel *model, guint class, const DdimImage *image);
/** The next class without a thumbnail from @first on; -1 when there is none. */
int thumbnails_find_missing(const CatalogModel *model, guint first);

G_END_DECLS
