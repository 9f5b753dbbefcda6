/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/class-mix.h"
#include "core/network/network.h"
#include "opencl/ops/wrap.h"

G_BEGIN_DECLS

/** A network that is ready to evaluate a batch of inputs of one size: output = network(x, timestep,
 * label). The output of a classifier is [batch][classes], its logits. Any number of evaluators of a
 * network may live at the same time, and be used in any order. They share weights that are laid out
 * alike, and the memory of intermediate results, which is as large as the largest evaluator needs
 * it. Each has its own input, output and conditioning. What changes from step to step of a sampling
 * loop is kept apart (core/network/sampler-state.h). Reference counted; keeps a reference to its
 * network. One thread at a time. */
typedef struct _DdimEvaluator DdimEvaluator;

typedef struct {
  guint batch, height, width;
  /** The evaluator computes each image as one of this batch would: with the same methods, and so
   * with the same weights in memory. For a last batch that is shorter than the others. 0: as
   * suits `batch` best. */
  guint usual_batch;
  DdimWrap wrap;     /**< every convolution wraps around along these axes */
  gboolean gradient; /**< of a classifier: an evaluation gives ddim_evaluator_get_gradient() too. It
                        then takes twice the weights, and every module's input is kept. */
} DdimEvaluatorSize;

/** Choose how each layer is computed, lay out the weights that are not laid out yet, and fix every
 * kernel and argument of an evaluation.
 * @params  (nullable) for status and cancellable
 * Errors: DDIM_ERROR_ARGUMENT when height or width is no multiple of the stride (the message names
 * the nearest sizes that are), DDIM_ERROR_NOT_FOUND, DDIM_ERROR_FORMAT naming the tensor;
 * DDIM_CL_ERROR_MEMORY; G_IO_ERROR_CANCELLED. */
DdimEvaluator *ddim_evaluator_new(DdimNetwork *network, const DdimEvaluatorSize *size,
                                  const DdimNetworkParams *params, GError **error);
DdimEvaluator *ddim_evaluator_ref(DdimEvaluator *evaluator);
void ddim_evaluator_unref(DdimEvaluator *evaluator);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimEvaluator, ddim_evaluator_unref)

/** Fix the conditioning of the coming evaluations. It stays until it is set anew.
 * @timesteps [n_steps][batch], as the model receives them
 * @labels    [batch], or NULL for an unconditional model
 * Errors: DDIM_ERROR_ARGUMENT for labels that the model does not have. */
gboolean ddim_evaluator_set_conditions(DdimEvaluator *evaluator, const double *timesteps,
                                       guint n_steps, const gint64 *labels, GError **error);
/** The same where the timestep of a step is that of all images, as in a sampling loop.
 * @timesteps [n_steps] */
gboolean ddim_evaluator_set_common_conditions(DdimEvaluator *evaluator, const double *timesteps,
                                              guint n_steps, const gint64 *labels, GError **error);
/** Whenever conditions are set from now on, all images get @mix in place of labels. NULL: labels
 * count again. @mix  (nullable) is copied */
void ddim_evaluator_set_mix(DdimEvaluator *evaluator, const DdimClassMix *mix);
/** Super-resolution: @low_res [batch][C][height][width], upsampled bilinearly (align_corners false)
 * to the evaluator's size. It stays until it is set anew. */
gboolean ddim_evaluator_set_low_res(DdimEvaluator *evaluator, const float *low_res, guint height,
                                    guint width, GError **error);
/** @x [batch][C][H][W], C = in_channels (half of them for super-resolution). It stays until it is
 * set anew. Not for an evaluator of windows, which a sampler state feeds. */
gboolean ddim_evaluator_set_x(DdimEvaluator *evaluator, const float *x, GError **error);
/** Enqueue output = network(x, timesteps[step], labels). Does not wait. Not for an evaluator of
 * windows either. */
gboolean ddim_evaluator_evaluate(DdimEvaluator *evaluator, guint step, GError **error);
/** Wait for everything enqueued on the device. */
gboolean ddim_evaluator_wait(DdimEvaluator *evaluator, GError **error);
/** Wait, then read. @output [batch][out_channels][H][W] */
gboolean ddim_evaluator_get_output(DdimEvaluator *evaluator, float *output, GError **error);
/** Wait, then replace the output that a step or get_output() reads next, as guidance does. Layout
 * as above. Errors: DDIM_ERROR_ARGUMENT when there is no memory for it. */
gboolean ddim_evaluator_set_output(DdimEvaluator *evaluator, const float *output, GError **error);
/** The classes that the coming gradients of a classifier are about.
 * @labels [batch]. Errors: DDIM_ERROR_ARGUMENT for those that the classifier does not have. */
gboolean ddim_evaluator_set_targets(DdimEvaluator *evaluator, const gint64 *labels, GError **error);
/** Wait, then read the gradient of log p(label | x) with respect to x, where p is the softmax of
 * the output. @gradient [batch][in_channels][H][W] */
gboolean ddim_evaluator_get_gradient(DdimEvaluator *evaluator, float *gradient, GError **error);
/** Values of the output. */
gsize ddim_evaluator_get_output_count(const DdimEvaluator *evaluator);
/** (transfer none) */
const DdimEvaluatorSize *ddim_evaluator_get_size(const DdimEvaluator *evaluator);
/** Floating-point operations of one evaluation of the whole batch, convolutions counted as direct
 * ones. */
double ddim_evaluator_get_flops(const DdimEvaluator *evaluator);
/** Evaluate step 0 once, waiting after each operation, and tell what each took. For benchmarks. */
typedef void (*DdimProfileFunc)(const char *operation, double seconds, double flops,
                                gpointer user_data);
gboolean ddim_evaluator_profile(DdimEvaluator *evaluator, DdimProfileFunc func, gpointer user_data,
                                GError **error);

G_END_DECLS
