/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Writes .npz: a zip of .npy files, as numpy.load reads it. It is written straight to its
 * destination. libzip could not do that, because it uses a temporary file of its own. Members are
 * stored without compression, and all sizes have 64 bits. The format: PKWARE's APPNOTE.TXT. */
#include "core/data/npy.h"

#include <string.h>
#include <zlib.h>

#include "core/data/npy-private.h"
#include "core/data/out-file.h"

enum { VERSION = 45 /* 4.5, the first with 64-bit sizes */, IN_UTF8 = 1 << 11 };
#define DATE 0x21 /* 1 January 1980, like NumPy: the same arrays make the same file */

typedef struct {
  char *name;
  guint32 crc;
  guint64 size, offset; /* size of the content; offset of the local header */
} Member;

typedef struct {
  DdimOutFile *output;
  guint64 position;
  GArray *members; /* Member */
} Archive;

struct _DdimNpzStream {
  Archive archive;
  guint64 left; /* bytes that are still to come of the last member */
};

/* Where the checksum stands in a local header. */
#define CRC_OFFSET 14

static void
clear_member(gpointer member)
{
  g_free(((Member *)member)->name);
}

/* Append @value as @n bytes, the lowest first. */
static void
put(GByteArray *record, guint n, guint64 value)
{
  guint8 bytes[8];

  for (guint i = 0; i < n; i++)
    bytes[i] = (guint8)(value >> (8 * i));
  g_byte_array_append(record, bytes, n);
}

static gboolean
write_bytes(gconstpointer data, gsize size, gpointer archive, GError **error)
{
  ((Archive *)archive)->position += size;
  return ddim_out_file_write(((Archive *)archive)->output, data, size, error);
}

static gboolean
add_to_crc(gconstpointer data, gsize size, gpointer crc, GError **error)
{
  *(guint32 *)crc = (guint32)crc32_z(*(guint32 *)crc, data, size);
  return TRUE;
}

/* Append the fields that the local header and the directory have in common: from "version needed"
 * to the name's length. The sizes follow in the extra field. */
static void
put_description(GByteArray *record, const Member *member)
{
  put(record, 2, VERSION);
  put(record, 2, g_str_is_ascii(member->name) ? 0 : IN_UTF8);
  put(record, 2, 0); /* stored */
  put(record, 2, 0); /* midnight */
  put(record, 2, DATE);
  put(record, 4, member->crc);
  put(record, 4, G_MAXUINT32);
  put(record, 4, G_MAXUINT32);
  put(record, 2, strlen(member->name));
}

/* Append the local header, with its ZIP64 extra field. */
static void
put_local(GByteArray *record, const Member *member)
{
  put(record, 4, 0x04034b50);
  put_description(record, member);
  put(record, 2, 20);
  g_byte_array_append(record, (const guint8 *)member->name, (guint)strlen(member->name));
  put(record, 2, 1);
  put(record, 2, 16);
  put(record, 8, member->size);
  put(record, 8, member->size);
}

/* Append the entry of the directory, with its ZIP64 extra field. */
static void
put_entry(GByteArray *record, const Member *member)
{
  put(record, 4, 0x02014b50);
  put(record, 2, VERSION);
  put_description(record, member);
  put(record, 2, 28);
  put(record, 2, 0); /* no comment */
  put(record, 2, 0); /* the first disk */
  put(record, 2, 0);
  put(record, 4, 0);
  put(record, 4, G_MAXUINT32);
  g_byte_array_append(record, (const guint8 *)member->name, (guint)strlen(member->name));
  put(record, 2, 1);
  put(record, 2, 24);
  put(record, 8, member->size);
  put(record, 8, member->size);
  put(record, 8, member->offset);
}

/* Append the end of the directory, whose @size bytes begin at @offset: the end record of ZIP64, its
 * locator, and the old end record for programs that do not know ZIP64. */
static void
put_end(GByteArray *record, guint n, guint64 offset, guint64 size)
{
  put(record, 4, 0x06064b50);
  put(record, 8, 44);
  put(record, 2, VERSION);
  put(record, 2, VERSION);
  put(record, 4, 0);
  put(record, 4, 0);
  put(record, 8, n);
  put(record, 8, n);
  put(record, 8, size);
  put(record, 8, offset);
  put(record, 4, 0x07064b50);
  put(record, 4, 0);
  put(record, 8, offset + size);
  put(record, 4, 1);
  put(record, 4, 0x06054b50);
  put(record, 4, 0);
  put(record, 2, n);
  put(record, 2, n);
  put(record, 4, size);
  put(record, 4, G_MAXUINT32);
  put(record, 2, 0);
}

