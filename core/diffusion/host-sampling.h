/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/sampling.h"

G_BEGIN_DECLS

/** A denoising model seen from a sampler: anything that maps x_t to eps (or x0, or x_{t-1}). */
typedef struct {
  /** @x [n][plane]; @timestep as ddim_diffusion_get_model_timestep() gives it, the same for all
   * images;
   * @output [n][plane] or [n][2][plane], see DdimStepArrays. Returns FALSE with @error set to stop.
   */
  gboolean (*predict)(gpointer user_data, const double *x, double timestep, gsize n, gsize plane,
                      double *output, GError **error);
  gpointer user_data;
} DdimModel;

/** Source of standard normal noise: fill @out with @n values. */
typedef void (*DdimNoiseFunc)(gpointer user_data, double *out, gsize n);

/** What the state on the host is made from. Everything is owned by the caller and must outlive the
 * state. */
typedef struct {
  const DdimModel *model;
  gsize n, plane;      /**< images, and values of one: C*H*W */
  gboolean learned;    /**< the model's output has variances */
  double *x;           /**< [n][plane]: the start in, the result out */
  DdimNoiseFunc noise; /**< (nullable) when no step uses noise; then nothing is drawn */
  gpointer noise_data;
} DdimHostSamplingParams;

/** The state of a sampling loop on the host, in float64. One thread at a time. */
typedef struct _DdimHostSampling DdimHostSampling;

/** DDIM_ERROR_ARGUMENT when there is no memory for so many images. */
DdimHostSampling *ddim_host_sampling_new(const DdimHostSamplingParams *params, GError **error);
void ddim_host_sampling_free(DdimHostSampling *sampling);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimHostSampling, ddim_host_sampling_free)

/** (transfer none) Lives as long as @sampling. */
const DdimSamplingBackend *ddim_host_sampling_get_backend(DdimHostSampling *sampling);

/** The whole loop of a sampler on the host: ddim_sample_loop, p_sample_loop or
 * ddim_reverse_sample_loop.
 * @x      [n][plane]: the starting x_T (for REVERSE: the image) in, the result out; after a failure
 * an intermediate state.
 * @noise  may be NULL when no step uses it (see ddim_step_uses_noise())
 * Errors: an eta out of range or an unknown sampler (before the model is first called), no memory,
 * cancelled, the model's own. */
gboolean ddim_diffusion_sample(const DdimDiffusion *diffusion, const DdimSampleParams *params,
                               const DdimModel *model, gsize n, gsize plane, double *x,
                               DdimNoiseFunc noise, gpointer noise_data, GCancellable *cancellable,
                               GError **error);

G_END_DECLS
