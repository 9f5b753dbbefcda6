/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/progress.h"

#include <glib/gi18n-lib.h>
#include "plugin/work/timing.h"

/* Windows overlap, so that more pixels are computed than the picture has. */
#define OVERLAP 1.5
/* A job of fewer steps says little about a step's time. */
#define MIN_STEPS 3

double
worker_progress_enlarging(const SizePlan *size, guint width, guint height, guint scale)
{
  double sampled = (double)size->sampled_width * size->sampled_height;

  return scale > 1 && sampled > 0 ? OVERLAP * width * height / sampled : 0;
}

void
worker_progress_init(WorkerProgress *progress, DdimRequest *request, const char *model,
                     const SizePlan *size, guint width, guint height, guint scale)
{
  int count;

  *progress =
      (WorkerProgress){.model = g_strdup(model),
                       .width = size->sampled_width,
                       .height = size->sampled_height,
                       .weight = 1 / (1 + worker_progress_enlarging(size, width, height, scale)),
                       .total = -1};
  g_object_get(request, "device", &progress->device, "precision", &progress->precision, "count",
               &count, NULL);
  progress->n_images = MAX(count, 1);
  progress->estimate = progress->width
                           ? timing_estimate(progress->device, model, progress->precision,
                                             progress->width, progress->height)
                           : -1;
}

void
worker_progress_next(WorkerProgress *progress, guint image, gboolean enlarging)
{
  progress->image = image;
  progress->enlarging = enlarging;
  progress->first_step = 0;
  progress->total = -1;
}

static char *
describe(const WorkerProgress *progress, const DdimProgress *job, double left)
{
  GString *text = g_string_new(NULL);

  if (progress->n_images > 1)
    g_string_append_printf(text, _("Image %u of %u"), progress->image + 1, progress->n_images);
  if (text->len > 0)
    g_string_append(text, " · ");
  if (progress->enlarging)
    g_string_append(text, _("Enlarging"));
  else
    g_string_append_printf(text, _("Step %u of %u"), job->step, job->n_steps);
  if (left >= 0) {
    g_autofree char *time = timing_to_text(left);
    g_string_append(text, " · ");
    g_string_append_printf(text, _("%s left"), time);
  }
  return g_string_free(text, FALSE);
}

/* What the steps took; the first one may include the building of kernels. */
static void
measure(WorkerProgress *progress, const DdimProgress *job)
{
  if (job->step == 1)
    progress->first_step = job->elapsed;
  else if (job->step >= MIN_STEPS && progress->first_step > 0 && !progress->enlarging)
    progress->measured = (job->elapsed - progress->first_step) / (job->step - 1);
}

WorkerMoment
worker_progress_update(WorkerProgress *progress, const DdimProgress *job)
{
  double weight = progress->enlarging ? 1 - progress->weight : progress->weight;
  double share = weight / progress->n_images;
  double before =
      (progress->image + (progress->enlarging ? progress->weight : 0)) / progress->n_images;
  double fraction = before + share * job->fraction, left;

  measure(progress, job);
  if (job->remaining >= 0 && job->fraction < 1)
    progress->total = job->remaining / (1 - job->fraction);
  else if (progress->total < 0 && progress->estimate > 0 && !progress->enlarging)
    progress->total = progress->estimate * job->n_steps;
  left = progress->total > 0 ? progress->total / share * (1 - fraction) : -1;
  return (WorkerMoment){
      .text = describe(progress, job, left),
      .fraction = fraction,
      .rate = progress->total > 0 ? share / progress->total : 0,
      .gain = 0.9 * share / MAX(job->n_steps, 1),
  };
}

void
worker_progress_remember(WorkerProgress *progress)
{
  if (progress->measured > 0 && progress->width)
    timing_note(progress->device, progress->model, progress->precision, progress->width,
                progress->height, progress->measured);
  g_clear_pointer(&progress->device, g_free);
  g_clear_pointer(&progress->model, g_free);
  g_clear_pointer(&progress->precision, g_free);
  progress->measured = 0;
}
