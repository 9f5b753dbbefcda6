/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/session.h"

G_BEGIN_DECLS

/** What one evaluation of a model showed. */
typedef struct {
  gboolean finite;   /**< all values are numbers */
  gboolean compared; /**< with stored numbers, which there are only of the default model */
  double error;      /**< largest difference */
  double bound;      /**< what it may be, where outputs are of the order of 1 */
  double seconds;    /**< of a second evaluation */
} DdimEvaluationCheck;

/** Evaluate @session's model once, for noise of its size (32x32 for the default model), on the
 * device that @request names. Starts the session. */
gboolean ddim_check_evaluation(DdimSession *session, DdimRequest *request,
                               const DdimNetworkParams *params, DdimEvaluationCheck *result,
                               GError **error);

G_END_DECLS
