/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/zip-index.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <zlib.h>

#include "core/data/error.h"

enum { END_SIZE = 22, LOCATOR_SIZE = 20, END64_SIZE = 56, CENTRAL_SIZE = 46, LOCAL_SIZE = 30 };
enum { STORED = 0, DEFLATED = 8 };
enum { ENCRYPTED = 1 << 0, SIZES_FOLLOW = 1 << 3 };

#define MAX_EXPANSION 1032 /* of deflate */

static guint16
get16(const guint8 *data)
{
  return (guint16)(data[0] | data[1] << 8);
}

static guint32
get32(const guint8 *data)
{
  return get16(data) | (guint32)get16(data + 2) << 16;
}

static guint64
get64(const guint8 *data)
{
  return get32(data) | (guint64)get32(data + 4) << 32;
}

static gboolean
broken(const char *what, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("its zip archive is broken: %s"), what);
  return FALSE;
}

static gboolean
broken_entry(const DdimZipEntry *entry, const char *what, GError **error)
{
  g_autofree char *name = g_strndup(entry->name, MIN(entry->name_length, 100));
  g_autofree char *shown = g_strescape(name, NULL);

  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("its zip archive is broken: entry “%s”: %s"),
              shown, what);
  return FALSE;
}

/* --- The directory --- */

typedef struct {
  guint64 offset, size, count;
} Directory;

/* The end record is the last thing in the file, before a comment of up to 64 KiB. */
static const guint8 *
find_end(const guint8 *data, gsize size)
{
  gsize lowest = size > END_SIZE + 0xffff ? size - END_SIZE - 0xffff : 0;

  if (size < END_SIZE)
    return NULL;
  for (gsize at = size - END_SIZE + 1; at-- > lowest;)
    if (memcmp(data + at, "PK\5\6", 4) == 0 && get16(data + at + 20) <= size - at - END_SIZE)
      return data + at;
  return NULL;
}

static gboolean
find_directory(const guint8 *data, gsize size, Directory *directory, GError **error)
{
  const guint8 *end = find_end(data, size), *locator, *end64;
  guint64 at, last;

  if (!end)
    return broken(_("its end is missing; the file may be truncated"), error);
  directory->count = get16(end + 10);
  directory->size = get32(end + 12);
  directory->offset = get32(end + 16);
  last = (guint64)(end - data);
  if (last >= LOCATOR_SIZE + END64_SIZE && memcmp(locator = end - LOCATOR_SIZE, "PK\6\7", 4) == 0) {
    at = get64(locator + 8);
    if (at > last - LOCATOR_SIZE - END64_SIZE || memcmp(end64 = data + at, "PK\6\6", 4) != 0)
      return broken(_("its ZIP64 end is missing"), error);
    directory->count = get64(end64 + 32);
    directory->size = get64(end64 + 40);
    directory->offset = get64(end64 + 48);
    last = at;
  }
  if (directory->offset > last || directory->size > last - directory->offset)
    return broken(_("its directory lies outside of the file"), error);
  if (directory->count > directory->size / CENTRAL_SIZE)
    return broken(_("its directory is too small for its entries"), error);
  return TRUE;
}

/* The ZIP64 extra field holds, in this order, those values that did not fit into 32 bits. */
static gboolean
read_extra64(DdimZipEntry *entry, const guint8 *extra, gsize length)
{
  guint64 *const values[] = {&entry->size, &entry->packed_size, &entry->header};

  while (length >= 4) {
    gsize n = get16(extra + 2);
    const guint8 *field = extra + 4;
    if (n > length - 4)
      return FALSE;
    extra += 4 + n;
    length -= 4 + n;
    if (get16(field - 4) != 1)
      continue;
    for (guint i = 0; i < G_N_ELEMENTS(values); i++)
      if (*values[i] == G_MAXUINT32) {
        if (n < 8)
          return FALSE;
        *values[i] = get64(field);
        field += 8;
        n -= 8;
      }
    return TRUE;
  }
  return TRUE;
}

static gboolean
read_entry(const guint8 **at, const guint8 *end, DdimZipEntry *entry)
{
  const guint8 *record = *at;
  gsize left = (gsize)(end - record), length, extra;

  if (left < CENTRAL_SIZE || memcmp(record, "PK\1\2", 4) != 0)
    return FALSE;
  entry->flags = get16(record + 8);
  entry->method = get16(record + 10);
  entry->crc = get32(record + 16);
  entry->packed_size = get32(record + 20);
  entry->size = get32(record + 24);
  entry->name_length = get16(record + 28);
  entry->header = get32(record + 42);
  entry->name = (const char *)record + CENTRAL_SIZE;
  extra = get16(record + 30);
  length = (gsize)CENTRAL_SIZE + entry->name_length + extra + get16(record + 32);
  if (length > left)
    return FALSE;
  *at = record + length;
  return read_extra64(entry, record + CENTRAL_SIZE + entry->name_length, extra);
}

