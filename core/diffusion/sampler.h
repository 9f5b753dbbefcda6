/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** How a sampler gets from x_t to the next state. The step of each is in
 * core/diffusion/sampler-steps.h. */
typedef enum {
  DDIM_SAMPLER_DDIM,      /**< "ddim": Song et al. 2020 (arXiv 2010.02502), equation 12 */
  DDIM_SAMPLER_DDPM,      /**< "ddpm": Ho et al. 2020 (arXiv 2006.11239), ancestral sampling */
  DDIM_SAMPLER_DPMPP,     /**< "dpm++": DPM-Solver++(2M), Lu et al. 2022 (arXiv 2211.01095) */
  DDIM_SAMPLER_DPMPP_SDE, /**< "dpm++sde": the same with noise, SDE-DPM-Solver++(2M), appendix */
  DDIM_SAMPLER_UNIPC,     /**< "unipc": UniPC of order 2, Zhao et al. 2023 (arXiv 2302.04867) */
  DDIM_SAMPLER_PLMS,      /**< "plms": Liu et al. 2022 (arXiv 2202.09778), equation 12 */
  DDIM_SAMPLER_HEUN,      /**< "heun": Karras et al. 2022 (arXiv 2206.00364), algorithm 1 */
  DDIM_SAMPLER_REVERSE    /**< DDIM from an image to its noise; no name, as it makes no image */
} DdimSampler;

/** The names of the samplers that make images, in the order of the enumeration. */
#define DDIM_SAMPLER_NAMES "ddim", "ddpm", "dpm++", "dpm++sde", "unipc", "plms", "heun"

/** The largest eta that is accepted. Whoever asks for more noise made a mistake. */
#define DDIM_MAX_ETA 10

typedef struct {
  DdimSampler sampler;
  double eta;    /**< DDIM only: 0 deterministic, 1 as noisy as DDPM */
  gboolean clip; /**< clip_denoised */
} DdimSampleParams;

#define DDIM_SAMPLE_PARAMS_INIT                                                                    \
  {                                                                                                \
    .sampler = DDIM_SAMPLER_DDIM, .eta = 0, .clip = TRUE                                           \
  }

/** Find the sampler of this name. When there is none, that is DDIM_ERROR_ARGUMENT, and @sampler is
 * left as it was.
 * @name  (nullable) NULL is no sampler's name */
gboolean ddim_sampler_from_name(const char *name, DdimSampler *sampler, GError **error);
/** Whether each of its steps draws noise, used or not. */
gboolean ddim_sampler_draws_noise(DdimSampler sampler);

G_END_DECLS
