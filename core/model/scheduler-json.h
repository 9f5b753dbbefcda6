/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/scheduler.h"

G_BEGIN_DECLS

/** Read the text of a scheduler_config.json. Python's infinities, which are no JSON, are taken as
 * the texts "Infinity" and "-Infinity". Errors: DDIM_ERROR_FORMAT, DDIM_ERROR_UNSUPPORTED, naming
 * the field. Takes the memory of ddim_json_parse(). (transfer full) */
DdimScheduler *ddim_scheduler_parse(const char *text, gsize length, GError **error);
/** The name of the schedule of improved-diffusion that has the scheduler's betas: "linear" or
 * "cosine". (nullable) NULL when there is none */
const char *ddim_scheduler_get_noise_schedule(const DdimScheduler *scheduler);

G_END_DECLS
