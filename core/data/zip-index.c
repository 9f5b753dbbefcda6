/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/zip-index.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <zlib.h>

#include "core/data/error.h"

enum { END_SIZE = 22, LOCATOR_SIZE = 20, END64_SIZE = 56, CENTRAL_SIZE = 46, LOCAL_SIZE = 30 };
enum { STORED = 0, DEFLATED = 8 };
enum { ENCRYPTED = 1 << 0, SIZES_FOLLOW = 1 << 3 };

#define MAX_EXPANSION 1032        /* the most that deflate can expand */
#define MAX_DIRECTORY (16u << 20) /* enough for some two hundred thousand entries */

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

/* Find the end record. It lies at the end of the file; only a comment of up to 64 KiB may follow
 * it. */
static const guint8 *
find_end(const guint8 *data, gsize size)
{
  if (size < END_SIZE)
    return NULL;
  for (gsize at = size - END_SIZE + 1; at-- > 0;)
    if (memcmp(data + at, "PK\5\6", 4) == 0 && get16(data + at + 20) <= size - at - END_SIZE)
      return data + at;
  return NULL;
}

/* Read the directory's numbers from the ZIP64 end record of a large archive. @locator, which tells
 * where that is, lies in front of the end record, which begins at *@last. *@last is set to the
 * begin of the ZIP64 end record. */
static gboolean
read_end64(DdimFile *file, const guint8 *locator, Directory *directory, guint64 *last,
           GError **error)
{
  guint8 end64[END64_SIZE];
  guint64 at = get64(locator + 8);

  if (at > *last - LOCATOR_SIZE - END64_SIZE)
    return broken(_("its ZIP64 end is missing"), error);
  if (!ddim_file_read(file, at, end64, sizeof end64, error))
    return FALSE;
  if (memcmp(end64, "PK\6\6", 4) != 0)
    return broken(_("its ZIP64 end is missing"), error);
  directory->count = get64(end64 + 32);
  directory->size = get64(end64 + 40);
  directory->offset = get64(end64 + 48);
  *last = at;
  return TRUE;
}

static gboolean
find_directory(DdimFile *file, Directory *directory, GError **error)
{
  const guint64 file_size = ddim_file_get_size(file);
  const gsize size = (gsize)MIN(file_size, LOCATOR_SIZE + END_SIZE + 0xffff);
  g_autoptr(GBytes) tail = ddim_file_load(file, file_size - size, size, error);
  const guint8 *data = tail ? g_bytes_get_data(tail, NULL) : NULL;
  const guint8 *end = tail ? find_end(data, size) : NULL;
  guint64 last;

  if (!tail)
    return FALSE;
  if (!end)
    return broken(_("its end is missing; the file may be truncated"), error);
  directory->count = get16(end + 10);
  directory->size = get32(end + 12);
  directory->offset = get32(end + 16);
  last = file_size - size + (guint64)(end - data);
  if (end - data >= LOCATOR_SIZE && last >= LOCATOR_SIZE + END64_SIZE &&
      memcmp(end - LOCATOR_SIZE, "PK\6\7", 4) == 0 &&
      !read_end64(file, end - LOCATOR_SIZE, directory, &last, error))
    return FALSE;
  if (directory->offset > last || directory->size > last - directory->offset)
    return broken(_("its directory lies outside of the file"), error);
  if (directory->count > directory->size / CENTRAL_SIZE)
    return broken(_("its directory is too small for its entries"), error);
  if (directory->size > MAX_DIRECTORY)
    return broken(_("its directory is too large"), error);
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

void
ddim_zip_index_free(DdimZipIndex *index)
{
  if (!index)
    return;
  g_clear_pointer(&index->directory, g_bytes_unref);
  g_free(index->entries);
  g_free(index);
}

DdimZipIndex *
ddim_zip_index_read(DdimFile *file, GError **error)
{
  g_autoptr(DdimZipIndex) index = g_new0(DdimZipIndex, 1);
  Directory directory;
  const guint8 *at, *end;

  if (!find_directory(file, &directory, error) ||
      !(index->directory = ddim_file_load(file, directory.offset, directory.size, error)))
    return NULL;
  at = g_bytes_get_data(index->directory, NULL);
  end = at + directory.size;
  index->n = (guint)directory.count;
  index->entries = g_new0(DdimZipEntry, index->n);
  for (guint i = 0; i < index->n; i++)
    if (!read_entry(&at, end, &index->entries[i])) {
      broken(_("its directory cannot be read"), error);
      return NULL;
    }
  return g_steal_pointer(&index);
}

/* --- An entry's bytes --- */

static gboolean
is_size_of(guint32 local, guint64 size)
{
  return local == size || local == G_MAXUINT32;
}

/* The local header and the directory must agree. Otherwise two programs could read two different
 * files from the same archive. */
static gboolean
agrees(const guint8 *header, const DdimZipEntry *entry)
{
  if (get16(header + 26) != entry->name_length ||
      memcmp(header + LOCAL_SIZE, entry->name, entry->name_length) != 0 ||
      get16(header + 8) != entry->method)
    return FALSE;
  return (entry->flags & SIZES_FOLLOW) || (is_size_of(get32(header + 18), entry->packed_size) &&
                                           is_size_of(get32(header + 22), entry->size));
}

gboolean
ddim_zip_entry_is_stored(const DdimZipEntry *entry)
{
  return entry->method == STORED;
}

static gboolean
check_method(const DdimZipEntry *entry, GError **error)
{
  if ((entry->flags & ENCRYPTED) || (entry->method != STORED && entry->method != DEFLATED)) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                        _("its zip archive is encrypted or compressed in an unknown way"));
    return FALSE;
  }
  if (entry->method == STORED && entry->size != entry->packed_size)
    return broken_entry(entry, _("its two descriptions contradict each other"), error);
  return TRUE;
}

