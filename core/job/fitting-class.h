/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/edit.h"
#include "core/job/runner.h"

G_BEGIN_DECLS

/** The class that a picture seems to be of, for edits that name none: a hole in a wall of bricks is
 * filled with bricks. Of all classes it is the one with which the model predicts best what the
 * picture is, from the picture with noise (Li et al. 2023, "Your Diffusion Model is Secretly a
 * Zero-Shot Classifier", arXiv 2303.16203). Only what is known counts: not a hole, of a gray
 * picture its brightness alone, of a small picture the means of cells.
 *
 * For each class two small parts of the picture are looked at, each with its own noise, which does
 * not depend on the request's seed. So the class does not either. Private to the job's folder. */

/** If the request leaves the class of @job open, set it, in the resolved request too. It stays
 * open, and then is random, where the model has more than DDIM_FITTING_CLASS_MOST classes, where it
 * enlarges pictures itself, and where nothing of the picture is known.
 * @job  that of @runner
 * Errors: as ddim_evaluator_new(), ddim_sampling_run(). */
gboolean ddim_fitting_class_choose(DdimRunner *runner, DdimJob *job, const DdimEdit *edit,
                                   GError **error);

#define DDIM_FITTING_CLASS_MOST 128

G_END_DECLS
