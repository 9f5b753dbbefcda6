/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* PNG pictures and their text; what is read can be written. */
#include "core/data/image-png.h"
#include "core/data/image-private.h"
#include "tests/fuzz/touch.h"

/* More would only make the search slow. */
#define MAX_PIXELS (1u << 22)

static void
check_text(gpointer key, gpointer value, gpointer data)
{
  g_assert_true(g_utf8_validate(key, -1, NULL) && g_utf8_validate(value, -1, NULL));
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
  g_autoptr(DdimFile) file = ddim_file_new_from_bytes(bytes, "fuzz");
  g_autoptr(GError) error = NULL, text_error = NULL, size_error = NULL;
  g_autoptr(GHashTable) text = ddim_png_read_text(file, &text_error);
  DdimImageHeader header;
  const gboolean has_size = ddim_png_read_header(file, &header, &size_error);

  fuzz_check_result(text, text_error);
  if (text)
    g_hash_table_foreach(text, check_text, NULL);
  if (!has_size) {
    g_assert_nonnull(size_error);
    return;
  }
  if ((guint64)header.width * header.height > MAX_PIXELS)
    return;
  g_autoptr(DdimImage) image = ddim_png_read_image(file, &error);
  fuzz_check_result(image, error);
  if (!image)
    return;
  g_assert_true(image->width == header.width && image->height == header.height);
  g_assert_true(image->channels >= 1 && image->channels <= 4);
  /* Every pixel is there to be read. */
  g_free(g_memdup2(image->pixels, (gsize)image->width * image->height * image->channels));
}
