/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/work/worker.h"
#include "plugin/image/target.h"

G_BEGIN_DECLS

/** Put all images of @result into the image: one layer, or a group of several, above the target's
 * drawable, with the selection as mask. Everything is prepared before the image is touched, then
 * inserted as one undo step. The topmost new layer becomes the active one.
 * @made  (nullable) set to the layers of the images, in their order: (element-type LayerRef)
 * Returns the layer or the group; NO_LAYER with @error set, and the image as it was, on failure. */
LayerRef layers_insert(const Target *target, const WorkerResult *result, GArray **made,
                       GError **error);
/** Remove those of @layers, made by layers_insert(), that are not to be kept, as one undo step.
 * @keep  one for each layer */
void layers_keep(GArray *layers, const gboolean *keep);
/** The active layer of @image; NO_LAYER when there is none. */
LayerRef layers_get_active(ImageRef image);
/** The settings kept with the active layer of @image. NULL with @error set when there are none.
 * (transfer full) */
DdimRequest *layers_read_settings(ImageRef image, GError **error);
/** The image that @layer is in. */
ImageRef layers_get_image(LayerRef layer);

G_END_DECLS
