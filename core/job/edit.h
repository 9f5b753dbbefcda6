/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/diffusion/constraint.h"
#include "core/edit/canvas.h"
#include "core/job/color.h"
#include "core/job/job.h"
#include "core/job/options.h"

G_BEGIN_DECLS

/** A picture that is changed, or made from another one: the commands inpaint, vary, upscale,
 * colorize and seamless. All of them do the same work and differ in what is known beforehand. A
 * frame lies on the picture, and windows of it are computed one after another. In each window the
 * sampling loop must keep to
 *
 *   the pixels that stay, and those that earlier windows made      (all commands)
 *   the small picture, as the means of square cells                (upscale)
 *   the gray picture, as the means over the channels               (colorize)
 *   the mean color that is asked for                               (--color)
 *   what the pixels around a hole tell of its colors               (seamless, inpaint without
 * classes)
 *
 * see core/diffusion/constraint.h; or it starts from the picture with noise (vary; SDEdit, Meng et
 * al. 2022, arXiv 2108.01073). Private to the job's folder. */
typedef struct {
  DdimCommands command;
  DdimImage *picture;   /* the result is put into it; it has the result's size and channels */
  guint8 *coverage;     /* of `picture`, see core/edit/picture.h */
  DdimWrap seams;       /* for seamless: the axes along which edges are made to meet */
  DdimWrap rings;       /* the axes along which `picture` is a ring; all of `seams` */
  guint roll_x, roll_y; /* by how much `picture` was moved around its edges */
  DdimFrame *frame;     /* on `picture` */
  float *known;         /* (nullable) [C][rows][columns] or gray [rows][columns]: means of cells */
  guint known_width, known_height;
  guint cell;     /* side of a cell */
  gboolean gray;  /* `known` is gray */
  float *low_res; /* (nullable) what a super-resolution model enlarges: `known`'s layout */
  double noise;   /* of the input picture, for values in [-1, 1] */
  DdimMeanColor color;
  double strength; /* for vary; 1 for the other commands */
  guint quality;
  gboolean follows; /* the colors around what is filled. Not where a class is asked for: it may be
                     * another than that of the picture, and have colors of its own */
} DdimEdit;

/** Read the pictures that @request names, and choose the windows. Fills in @request's open choices,
 * and its size, which is that of the result. Errors: DDIM_ERROR_ARGUMENT and others, which name the
 * option. */
DdimEdit *ddim_edit_new(DdimSession *session, DdimRequest *request, GError **error);
/** A copy of @picture as the command vary takes it, for looking at it. Errors: no memory. */
DdimEdit *ddim_edit_new_of_picture(DdimSession *session, const DdimImage *picture, GError **error);
void ddim_edit_free(DdimEdit *edit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimEdit, ddim_edit_free)

/** The windows' size, and the eta that constraints work well with. */
DdimJobFrame ddim_edit_get_job_frame(const DdimEdit *edit);
/** The steps of one window. Errors: as ddim_step_table_append(). */
DdimStepTable *ddim_edit_make_steps(const DdimEdit *edit, const DdimJob *job, GError **error);
/** What the loop of @window is held to. (transfer full) Errors: DDIM_ERROR_ARGUMENT when there is
 * no memory. */
DdimConstraints *ddim_edit_make_constraints(const DdimEdit *edit, const DdimCanvas *canvas,
                                            const DdimRect *window, GError **error);

/** What the picture itself tells of @window: all pixels that stay, or the means of cells; for vary
 * all pixels. (transfer full) Errors: as above. */
DdimConstraints *ddim_edit_make_known(const DdimEdit *edit, const DdimCanvas *canvas,
                                      const DdimRect *window, GError **error);

G_END_DECLS
