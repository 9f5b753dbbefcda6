/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/noise.h"
#include "core/diffusion/sampling.h"
#include "core/network/sampler-state.h"

G_BEGIN_DECLS

/** The state of a sampling loop on a device, see core/diffusion/sampling.h: a sampler state, and
 * the evaluator that it feeds. While no hook reads, nothing leaves the device. One thread at a
 * time. */
typedef struct _DdimDeviceSampling DdimDeviceSampling;

/** Everything is the caller's and outlives the loop. */
typedef struct {
  DdimSamplerState *state;
  DdimEvaluator *evaluator;
  const gint64 *labels; /**< [batch], or NULL for an unconditional model */
  DdimRng *rng;         /**< (nullable) when no step uses noise; then nothing is drawn */
  gsize n_drawn;        /**< values in one draw, of which [batch][C][H][W] are used; 0: so many.
                           More are drawn where a batch is computed in part. */
  gsize n_skipped;      /**< of them, how many come in front of those that are used */
} DdimDeviceSamplingParams;

/** The loop itself says when there is no memory for a draw of noise: DDIM_ERROR_ARGUMENT. */
DdimDeviceSampling *ddim_device_sampling_new(const DdimDeviceSamplingParams *params);
void ddim_device_sampling_free(DdimDeviceSampling *sampling);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimDeviceSampling, ddim_device_sampling_free)

/** (transfer none) Lives as long as @sampling. When a loop begins, it sets the evaluator's
 * conditions: the table's timesteps and the labels. */
const DdimSamplingBackend *ddim_device_sampling_get_backend(DdimDeviceSampling *sampling);

G_END_DECLS
