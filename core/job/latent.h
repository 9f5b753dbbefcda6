/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/runner.h"

G_BEGIN_DECLS

/** The commands encode and interpolate: they go from a picture to the noise that it comes from, and
 * from the noise of one picture to the noise of another. Both use DDIM without noise (eta 0), which
 * can be walked both ways (arXiv 2010.02502, section 4.3). When no class is named, one is drawn as
 * the first random number of the seed, and the resolved request names it. Private to the job's
 * folder. */
typedef struct _DdimLatent DdimLatent;

/** Open the pictures that @request names. If the request leaves the size open, set it from them.
 * Errors: DDIM_ERROR_* that name the option. */
DdimLatent *ddim_latent_new(DdimSession *session, DdimRequest *request, GError **error);
void ddim_latent_free(DdimLatent *latent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimLatent, ddim_latent_free)

/** Run the job. The noise of a seed is what `ddim generate --seed` draws first when a class is
 * named. */
gboolean ddim_latent_run(DdimRunner *runner, DdimLatent *latent, GError **error);
/** Set the job's class. If the job goes from a picture to its noise, give it the steps that go that
 * way. */
gboolean ddim_latent_prepare_job(DdimLatent *latent, DdimJob *job, GError **error);

G_END_DECLS