static gboolean
write_member(Archive *archive, const DdimTensor *tensor, GError **error)
{
  g_autoptr(GBytes) header = ddim_npy_make_header(tensor, error);
  g_autoptr(GByteArray) record = g_byte_array_new();
  Member member = {.offset = archive->position};
  gconstpointer start;
  gsize size;

  if (!header)
    return FALSE;
  start = g_bytes_get_data(header, &size);
  member.name = g_strconcat(tensor->name, ".npy", NULL);
  member.size = size + ddim_tensor_count(tensor) * ddim_dtype_size(tensor->dtype);
  add_to_crc(start, size, &member.crc, NULL);
  ddim_npy_foreach_piece(tensor, add_to_crc, &member.crc, NULL);
  g_array_append_val(archive->members, member);
  put_local(record, &member);
  return write_bytes(record->data, record->len, archive, error) &&
         write_bytes(start, size, archive, error) &&
         ddim_npy_foreach_piece(tensor, write_bytes, archive, error);
}

static gboolean
write_directory(Archive *archive, GError **error)
{
  g_autoptr(GByteArray) record = g_byte_array_new();

  for (guint i = 0; i < archive->members->len; i++)
    put_entry(record, &g_array_index(archive->members, Member, i));
  put_end(record, archive->members->len, archive->position, record->len);
  return write_bytes(record->data, record->len, archive, error);
}

gboolean
ddim_npz_write(const char *path, const DdimTensor *tensors, guint n, GError **error)
{
  g_autoptr(DdimOutFile) output = ddim_out_file_open(path, error);
  g_autoptr(GArray) members = g_array_new(FALSE, FALSE, sizeof(Member));
  Archive archive = {.output = output, .members = members};

  g_array_set_clear_func(members, clear_member);
  if (!output)
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!write_member(&archive, &tensors[i], error))
      return FALSE;
  return write_directory(&archive, error) && ddim_out_file_commit(output, error);
}

/* ---- piece by piece ---- */

DdimNpzStream *
ddim_npz_stream_open(const char *path, GError **error)
{
  g_autoptr(DdimNpzStream) stream = g_new0(DdimNpzStream, 1);

  stream->archive.members = g_array_new(FALSE, FALSE, sizeof(Member));
  g_array_set_clear_func(stream->archive.members, clear_member);
  stream->archive.output = ddim_out_file_open(path, error);
  return stream->archive.output ? g_steal_pointer(&stream) : NULL;
}

void
ddim_npz_stream_free(DdimNpzStream *stream)
{
  if (!stream)
    return;
  ddim_out_file_free(stream->archive.output);
  g_array_unref(stream->archive.members);
  g_free(stream);
}

static Member *
get_last(DdimNpzStream *stream)
{
  GArray *members = stream->archive.members;

  return members->len ? &g_array_index(members, Member, members->len - 1) : NULL;
}

/* Put the checksum, which is known only now, into the header of the last member. */
static gboolean
end_member(DdimNpzStream *stream, GError **error)
{
  const Member *member = get_last(stream);
  g_autoptr(GByteArray) crc = g_byte_array_new();

  g_return_val_if_fail(stream->left == 0, FALSE);
  if (!member)
    return TRUE;
  put(crc, 4, member->crc);
  return ddim_out_file_rewrite(stream->archive.output, member->offset + CRC_OFFSET, crc->data,
                               crc->len, error);
}

static gboolean
write_counted(DdimNpzStream *stream, gconstpointer data, gsize size, GError **error)
{
  add_to_crc(data, size, &get_last(stream)->crc, NULL);
  return write_bytes(data, size, &stream->archive, error);
}

gboolean
ddim_npz_stream_begin(DdimNpzStream *stream, const DdimTensor *layout, GError **error)
{
  g_autoptr(GBytes) header = ddim_npy_make_header(layout, error);
  g_autoptr(GByteArray) record = g_byte_array_new();
  Member member = {0};
  gconstpointer start;
  gsize size;

  if (!header || !end_member(stream, error))
    return FALSE;
  start = g_bytes_get_data(header, &size);
  stream->left = ddim_tensor_count(layout) * ddim_dtype_size(layout->dtype);
  member.offset = stream->archive.position;
  member.name = g_strconcat(layout->name, ".npy", NULL);
  member.size = size + stream->left;
  g_array_append_val(stream->archive.members, member);
  put_local(record, &member);
  return write_bytes(record->data, record->len, &stream->archive, error) &&
         write_counted(stream, start, size, error);
}

gboolean
ddim_npz_stream_write(DdimNpzStream *stream, gconstpointer data, gsize size, GError **error)
{
  g_return_val_if_fail(size <= stream->left, FALSE);

  stream->left -= size;
  return write_counted(stream, data, size, error);
}

gboolean
ddim_npz_stream_commit(DdimNpzStream *stream, GError **error)
{
  return end_member(stream, error) && write_directory(&stream->archive, error) &&
         ddim_out_file_commit(stream->archive.output, error);
}
