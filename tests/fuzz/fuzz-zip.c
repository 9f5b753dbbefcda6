/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A zip archive's directory, and the content of its entries. */
#include "core/data/zip-index.h"
#include "tests/fuzz/fuzz.h"

#define MAX_ENTRY ((guint64)1 << 20)
#define MAX_ENTRIES 100

static void
read_entry(DdimFile *file, const DdimZipEntry *entry)
{
  g_autoptr(GError) load_error = NULL, place_error = NULL;
  g_autoptr(GBytes) content = ddim_zip_entry_load(file, entry, MAX_ENTRY, &load_error);
  guint64 offset = 0;
  const gboolean there = ddim_zip_entry_locate(file, entry, &offset, &place_error);

  fuzz_check_result(content, load_error);
  g_assert_true(there == !place_error);
  if (there) {
    g_assert_cmpuint(offset, <=, ddim_file_get_size(file));
    g_assert_cmpuint(entry->packed_size, <=, ddim_file_get_size(file) - offset);
  }
  if (content)
    g_assert_cmpuint(g_bytes_get_size(content), ==, entry->size);
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
  g_autoptr(DdimFile) file = ddim_file_new_from_bytes(bytes, "fuzz");
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimZipIndex) index = ddim_zip_index_read(file, &error);

  fuzz_check_result(index, error);
  for (guint i = 0; index && i < MIN(index->n, MAX_ENTRIES); i++)
    read_entry(file, &index->entries[i]);
}
