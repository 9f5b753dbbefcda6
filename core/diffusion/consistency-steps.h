/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step-table.h"

G_BEGIN_DECLS

/** Consistency models (Song et al. 2023, arXiv 2303.01469) and the EDM models that they are
 * distilled from (Karras et al. 2022, arXiv 2206.00364), as openai/consistency_models samples them
 * (cm/karras_diffusion.py). x = x0 + sigma * eps; the network receives c_in * x and the time
 * 250 ln(sigma), and
 *
 *   x0 = c_skip * x + c_out * output,   sigma_data = 0.5
 *
 * The state of the loop is c_in * x, so that the network reads it as it is. */

typedef enum {
  DDIM_CONSISTENCY_MULTISTEP, /**< stochastic_iterative_sampler; with one step sample_onestep */
  DDIM_CONSISTENCY_HEUN       /**< sample_heun without churn */
} DdimConsistencySampler;

typedef struct {
  DdimConsistencySampler sampler;
  gboolean distilled;          /**< c_skip and c_out meet x0 = x at sigma_min:
                                  get_scalings_for_boundary_condition */
  double sigma_min, sigma_max; /**< usually 0.002 and 80 */
  /** "N" evaluations (of Heun's method: N steps, 2 N - 1 evaluations), or the list `ts`, such as
   * "0,22,39", of which the last is the number of scales less one. N evaluations are a list of N +
   * 1 numbers from 0 to 39 at equal distances, rounded. */
  const char *spec;
  gboolean clip;
} DdimConsistencyRun;

/** The steps. Before the first, the noise is multiplied: ddim_step_table_get_start_scale().
 * Errors: DDIM_ERROR_ARGUMENT for a spec that cannot be met, and for sigmas without 0 < sigma_min <
 * sigma_max; no memory. */
DdimStepTable *ddim_consistency_new_steps(const DdimConsistencyRun *run, GError **error);

G_END_DECLS
