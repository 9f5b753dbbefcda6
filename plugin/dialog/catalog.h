/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include "core/model/config.h"

G_BEGIN_DECLS

/** What a dialog offers to choose from, looked up in a thread of its own: reading files and asking
 * OpenCL takes time. */

typedef struct {
  char *name; /**< what option "model" takes */
  char *path;
  guint64 size;                        /**< bytes */
  gint64 changed;                      /**< when the file was, seconds since 1970 */
  char *description, *license, *error; /**< (nullable); with an error nothing below is known */
  guint image_size;                    /**< of the training images, 0 when unknown */
  guint stride;
  guint n_timesteps; /**< of its training */
  gboolean enlarges; /**< a small image, so it makes none of nothing */
  double eta;        /**< that suits the model */
  DdimConfig *config; /**< (nullable) */
  GStrv classes;     /**< names, or numbers where there are none; empty when unconditional */
} CatalogModel;

void catalog_model_free(CatalogModel *model);

/** Every model found. @callback in the thread-default main context; end with
 * catalog_models_finish(). */
void catalog_models_async(GCancellable *cancellable, GAsyncReadyCallback callback,
                          gpointer user_data);
/** (transfer full) (element-type CatalogModel), maybe empty. */
GPtrArray *catalog_models_finish(GAsyncResult *result, GError **error);

/** Every OpenCL device: (transfer full) (element-type DevicesItem), see plugin/work/devices.h. */
void catalog_devices_async(GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
GPtrArray *catalog_devices_finish(GAsyncResult *result, GError **error);

G_END_DECLS
