/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* torch.save() since PyTorch 1.6: a zip archive of a pickle and one entry per storage. */
#include "core/checkpoint/checkpoint-readers.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/checkpoint/state-dict.h"
#include "core/data/zip-index.h"

#define MAX_PICKLE (64u << 20)
#define PICKLE_NAME "data.pkl"

typedef struct {
  DdimCheckpoint *checkpoint;
  const guint8 *data;
  gsize size;
  GArray *entries;    /* DdimZipEntry */
  const char *prefix; /* the folder of data.pkl, with its slash; not terminated */
  gsize prefix_length;
  GHashTable *storages;   /* key -> index into `entries` */
  const guint8 **content; /* per entry, once read */
  guint64 inflatable;     /* how many more bytes may be inflated */
} Archive;

static gboolean
fail(int code, const char *what, GError **error)
{
  g_set_error_literal(error, DDIM_ERROR, code, what);
  return FALSE;
}

static gboolean
ends_with(const DdimZipEntry *entry, const char *suffix)
{
  gsize n = strlen(suffix);
  return entry->name_length >= n && memcmp(entry->name + entry->name_length - n, suffix, n) == 0;
}

/* The name of @entry behind the prefix and @folder, or NULL when it does not lie there. (transfer
 * full) */
static char *
get_name_in(const Archive *archive, const DdimZipEntry *entry, const char *folder)
{
  gsize folder_length = strlen(folder), skip = archive->prefix_length + folder_length;

  if (entry->name_length < skip ||
      memcmp(entry->name, archive->prefix, archive->prefix_length) != 0 ||
      memcmp(entry->name + archive->prefix_length, folder, folder_length) != 0)
    return NULL;
  return g_strndup(entry->name + skip, entry->name_length - skip);
}

/* data.pkl of the outermost folder; another one deeper would be a part of something else. */
static const DdimZipEntry *
find_pickle(Archive *archive, GError **error)
{
  const DdimZipEntry *found = NULL;

  for (guint i = 0; i < archive->entries->len; i++) {
    const DdimZipEntry *entry = &g_array_index(archive->entries, DdimZipEntry, i);
    const char *slash = memchr(entry->name, '/', entry->name_length);
    gsize prefix = slash ? (gsize)(slash - entry->name) + 1 : 0;
    if (entry->name_length - prefix != strlen(PICKLE_NAME) || !ends_with(entry, PICKLE_NAME))
      continue;
    if (found) {
      fail(DDIM_ERROR_FORMAT, _("its zip archive holds data.pkl twice"), error);
      return NULL;
    }
    found = entry;
    archive->prefix = entry->name;
    archive->prefix_length = prefix;
  }
  if (!found)
    fail(DDIM_ERROR_FORMAT, _("it is a zip archive but no PyTorch checkpoint: data.pkl is missing"),
         error);
  return found;
}

static gboolean
index_storages(Archive *archive, GError **error)
{
  for (guint i = 0; i < archive->entries->len; i++) {
    char *key = get_name_in(archive, &g_array_index(archive->entries, DdimZipEntry, i), "data/");
    if (key && !g_hash_table_insert(archive->storages, key, GUINT_TO_POINTER(i)))
      return fail(DDIM_ERROR_FORMAT, _("its zip archive holds the same storage twice"), error);
  }
  return TRUE;
}

static const guint8 *
read_entry(Archive *archive, const DdimZipEntry *entry, GError **error)
{
  gsize index = (gsize)(entry - (const DdimZipEntry *)archive->entries->data);
  g_autoptr(GBytes) inflated = NULL;

  if (archive->content[index])
    return archive->content[index];
  archive->content[index] = ddim_zip_entry_read(archive->data, archive->size, entry,
                                                archive->inflatable, &inflated, error);
  if (inflated) {
    archive->inflatable -= entry->size;
    g_ptr_array_add(archive->checkpoint->inflated, g_steal_pointer(&inflated));
  }
  return archive->content[index];
}

static gboolean
find_storage(gpointer source, const DdimPickleStorage *storage, const guint8 **data, GError **error)
{
  Archive *archive = source;
  g_autofree char *key = g_strndup((const char *)storage->key->text, storage->key->n);
  const DdimZipEntry *entry;
  gpointer index;

  if (!g_hash_table_lookup_extended(archive->storages, key, NULL, &index))
    return fail(DDIM_ERROR_FORMAT, _("its storage is missing in the file"), error);
  entry = &g_array_index(archive->entries, DdimZipEntry, GPOINTER_TO_UINT(index));
  if (storage->count > entry->size / ddim_dtype_size(storage->dtype))
    return fail(DDIM_ERROR_FORMAT, _("its storage is smaller than described"), error);
  *data = read_entry(archive, entry, error);
  return *data != NULL;
}

/* PyTorch writes the machine's byte order, and says so since version 2.1. */
static gboolean
check_byte_order(Archive *archive, GError **error)
{
  for (guint i = 0; i < archive->entries->len; i++) {
    const DdimZipEntry *entry = &g_array_index(archive->entries, DdimZipEntry, i);
    g_autofree char *rest = get_name_in(archive, entry, "byteorder");
    const guint8 *content;
    if (!rest || *rest)
      continue;
    content = read_entry(archive, entry, error);
    if (!content)
      return FALSE;
    if (entry->size != 6 || memcmp(content, "little", 6) != 0)
      return fail(DDIM_ERROR_UNSUPPORTED,
                  _("it was saved on a big-endian machine, which is not supported"), error);
  }
  return TRUE;
}

static gboolean
read_archive(Archive *archive, GError **error)
{
  const DdimZipEntry *entry = find_pickle(archive, error);
  g_autoptr(DdimPickle) pickle = NULL;
  const guint8 *content;

  if (!entry || !index_storages(archive, error) || !check_byte_order(archive, error))
    return FALSE;
  if (entry->size > MAX_PICKLE)
    return fail(DDIM_ERROR_FORMAT, _("its data.pkl is larger than any list of weights"), error);
  content = read_entry(archive, entry, error);
  if (!content)
    return FALSE;
  if (!ddim_zip_entry_check(entry, content))
    return fail(DDIM_ERROR_FORMAT, _("its data.pkl is damaged: the checksum is wrong"), error);
  pickle = ddim_pickle_read(content, entry->size, NULL, error);
  return pickle && ddim_state_dict_read(archive->checkpoint, ddim_pickle_get_root(pickle),
                                        find_storage, archive, error);
}

gboolean
ddim_checkpoint_read_zip(DdimCheckpoint *checkpoint, GError **error)
{
  Archive archive = {.checkpoint = checkpoint};
  gboolean ok;

  archive.data = g_bytes_get_data(checkpoint->bytes, &archive.size);
  archive.inflatable = ddim_checkpoint_get_limit(checkpoint);
  archive.entries = ddim_zip_index_read(archive.data, archive.size, error);
  if (!archive.entries)
    return FALSE;
  archive.storages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  archive.content = g_new0(const guint8 *, archive.entries->len);
  ok = read_archive(&archive, error);
  g_free(archive.content);
  g_hash_table_unref(archive.storages);
  g_array_unref(archive.entries);
  return ok;
}
