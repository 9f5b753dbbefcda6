/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Making malicious PyTorch checkpoints, and checking that they do no harm. */
#pragma once

#include "core/checkpoint/checkpoint-readers.h"
#include "core/checkpoint/checkpoint-tensors.h"
#include "core/data/error.h"

#include <string.h>
#include <zlib.h>

/* --- Making files --- */

typedef struct {
  GByteArray *file, *directory;
  guint n;
} Zip;

static inline void
put(GByteArray *bytes, guint n, guint64 value)
{
  for (guint i = 0; i < n; i++)
    g_byte_array_append(bytes, (const guint8[]){i < 8 ? (guint8)(value >> (8 * i)) : 0}, 1);
}

/* False values to write into the file instead of the true ones. */
typedef struct {
  guint16 method;
  guint64 size, packed_size; /* 0: the true value */
  guint32 crc;               /* 0: the true value */
  gint64 header;             /* offset of the local header; 0: the true value */
} Lie;

static inline void
zip_begin(Zip *zip)
{
  zip->file = g_byte_array_new();
  zip->directory = g_byte_array_new();
  zip->n = 0;
}

static inline void
zip_add_lying(Zip *zip, const char *name, gconstpointer data, gsize size, Lie lie)
{
  guint32 crc = lie.crc ? lie.crc : (guint32)crc32(0, data, (uInt)size);
  guint64 header = lie.header ? (guint64)lie.header : zip->file->len;
  guint32 claimed = lie.size ? (guint32)lie.size : (guint32)size;
  guint32 packed = lie.packed_size ? (guint32)lie.packed_size : (guint32)size;
  GByteArray *parts[2] = {zip->file, zip->directory};

  for (guint i = 0; i < 2; i++) {
    g_byte_array_append(parts[i], (const guint8 *)(i ? "PK\1\2\24\0" : "PK\3\4"), i ? 6 : 4);
    put(parts[i], 2, 20);
    put(parts[i], 2, 0);
    put(parts[i], 2, lie.method);
    put(parts[i], 4, 0x00210000);
    put(parts[i], 4, crc);
    put(parts[i], 4, packed);
    put(parts[i], 4, claimed);
    put(parts[i], 2, strlen(name));
    put(parts[i], 2, 0);
    if (i) {
      put(parts[i], 10, 0);
      put(parts[i], 4, header);
    }
    g_byte_array_append(parts[i], (const guint8 *)name, (guint)strlen(name));
  }
  g_byte_array_append(zip->file, data, (guint)size);
  zip->n++;
}

static inline void
zip_add(Zip *zip, const char *name, gconstpointer data, gsize size)
{
  zip_add_lying(zip, name, data, size, (Lie){0});
}

/* In memory of exactly the file's size, so that a sanitizer sees any step beyond. */
static inline GBytes *
zip_end(Zip *zip)
{
  guint32 offset = zip->file->len;
  GBytes *bytes;

  g_byte_array_append(zip->file, zip->directory->data, zip->directory->len);
  g_byte_array_append(zip->file, (const guint8 *)"PK\5\6\0\0\0\0", 8);
  put(zip->file, 2, zip->n);
  put(zip->file, 2, zip->n);
  put(zip->file, 4, zip->directory->len);
  put(zip->file, 4, offset);
  put(zip->file, 2, 0);
  bytes = g_bytes_new(zip->file->data, zip->file->len);
  g_byte_array_unref(zip->file);
  g_byte_array_unref(zip->directory);
  return bytes;
}

/* A checkpoint of one storage "0" of @data_size bytes. */
static inline GBytes *
make_zip(const GString *pickle, gsize data_size)
{
  g_autofree guint8 *data = g_malloc0(data_size + 1);
  Zip zip;

  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "x/data/0", data, data_size);
  return zip_end(&zip);
}

static inline void
append_int(GString *pickle, gint64 value)
{
  g_string_append_len(pickle, "\x8a\x08", 2);
  for (guint i = 0; i < 8; i++)
    g_string_append_c(pickle, (char)((guint64)value >> (8 * i)));
}

static inline void
append_text(GString *pickle, const char *text)
{
  g_string_append_c(pickle, 'X');
  for (guint i = 0; i < 4; i++)
    g_string_append_c(pickle, (char)(strlen(text) >> (8 * i)));
  g_string_append(pickle, text);
}

static inline void
append_tuple(GString *pickle, const gint64 *values, guint n)
{
  g_string_append_c(pickle, '(');
  for (guint i = 0; i < n; i++)
    append_int(pickle, values[i]);
  g_string_append_c(pickle, 't');
}

typedef struct {
  const char *storage; /* "FloatStorage" */
  const char *key;
  gint64 count; /* elements that the storage is said to have */
  gint64 offset;
  guint n_dims;
  gint64 size[10], stride[10];
} Spec;

static inline void
append_tensor(GString *pickle, const char *name, const Spec *spec)
{
  append_text(pickle, name);
  g_string_append(pickle, "ctorch._utils\n_rebuild_tensor_v2\n((");
  append_text(pickle, "storage");
  g_string_append_printf(pickle, "ctorch\n%s\n", spec->storage);
  append_text(pickle, spec->key);
  append_text(pickle, "cpu");
  append_int(pickle, spec->count);
  g_string_append(pickle, "tQ");
  append_int(pickle, spec->offset);
  append_tuple(pickle, spec->size, spec->n_dims);
  append_tuple(pickle, spec->stride, spec->n_dims);
  g_string_append(pickle, "\x89"
                          "ccollections\nOrderedDict\n)RtR");
}

static inline GString *
begin_pickle(void)
{
  return g_string_new("\x80\x02"
                      "ccollections\nOrderedDict\n)R(");
}

static inline void
end_pickle(GString *pickle)
{
  g_string_append(pickle, "u.");
}

/* --- Checking --- */

static inline gboolean
touch(DdimCheckpoint *checkpoint, GError **error)
{
  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    gsize count = ddim_tensor_count(tensor);
    g_autofree float *values = g_new(float, count + 1);
    if (!ddim_checkpoint_read(checkpoint, tensor, 0, count, DDIM_DTYPE_F32, values, error))
      return FALSE;
  }
  return TRUE;
}

/* An error or readable tensors, and never both or none. */
static inline gboolean
open_and_touch(GBytes *bytes, GError **error)
{
  GError *local = NULL;
  DdimCheckpoint *checkpoint = ddim_checkpoint_open_bytes(bytes, "test.pt", &local);
  gboolean opened = checkpoint != NULL;

  g_assert_true(opened == (local == NULL));
  if (checkpoint) {
    opened = touch(checkpoint, &local);
    g_assert_true(opened == (local == NULL));
    ddim_checkpoint_unref(checkpoint);
  }
  if (local) {
    g_assert_nonnull(strstr(local->message, "test.pt"));
    g_propagate_error(error, local);
  }
  return opened;
}

static inline void
assert_error(GBytes *bytes, int code, const char *says)
{
  g_autoptr(GError) error = NULL;

  g_assert_false(open_and_touch(bytes, &error));
  g_assert_error(error, DDIM_ERROR, code);
  if (!strstr(error->message, says))
    g_error("expected “%s” in “%s”", says, error->message);
  g_bytes_unref(bytes);
}
