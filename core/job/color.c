/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/color.h"

#include "core/edit/picture.h"
#include "core/job/request-private.h"

static guint
count_colors(const DdimMeanColor *color)
{
  return color->channels < 3 ? 1 : 3;
}

gboolean
ddim_mean_color_read(DdimMeanColor *color, DdimRequest *request, guint channels, GError **error)
{
  g_autofree char *text = NULL;
  double rgb[3];

  g_object_get(request, "color", &text, NULL);
  *color = (DdimMeanColor){.channels = channels, .y = {0, 1, 0, 1}};
  if (!text || !ddim_request_takes(request, "color"))
    return TRUE;
  if (!ddim_edit_parse_color(text, rgb, error))
    return FALSE;
  color->given = TRUE;
  if (count_colors(color) == 1)
    color->y[0] = (rgb[0] + rgb[1] + rgb[2]) / 3;
  for (guint c = 0; count_colors(color) == 3 && c < 3; c++)
    color->y[c] = rgb[c];
  return TRUE;
}

void
ddim_mean_color_constrain(const DdimMeanColor *color, guint width, guint height,
                          const guint8 *region, double shift, DdimConstraints *constraints)
{
  double y[4] = {color->y[0], color->y[1], color->y[2], color->y[3]};
  const DdimConstraintParams params = {.channels = color->channels,
                                       .height = height,
                                       .width = width,
                                       .region = region,
                                       .cell_width = width,
                                       .cell_height = height,
                                       .y = y};

  for (guint c = 0; c < count_colors(color); c++)
    y[c] += shift;
  ddim_constraints_add(constraints, ddim_constraint_new(&params));
}

double
ddim_mean_color_get_gray(const DdimMeanColor *color)
{
  return count_colors(color) == 1 ? color->y[0] : (color->y[0] + color->y[1] + color->y[2]) / 3;
}
