/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/step-table.h"
#include "core/job/request.h"
#include "core/model/config-details.h"

G_BEGIN_DECLS

/** What the options steps, sampler, eta and clip come to for one model. */
typedef struct {
  DdimSampleParams sample;
  DdimDiffusion *diffusion; /**< owned */
  DdimStepTable *table;     /**< owned; of `diffusion`, or of the model's program */
} DdimSteps;

/** @resolved  the request, in which the choices that it leaves open are filled in
 * @eta       used when the request leaves eta open; -1: what suits the model
 * @channels  of an image
 * Errors: DDIM_ERROR_ARGUMENT, DDIM_ERROR_MISMATCH. Clear @steps also after a failure. */
gboolean ddim_steps_init(DdimSteps *steps, DdimRequest *resolved, DdimConfig *config, double eta,
                         guint channels, GError **error);
void ddim_steps_clear(DdimSteps *steps);

/** The process that our own samplers go through.
 * @spec  which steps of it are taken, as the option steps has it; "": all
 * Errors: as ddim_diffusion_new(). */
DdimDiffusion *ddim_steps_new_diffusion(DdimConfig *config, const char *spec, GError **error);

G_END_DECLS
