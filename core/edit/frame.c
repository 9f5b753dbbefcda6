/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/edit/frame.h"

#include <string.h>

/* No side of a window is longer than MAX_TIMES times the side that the model was trained with, nor
 * than MAX_SIDE pixels unless the model was trained with more. In larger windows models lose sight
 * of the whole, and they take more memory. */
#define MAX_TIMES 4
#define MAX_SIDE 512
/* Neighboring windows overlap by the longest side of a window, divided by this. */
#define OVERLAP 4

static guint
round_up(guint n, guint unit)
{
  return (n + unit - 1) / unit * unit;
}

/* Choose the frame along one axis. The picture has @n pixels, of which @size change, starting at
 * @start. Returns whether it is all of a @ring. */
static gboolean
choose_span(const DdimFrameParams *params, guint n, gboolean ring, guint *start, guint *size)
{
  guint from = *start - MIN(*start, params->context);
  const guint to = (guint)MIN((guint64)*start + *size + params->context, n);
  guint wanted = MAX(to - from, MIN(params->usual, n));

  if (ring && round_up(wanted, params->unit) >= n) {
    *start = 0;
    *size = n;
    return TRUE;
  }
  wanted = round_up(wanted, params->unit);
  /* The frame grows to both sides evenly, as far as the picture reaches. */
  from -= MIN(from, (wanted - (to - from)) / 2);
  if (wanted <= n)
    from = MIN(from, n - wanted);
  else
    from = 0;
  *start = from;
  *size = wanted;
  return FALSE;
}

/* Windows along one axis, of `side` pixels each. */
typedef struct {
  guint place;        /* where the window begins */
  guint share, count; /* where what it makes begins, and how many pixels that is */
} Stretch;

/* Windows along @size pixels. The last one ends where the pixels end. */
static GArray *
choose_places(const DdimFrameParams *params, guint size, guint side)
{
  GArray *places = g_array_new(FALSE, FALSE, sizeof(Stretch));
  const guint overlap = MIN(round_up(params->overlap, params->unit), side - params->unit);
  guint at = 0;

  for (;; at += side - overlap) {
    const guint place = MIN(at, size - side);
    const Stretch stretch = {place, place, side};
    g_array_append_val(places, stretch);
    if (place == size - side)
      return places;
  }
}

static guint
round_down(guint64 n, guint unit)
{
  return (guint)(n / unit * unit);
}

/* Windows around a ring of @size pixels. The middle of the ring lies in the middle of a share. */
static GArray *
choose_ring(const DdimFrameParams *params, guint size, guint side)
{
  GArray *places = g_array_new(FALSE, FALSE, sizeof(Stretch));
  const guint cell = MAX(params->cell, 1);
  const guint step = side - MIN(params->overlap, side / 2);
  const guint n = side == size ? 1 : MAX((size + step - 1) / step, 2);
  const guint first = size + round_down(size / 2 - size / n / 2, cell);

  for (guint i = 0; i < n; i++) {
    const guint from = round_down((guint64)size * i / n, cell);
    const guint share = first + from, count = round_down((guint64)size * (i + 1) / n, cell) - from;
    const guint before = round_down((side - count) / 2, cell);
    const Stretch stretch = {n == 1 ? 0 : (share + size - before) % size, n == 1 ? 0 : share % size,
                             count};
    g_array_append_val(places, stretch);
  }
  return places;
}

/* The frame is @size pixels long, and is a ring or reaches over multiples of the unit. */
static guint
choose_side(const DdimFrameParams *params, guint size)
{
  const guint whole = size / params->unit * params->unit;

  return MIN(whole, MAX(params->maximum / params->unit, 1) * params->unit);
}

static void
add_window(DdimFrame *frame, const Stretch *x, const Stretch *y)
{
  const DdimRect window = {x->place, y->place, frame->width, frame->height};
  const DdimRect share = {x->share, y->share, x->count, y->count};

  g_array_append_val(frame->windows, window);
  g_array_append_val(frame->shares, share);
}

