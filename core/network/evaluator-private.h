/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/conditioning.h"
#include "core/network/evaluator.h"
#include "core/network/record.h"

/** How an evaluator computes that does not do so in one piece, see core/network/windows.h. */
typedef struct {
  gboolean (*set_conditions)(gpointer data, const double *timesteps, guint n_steps, guint per_step,
                             const gint64 *labels, const DdimClassMix *mix, GError **error);
  /** Enqueue output = network(x, timesteps[step]). @x planar [batch][x_channels][H][W] */
  gboolean (*evaluate)(gpointer data, DdimClMem x, guint step, GError **error);
  double (*get_flops)(gpointer data);
  void (*free)(gpointer data);
} DdimEvaluatorParts;

struct _DdimEvaluator {
  guint refs;
  DdimNetwork *network;
  const DdimEvaluatorParts *parts; /**< NULL: computed in one piece. Otherwise it has no memory for
                                        x, no planar output and no convolutions. */
  gpointer parts_data;
  DdimClassMix *mix;      /**< (nullable) in place of labels */
  DdimEvaluatorSize size; /**< usual_batch is never 0 */
  guint x_channels;       /**< of x: those of the input without low_res's */
  DdimRecordConv *convs;  /**< one for each of DdimNetwork.convs */
  guint n_convs;          /**< those of the gradient only where there is one */
  DdimClPlan *plan;
  DdimClBuffer *memory;           /**< of what outlives an evaluation: all that follows */
  DdimClMem x;                    /**< planar [batch][x_channels][H][W] */
  DdimClMem low_res;              /**< planar [batch][low_res_channels][H][W] */
  DdimRecordPorts ports;          /**< ports.y: the output, NHWC with padded channels */
  DdimClMem output;               /**< the same, planar [batch][out_channels][H][W] */
  DdimClMem gradient;             /**< planar [batch][in_channels][H][W], where size.gradient */
  DdimConditioning *conditioning; /**< NULL until it is set */
  double flops;
};

/** Enqueue the evaluation of x at a place on the device. @x as in DdimEvaluatorParts */
gboolean ddim_evaluator_evaluate_at(DdimEvaluator *evaluator, DdimClMem x, guint step,
                                    GError **error);
/** The first half of ddim_evaluator_new(): choose, and record. The evaluator's weights have memory,
 * which is not touched yet, and no contents. */
DdimEvaluator *ddim_evaluator_begin(DdimNetwork *network, const DdimEvaluatorSize *size,
                                    GError **error);
/** The second half: lay out the weights, and have memory to compute in. */
gboolean ddim_evaluator_finish(DdimEvaluator *evaluator, const DdimNetworkParams *params,
                               GError **error);
