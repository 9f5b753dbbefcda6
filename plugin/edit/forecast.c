/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/edit/forecast.h"

#include <glib/gi18n-lib.h>
#include "core/edit/frame.h"
#include "core/edit/picture.h"
#include "core/job/recommended.h"

/* How often steps are done again in order to fill a hole, if the user does not say it. */
#define USUAL_QUALITY 4
/* A seam is as wide as the images that the model was trained with, divided by this. */
#define SEAM_PART 8

/* All numbers of a respacing added up: "25", "10,15,20", "ddim50"; 0 for one that is empty. */
static guint
count_steps(DdimRequest *request)
{
  g_autoptr(DdimRequest) chosen = ddim_request_copy(request);
  g_autofree char *text = NULL;
  guint sum = 0;

  ddim_request_take_recommended(chosen, NULL);
  g_object_get(chosen, "steps", &text, NULL);
  for (const char *p = text; p && *p; p++)
    if (g_ascii_isdigit(*p)) {
      char *end;
      sum += (guint)MIN(g_ascii_strtoull(p, &end, 10), 10000);
      p = end - 1;
    }
  return sum;
}

static guint
repeat_steps(const EditInput *input, guint steps)
{
  double strength;
  int quality;

  g_object_get(input->request, "strength", &strength, "quality", &quality, NULL);
  if (input->command->command == DDIM_COMMAND_VARY)
    return (guint)(steps * strength + 0.5);
  if (input->command->traits & EDIT_GOES_BETWEEN)
    return steps;
  if (!quality)
    quality = input->command->traits & (EDIT_FILLS | EDIT_TILES) ? USUAL_QUALITY : 1;
  return steps * (guint)quality;
}

/* The picture that is made, and what of it changes. */
static void
set_size(const EditInput *input, int scale, int context, DdimFrameParams *params)
{
  params->width = ddim_image_get_width(input->picture) * (guint)scale;
  params->height = ddim_image_get_height(input->picture) * (guint)scale;
  params->wanted = (DdimRect){0, 0, params->width, params->height};
  if (input->command->traits & EDIT_FILLS) {
    params->wanted = (DdimRect){(guint)input->cut.x, (guint)input->cut.y, (guint)input->cut.width,
                                (guint)input->cut.height};
    params->context = context < 0 ? params->usual / 2 : (guint)context;
  }
}

/* Leave out the windows that a seam does not touch. */
static void
drop_idle(const EditInput *input, const DdimFrameParams *params, DdimFrame *frame)
{
  const guint side = MIN(params->width, params->height);
  g_autofree guint8 *coverage = NULL;
  int width;

  g_object_get(input->request, "seam-width", &width, NULL);
  if (!width)
    width = (int)CLAMP(params->usual / SEAM_PART, 1, MAX(side / 4, 1));
  coverage = ddim_edit_mask_from_seams(params->width, params->height, params->rings,
                                       MIN((guint)width, MAX(side / 2, 1)), NULL);
  if (coverage)
    ddim_frame_drop_idle(frame, coverage, params->width, params->height);
}

EditForecast
edit_forecast_new(const EditInput *input, guint image_size, guint stride)
{
  EditForecast forecast = {.n_steps = repeat_steps(input, count_steps(input->request)),
                           .n_windows = 1};
  DdimFrameParams params = {0};
  g_autoptr(DdimFrame) frame = NULL;
  int scale, context, count;

  g_object_get(input->request, "scale", &scale, "context", &context, "count", &count, NULL);
  forecast.n_images = count;
  scale = !(input->command->traits & EDIT_ENLARGES) ? 1 : scale ? scale : 4;
  if (!input->picture) {
    forecast.width = forecast.window_width = input->target.width ? input->target.width : image_size;
    forecast.height = forecast.window_height =
        input->target.height ? input->target.height : image_size;
    return forecast;
  }
  ddim_frame_params_suit(&params, image_size, stride, scale, FALSE);
  set_size(input, scale, context, &params);
  params.rings = edit_input_get_axes(input);
  frame = ddim_frame_new(&params);
  if (params.rings)
    drop_idle(input, &params, frame);
  forecast.width = params.wanted.width;
  forecast.height = params.wanted.height;
  forecast.n_windows = frame->windows->len;
  forecast.window_width = frame->width;
  forecast.window_height = frame->height;
  return forecast;
}

double
edit_forecast_get_work(const EditForecast *forecast)
{
  return (double)forecast->n_images * forecast->n_windows * forecast->n_steps *
         forecast->window_width * forecast->window_height;
}

static char *
describe_work(const EditForecast *forecast)
{
  if (forecast->n_images > 1)
    return g_strdup_printf(_("Makes %u pictures of %u × %u pixels, in %u steps each"),
                           forecast->n_images, forecast->width, forecast->height,
                           forecast->n_steps * forecast->n_windows);
  if (forecast->n_windows > 1)
    return g_strdup_printf(_("Makes %u × %u pixels in %u windows of %u × %u, in %u steps each"),
                           forecast->width, forecast->height, forecast->n_windows,
                           forecast->window_width, forecast->window_height, forecast->n_steps);
  return g_strdup_printf(_("Makes %u × %u pixels, seen in a window of %u × %u, in %u steps"),
                         forecast->width, forecast->height, forecast->window_width,
                         forecast->window_height, forecast->n_steps);
}

char *
edit_forecast_describe(const EditForecast *forecast, double seconds)
{
  g_autofree char *work = describe_work(forecast);

  if (seconds >= 90) /* Translators: the first part says what is made, and in how many steps */
    return g_strdup_printf(_("%s; this takes about %u min"), work, (guint)(seconds / 60 + 0.5));
  if (seconds > 0)
    return g_strdup_printf(_("%s; this takes about %u s"), work, (guint)MAX(seconds + 0.5, 1));
  return g_steal_pointer(&work);
}
