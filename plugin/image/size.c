/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/image/size.h"

#include <math.h>

static guint
round_up(guint value, guint stride)
{
  return (value + stride - 1) / stride * stride;
}

/* The multiple of @stride nearest to @value, at least one. */
static guint
round_near(double value, guint stride)
{
  return MAX((guint)(value / stride + 0.5), 1) * stride;
}

SizePlan
size_plan(guint width, guint height, guint stride, guint least)
{
  SizePlan plan = {.width = width, .height = height};
  double area = (double)width * height;

  plan.scaled = area > SIZE_MAX_SAMPLED_AREA;
  if (plan.scaled) {
    double scale = sqrt(SIZE_MAX_SAMPLED_AREA / area);
    plan.sampled_width = round_near(width * scale, stride);
    plan.sampled_height = round_near(height * scale, stride);
    return plan;
  }
  plan.sampled_width = round_up(MAX(width, least), stride);
  plan.sampled_height = round_up(MAX(height, least), stride);
  plan.crop_x = (plan.sampled_width - width) / 2;
  plan.crop_y = (plan.sampled_height - height) / 2;
  return plan;
}

SizePlan
size_plan_whole(guint width, guint height, guint stride, guint least)
{
  SizePlan plan = {.width = width, .height = height};
  double scale = MAX(1.0, (double)least / MIN(width, height));
  double area = scale * width * scale * height;

  if (area > SIZE_MAX_SAMPLED_AREA)
    scale *= sqrt(SIZE_MAX_SAMPLED_AREA / area);
  plan.sampled_width = round_near(width * scale, stride);
  plan.sampled_height = round_near(height * scale, stride);
  plan.scaled = plan.sampled_width != width || plan.sampled_height != height;
  return plan;
}

guint
size_shrink(guint side, guint scale)
{
  return scale > 1 ? (side + scale - 1) / scale : side;
}

void
size_draft(guint width, guint height, guint stride, guint image_size, guint *draft_width,
           guint *draft_height)
{
  double side = MAX(image_size, stride);
  double shape = width && height ? CLAMP((double)width / height, 0.25, 4) : 1;

  *draft_width = round_near(side * sqrt(shape), stride);
  *draft_height = round_near(side / sqrt(shape), stride);
}
