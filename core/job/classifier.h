/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/request.h"
#include "core/network/evaluator.h"

G_BEGIN_DECLS

/** The classifier that a request names, and later its network on a device. Members are read by
 * everyone and changed by nobody. One thread at a time. */
typedef struct {
  char *path;
  DdimCheckpoint *checkpoint;
  DdimConfig *config;
  DdimNetwork *network;     /**< NULL until ddim_classifier_start() */
  DdimEvaluator *evaluator; /**< (nullable) the one that was asked for last */
} DdimClassifier;

/** Find and read the classifier of the properties classifier, classifier-flags, model-path. Touches
 * no device. Errors: as ddim_models_find(), ddim_checkpoint_open(), ddim_config_load_classifier().
 */
DdimClassifier *ddim_classifier_new(DdimRequest *request, GError **error);
void ddim_classifier_free(DdimClassifier *classifier);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClassifier, ddim_classifier_free)

/** Load it onto @context's device; does nothing the second time. Errors: as ddim_network_new(). */
gboolean ddim_classifier_start(DdimClassifier *classifier, DdimContext *context,
                               const DdimNetworkParams *params, GError **error);
/** Free the evaluator, and what it takes on the device. */
void ddim_classifier_forget(DdimClassifier *classifier);
/** Leave the device. */
void ddim_classifier_stop(DdimClassifier *classifier);
/** The evaluator of this size, made unless it is the last one. (transfer none) lives until the next
 * call. Errors: as ddim_evaluator_new(). */
DdimEvaluator *ddim_classifier_get_evaluator(DdimClassifier *classifier,
                                             const DdimEvaluatorSize *size,
                                             const DdimNetworkParams *params, GError **error);

G_END_DECLS
