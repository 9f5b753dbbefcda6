/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Timestep respacing: two bytes of T, little-endian, then the spec. */
#include <math.h>
#include "core/diffusion/diffusion.h"
#include "core/diffusion/schedule.h"
#include "tests/fuzz/fuzz.h"

static void
check_tables(guint steps, const char *spec, guint count)
{
  const DdimDiffusionParams params = {
      .noise_schedule = "cosine", .diffusion_steps = steps, .timestep_respacing = spec};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimDiffusion) diffusion = ddim_diffusion_new(&params, &error);

  g_assert_no_error(error);
  g_assert_cmpuint(ddim_diffusion_get_num_timesteps(diffusion), ==, count);
  for (int table = 0; table < DDIM_N_TABLES; table++)
    for (guint t = 0; t < count; t++)
      g_assert_true(isfinite(ddim_diffusion_get_table(diffusion, table)[t]));
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  if (size < 2)
    return;
  const guint steps = data[0] | (guint)data[1] << 8;
  g_autofree char *spec = g_strndup((const char *)data + 2, size - 2);
  g_autoptr(GError) error = NULL;
  guint count = 0;
  g_autofree guint *kept = ddim_space_timesteps(steps, spec, &count, &error);

  if (kept == NULL) {
    g_assert_nonnull(error);
    g_assert_null(strpbrk(error->message, "\n\r\033"));
    return;
  }
  g_assert_no_error(error);
  g_assert_cmpuint(count, >=, 1);
  g_assert_cmpuint(kept[count - 1], <, steps);
  for (guint i = 1; i < count; i++)
    g_assert_cmpuint(kept[i - 1], <, kept[i]);
  if (steps <= 1000)
    check_tables(steps, spec, count);
}
