/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/edit/frame.h"

#include <string.h>

static guint
round_up(guint n, guint unit)
{
  return (n + unit - 1) / unit * unit;
}

/* Choose the frame along one axis. The picture has @n pixels, of which @size change, starting at
 * @start. */
static void
choose_span(const DdimFrameParams *params, guint n, guint *start, guint *size)
{
  guint from = *start - MIN(*start, params->context);
  const guint to = (guint)MIN((guint64)*start + *size + params->context, n);
  guint wanted = MAX(to - from, MIN(params->usual, n));

  wanted = round_up(wanted, params->unit);
  /* The frame grows to both sides evenly, as far as the picture reaches. */
  from -= MIN(from, (wanted - (to - from)) / 2);
  if (wanted <= n)
    from = MIN(from, n - wanted);
  else
    from = 0;
  *start = from;
  *size = wanted;
}

/* Where windows of length @side begin along @size pixels. The last window ends where the pixels
 * end. */
static GArray *
choose_places(const DdimFrameParams *params, guint size, guint side)
{
  GArray *places = g_array_new(FALSE, FALSE, sizeof(guint));
  const guint overlap = MIN(round_up(params->overlap, params->unit), side - params->unit);
  guint at = 0;

  for (;; at += side - overlap) {
    const guint place = MIN(at, size - side);
    g_array_append_val(places, place);
    if (place == size - side)
      return places;
  }
}

static guint
choose_side(const DdimFrameParams *params, guint size)
{
  return MIN(size, MAX(params->maximum / params->unit, 1) * params->unit);
}

DdimFrame *
ddim_frame_new(const DdimFrameParams *params)
{
  DdimFrame *frame = g_new0(DdimFrame, 1);
  g_autoptr(GArray) columns = NULL;
  g_autoptr(GArray) rows = NULL;

  frame->rect = params->wanted;
  choose_span(params, params->width, &frame->rect.x, &frame->rect.width);
  choose_span(params, params->height, &frame->rect.y, &frame->rect.height);
  frame->width = choose_side(params, frame->rect.width);
  frame->height = choose_side(params, frame->rect.height);
  columns = choose_places(params, frame->rect.width, frame->width);
  rows = choose_places(params, frame->rect.height, frame->height);
  frame->windows = g_array_new(FALSE, FALSE, sizeof(DdimRect));
  for (guint j = 0; j < rows->len; j++)
    for (guint i = 0; i < columns->len; i++) {
      const DdimRect window = {g_array_index(columns, guint, i), g_array_index(rows, guint, j),
                               frame->width, frame->height};
      g_array_append_val(frame->windows, window);
    }
  return frame;
}

void
ddim_frame_free(DdimFrame *frame)
{
  if (!frame)
    return;
  g_array_unref(frame->windows);
  g_free(frame);
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
