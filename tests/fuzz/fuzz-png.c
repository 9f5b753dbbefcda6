/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* PNG pictures and their text; what is read can be written. */
#include "core/data/image.h"
#include "touch.h"

static void
check_text(gpointer key, gpointer value, gpointer data)
{
  g_assert_true(g_utf8_validate(key, -1, NULL) && g_utf8_validate(value, -1, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
  g_autoptr(GError) error = NULL;
  g_autoptr(GHashTable) text = NULL;
  g_autoptr(DdimImage) image = ddim_image_read_png_bytes(bytes, "fuzz", &text, &error);

  fuzz_check_result(image, error);
  if (!image)
    return 0;
  g_assert_true(image->width > 0 && image->height > 0);
  g_assert_true(image->channels >= 1 && image->channels <= 4);
  g_hash_table_foreach(text, check_text, NULL);
  g_autofree guint8 *copy =
      g_memdup2(image->pixels, (gsize)image->width * image->height * image->channels);
  return 0;
}
