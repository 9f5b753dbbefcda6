/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reads what torch.save() wrote before PyTorch 1.6: five pickles, then the storages one after
 * another. */
#include "core/checkpoint/checkpoint-readers.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/checkpoint/state-dict.h"

#define MAX_PICKLE (64u << 20)
#define FIRST_WINDOW (1u << 20)
#define PROTOCOL 1001

/* 0x1950a86a20f9469cfc6c, as the pickle writes it. */
static const guint8 magic[10] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

typedef struct {
  DdimStorage *found; /* NULL until its place in the file is known */
  guint64 count;
  DdimDType dtype;
} Storage;

typedef struct {
  DdimCheckpoint *checkpoint;
  guint64 at;           /* the offset of what is read next */
  GPtrArray *windows;   /* GBytes that pickles point into */
  GHashTable *storages; /* key -> Storage */
} Reader;

static gboolean
fail(const char *what, GError **error)
{
  g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_FORMAT, what);
  return FALSE;
}

static guint64
bytes_left(const Reader *reader)
{
  return ddim_file_get_size(reader->checkpoint->file) - reader->at;
}

/* Nothing tells a pickle's length before it is read: try with more and more of the file. */
static DdimPickle *
read_pickle(Reader *reader, GError **error)
{
  const gsize most = (gsize)MIN(bytes_left(reader), MAX_PICKLE);

  for (gsize window = MIN(most, FIRST_WINDOW);; window = MIN(most, 8 * window)) {
    GBytes *bytes = ddim_file_load(reader->checkpoint->file, reader->at, window, error);
    DdimPickle *pickle;
    gsize used;
    if (!bytes)
      return NULL;
    g_ptr_array_add(reader->windows, bytes);
    pickle = ddim_pickle_read(g_bytes_get_data(bytes, NULL), window, &used,
                              window == most ? error : NULL);
    if (pickle)
      reader->at += used;
    if (pickle || window == most)
      return pickle;
    g_ptr_array_remove_index(reader->windows, reader->windows->len - 1);
  }
}

/* Read the magic number, the protocol version and the machine's properties, of which nothing is
 * kept.
 */
static gboolean
check_preamble(Reader *reader, GError **error)
{
  g_autoptr(DdimPickle) number = read_pickle(reader, error);
  g_autoptr(DdimPickle) version = NULL, system = NULL;
  const DdimPickleValue *value;

  if (!number)
    return FALSE;
  value = ddim_pickle_get_root(number);
  if (value->type != DDIM_PICKLE_LONG || value->n != sizeof magic ||
      memcmp(value->text, magic, sizeof magic) != 0)
    return fail(_("it is a pickle, but no PyTorch checkpoint"), error);
  version = read_pickle(reader, error);
  if (!version)
    return FALSE;
  value = ddim_pickle_get_root(version);
  if (value->type != DDIM_PICKLE_INT || value->integer != PROTOCOL)
    return fail(_("its PyTorch format has an unknown version"), error);
  system = read_pickle(reader, error);
  if (!system)
    return FALSE;
  value = ddim_pickle_get_root(system);
  value = value->type == DDIM_PICKLE_DICT ? ddim_pickle_value_lookup(value, "little_endian") : NULL;
  if (!value || value->type != DDIM_PICKLE_BOOL)
    return fail(_("its byte order cannot be read"), error);
  if (!value->integer) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                        _("it was saved on a big-endian machine, which is not supported"));
    return FALSE;
  }
  return TRUE;
}

/* Note each storage that tensors mention, with the type of its elements, which only the tensors
 * tell. */
static gboolean
collect_storages(Reader *reader, const DdimPickle *pickle, GError **error)
{
  const GPtrArray *mentioned = ddim_pickle_get_storages(pickle);

  for (guint i = 0; i < mentioned->len; i++) {
    const DdimPickleStorage *source = mentioned->pdata[i];
    char *key = g_strndup((const char *)source->key->text, source->key->n);
    Storage *storage = g_hash_table_lookup(reader->storages, key);
    if (!storage) {
      storage = g_new0(Storage, 1);
      storage->dtype = source->dtype;
      g_hash_table_insert(reader->storages, key, storage);
      continue;
    }
    g_free(key);
    if (storage->dtype != source->dtype)
      return fail(_("one of its storages is said to have two types"), error);
  }
  return TRUE;
}

