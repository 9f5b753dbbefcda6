/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "compat.h"
#include "job.h"

G_BEGIN_DECLS

/** Where the images go: taken when a run begins, so that what the user does meanwhile moves
 * nothing. */
typedef struct {
  ImageRef image;       /**< NO_IMAGE: a new image is made */
  DrawableRef drawable; /**< the new layer comes above it; may be NO_DRAWABLE */
  int x, y;             /**< of the new layer in the image */
  guint width, height;  /**< of the selection, else of the image; 0 without an image */
  GeglBuffer *mask;     /**< (nullable) the selection, "Y float", in the image's coordinates */
} Target;

/** Errors: DDIM_ERROR_UNSUPPORTED for an indexed image or one with a floating selection. */
gboolean target_init(Target *target, ImageRef image, DrawableRef drawable, GError **error);
void target_clear(Target *target);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Target, target_clear)

/** @request with the target's width and height where it leaves them open. (transfer full) */
DdimRequest *target_fit_request(const Target *target, DdimRequest *request);

/** Put all images of @result into the image: one layer, or a group of several, above the target's
 * drawable, with the selection as mask. Everything is prepared before the image is touched, then
 * inserted as one undo step. Returns the layer or the group; NO_LAYER with @error set, and the
 * image as it was, on failure. */
LayerRef layers_insert(const Target *target, const JobResult *result, GError **error);
/** The active layer of @image; NO_LAYER when there is none. */
LayerRef layers_get_active(ImageRef image);
/** The settings kept with the active layer of @image. NULL with @error set when there are none.
 * (transfer full) */
DdimRequest *layers_read_settings(ImageRef image, GError **error);
/** The image that @layer is in. */
ImageRef layers_get_image(LayerRef layer);

G_END_DECLS
