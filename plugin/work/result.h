/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image-private.h"
#include "core/job/callbacks.h"
#include "plugin/image/size.h"

G_BEGIN_DECLS

/** A finished image, which can be made again alone. */
typedef struct {
  guint channels, height, width;
  float *samples;        /**< [channels][height][width], about [-1, 1] */
  DdimImage *picture;    /**< (nullable) the image as bytes, in place of `samples` */
  char *label;           /**< (nullable) the name or number of its class */
  DdimRequest *settings; /**< every open choice made; width and height as asked; count 1 */
  char *command;         /**< the commands that sample the same */
  DdimBytes bytes;       /**< how bytes are made of `samples` */
} WorkerImage;

/** What a run made. */
typedef struct {
  DdimRequest *settings; /**< of all images: seed is the first one's, the next have the next ones */
  char *model;           /**< the model's name */
  char *warning;         /**< (nullable) a problem that did not stop the run */
  SizePlan size;   /**< of what was sampled, which is then enlarged by the request's scale; width 0:
                      the model's own */
  gboolean frames; /**< images are frames of a film: the first one is the lowest layer */
  GPtrArray *images; /**< (element-type WorkerImage) */
} WorkerResult;

/** What `samples` are as bytes, as the layer and the command have them. (transfer full)
 * Errors: DDIM_ERROR_ARGUMENT when there is no memory. */
DdimImage *worker_image_to_picture(const WorkerImage *image, GError **error);

/** The name or number of the class that @sample has. */
void worker_image_set_label(WorkerImage *image, const DdimSample *sample);

/** Without images. */
WorkerResult *worker_result_new(void);
void worker_image_free(WorkerImage *image);
void worker_result_free(WorkerResult *result);
/** Add a line to the warning. @text  (nullable) */
void worker_result_warn(WorkerResult *result, const char *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WorkerResult, worker_result_free)

G_END_DECLS
