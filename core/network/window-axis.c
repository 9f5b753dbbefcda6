/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/window-axis.h"

static guint
divide_up(guint a, guint b)
{
  return (a + b - 1) / b;
}

static guint
count_windows(const DdimWindowAxisParams *params)
{
  /* How far the next window is at most. */
  const guint step =
      MAX((params->window - params->overlap) / params->unit * params->unit, params->unit);

  if (params->length <= params->window)
    return 1;
  return params->wrap ? MAX(divide_up(params->length, step), 2)
                      : divide_up(params->length - params->window, step) + 1;
}

/* Without wrapping the first window begins where the picture does and the last ends where it
 * ends. */
static void
choose_places(const DdimWindowAxisParams *params, guint n, guint *places)
{
  const guint64 room = params->wrap ? params->length : params->length - params->window;
  const guint64 gaps = params->wrap ? n : n - 1;

  for (guint i = 0; i < n; i++)
    places[i] = (guint)((i * room / params->unit + gaps / 2) / gaps * params->unit);
}

/* Move windows halfway to the next. @places has room for one more. Returns how many there are. */
static guint
shift_places(const DdimWindowAxisParams *params, guint n, guint *places)
{
  const guint first = places[0];

  if (n <= 1 || places[1] < 2 * params->unit)
    return n;
  if (!params->wrap)
    places[n] = places[n - 1];
  for (guint i = n - 1; i > 0 && !params->wrap; i--)
    places[i] = (places[i - 1] + places[i]) / 2 / params->unit * params->unit;
  for (guint i = 0; i < n && params->wrap; i++) {
    const guint next = i + 1 < n ? places[i + 1] : first + params->length;
    places[i] = (places[i] + next) / 2 / params->unit * params->unit;
  }
  return params->wrap ? n : n + 1;
}

/* Where window @i begins; the one behind the last is the first again, a picture further on. */
static guint
get_place(const DdimWindowAxisParams *params, guint n, const guint *places, guint i)
{
  return i < n ? places[i] : places[i - n] + params->length;
}

/* How many pixels the weights take to go over from one window to the next. The middles of two such
 * ramps must be as far apart as one is long, so that they do not meet. */
static guint
choose_ramp(const DdimWindowAxisParams *params, guint n, const guint *places)
{
  const guint last = params->wrap ? n : n - 1;
  guint ramp = params->overlap;

  for (guint i = 0; i < last; i++)
    ramp = MIN(ramp, places[i] + params->window - get_place(params, n, places, i + 1));
  for (guint i = 0; i + (params->wrap ? 0 : 1) < last; i++)
    ramp = MIN(ramp, (get_place(params, n, places, i + 2) - get_place(params, n, places, i)) / 2);
  return ramp;
}

/* The ramp that ends window @i and begins the next one. */
static void
go_over(const DdimWindowAxisParams *params, const DdimWindowAxis *axis, guint i, guint ramp)
{
  const guint n = axis->view.n, window = params->window;
  const guint distance = get_place(params, n, axis->places, i + 1) - axis->places[i];
  const guint from = (distance + window - ramp) / 2; /* in window i */
  float *ending = axis->weights + (gsize)i * window;
  float *beginning = axis->weights + (gsize)((i + 1) % n) * window;

  for (guint x = from; x < window; x++)
    ending[x] = x < from + ramp ? 1 - (x - from + 0.5f) / ramp : 0;
  for (guint x = 0; x < from + ramp - distance; x++)
    beginning[x] = x + distance < from ? 0 : 1 - ending[x + distance];
}

DdimWindowAxis *
ddim_window_axis_new(const DdimWindowAxisParams *params)
{
  g_return_val_if_fail(params->unit > 0 && params->window > 0, NULL);
  g_return_val_if_fail(params->overlap <= params->window / 2, NULL);

  DdimWindowAxis *axis = g_new0(DdimWindowAxis, 1);
  const guint window = MIN(params->window, params->length);
  guint n = count_windows(params);

  axis->places = g_new0(guint, n + 1);
  if (n > 1)
    choose_places(params, n, axis->places);
  if (params->shifted)
    n = shift_places(params, n, axis->places);
  axis->weights = g_new(float, (gsize)n *window);
  for (gsize i = 0; i < (gsize)n * window; i++)
    axis->weights[i] = 1;
  axis->view = (DdimClWindowAxis){.length = params->length,
                                  .window = window,
                                  .n = n,
                                  .places = axis->places,
                                  .weights = axis->weights};
  if (n <= 1)
    return axis;
  const guint ramp = choose_ramp(params, n, axis->places);
  for (guint i = 0; i < (params->wrap ? n : n - 1); i++)
    go_over(params, axis, i, ramp);
  return axis;
}

void
ddim_window_axis_free(DdimWindowAxis *axis)
{
  if (!axis)
    return;
  g_free(axis->places);
  g_free(axis->weights);
  g_free(axis);
}
