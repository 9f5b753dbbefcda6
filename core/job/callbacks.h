/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/since.h"
#include "core/data/image.h"
#include "core/job/request.h"
#include "core/model/config.h"

G_BEGIN_DECLS

/** What a running job reports to its caller, see core/job/generator.h.
 *
 * Only the library makes DdimProgress and DdimSample. Read them in the callbacks that get them, and
 * never depend on their size, because later versions add members at the end. A program makes
 * DdimGeneratorCallbacks. Later versions may use its reserved members, so set all members that you
 * do not know to zero, as an initializer does. */

typedef struct {
  guint image, n_images; /**< images finished, of how many */
  guint batch;           /**< images in the current batch */
  guint step, n_steps;   /**< steps done in the current batch */
  double fraction;       /**< of the whole job, 0 … 1 */
  double elapsed;        /**< seconds since sampling began */
  double remaining;      /**< seconds left, negative while unknown */
} DdimProgress;

/** A finished image or a preview (the predicted x0). Valid during the callback. */
typedef struct {
  guint index; /**< 0 … count-1 */
  guint channels, height, width;
  const float *samples;   /**< [channels][height][width], about [-1, 1] */
  gint64 label;           /**< -1: unconditional */
  const char *label_name; /**< (nullable) */
  /** (nullable) The finished picture, if the job changes a picture. Pixels that were not to be
   * changed keep the input's bytes. `samples` is then the part of it that was computed last. */
  const DdimImage *picture;
  /** For ddim_sample_to_image(): how the program that the model comes from makes bytes. */
  int bytes;
} DdimSample;

/** The sample as an image, in the bytes that the command `ddim` writes: a copy of the finished
 * picture where there is one. (transfer full)
 * Errors: DDIM_ERROR_ARGUMENT when there is no memory. */
DDIM_AVAILABLE_IN_0_1
DdimImage *ddim_sample_to_image(const DdimSample *sample, GError **error);

/** Any member may be NULL. All are called in the thread that runs the job. */
typedef struct {
  /** What is being done before the first step: "Loading textures", "Building kernels (first run
   * only)".
   * @fraction  0 … 1, or negative while unknown */
  void (*status)(const char *what, double fraction, gpointer user_data);
  /** Once, before the first step: the request with every open choice made (seed, size, batch,
   * model). Random classes stay open in it: they are drawn from the seed's numbers, so the same
   * request draws the same again. Both are (transfer none): take references to keep them. */
  void (*started)(DdimRequest *resolved, DdimConfig *config, gpointer user_data);
  /** Before the first step of each batch, and after each step. */
  void (*progress)(const DdimProgress *progress, gpointer user_data);
  /** After a step, when not NULL: the predicted x0 of the batch's first image. At most about ten a
   * second. */
  void (*preview)(const DdimSample *x0, gpointer user_data);
  /** Each finished image, in order. FALSE with @error set stops the job. */
  gboolean (*image)(const DdimSample *sample, gpointer user_data, GError **error);

  /** A line to show to the user: something was done otherwise than usual, and why. It changes the
   * time that the job takes, never what it makes. */
  void (*message)(const char *text, gpointer user_data);
  /** Before the first step, for each image: whether it is wanted; *@wanted is TRUE before the call.
   * The others are not handed out, and a batch with none that is wanted is not computed. Images
   * come out as they would among all. @resolved is that of `started`. FALSE with @error set stops
   * the job. When no image is wanted, `started` is not called. */
  gboolean (*select)(DdimRequest *resolved, guint index, gboolean *wanted, gpointer user_data,
                     GError **error);

  gpointer reserved[6]; /**< NULL */
} DdimGeneratorCallbacks;

G_END_DECLS
