/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step-table.h"

G_BEGIN_DECLS

typedef struct {
  const double *betas; /**< [n_train], as get_beta_schedule makes them */
  guint n_train;
  const char *spec; /**< "uniform:N", "quad:N", or "N" for the first */
  double eta;
  gboolean clip; /**< clip x0 and derive eps from it, which the original does not do */
} DdimErmonRun;

/** Whether @spec is one of those that ddim_ermon_new_steps() takes. */
gboolean ddim_ermon_takes(const char *spec);

/** The steps of ermongroup/ddim: Diffusion.sample_image's list of timesteps (range(0, T, T // N),
 * or the whole parts of numpy.linspace(0, sqrt(0.8 T), N)**2, which has some of them twice) and
 * generalized_steps' update with its scalars in float32. Noise is drawn in each step.
 * Errors: DDIM_ERROR_ARGUMENT for a spec that cannot be met, an eta out of range, no memory. */
DdimStepTable *ddim_ermon_new_steps(const DdimErmonRun *run, GError **error);

G_END_DECLS
