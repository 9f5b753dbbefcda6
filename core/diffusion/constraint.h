/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/sampling.h"

G_BEGIN_DECLS

/** What is known of an image before it is made: y = A x, for a linear A. After each prediction of
 * x0 the part of x0 that A tells of is corrected,
 *
 *   x0 <- x0 + A+ (y - A x0)
 *
 * and the rest stays the model's (DDNM, Wang et al. 2022, arXiv 2212.00490, equation 10; A+ is the
 * pseudo-inverse of A). One kind of A serves all purposes: the image is divided into cells, and y
 * holds the mean of each cell, taken over the pixels of a region and maybe over the channels.
 *
 *   inpainting         cells of one pixel, the region is what shall stay
 *   enlarging by k     cells of k x k pixels
 *   coloring           cells of one pixel, channels averaged
 *   the mean color     one cell of the region's size
 *
 * and any combination of these. A+ adds a cell's difference to all of its values. A cell without a
 * pixel of the region is not constrained. */
typedef struct {
  guint channels, height, width; /**< of the image */
  const guint8 *region;          /**< (nullable) [H][W]: 0: not of the region; NULL: all are */
  guint cell_width, cell_height; /**< at least 1; cells at the right and lower edge are cut off */
  gboolean gray;                 /**< channels are averaged */
  guint n_y;       /**< images that y holds values for, in turn; 0 or 1: the same for all */
  const double *y; /**< [n_y][gray ? 1 : C][ceil(H / cell_height)][ceil(W / cell_width)], copied */
  /** Standard deviation of noise in y, 0 for none. With noise, the correction is weaker in steps
   * that are not noisy enough to hide the noise of y, and the step's own noise is reduced by the
   * noise that y brings along (DDNM+, appendix I of the paper, for this A in its singular values).
   * It needs steps with noise of a fixed sigma, so DDIM with eta > 0, or DDPM without learned
   * variances. */
  double noise;
  /** (nullable) As y: y is only an estimate of the means, and this is the standard deviation of its
   * error. The model's prediction from x, whose noise is g times as strong as the image in it, is
   * taken to know the mean of n values as well as from 16 n of them, to g / sqrt(16 n), because it
   * looks at what is around them too. The correction is multiplied by
   *
   *   v / (v + spread^2),  v = g^2 / (16 n),
   *
   * which is how two independent measurements are combined. So y holds while x is noise, and the
   * model decides in the end. Contradicts `noise`. */
  const double *spread;
} DdimConstraintParams;

/** Immutable; any number of threads may use it. */
typedef struct _DdimConstraint DdimConstraint;

DdimConstraint *ddim_constraint_new(const DdimConstraintParams *params);
void ddim_constraint_free(DdimConstraint *constraint);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimConstraint, ddim_constraint_free)

/** Correct the x0 of @n images as if y had no noise and no spread. @x0 [n][C][H][W] */
void ddim_constraint_correct(const DdimConstraint *constraint, gsize n, double *x0);
/** Correct @x0 for @step, and reduce the step's noise where the constraint's own noise takes its
 * place.
 * @level  of noise in the step's x, see ddim_step_table_get_noise_level(); for a spread
 * @x0     [n][C][H][W]
 * @noise  [n][C][H][W], or NULL where the step uses none */
void ddim_constraint_apply(const DdimConstraint *constraint, const DdimStep *step, double level,
                           gsize n, double *x0, double *noise);
/** The greatest |y - A x0|. @x0 [n][C][H][W] */
double ddim_constraint_get_distance(const DdimConstraint *constraint, gsize n, const double *x0);
gboolean ddim_constraint_has_noise(const DdimConstraint *constraint);
/** Whether y is only an estimate. */
gboolean ddim_constraint_has_spread(const DdimConstraint *constraint);

/** The constraints of a sampling loop. They are applied in the order in which they were added, so
 * if two of them contradict each other about the same pixels, the later one wins. Where a step
 * clips, x0 is clipped again afterwards, and where it gives the finished image, correcting and
 * clipping take turns until neither changes much; constraints with a spread have no part in that.
 * One thread at a time. */
typedef struct _DdimConstraints DdimConstraints;

DdimConstraints *ddim_constraints_new(void);
void ddim_constraints_free(DdimConstraints *constraints);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimConstraints, ddim_constraints_free)

/** @constraint  (transfer full) for images of the same size as the others */
void ddim_constraints_add(DdimConstraints *constraints, DdimConstraint *constraint);
guint ddim_constraints_get_n(const DdimConstraints *constraints);
/** ddim_constraint_correct() by each of them in turn. @x0 [n][C][H][W] */
void ddim_constraints_correct(const DdimConstraints *constraints, gsize n, double *x0);
/** Hooks for ddim_sampling_run() that apply them. Valid as long as @constraints. The loop fails
 * with DDIM_ERROR_UNSUPPORTED where a constraint has noise and a step has learned variances, and
 * with DDIM_ERROR_ARGUMENT when there is no memory. */
DdimSamplingHooks ddim_constraints_get_hooks(DdimConstraints *constraints);

G_END_DECLS
