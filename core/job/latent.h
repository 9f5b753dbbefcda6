/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/runner.h"

G_BEGIN_DECLS

/** The way from pictures to the noise that they come from, and between the noise of two pictures:
 * the commands encode and interpolate. Both use DDIM without noise (eta 0), which can be walked
 * both ways (arXiv 2010.02502, section 4.3). Where no class is named, one is drawn from the seed as
 * the first of its numbers, and named in the resolved request. Private to the job's folder. */
typedef struct _DdimLatent DdimLatent;

/** Open what @request names, and set its size from that where it is open. Errors: DDIM_ERROR_* that
 * name the option. */
DdimLatent *ddim_latent_new(DdimSession *session, DdimRequest *request, GError **error);
void ddim_latent_free(DdimLatent *latent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimLatent, ddim_latent_free)

/** Do it. The noise of a seed is what `ddim generate --seed` draws first when a class is named. */
gboolean ddim_latent_run(DdimRunner *runner, DdimLatent *latent, GError **error);
/** Name the class, and turn the job's steps round where they go to the noise. */
gboolean ddim_latent_prepare_job(DdimLatent *latent, DdimJob *job, GError **error);

G_END_DECLS
