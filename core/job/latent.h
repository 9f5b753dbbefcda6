/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/runner.h"

G_BEGIN_DECLS

/** The commands encode and interpolate: they go from a picture to the noise that it comes from, and
 * from the noise of one picture to the noise of another. From a picture to its noise they go by
 * DDIM without noise in its steps (eta 0), which can be walked both ways (arXiv 2010.02502, section
 * 4.3). When no class is named, it is the one that fits the first picture (fitting-class.h); where
 * there is none, it is drawn as the first random number of the seed. The resolved request names it.
 *
 * Between seeds and noises that are given, steps may draw noise (eta > 0). Each end has its own
 * draws, those of `ddim generate`: an end that is a seed those which this seed makes after the
 * noise that it starts from, an end that is a file those of the request's seed from its beginning.
 * In each step a picture in between gets the two ends' draws interpolated as their first noise is
 * (slerp, at the same place). So both ends equal the plain samples, with any eta.
 * Private to the job's folder. */
typedef struct _DdimLatent DdimLatent;

/** Open the pictures that @request names. If the request leaves the size open, set it from them.
 * Errors: DDIM_ERROR_* that name the option. */
DdimLatent *ddim_latent_new(DdimSession *session, DdimRequest *request, GError **error);
/** The eta of a request that leaves it open: 0 where a picture must come back, else -1, what suits
 * the model. */
double ddim_latent_get_eta(const DdimLatent *latent);
void ddim_latent_free(DdimLatent *latent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimLatent, ddim_latent_free)

/** Run @job, the runner's, after its class has been chosen. The noise of a seed is what `ddim
 * generate --seed` draws first when a class is named. */
gboolean ddim_latent_run(DdimRunner *runner, DdimLatent *latent, DdimJob *job, GError **error);
/** If the job goes from a picture to its noise, give it the steps that go that way. */
gboolean ddim_latent_prepare_job(DdimLatent *latent, DdimJob *job, GError **error);

G_END_DECLS
