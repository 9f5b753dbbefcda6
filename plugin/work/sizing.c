/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/sizing.h"

/* (nullable) the axes: "x", "y" or "xy" */
static char *
get_axes(DdimRequest *request)
{
  g_autofree char *axes = NULL;

  g_object_get(request, "seamless", &axes, NULL);
  return g_strcmp0(axes, "none") == 0 ? NULL : g_steal_pointer(&axes);
}

guint
sizing_get_scale(DdimRequest *request)
{
  int scale;

  g_object_get(request, "scale", &scale, NULL);
  return (guint)MAX(scale, 1);
}

SizePlan
sizing_plan(DdimRequest *request, guint stride, guint least)
{
  g_autofree char *axes = get_axes(request);
  const guint scale = sizing_get_scale(request);
  int width, height;
  SizePlan plan;

  g_object_get(request, "width", &width, "height", &height, NULL);
  if (!axes)
    return size_plan(size_shrink(width, scale), size_shrink(height, scale), stride, least);
  plan = size_plan_whole(size_shrink(width, scale), size_shrink(height, scale), stride, least);
  plan.loops = g_str_equal(axes, "xy");
  return plan;
}

SizePlan
sizing_plan_enlarged(DdimRequest *request, guint width, guint height, guint made_width,
                     guint made_height)
{
  g_autofree char *axes = get_axes(request);
  SizePlan plan = {
      .width = width, .height = height, .sampled_width = made_width, .sampled_height = made_height};

  plan.scaled = axes && (made_width != width || made_height != height);
  plan.loops = g_strcmp0(axes, "xy") == 0;
  return plan;
}
