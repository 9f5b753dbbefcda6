/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/state-dict.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"

#define PARALLEL_PREFIX "module."

static gboolean
unsupported(const char *what, GError **error)
{
  g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, what);
  return FALSE;
}

/* --- Which part of the file is the state dict --- */

static gboolean
is_optimizer(const DdimPickleValue *value)
{
  return value->type == DDIM_PICKLE_DICT && ddim_pickle_value_lookup(value, "state") &&
         ddim_pickle_value_lookup(value, "param_groups");
}

/* @seen: the dicts that were looked at before. A pickle can hold one large dict a million times. */
static gboolean
is_new_state_dict(const DdimPickleValue *value, GHashTable *seen)
{
  if (value->type != DDIM_PICKLE_DICT || !g_hash_table_add(seen, (gpointer)value))
    return FALSE;
  for (guint i = 1; i < value->n; i += 2)
    if (value->items[i]->type == DDIM_PICKLE_TENSOR)
      return TRUE;
  return FALSE;
}

static const DdimPickleValue *
choose_last(const DdimPickleValue *list, GHashTable *seen)
{
  for (guint i = list->n; i-- > 0;)
    if (is_new_state_dict(list->items[i], seen))
      return list->items[i];
  return NULL;
}

/* Choose the member that holds the state dict. Averaged weights ("ema") come first, because they
 * are the ones to sample from. */
static const DdimPickleValue *
choose_member(const DdimPickleValue *dict, GHashTable *seen, GError **error)
{
  static const char *const preferred[] = {"ema",        "model_ema", "ema_state_dict",
                                          "state_dict", "model",     "model_state_dict"};
  const DdimPickleValue *only = NULL;
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS(preferred); i++) {
    const DdimPickleValue *value = ddim_pickle_value_lookup(dict, preferred[i]);
    if (value && is_new_state_dict(value, seen))
      return value;
  }
  for (guint i = 1; i < dict->n; i += 2)
    if (is_new_state_dict(dict->items[i], seen)) {
      only = dict->items[i];
      n++;
    }
  if (n > 1) {
    unsupported(
        _("it holds several state dicts, and none is called “ema”, “state_dict” or “model”"),
        error);
    return NULL;
  }
  return only;
}

static const DdimPickleValue *
choose(const DdimPickleValue *root, GError **error)
{
  g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
  g_autoptr(GError) local = NULL;
  const DdimPickleValue *found = NULL;

  if (is_optimizer(root)) {
    unsupported(_("it is the state of an optimizer, not of a model: use the file model….pt or "
                  "ema_….pt of the same training instead"),
                error);
    return NULL;
  }
  if (is_new_state_dict(root, seen))
    return root;
  if (root->type == DDIM_PICKLE_DICT)
    found = choose_member(root, seen, &local);
  else if (root->type == DDIM_PICKLE_LIST || root->type == DDIM_PICKLE_TUPLE)
    found = choose_last(root, seen);
  if (local)
    g_propagate_error(error, g_steal_pointer(&local));
  else if (!found)
    unsupported(_("it holds no state dict, that is, no dict of names and tensors"), error);
  return found;
}

/* --- Its tensors --- */

static char *
get_name(const DdimPickleValue *key, gsize skip, GError **error)
{
  const char *text;

  if (key->type == DDIM_PICKLE_TEXT) {
    text = (const char *)key->text;
    if (ddim_checkpoint_check_name(text, key->n))
      return g_strndup(text + skip, key->n - skip);
  }
  g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("a tensor's name is no text"));
  return NULL;
}

static gboolean
get_sizes(const DdimPickleValue *list, gsize *sizes)
{
  for (guint i = 0; i < list->n; i++) {
    gint64 value = list->items[i]->integer;
    if (list->items[i]->type != DDIM_PICKLE_INT || value < 0)
      return FALSE;
    sizes[i] = (gsize)value;
    if ((gint64)sizes[i] != value) /* they differ where gsize has fewer than 64 bits */
      return FALSE;
  }
  return TRUE;
}

static gboolean
bad_tensor(const char *name, const char *what, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("tensor “%s”: %s"), name, what);
  return FALSE;
}

/* Set shape and strides, and check that every element lies in the storage. @begin: the place of the
 * first element in it. */
static gboolean
set_layout(DdimTensor *tensor, const char *name, const DdimPickleTensor *source, gsize *begin,
           GError **error)
{
  const DdimPickleStorage *storage = source->storage;
  gsize shape[DDIM_MAX_DIMS], size, extent;
  guint n_dims = source->size->n;

  if (n_dims > DDIM_MAX_DIMS) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("tensor “%s” has more than %d dimensions"), name, DDIM_MAX_DIMS);
    return FALSE;
  }
  if (!get_sizes(source->size, shape) ||
      !ddim_tensor_set_layout(tensor, storage->dtype, n_dims, shape, &size) ||
      !get_sizes(source->stride, tensor->strides))
    return bad_tensor(name, _("its shape is not possible"), error);
  if (!ddim_tensor_get_extent(tensor, &extent))
    return bad_tensor(name, _("it reaches beyond its storage"), error);
  if (extent == 0) {
    *begin = 0;
    return TRUE;
  }
  if (extent > storage->view_count || source->offset > storage->view_count - extent)
    return bad_tensor(name, _("it reaches beyond its storage"), error);
  *begin = storage->first + source->offset;
  return TRUE;
}

typedef struct {
  DdimCheckpoint *checkpoint;
  DdimStorageFinder find;
  gpointer source;
} Reader;

static gboolean
add_tensor(Reader *reader, const char *name, const DdimPickleTensor *source, GError **error)
{
  DdimTensor tensor = {0};
  DdimPlace place;
  gsize begin;

  place.storage = reader->find(reader->source, source->storage, error);
  if (!place.storage) {
    g_prefix_error(error, _("tensor “%s”: "), name);
    return FALSE;
  }
  if (!set_layout(&tensor, name, source, &begin, error))
    return FALSE;
  place.begin = (guint64)begin * ddim_dtype_size(tensor.dtype);
  return ddim_checkpoint_add(reader->checkpoint, name, &tensor, place, error);
}

/* Whether all tensors' names begin with DataParallel's prefix. */
static gboolean
is_parallel(const DdimPickleValue *dict)
{
  for (guint i = 0; i < dict->n; i += 2) {
    const DdimPickleValue *key = dict->items[i];
    if (dict->items[i + 1]->type == DDIM_PICKLE_TENSOR &&
        (key->type != DDIM_PICKLE_TEXT || key->n < strlen(PARALLEL_PREFIX) ||
         memcmp(key->text, PARALLEL_PREFIX, strlen(PARALLEL_PREFIX)) != 0))
      return FALSE;
  }
  return TRUE;
}

gboolean
ddim_state_dict_read(DdimCheckpoint *checkpoint, const DdimPickleValue *root,
                     DdimStorageFinder find, gpointer source, GError **error)
{
  Reader reader = {checkpoint, find, source};
  const DdimPickleValue *dict = choose(root, error);
  gsize skip = dict && is_parallel(dict) ? strlen(PARALLEL_PREFIX) : 0;

  if (!dict)
    return FALSE;
  for (guint i = 0; i < dict->n; i += 2) {
    g_autofree char *name = NULL;
    if (dict->items[i + 1]->type != DDIM_PICKLE_TENSOR)
      continue; /* a counter or a setting that is stored beside the weights */
    name = get_name(dict->items[i], skip, error);
    if (!name || !add_tensor(&reader, name, dict->items[i + 1]->tensor, error))
      return FALSE;
  }
  return TRUE;
}
