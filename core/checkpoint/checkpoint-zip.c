/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reads what torch.save() writes since PyTorch 1.6: a zip archive of a pickle and one entry per
 * storage. */
#include "core/checkpoint/checkpoint-readers.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/checkpoint/state-dict.h"
#include "core/data/zip-index.h"

#define MAX_PICKLE (64u << 20)
#define MAX_BYTE_ORDER 100
/* How much the storages, and how much the pickle, may expand to beside the file's size. PyTorch
 * compresses neither, and numbers that were trained hardly shrink. */
#define INFLATED_SPARE (8u << 20)
#define PICKLE_NAME "data.pkl"

typedef struct {
  DdimCheckpoint *checkpoint;
  DdimZipIndex *index;
  const char *prefix; /* the folder of data.pkl, with its slash; not terminated */
  gsize prefix_length;
  GHashTable *entries;  /* key -> DdimZipEntry */
  GHashTable *storages; /* DdimZipEntry -> DdimStorage, only those that were asked for */
  guint64 inflatable;   /* how many more bytes may be inflated */
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

/* Find data.pkl in the outermost folder. One in a deeper folder would belong to something else. */
static const DdimZipEntry *
find_pickle(Archive *archive, GError **error)
{
  const DdimZipEntry *found = NULL;

  for (guint i = 0; i < archive->index->n; i++) {
    const DdimZipEntry *entry = &archive->index->entries[i];
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
  for (guint i = 0; i < archive->index->n; i++) {
    DdimZipEntry *entry = &archive->index->entries[i];
    char *key = get_name_in(archive, entry, "data/");
    if (key && !g_hash_table_insert(archive->entries, key, entry))
      return fail(DDIM_ERROR_FORMAT, _("its zip archive holds the same storage twice"), error);
  }
  return TRUE;
}

/* Add the storage that @entry holds. Uncompressed bytes stay in the file until they are needed;
 * compressed ones are inflated now. */
static DdimStorage *
add_storage(Archive *archive, const DdimZipEntry *entry, GError **error)
{
  DdimStorage *storage;
  GBytes *inflated = NULL;
  guint64 offset = 0;

  if (!ddim_zip_entry_is_stored(entry)) {
    inflated = ddim_zip_entry_load(archive->checkpoint->file, entry, archive->inflatable, error);
    if (!inflated)
      return NULL;
    archive->inflatable -= entry->size;
  } else if (!ddim_zip_entry_locate(archive->checkpoint->file, entry, &offset, error)) {
    return NULL;
  }
  storage = ddim_checkpoint_add_storage(archive->checkpoint, offset, entry->size);
  storage->inflated = inflated;
  storage->has_crc = !inflated;
  storage->crc = entry->crc;
  return storage;
}

static DdimStorage *
find_storage(gpointer source, const DdimPickleStorage *wanted, GError **error)
{
  Archive *archive = source;
  g_autofree char *key = g_strndup((const char *)wanted->key->text, wanted->key->n);
  DdimZipEntry *entry = g_hash_table_lookup(archive->entries, key);
  DdimStorage *storage;

  if (!entry)
    return (void)fail(DDIM_ERROR_FORMAT, _("its storage is missing in the file"), error), NULL;
  if (wanted->count > entry->size / ddim_dtype_size(wanted->dtype))
    return (void)fail(DDIM_ERROR_FORMAT, _("its storage is smaller than described"), error), NULL;
  storage = g_hash_table_lookup(archive->storages, entry);
  if (!storage && (storage = add_storage(archive, entry, error)))
    g_hash_table_insert(archive->storages, entry, storage);
  return storage;
}

/* PyTorch writes numbers in the machine's byte order, and names that order since version 2.1. */
static gboolean
check_byte_order(Archive *archive, GError **error)
{
  for (guint i = 0; i < archive->index->n; i++) {
    const DdimZipEntry *entry = &archive->index->entries[i];
    g_autofree char *rest = get_name_in(archive, entry, "byteorder");
    g_autoptr(GBytes) content = NULL;
    if (!rest || *rest)
      continue;
    content = ddim_zip_entry_load(archive->checkpoint->file, entry, MAX_BYTE_ORDER, error);
    if (!content)
      return FALSE;
    if (entry->size != 6 || memcmp(g_bytes_get_data(content, NULL), "little", 6) != 0)
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
  g_autoptr(GBytes) content = NULL;

  if (!entry || !index_storages(archive, error) || !check_byte_order(archive, error))
    return FALSE;
  if (entry->size > MAX_PICKLE ||
      entry->size > INFLATED_SPARE + ddim_file_get_size(archive->checkpoint->file))
    return fail(DDIM_ERROR_FORMAT, _("its data.pkl is larger than any list of weights"), error);
  content = ddim_zip_entry_load(archive->checkpoint->file, entry, MAX_PICKLE, error);
  if (!content)
    return FALSE;
  pickle = ddim_pickle_read(g_bytes_get_data(content, NULL), entry->size, NULL, error);
  return pickle && ddim_state_dict_read(archive->checkpoint, ddim_pickle_get_root(pickle),
                                        find_storage, archive, error);
}

gboolean
ddim_checkpoint_read_zip(DdimCheckpoint *checkpoint, GError **error)
{
  g_autoptr(DdimZipIndex) index = ddim_zip_index_read(checkpoint->file, error);
  g_autoptr(GHashTable) entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GHashTable) storages = g_hash_table_new(NULL, NULL);
  Archive archive = {.checkpoint = checkpoint,
                     .index = index,
                     .entries = entries,
                     .storages = storages,
                     .inflatable = INFLATED_SPARE + ddim_file_get_size(checkpoint->file)};

  return index && read_archive(&archive, error);
}