/* Read one storage: the number of its elements as a 64-bit integer, then the elements. */
static gboolean
read_storage(Reader *reader, Storage *storage, GError **error)
{
  guint64 left = bytes_left(reader), count, size = ddim_dtype_size(storage->dtype);

  if (left < sizeof count)
    return fail(_("the file is truncated"), error);
  if (!ddim_file_read(reader->checkpoint->file, reader->at, &count, sizeof count, error))
    return FALSE;
  count = GUINT64_FROM_LE(count);
  reader->at += sizeof count;
  if (count > (left - sizeof count) / size)
    return fail(_("the file is truncated"), error);
  storage->found = ddim_checkpoint_add_storage(reader->checkpoint, reader->at, count * size);
  storage->count = count;
  reader->at += count * size;
  return TRUE;
}

static gboolean
read_storages(Reader *reader, GError **error)
{
  g_autoptr(DdimPickle) pickle = read_pickle(reader, error);
  const DdimPickleValue *keys;

  if (!pickle)
    return FALSE;
  keys = ddim_pickle_get_root(pickle);
  if (keys->type != DDIM_PICKLE_LIST)
    return fail(_("its list of storages is broken"), error);
  for (guint i = 0; i < keys->n; i++) {
    g_autofree char *key = NULL;
    Storage *storage = NULL;
    if (keys->items[i]->type == DDIM_PICKLE_TEXT) {
      key = g_strndup((const char *)keys->items[i]->text, keys->items[i]->n);
      storage = g_hash_table_lookup(reader->storages, key);
    }
    if (!storage || storage->found)
      return fail(_("its list of storages is broken"), error);
    if (!read_storage(reader, storage, error))
      return FALSE;
  }
  return TRUE;
}

static DdimStorage *
find_storage(gpointer source, const DdimPickleStorage *wanted, GError **error)
{
  Reader *reader = source;
  g_autofree char *key = g_strndup((const char *)wanted->key->text, wanted->key->n);
  const Storage *storage = g_hash_table_lookup(reader->storages, key);

  if (!storage || !storage->found)
    return (void)fail(_("its storage is missing in the file"), error), NULL;
  if (wanted->count > storage->count)
    return (void)fail(_("its storage is smaller than described"), error), NULL;
  return storage->found;
}

static gboolean
read_file(Reader *reader, GError **error)
{
  g_autoptr(DdimPickle) pickle = NULL;

  if (!check_preamble(reader, error))
    return FALSE;
  g_ptr_array_set_size(reader->windows, 0);
  if (!(pickle = read_pickle(reader, error)))
    return FALSE;
  return collect_storages(reader, pickle, error) && read_storages(reader, error) &&
         ddim_state_dict_read(reader->checkpoint, ddim_pickle_get_root(pickle), find_storage,
                              reader, error);
}

gboolean
ddim_checkpoint_read_legacy(DdimCheckpoint *checkpoint, GError **error)
{
  g_autoptr(GPtrArray) windows = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  g_autoptr(GHashTable) storages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  Reader reader = {.checkpoint = checkpoint, .windows = windows, .storages = storages};
  g_autoptr(GError) local = NULL;
  guint8 first;

  if (!ddim_file_read(checkpoint->file, 0, &first, 1, error))
    return FALSE;
  if (read_file(&reader, &local))
    return TRUE;
  /* A file that does not even begin like a pickle is something else altogether. */
  if (first != 0x80 && g_error_matches(local, DDIM_ERROR, DDIM_ERROR_FORMAT))
    return fail(_("it is neither a PyTorch checkpoint nor a safetensors file"), error);
  g_propagate_error(error, g_steal_pointer(&local));
  return FALSE;
}
