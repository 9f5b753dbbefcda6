/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/runner.h"

G_BEGIN_DECLS

/** Classifier guidance of a sampling loop: at each step the gradient of the log of the class's
 * probability at x_t and the model's own timestep, times the scale, goes to x0, or to DDPM's mean.
 * Private to the job's folder. */
typedef struct _DdimGuide DdimGuide;

/** Whether the job's classifier can guide its steps to pictures of its size. DDIM_ERROR_ARGUMENT,
 * DDIM_ERROR_UNSUPPORTED. */
gboolean ddim_guide_check(const DdimJob *job, DdimSession *session, GError **error);
/** For the images that @runner computes now, whose classes are chosen. Errors: as
 * ddim_evaluator_new(); no memory. */
DdimGuide *ddim_guide_new(DdimRunner *runner, GError **error);
void ddim_guide_free(DdimGuide *guide);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimGuide, ddim_guide_free)

/** They come before others. */
DdimSamplingHooks ddim_guide_get_hooks(DdimGuide *guide);

G_END_DECLS
