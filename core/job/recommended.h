/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/request.h"
#include "core/model/config.h"

G_BEGIN_DECLS

/** The value of the option `sampler` that leaves it to the model: the scheduler of a diffusers
 * folder, the steps of ermongroup/ddim, else ddim. Only `generate` takes a program's own steps; the
 * other commands take ddim, whose steps may begin and end anywhere. */
#define DDIM_SAMPLER_OWN "own"
/** The value of the option `steps` that leaves them to the model. */
#define DDIM_STEPS_AUTO "auto"

/** Fill in a sampler and steps that @request leaves open (`own`, `auto`), as the model's maker
 * recommends them for pictures that are made from noise: ddim_config_get_sampler() and
 * ddim_config_get_steps(). Recommended steps go with the recommended sampler only, and eta, where
 * the request has one, is a wish for DDIM; so the sampler may be left open. Steps are 25 where
 * nothing is recommended.
 * @config  (nullable) NULL recommends nothing */
DDIM_AVAILABLE_IN_0_1
void ddim_request_take_recommended(DdimRequest *request, DdimConfig *config);

G_END_DECLS
