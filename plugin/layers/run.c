/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/layers/run.h"

#include <gegl.h>
#include <glib/gi18n-lib.h>
#include "plugin/work/worker.h"
#include "plugin/layers/layers.h"

/* Milliseconds between two reports to GIMP. */
#define REPORT_INTERVAL 100

void
run_init(void)
{
  gegl_init(NULL, NULL);
}

const char *
run_get_menu_label(void)
{
  return N_("_DDIM Image…");
}

const char *
run_get_blurb(void)
{
  return N_("Generate an image with a diffusion model, as a new layer");
}

const char *
run_get_help(void)
{
  return N_("Samples a diffusion model on any OpenCL device and puts the image into a new layer "
            "above the active one, at "
            "the selection’s place and with the selection as its mask. The same settings and seed "
            "make the same "
            "image again; they are kept with the layer. Empty strings mean the default.");
}

void
run_watch(Task *task)
{
  gboolean ended = FALSE;

  while (!ended) {
    g_auto(WorkerReport) report = {0};
    task_poll(task, REPORT_INTERVAL, &report);
    gimp_progress_set_text(report.status);
    if (report.fraction >= 0)
      gimp_progress_update(report.fraction);
    else
      gimp_progress_pulse();
    ended = report.ended;
  }
}

LayerRef
run_once(ImageRef image, DrawableRef drawable, DdimRequest *request, GError **error)
{
  g_autoptr(DdimRequest) sized = NULL;
  g_autoptr(Worker) worker = NULL;
  g_autoptr(WorkerResult) result = NULL;
  g_auto(Target) target = {0};
  LayerRef layer = NO_LAYER;

  if (!target_init(&target, image, drawable, error))
    return NO_LAYER;
  sized = target_fit_request(&target, request);
  worker = worker_new();
  worker_start(worker, sized);
  gimp_progress_init(_("Generating"));
  run_watch(worker_get_task(worker));
  result = worker_finish(worker, error);
  if (result)
    layer = layers_insert(&target, result, NULL, error);
  gimp_progress_end();
  return layer;
}

LayerRef
run_again(ImageRef image, DrawableRef drawable, DdimRequest *request, GError **error)
{
  Target target;

  if (!target_look(&target, image, drawable, error))
    return NO_LAYER;
  if (target.selected)
    g_object_set(request, "width", 0, "height", 0, NULL);
  return run_once(image, drawable, request, error);
}
