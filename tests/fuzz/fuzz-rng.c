/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The name of a random generator: four bytes that size two draws, then the name. */
#include <math.h>
#include "core/diffusion/noise.h"
#include "tests/fuzz/fuzz.h"

static void
check_draws(DdimRng *rng, guint n_normal, guint n_labels, gint64 classes)
{
  g_autofree float *normal = g_new(float, n_normal);
  g_autofree gint64 *labels = g_new(gint64, n_labels);

  ddim_rng_randint(rng, 0, classes, labels, n_labels);
  for (guint i = 0; i < n_labels; i++)
    g_assert_true(labels[i] >= 0 && labels[i] < classes);
  ddim_rng_normal(rng, normal, n_normal);
  for (guint i = 0; i < n_normal; i++)
    g_assert_true(fabsf(normal[i]) < 10);
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  if (size < 4)
    return;
  g_autofree char *kind = g_strndup((const char *)data + 4, size - 4);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimRng) rng = ddim_rng_new(kind, data[3], &error);

  if (rng == NULL) {
    g_assert_nonnull(error);
    g_assert_null(strpbrk(error->message, "\n\r\033"));
    return;
  }
  check_draws(rng, data[0] | (guint)data[1] << 8, data[2], (gint64)data[3] << (data[3] % 50) | 1);
  check_draws(rng, data[2], data[1], 1 + data[0]);
}
