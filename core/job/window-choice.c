/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/window-choice.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "core/data/error.h"
#include "core/model/config-details.h"

/* Pictures of a larger area than this are computed in windows, unless the model was trained with
 * larger ones. */
#define WHOLE_PIXELS (1024 * 1024)
/* Windows overlap by their side divided by this. */
#define OVERLAP 4
/* Where the device has no memory for a window of the usual side, the side is halved, down to this
 * part of it. Below that, a model no longer sees what it paints. */
#define SMALLEST 4
/* Arrays of the picture's size, in float32, that exist at the same time: x, x0, the outputs' mean
 * and noise on the device, and the image (4096x4096 pixels: 1387 MiB in all). */
#define WHOLE_ARRAYS 5

static guint
get_usual_window(DdimConfig *config)
{
  const guint stride = ddim_config_get_stride(config);

  return MAX(ddim_config_get_image_size(config) / stride, 1) * stride;
}

static gboolean
check_window(guint window, DdimConfig *config, GError **error)
{
  const guint stride = ddim_config_get_stride(config), below = window / stride * stride;

  if (window % stride == 0)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("window: %u is not possible, it must be a multiple of %u; the nearest are %u and "
                "%u"),
              window, stride, MAX(below, stride), below + stride);
  return FALSE;
}

static gboolean
settle(DdimWindowChoice *choice, DdimConfig *config, DdimRequest *request, guint window,
       GError **error)
{
  int overlap;

  g_object_get(request, "overlap", &overlap, NULL);
  choice->window = window;
  if (window == 0) {
    g_object_set(request, "window", 0, "overlap", -1, NULL);
    return TRUE;
  }
  choice->overlap = overlap >= 0 ? (guint)overlap : window / OVERLAP;
  g_object_set(request, "window", (int)window, "overlap", (int)choice->overlap, NULL);
  if (!check_window(window, config, error))
    return FALSE;
  if (choice->overlap <= window / 2)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("overlap: %u is too much for windows of %u; give at most %u"), choice->overlap,
              window, window / 2);
  return FALSE;
}

gboolean
ddim_window_choice_make(DdimWindowChoice *choice, DdimConfig *config, DdimRequest *request,
                        guint width, guint height, GError **error)
{
  guint own_width, own_height;
  int window;

  ddim_config_get_shape(config, &own_width, &own_height);
  const gboolean large =
      (guint64)width * height > MAX(WHOLE_PIXELS, (guint64)own_width * own_height);
  g_object_get(request, "window", &window, NULL);
  choice->open = window < 0;
  if (window < 0)
    window = large ? (int)get_usual_window(config) : 0;
  if ((guint)window >= width && (guint)window >= height)
    window = 0;
  return settle(choice, config, request, (guint)window, error);
}

gboolean
ddim_window_choice_check_memory(const DdimWindowChoice *choice, guint channels, guint batch,
                                guint height, guint width, GError **error)
{
  const double needed = 4.0 * WHOLE_ARRAYS * channels * batch * height * width;
  const double there = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);

  if (choice->window == 0 || there <= 0 || needed <= there)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("size: %ux%u needs about %.1f GiB of memory, and this machine has %.1f GiB; try a "
                "smaller size or batch"),
              width, height, needed / (1u << 30), there / (1u << 30));
  return FALSE;
}

gboolean
ddim_window_choice_give_way(DdimWindowChoice *choice, DdimConfig *config, DdimRequest *request,
                            guint width, guint height)
{
  const guint usual = get_usual_window(config), stride = ddim_config_get_stride(config);
  const guint window = choice->window ? choice->window / 2 / stride * stride : usual;

  if (!choice->open || window < MAX(usual / SMALLEST, 1) || (window >= width && window >= height))
    return FALSE;
  if (choice->window && choice->overlap == choice->window / OVERLAP)
    g_object_set(request, "overlap", -1, NULL);
  return settle(choice, config, request, window, NULL);
}
