/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/edit-run.h"

#include <math.h>

#include "core/data/image-private.h"
#include "core/data/memory.h"
#include "core/edit/picture.h"
#include "core/job/parts.h"

/* Pixel (@x, @y) of the small picture, or the nearest one that it has. A ring goes round. */
static float
get_low_res(const DdimEdit *edit, guint c, guint y, guint x)
{
  y = edit->rings & DDIM_WRAP_Y ? y % edit->known_height : MIN(y, edit->known_height - 1);
  x = edit->rings & DDIM_WRAP_X ? x % edit->known_width : MIN(x, edit->known_width - 1);
  return edit->low_res[((gsize)c * edit->known_height + y) * edit->known_width + x];
}

/* Give a super-resolution model the small picture that it enlarges. */
static gboolean
set_low_res(DdimRunner *runner, const DdimEdit *edit, const DdimRect *window, GError **error)
{
  const guint width = window->width / edit->cell, height = window->height / edit->cell;
  const guint left = window->x / edit->cell, top = window->y / edit->cell;
  const guint channels = runner->job->channels;
  const gsize size = (gsize)channels * height * width;
  g_autofree float *low_res = ddim_try_alloc(size * runner->n, sizeof(float), error);

  if (!low_res)
    return FALSE;
  for (gsize i = 0; i < size * runner->n; i++)
    low_res[i] = get_low_res(edit, i / width / height % channels, top + i / width % height,
                             left + i % width);
  return ddim_evaluator_set_low_res(runner->evaluator, low_res, height, width, error);
}

/* x of the loop's first step: noise, or the picture with noise (q_sample). */
static gboolean
set_start(DdimRunner *runner, const DdimEdit *edit, const DdimStepTable *steps,
          const DdimCanvas *canvas, const DdimRect *window, GError **error)
{
  const gsize n = ddim_runner_get_image_size(runner) * runner->n;
  float *x = ddim_array_get_data(runner->images);
  g_autofree float *picture = NULL;
  double signal = 1, noise = 0;

  ddim_runner_draw(runner, x);
  if (edit->command != DDIM_COMMAND_VARY)
    return TRUE;
  if (!(picture = ddim_try_alloc(n, sizeof(float), error)))
    return FALSE;
  ddim_canvas_get(canvas, window, picture);
  if (ddim_step_table_get_n_steps(steps) > 0)
    ddim_diffusion_q_sample(runner->job->diffusion, ddim_step_table_get_step(steps, 0)->t, &signal,
                            &noise);
  for (gsize i = 0; i < n; i++)
    x[i] = (float)(signal * picture[i] + noise * x[i]);
  return TRUE;
}

static gboolean
run_window(DdimRunner *runner, const DdimEdit *edit, const DdimStepTable *steps, DdimCanvas *canvas,
           guint i, GError **error)
{
  const DdimRect *window = &g_array_index(edit->frame->windows, DdimRect, i);
  const DdimRect *share = &g_array_index(edit->frame->shares, DdimRect, i);
  g_autoptr(DdimConstraints) constraints = ddim_edit_make_constraints(edit, canvas, window, error);
  DdimSamplingHooks hooks;

  if (!constraints || (edit->low_res && !set_low_res(runner, edit, window, error)) ||
      !set_start(runner, edit, steps, canvas, window, error))
    return FALSE;
  hooks = ddim_constraints_get_hooks(constraints);
  if (!ddim_runner_run(runner, steps, &hooks, ddim_constraints_get_n(constraints) > 0, error))
    return FALSE;
  ddim_canvas_put(canvas, window, share, ddim_array_get_data(runner->images));
  return TRUE;
}

/* A picture whose edges were moved into its middle has them back at its edges. @picture
 * (transfer full). (transfer full) */
static DdimImage *
move_back(const DdimEdit *edit, DdimImage *picture, GError **error)
{
  DdimImage *back;

  if (!picture || !edit->seams)
    return picture;
  back =
      ddim_edit_roll(picture, picture->width - edit->roll_x, picture->height - edit->roll_y, error);
  ddim_image_free(picture);
  return back;
}

static gboolean
finish_batch(DdimRunner *runner, const DdimEdit *edit, const DdimCanvas *canvas, GError **error)
{
  for (guint i = 0; i < runner->n; i++) {
    DdimImage *made = ddim_canvas_compose(canvas, edit->frame, i, edit->picture, edit->coverage,
                                          edit->low_res != NULL, error);
    g_autoptr(DdimImage) picture = move_back(edit, made, error);
    if (!picture || !ddim_runner_finish_image(runner, i, picture, error))
      return FALSE;
  }
  return TRUE;
}

/* An edit and the steps of its loops. */
typedef struct {
  const DdimEdit *edit;
  const DdimStepTable *steps;
} Work;

static gboolean
run_part(DdimRunner *runner, gpointer data, GError **error)
{
  const Work *work = data;
  const DdimEdit *edit = work->edit;
  const GArray *windows = edit->frame->windows;
  g_autoptr(DdimCanvas) canvas = NULL;

  if (!ddim_runner_prepare(runner, error) ||
      !(canvas = ddim_canvas_new(edit->frame, runner->n, runner->job->channels, edit->picture,
                                 edit->coverage, error)))
    return FALSE;
  ddim_runner_begin_batch(runner);
  for (runner->loop = 0; runner->loop < windows->len; runner->loop++) {
    const DdimRect *share = &g_array_index(edit->frame->shares, DdimRect, runner->loop);
    if (ddim_canvas_is_open(canvas, share) &&
        !run_window(runner, edit, work->steps, canvas, runner->loop, error))
      return FALSE;
  }
  return finish_batch(runner, edit, canvas, error);
}

gboolean
ddim_edit_run(DdimRunner *runner, const DdimEdit *edit, GError **error)
{
  g_autoptr(DdimStepTable) steps = ddim_edit_make_steps(edit, runner->job, error);
  Work work = {edit, steps};

  if (!steps)
    return FALSE;
  runner->n_loops = edit->frame->windows->len;
  return ddim_parts_run(runner, run_part, NULL, &work, error);
}
