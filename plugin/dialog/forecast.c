/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/forecast.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include "core/job/recommended.h"
#include "plugin/image/size.h"
#include "plugin/work/progress.h"
#include "plugin/work/sizing.h"
#include "plugin/work/timing.h"

/* Seconds that a draft may take, and how many steps it takes at least, at most, and as long as the
 * device's speed is not known. */
#define DRAFT_SECONDS 0.7
#define DRAFT_MIN_STEPS 4
#define DRAFT_MAX_STEPS 12
#define DRAFT_USUAL_STEPS 6
/* A thumbnail's steps, and the seconds that it may take. */
#define THUMBNAIL_STEPS 8
#define THUMBNAIL_SECONDS 8
/* After this many seconds it is said how it would be faster. */
#define LONG 60

typedef struct {
  guint width, height, scale, count;
  guint n_steps;
  SizePlan plan; /* of what is sampled first */
} Work;

/* Steps of '25', '10,15,20', 'ddim50' or ''. */
static guint
count_steps(const char *text, guint n_timesteps)
{
  g_auto(GStrv) parts = g_strsplit(text ? text : "", ",", -1);
  guint n = 0;

  for (guint i = 0; parts[i]; i++) {
    const char *digits = parts[i];
    while (*digits && !g_ascii_isdigit(*digits))
      digits++;
    n += MIN(strtoul(digits, NULL, 10), n_timesteps);
  }
  return n ? n : n_timesteps;
}

static Work
plan_work(DdimRequest *request, const CatalogModel *model)
{
  g_autoptr(DdimRequest) sized = ddim_request_copy(request);
  g_autofree char *steps = NULL;
  int width, height, count;
  Work work;

  ddim_request_take_recommended(sized, model->config);
  g_object_get(sized, "width", &width, "height", &height, "count", &count, "steps", &steps, NULL);
  work.width = width > 0 ? (guint)width : MAX(model->image_size, 1);
  work.height = height > 0 ? (guint)height : MAX(model->image_size, 1);
  work.scale = sizing_get_scale(request);
  work.count = MAX(count, 1);
  work.n_steps = count_steps(steps, model->n_timesteps);
  g_object_set(sized, "width", (int)work.width, "height", (int)work.height, NULL);
  work.plan = sizing_plan(sized, MAX(model->stride, 1), model->image_size);
  return work;
}

/* Seconds for a step at that size; negative when nothing was measured. */
static double
get_step(DdimRequest *request, const CatalogModel *model, guint width, guint height)
{
  g_autofree char *device = NULL, *precision = NULL;

  g_object_get(request, "device", &device, "precision", &precision, NULL);
  return timing_estimate(device, model->name, precision, width, height);
}

static char *
describe_size(const Work *work)
{
  const SizePlan *plan = &work->plan;

  if (work->scale > 1)
    return g_strdup_printf(_("Samples %u × %u pixels and lets the model enlarge them to %u × %u"),
                           plan->sampled_width, plan->sampled_height, work->width, work->height);
  if (plan->scaled)
    return g_strdup_printf(_("Samples %u × %u pixels and resizes them to %u × %u"),
                           plan->sampled_width, plan->sampled_height, work->width, work->height);
  if (plan->sampled_width > work->width || plan->sampled_height > work->height)
    return g_strdup_printf(_("Samples %u × %u pixels and cuts %u × %u out of them"),
                           plan->sampled_width, plan->sampled_height, work->width, work->height);
  return g_strdup_printf(_("Samples %u × %u pixels"), work->width, work->height);
}

static char *
describe_time(DdimRequest *request, const CatalogModel *model, const Work *work, double *seconds)
{
  const SizePlan *plan = &work->plan;
  double step = get_step(request, model, plan->sampled_width, plan->sampled_height);
  double whole = 1 + worker_progress_enlarging(plan, work->width, work->height, work->scale);
  g_autofree char *text = NULL;

  *seconds = step * whole * work->n_steps * work->count;
  if (step < 0)
    return g_strdup(_("how long that takes is measured by the first draft"));
  text = timing_to_text(*seconds);
  return g_strdup_printf(_("that takes about %s"), text);
}

char *
forecast_describe(DdimRequest *request, const CatalogModel *model)
{
  g_autofree char *size = NULL, *time = NULL;
  GString *text;
  double seconds;
  Work work;

  if (!model || model->error)
    return g_strdup("");
  work = plan_work(request, model);
  size = describe_size(&work);
  time = describe_time(request, model, &work, &seconds);
  text = g_string_new(size);
  g_string_append(text, ", ");
  g_string_append_printf(text, g_dngettext(GETTEXT_PACKAGE, "%u step", "%u steps", work.n_steps),
                         work.n_steps);
  if (work.count > 1) {
    g_string_append(text, ", ");
    g_string_append_printf(text, g_dngettext(GETTEXT_PACKAGE, "%u time", "%u times", work.count),
                           work.count);
  }
  g_string_append_printf(text, "; %s.", time);
  if (seconds > LONG)
    g_string_append_printf(text, " %s", _("A smaller selection or fewer steps are faster."));
  if (model->image_size && MAX(work.width, work.height) / work.scale > 4 * model->image_size)
    g_string_append_printf(text, _(" The model is at its best at about %u × %u."),
                           model->image_size, model->image_size);
  return g_string_free(text, FALSE);
}

/* ---- small pictures ---- */

/* In few steps, with the sampler that suits the model, else one that needs few. */
static void
set_steps(DdimRequest *request, const CatalogModel *model, guint n)
{
  g_autofree char *steps = g_strdup_printf("%u", CLAMP(n, 1, MAX(model->n_timesteps, 1)));
  const char *recommended = model->config ? ddim_config_get_sampler(model->config) : NULL;

  g_object_set(request, "steps", steps, "sampler", recommended ? recommended : "dpm++", "eta", -1.0,
               "count", 1, NULL);
}

DdimRequest *
forecast_draft(DdimRequest *request, const CatalogModel *model)
{
  DdimRequest *draft = ddim_request_copy(request);
  Work work = plan_work(request, model);
  guint width = work.plan.width, height = work.plan.height;
  double step;

  /* What is no larger than the model's images is made at its own size, so that the draft is what
   * the picture will be. */
  if (width > model->image_size || height > model->image_size)
    size_draft(work.width, work.height, MAX(model->stride, 1), model->image_size, &width, &height);
  step = get_step(request, model, MAX(width, model->image_size), MAX(height, model->image_size));
  g_object_set(draft, "width", (int)width, "height", (int)height, "scale", 0, NULL);
  set_steps(draft, model,
            step > 0 ? (guint)CLAMP(DRAFT_SECONDS / step, DRAFT_MIN_STEPS, DRAFT_MAX_STEPS)
                     : DRAFT_USUAL_STEPS);
  return draft;
}

DdimRequest *
forecast_thumbnail(DdimRequest *request, const CatalogModel *model, guint class)
{
  double step = get_step(request, model, model->image_size, model->image_size);
  g_autofree char *number = g_strdup_printf("%u", class);
  DdimRequest *thumbnail;

  if (step < 0 || step * THUMBNAIL_STEPS > THUMBNAIL_SECONDS || !model->image_size)
    return NULL;
  thumbnail = ddim_request_copy(request);
  g_object_set(thumbnail, "width", (int)model->image_size, "height", (int)model->image_size,
               "scale", 0, "class", number, "color", NULL, "seed", (gint64)1, NULL);
  set_steps(thumbnail, model, THUMBNAIL_STEPS);
  return thumbnail;
}
