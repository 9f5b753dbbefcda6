/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <gegl.h>
#include <math.h>
#include "plugin/image/resample.h"
#include "plugin/image/size.h"

static void
test_multiple(void)
{
  SizePlan plan = size_plan(64, 48, 8, 0);

  g_assert_false(plan.scaled);
  g_assert_cmpuint(plan.sampled_width, ==, 64);
  g_assert_cmpuint(plan.sampled_height, ==, 48);
  g_assert_cmpuint(plan.crop_x, ==, 0);
  g_assert_cmpuint(plan.crop_y, ==, 0);
}

static void
test_every_size_is_held(void)
{
  for (guint stride = 1; stride <= 32; stride *= 2)
    for (guint size = 1; size < 100; size++) {
      SizePlan plan = size_plan(size, 100 - size, stride, 0);
      g_assert_false(plan.scaled);
      g_assert_cmpuint(plan.sampled_width % stride, ==, 0);
      g_assert_cmpuint(plan.sampled_height % stride, ==, 0);
      g_assert_cmpuint(plan.crop_x + plan.width, <=, plan.sampled_width);
      g_assert_cmpuint(plan.crop_y + plan.height, <=, plan.sampled_height);
      g_assert_cmpuint(plan.sampled_width - plan.width, <, stride);
      g_assert_cmpuint(plan.sampled_height - plan.height, <, stride);
    }
}

static void
test_large(void)
{
  SizePlan plan = size_plan(16000, 4000, 8, 0);

  g_assert_true(plan.scaled);
  g_assert_cmpuint(plan.sampled_width, ==, 8192);
  g_assert_cmpuint(plan.sampled_height, ==, 2048);
  plan = size_plan(4000, 1000, 8, 0);
  g_assert_false(plan.scaled);
  plan = size_plan(65536, 1, 8, 0);
  g_assert_false(plan.scaled);
  plan = size_plan(65536, 65536, 8, 0);
  g_assert_true(plan.scaled);
  g_assert_cmpuint(plan.sampled_width * plan.sampled_height, ==, SIZE_MAX_SAMPLED_AREA);
}

/* A side shorter than the model's images is sampled as long as these, and cut from the middle. */
static void
test_small(void)
{
  SizePlan plan = size_plan(3, 300, 8, 128);

  g_assert_cmpuint(plan.sampled_width, ==, 128);
  g_assert_cmpuint(plan.sampled_height, ==, 304);
  g_assert_cmpuint(plan.crop_x, ==, 62);
  g_assert_cmpuint(plan.crop_y, ==, 2);
  plan = size_plan(1, 1, 32, 100);
  g_assert_cmpuint(plan.sampled_width, ==, 128);
  g_assert_false(plan.scaled);
}

/* Nothing is cut of what is to be seamless, and no side is smaller than the model's images. */
static void
test_whole(void)
{
  SizePlan plan = size_plan_whole(256, 128, 8, 128);

  g_assert_false(plan.scaled);
  for (guint width = 1; width < 3000; width += 37)
    for (guint height = 1; height < 300; height += 41) {
      plan = size_plan_whole(width, height, 8, 128);
      g_assert_cmpuint(plan.sampled_width % 8, ==, 0);
      g_assert_cmpuint(plan.crop_x + plan.crop_y, ==, 0);
      g_assert_true(plan.scaled || (plan.sampled_width == width && plan.sampled_height == height));
      if (width < 4 * height && height < 4 * width)
        g_assert_cmpuint(MIN(plan.sampled_width, plan.sampled_height), >=, 128);
    }
}

static void
test_shrink(void)
{
  for (guint scale = 1; scale <= 16; scale++)
    for (guint side = 1; side < 100; side++) {
      guint small = size_shrink(side, scale);
      g_assert_cmpuint(small * scale, >=, side);
      g_assert_cmpuint((small - 1) * scale, <, side);
    }
}

static void
test_draft(void)
{
  guint width, height;

  size_draft(0, 0, 8, 128, &width, &height);
  g_assert_cmpuint(width, ==, 128);
  g_assert_cmpuint(height, ==, 128);
  size_draft(800, 600, 8, 128, &width, &height);
  g_assert_cmpuint(width, ==, 144);
  g_assert_cmpuint(height, ==, 112);
  size_draft(10000, 1, 8, 64, &width, &height);
  g_assert_cmpuint(width, ==, 128);
  g_assert_cmpuint(height, ==, 32);
}

static void
test_cut(void)
{
  SizePlan plan = size_plan(3, 2, 4, 0);
  float samples[2 * 4 * 4];
  g_autofree float *out = NULL;

  for (guint i = 0; i < G_N_ELEMENTS(samples); i++)
    samples[i] = i;
  out = resample(&plan, samples, 2, NULL);
  for (guint c = 0; c < 2; c++)
    for (guint y = 0; y < 2; y++)
      for (guint x = 0; x < 3; x++)
        g_assert_cmpfloat(out[(c * 2 + y) * 3 + x], ==, samples[c * 16 + (y + 1) * 4 + x]);
}

/* A ramp stays a ramp, also at negative values and beyond 1, and each channel stays its own. */
static void
test_enlarge(void)
{
  SizePlan plan = {
      .width = 256, .height = 128, .sampled_width = 64, .sampled_height = 32, .scaled = TRUE};
  g_autofree float *samples = g_new(float, 2 * 64 * 32), *out = NULL;

  for (guint i = 0; i < 2 * 64 * 32; i++)
    samples[i] = i < 64 * 32 ? (i % 64) / 31.5f - 1 : 1.25f;
  out = resample(&plan, samples, 2, NULL);
  for (guint y = 0; y < 128; y++)
    for (guint x = 0; x < 256; x++) {
      double at = (x + 0.5) / 4 - 0.5;
      if (at > 4 && at < 59)
        g_assert_cmpfloat_with_epsilon(out[y * 256 + x], at / 31.5 - 1, 0.01);
      g_assert_cmpfloat_with_epsilon(out[256 * 128 + y * 256 + x], 1.25f, 1e-4);
    }
}

int
main(int argc, char **argv)
{
  int status;

  g_test_init(&argc, &argv, NULL);
  gegl_init(NULL, NULL);
  g_test_add_func("/size/multiple", test_multiple);
  g_test_add_func("/size/every-size-is-held", test_every_size_is_held);
  g_test_add_func("/size/large", test_large);
  g_test_add_func("/size/small", test_small);
  g_test_add_func("/size/whole", test_whole);
  g_test_add_func("/size/shrink", test_shrink);
  g_test_add_func("/size/draft", test_draft);
  g_test_add_func("/resample/cut", test_cut);
  g_test_add_func("/resample/enlarge", test_enlarge);
  status = g_test_run();
  gegl_exit();
  return status;
}
