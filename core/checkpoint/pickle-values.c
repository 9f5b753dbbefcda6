/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/pickle-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"

/* What reading may take beside as many bytes as have been read. Real checkpoints need about a
 * kilobyte per tensor. This only stops pickles made to eat memory. */
#define SPARE ((gsize)20 << 20)
#define CHUNK (64u << 10)

struct _DdimPickle {
  GPtrArray *chunks; /* memory of all values */
  guint8 *free, *free_end;
  gsize used, limit; /* of memory, in bytes */
  GPtrArray *storages;
  const DdimPickleValue *root;
};

DdimPickle *
ddim_pickle_new(void)
{
  DdimPickle *pickle = g_new0(DdimPickle, 1);

  pickle->chunks = g_ptr_array_new_with_free_func(g_free);
  pickle->storages = g_ptr_array_new();
  pickle->limit = SPARE;
  return pickle;
}

void
ddim_pickle_free(DdimPickle *pickle)
{
  if (!pickle)
    return;
  g_ptr_array_unref(pickle->chunks);
  g_ptr_array_unref(pickle->storages);
  g_free(pickle);
}

void
ddim_pickle_note_read(DdimPickle *pickle, gsize n)
{
  pickle->limit = SPARE + n;
}

gboolean
ddim_pickle_spend(DdimPickle *pickle, gsize size, GError **error)
{
  if (pickle->used > pickle->limit || size > pickle->limit - pickle->used) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                        _("its pickle needs more memory than any list of weights"));
    return FALSE;
  }
  pickle->used += size;
  return TRUE;
}

gpointer
ddim_pickle_allocate(DdimPickle *pickle, gsize size, GError **error)
{
  gpointer memory;

  size = (size + 7) & ~(gsize)7;
  if (!ddim_pickle_spend(pickle, size, error))
    return NULL;
  if (size > (gsize)(pickle->free_end - pickle->free)) {
    gsize chunk = MAX(size, CHUNK);
    pickle->free = g_malloc(chunk);
    pickle->free_end = pickle->free + chunk;
    g_ptr_array_add(pickle->chunks, pickle->free);
  }
  memory = pickle->free;
  pickle->free += size;
  return memset(memory, 0, size);
}

DdimPickleValue *
ddim_pickle_new_value(DdimPickle *pickle, DdimPickleType type, GError **error)
{
  DdimPickleValue *value = ddim_pickle_allocate(pickle, sizeof *value, error);

  if (value)
    value->type = type;
  return value;
}

gboolean
ddim_pickle_append(DdimPickle *pickle, DdimPickleValue *value, DdimPickleValue *const *items,
                   gsize n, GError **error)
{
  if (n > value->capacity - value->n) {
    gsize capacity = MAX(value->n + n, 2 * (gsize)value->capacity);
    DdimPickleValue **grown = ddim_pickle_allocate(pickle, capacity * sizeof *grown, error);
    if (!grown)
      return FALSE;
    if (value->n > 0)
      memcpy(grown, value->items, value->n * sizeof *grown);
    value->items = grown;
    value->capacity = (guint32)capacity; /* the limit keeps it small */
  }
  if (n > 0)
    memcpy(value->items + value->n, items, n * sizeof *items);
  value->n += (guint32)n;
  return TRUE;
}

DdimPickleStorage *
ddim_pickle_new_storage(DdimPickle *pickle, GError **error)
{
  DdimPickleStorage *storage = ddim_pickle_allocate(pickle, sizeof *storage, error);

  if (!storage || !ddim_pickle_spend(pickle, DDIM_PICKLE_POINTER, error))
    return NULL;
  g_ptr_array_add(pickle->storages, storage);
  return storage;
}

void
ddim_pickle_set_root(DdimPickle *pickle, const DdimPickleValue *root)
{
  pickle->root = root;
}

const DdimPickleValue *
ddim_pickle_get_root(const DdimPickle *pickle)
{
  return pickle->root;
}

const GPtrArray *
ddim_pickle_get_storages(const DdimPickle *pickle)
{
  return pickle->storages;
}

gboolean
ddim_pickle_value_is(const DdimPickleValue *value, const char *text)
{
  return value->type == DDIM_PICKLE_TEXT && value->n == strlen(text) &&
         memcmp(value->text, text, value->n) == 0;
}

const DdimPickleValue *
ddim_pickle_value_lookup(const DdimPickleValue *dict, const char *key)
{
  for (guint i = 0; i + 1 < dict->n; i += 2)
    if (ddim_pickle_value_is(dict->items[i], key))
      return dict->items[i + 1];
  return NULL;
}