gboolean
ddim_zip_entry_locate(DdimFile *file, const DdimZipEntry *entry, guint64 *offset, GError **error)
{
  const guint64 size = ddim_file_get_size(file);
  const gsize header_size = (gsize)LOCAL_SIZE + entry->name_length;
  g_autofree guint8 *header = g_malloc(header_size);
  guint64 left;

  if (entry->header > size || size - entry->header < header_size)
    return broken_entry(entry, _("it lies outside of the file"), error);
  if (!ddim_file_read(file, entry->header, header, header_size, error))
    return FALSE;
  if (memcmp(header, "PK\3\4", 4) != 0)
    return broken_entry(entry, _("it lies outside of the file"), error);
  if (!agrees(header, entry))
    return broken_entry(entry, _("its two descriptions contradict each other"), error);
  left = size - entry->header - header_size;
  if (get16(header + 28) > left || entry->packed_size > left - get16(header + 28))
    return broken_entry(entry, _("it lies outside of the file"), error);
  *offset = entry->header + header_size + get16(header + 28);
  return check_method(entry, error);
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
inflate_entry(GBytes *packed, const DdimZipEntry *entry, GError **error)
{
  g_autofree guint8 *data = g_try_malloc(MAX(entry->size, 1));

  if (!data ||
      !inflate_all(g_bytes_get_data(packed, NULL), entry->packed_size, data, entry->size)) {
    broken_entry(entry, _("it cannot be expanded"), error);
    return NULL;
  }
  return g_bytes_new_take(g_steal_pointer(&data), entry->size);
}

static gboolean
has_checksum(const DdimZipEntry *entry, GBytes *content)
{
  return crc32_z(0, g_bytes_get_data(content, NULL), entry->size) == entry->crc;
}

GBytes *
ddim_zip_entry_load(DdimFile *file, const DdimZipEntry *entry, guint64 limit, GError **error)
{
  g_autoptr(GBytes) content = NULL;
  guint64 offset;

  if (!ddim_zip_entry_locate(file, entry, &offset, error))
    return NULL;
  /* Data that deflate cannot shrink grows by a few bytes per block. */
  if (entry->size > limit || entry->size > G_MAXSSIZE ||
      entry->size / MAX_EXPANSION > entry->packed_size ||
      entry->packed_size > entry->size + entry->size / 8 + 1024) {
    broken_entry(entry, _("it claims to expand to an impossible size"), error);
    return NULL;
  }
  content = ddim_file_load(file, offset, entry->packed_size, error);
  if (content && !ddim_zip_entry_is_stored(entry)) {
    g_autoptr(GBytes) packed = g_steal_pointer(&content);
    content = inflate_entry(packed, entry, error);
  }
  if (!content)
    return NULL;
  if (has_checksum(entry, content))
    return g_steal_pointer(&content);
  broken_entry(entry, _("it is damaged: its checksum is wrong"), error);
  return NULL;
}
