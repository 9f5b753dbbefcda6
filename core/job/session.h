/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image.h"
#include "core/model/config.h"
#include "core/job/classifier.h"
#include "core/job/request.h"
#include "core/network/evaluator-cache.h"

G_BEGIN_DECLS

/** A model, and later the device it runs on: generating, predicting and measuring all begin with
 * one. Members are read by everyone and changed by nobody. One thread at a time. */
typedef struct {
  char *path; /**< the checkpoint */
  DdimCheckpoint *checkpoint;
  DdimConfig *config;
  DdimClassifier *classifier;     /**< (nullable) what guides the model */
  DdimContext *context;           /**< NULL until ddim_session_start() */
  DdimNetwork *network;           /**< NULL until ddim_session_start() */
  DdimEvaluatorCache *evaluators; /**< of `network` */
  char *key;                      /**< what it was made from */
  DdimStatusFunc status;          /**< (nullable) is told of kernels that have to be built */
  gpointer status_data;
  GHashTable *pictures; /**< (nullable) option -> DdimImage: in place of the files that they name;
                           the generator's */
  DdimPrecision precision; /**< of `network` */
} DdimSession;

/** Find and read the model that @request names: properties model, model-path, flags. Touches no
 * device. Also its classifier, if its command takes one: property classifier. Errors: as
 * ddim_models_find(), ddim_checkpoint_open(), ddim_config_load(), ddim_classifier_new(). */
DdimSession *ddim_session_new(DdimRequest *request, GError **error);
void ddim_session_free(DdimSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimSession, ddim_session_free)

/** Open the device and load the weights onto it: properties device, precision; does nothing the
 * second time.
 * @params  (nullable) for status, which is also set as by ddim_session_set_status(), and
 * cancellable; its precision is not read Errors: as ddim_context_new(), ddim_network_new(). */
gboolean ddim_session_start(DdimSession *session, DdimRequest *request,
                            const DdimNetworkParams *params, GError **error);
/** Leave the device for a processor's, after it has run out of memory. FALSE, with everything as it
 * was, when the device is a processor's already, when there is none, and when that fails too. All
 * evaluators of the session must have been freed.
 * @params  as ddim_session_start() has them */
gboolean ddim_session_use_processor(DdimSession *session, const DdimNetworkParams *params);
/** Set the function that is told from now on, also during evaluations, that kernels are being
 * built. NULL: none. */
void ddim_session_set_status(DdimSession *session, DdimStatusFunc status, gpointer status_data);
/** Whether @request would make the same session: the same file and sidecar unchanged, flags, device
 * and precision. */
gboolean ddim_session_matches(DdimSession *session, DdimRequest *request);

/** Choose the batch and the size of a measurement: the properties batch, width and height. For
 * those that are 0 it is one image, of the size that the model was trained with. */
void ddim_session_choose_size(DdimSession *session, DdimRequest *request, guint *batch,
                              guint *width, guint *height);

/** The picture that @option, whose value is @path, names: one in memory, else the file. (transfer
 * full) Errors: as ddim_edit_open_picture(). */
DdimImage *ddim_session_open_picture(DdimSession *session, const char *path, const char *option,
                                     GError **error);
/** Whether there is a picture in memory for @option. */
gboolean ddim_session_has_picture(DdimSession *session, const char *option);

/** Channels of the images that go in and out. */
guint ddim_session_get_channels(DdimSession *session);

G_END_DECLS