static guint
least_common_multiple(guint a, guint b)
{
  guint x = a, y = b;

  while (y) {
    const guint rest = x % y;
    x = y;
    y = rest;
  }
  return a / x * b;
}

void
ddim_frame_params_suit(DdimFrameParams *params, guint image_size, guint stride, guint cell,
                       gboolean fixed)
{
  params->unit = least_common_multiple(stride, cell);
  params->cell = cell;
  params->usual = MAX(image_size, 1);
  params->maximum =
      fixed ? params->usual : MAX(params->usual, MIN(params->usual * MAX_TIMES, MAX_SIDE));
  params->overlap = params->maximum / OVERLAP;
}

DdimFrame *
ddim_frame_new(const DdimFrameParams *params)
{
  DdimFrame *frame = g_new0(DdimFrame, 1);
  g_autoptr(GArray) columns = NULL;
  g_autoptr(GArray) rows = NULL;
  gboolean ring_x, ring_y;

  frame->rect = params->wanted;
  frame->unit = params->unit;
  ring_x = choose_span(params, params->width, params->rings & DDIM_WRAP_X, &frame->rect.x,
                       &frame->rect.width);
  ring_y = choose_span(params, params->height, params->rings & DDIM_WRAP_Y, &frame->rect.y,
                       &frame->rect.height);
  frame->width = choose_side(params, frame->rect.width);
  frame->height = choose_side(params, frame->rect.height);
  columns = (ring_x ? choose_ring : choose_places)(params, frame->rect.width, frame->width);
  rows = (ring_y ? choose_ring : choose_places)(params, frame->rect.height, frame->height);
  frame->wrap = (ring_x && columns->len == 1 ? DDIM_WRAP_X : 0) |
                (ring_y && rows->len == 1 ? DDIM_WRAP_Y : 0);
  frame->windows = g_array_new(FALSE, FALSE, sizeof(DdimRect));
  frame->shares = g_array_new(FALSE, FALSE, sizeof(DdimRect));
  for (guint j = 0; j < rows->len; j++)
    for (guint i = 0; i < columns->len; i++)
      add_window(frame, &g_array_index(columns, Stretch, i), &g_array_index(rows, Stretch, j));
  return frame;
}

void
ddim_frame_free(DdimFrame *frame)
{
  if (!frame)
    return;
  g_array_unref(frame->windows);
  g_array_unref(frame->shares);
  g_free(frame);
}

static gboolean
has_work(const DdimFrame *frame, const DdimRect *share, const guint8 *coverage, guint width,
         guint height)
{
  for (guint y = 0; y < share->height; y++)
    for (guint x = 0; x < share->width; x++) {
      const guint px = frame->rect.x + (share->x + x) % frame->rect.width;
      const guint py = frame->rect.y + (share->y + y) % frame->rect.height;
      if (px < width && py < height && coverage[(gsize)py * width + px])
        return TRUE;
    }
  return FALSE;
}

void
ddim_frame_drop_idle(DdimFrame *frame, const guint8 *coverage, guint width, guint height)
{
  for (guint i = frame->windows->len; i-- > 0;)
    if (!has_work(frame, &g_array_index(frame->shares, DdimRect, i), coverage, width, height)) {
      g_array_remove_index(frame->windows, i);
      g_array_remove_index(frame->shares, i);
    }
}

gboolean
ddim_rect_around(const guint8 *coverage, guint width, guint height, DdimRect *rect)
{
  guint left = width, right = 0, top = height, bottom = 0;

  for (guint y = 0; y < height; y++)
    for (guint x = 0; x < width; x++)
      if (coverage[(gsize)y * width + x]) {
        left = MIN(left, x);
        right = MAX(right, x + 1);
        top = MIN(top, y);
        bottom = y + 1;
      }
  if (right == 0)
    return FALSE;
  *rect = (DdimRect){left, top, right - left, bottom - top};
  return TRUE;
}