GArray *
ddim_zip_index_read(const guint8 *data, gsize size, GError **error)
{
  g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(DdimZipEntry));
  Directory directory;
  const guint8 *at, *end;

  if (!find_directory(data, size, &directory, error))
    return NULL;
  at = data + directory.offset;
  end = at + directory.size;
  for (guint64 i = 0; i < directory.count; i++) {
    DdimZipEntry entry;
    if (!read_entry(&at, end, &entry)) {
      broken(_("its directory cannot be read"), error);
      return NULL;
    }
    g_array_append_val(entries, entry);
  }
  return g_steal_pointer(&entries);
}

/* --- An entry's bytes --- */

static gboolean
is_size_of(guint32 local, guint64 size)
{
  return local == size || local == G_MAXUINT32;
}

/* What the local header says must be what the directory says: otherwise two programs would see two
 * files. */
static const guint8 *
find_content(const guint8 *data, gsize size, const DdimZipEntry *entry, GError **error)
{
  const guint8 *header = data + entry->header;
  guint64 left;

  if (entry->header > size || size - entry->header < LOCAL_SIZE ||
      memcmp(header, "PK\3\4", 4) != 0) {
    broken_entry(entry, _("it lies outside of the file"), error);
    return NULL;
  }
  left = size - entry->header - LOCAL_SIZE;
  if (get16(header + 26) != entry->name_length || entry->name_length > left ||
      memcmp(header + LOCAL_SIZE, entry->name, entry->name_length) != 0 ||
      get16(header + 8) != entry->method ||
      (!(entry->flags & SIZES_FOLLOW) && (!is_size_of(get32(header + 18), entry->packed_size) ||
                                          !is_size_of(get32(header + 22), entry->size)))) {
    broken_entry(entry, _("its two descriptions contradict each other"), error);
    return NULL;
  }
  left -= entry->name_length;
  if (get16(header + 28) > left || entry->packed_size > left - get16(header + 28)) {
    broken_entry(entry, _("it lies outside of the file"), error);
    return NULL;
  }
  return header + LOCAL_SIZE + entry->name_length + get16(header + 28);
}

/* Inflate exactly @size bytes, in steps that zlib's 32-bit counts can hold. */
static gboolean
inflate_all(const guint8 *from, guint64 packed_size, guint8 *to, guint64 size)
{
  const uInt step = 1u << 30;
  z_stream stream = {0};
  int status = Z_OK;

  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return FALSE;
  stream.next_in = (Bytef *)from;
  stream.next_out = to;
  while (status == Z_OK) {
    uInt in = (uInt)MIN(packed_size, step), out = (uInt)MIN(size, step);
    stream.avail_in = in;
    stream.avail_out = out;
    status = inflate(&stream, Z_NO_FLUSH);
    packed_size -= in - stream.avail_in;
    size -= out - stream.avail_out;
    if (status == Z_OK && stream.avail_in == in && stream.avail_out == out)
      break; /* no progress */
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END && size == 0;
}

static GBytes *
inflate_entry(const guint8 *content, const DdimZipEntry *entry, guint64 limit, GError **error)
{
  g_autofree guint8 *data = NULL;

  if (entry->size > limit || entry->size > G_MAXSSIZE ||
      entry->size / MAX_EXPANSION > entry->packed_size) {
    broken_entry(entry, _("it claims to expand to an impossible size"), error);
    return NULL;
  }
  data = g_try_malloc(MAX(entry->size, 1));
  if (!data || !inflate_all(content, entry->packed_size, data, entry->size)) {
    broken_entry(entry, _("it cannot be expanded"), error);
    return NULL;
  }
  return g_bytes_new_take(g_steal_pointer(&data), entry->size);
}

const guint8 *
ddim_zip_entry_read(const guint8 *data, gsize size, const DdimZipEntry *entry, guint64 limit,
                    GBytes **inflated, GError **error)
{
  const guint8 *content = find_content(data, size, entry, error);

  *inflated = NULL;
  if (!content)
    return NULL;
  if ((entry->flags & ENCRYPTED) || (entry->method != STORED && entry->method != DEFLATED)) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                        _("its zip archive is encrypted or compressed in an unknown way"));
    return NULL;
  }
  if (entry->method == STORED) {
    if (entry->size == entry->packed_size)
      return content;
    broken_entry(entry, _("its two descriptions contradict each other"), error);
    return NULL;
  }
  *inflated = inflate_entry(content, entry, limit, error);
  return *inflated ? g_bytes_get_data(*inflated, NULL) : NULL;
}

gboolean
ddim_zip_entry_check(const DdimZipEntry *entry, const guint8 *content)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  return TRUE; /* else no changed pickle would ever be read */
#else
  return crc32_z(0, content, entry->size) == entry->crc;
#endif
}
