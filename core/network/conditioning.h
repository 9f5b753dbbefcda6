/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/class-mix.h"
#include "core/network/network-private.h"

/** The conditioning of all steps of a sampling loop: what timesteps and labels tell the blocks. It
 * is computed for many steps in one matrix product, before they are needed. */
typedef struct _DdimConditioning DdimConditioning;

/** @network must outlive it.
 * @timesteps [n_steps][per_step], as the model receives them
 * @per_step  @batch, or 1 where a step's timestep is that of all images
 * @labels    [batch], or NULL for an unconditional model
 * @mix       (nullable) in place of @labels, for all images
 * Errors: DDIM_ERROR_ARGUMENT for labels that the model does not have. */
DdimConditioning *ddim_conditioning_new(const DdimNetwork *network, const double *timesteps,
                                        guint n_steps, guint per_step, const gint64 *labels,
                                        const DdimClassMix *mix, guint batch, GError **error);
void ddim_conditioning_free(DdimConditioning *conditioning);
guint ddim_conditioning_get_n_steps(const DdimConditioning *conditioning);
/** Enqueue the copy of step @step's rows, [batch][columns of all blocks], to @to of @plan. */
gboolean ddim_conditioning_load(DdimConditioning *conditioning, guint step, DdimClPlan *plan,
                                DdimClMem to, GError **error);
