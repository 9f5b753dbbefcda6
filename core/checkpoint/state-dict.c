/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/state-dict.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"

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

/* Members may lie in members: in {"model": {"ema": …}}. */
#define MAX_DEPTH 4

/* A pickle can hold one large dict a million times, and itself. */
typedef struct {
  GHashTable *seen;   /* dicts and lists that were searched, or whose search goes on */
  GHashTable *barren; /* dicts without tensors */
  GString *path;      /* the names of members, from the file's value to where the search is */
  guint depth;
} Search;

static gboolean
has_tensors(Search *self, const DdimPickleValue *value)
{
  if (value->type != DDIM_PICKLE_DICT || g_hash_table_contains(self->barren, value))
    return FALSE;
  for (guint i = 1; i < value->n; i += 2)
    if (value->items[i]->type == DDIM_PICKLE_TENSOR)
      return TRUE;
  g_hash_table_add(self->barren, (gpointer)value);
  return FALSE;
}

static const DdimPickleValue *search(Search *self, const DdimPickleValue *value, GError **error);

/* The state dict that @value is or holds. */
static const DdimPickleValue *
search_member(Search *self, const DdimPickleValue *value, const char *name, GError **error)
{
  const gsize length = self->path->len;
  const DdimPickleValue *found;

  g_string_append_printf(self->path, "%s%s", length ? "." : "", name);
  self->depth++;
  found = search(self, value, error);
  self->depth--;
  if (!found)
    g_string_truncate(self->path, length);
  return found;
}

static const DdimPickleValue *
search_list(Search *self, const DdimPickleValue *list, GError **error)
{
  for (guint i = list->n; i-- > 0;)
    if (has_tensors(self, list->items[i])) {
      g_autofree char *name = g_strdup_printf("%u", i);
      return search_member(self, list->items[i], name, error);
    }
  return NULL;
}

/* The only member that is a state dict, whatever its name. */
static const DdimPickleValue *
search_only(Search *self, const DdimPickleValue *dict, GError **error)
{
  const DdimPickleValue *only = NULL, *key = NULL;
  g_autofree char *name = NULL;

  for (guint i = 1; i < dict->n; i += 2) {
    if (dict->items[i] == only || !has_tensors(self, dict->items[i]))
      continue;
    if (only) {
      unsupported(
          _("it holds several state dicts, and none is called “ema”, “state_dict” or “model”"),
          error);
      return NULL;
    }
    only = dict->items[i];
    key = dict->items[i - 1];
  }
  if (!only)
    return NULL;
  if (key->type == DDIM_PICKLE_TEXT && ddim_checkpoint_check_name((const char *)key->text, key->n))
    name = g_strndup((const char *)key->text, key->n);
  return search_member(self, only, name ? name : "?", error);
}

/* Averaged weights ("ema") come first, because they are the ones to sample from. */
static const DdimPickleValue *
search_dict(Search *self, const DdimPickleValue *dict, GError **error)
{
  static const char *const preferred[] = {
      "ema",        "model_ema", "ema_model",        "ema_state_dict", "params_ema",
      "state_dict", "model",     "model_state_dict", "params",         "models"};

  for (guint i = 0; i < G_N_ELEMENTS(preferred); i++) {
    const DdimPickleValue *value = ddim_pickle_value_lookup(dict, preferred[i]);
    const DdimPickleValue *found = value ? search_member(self, value, preferred[i], error) : NULL;
    if (found || *error)
      return found;
  }
  return search_only(self, dict, error);
}

/* NULL without @error when there is none. */
static const DdimPickleValue *
search(Search *self, const DdimPickleValue *value, GError **error)
{
  if (has_tensors(self, value))
    return value;
  if (value->type < DDIM_PICKLE_TUPLE || value->type > DDIM_PICKLE_DICT ||
      self->depth > MAX_DEPTH || !g_hash_table_add(self->seen, (gpointer)value))
    return NULL;
  return value->type == DDIM_PICKLE_DICT ? search_dict(self, value, error)
                                         : search_list(self, value, error);
}

/* @member  (out) (nullable) what ddim_checkpoint_get_member() tells. (transfer full) */
static const DdimPickleValue *
choose(const DdimPickleValue *root, char **member, GError **error)
{
  g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
  g_autoptr(GHashTable) barren = g_hash_table_new(NULL, NULL);
  g_autoptr(GString) path = g_string_new(NULL);
  Search self = {.seen = seen, .barren = barren, .path = path};
  GError *local = NULL;

  if (is_optimizer(root)) {
    unsupported(_("it is the state of an optimizer, not of a model: use the file model….pt or "
                  "ema_….pt of the same training instead"),
                error);
    return NULL;
  }
  const DdimPickleValue *found = search(&self, root, &local);
  if (local)
    g_propagate_error(error, local);
  else if (!found)
    unsupported(_("it holds no state dict, that is, no dict of names and tensors"), error);
  else if (path->len)
    *member = g_strdup(path->str);
  return found;
}

/* --- Its tensors --- */

static char *
get_name(const DdimPickleValue *key, GError **error)
{
  const char *text;

  if (key->type == DDIM_PICKLE_TEXT) {
    text = (const char *)key->text;
    if (ddim_checkpoint_check_name(text, key->n))
      return g_strndup(text, key->n);
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

gboolean
ddim_state_dict_read(DdimCheckpoint *checkpoint, const DdimPickleValue *root,
                     DdimStorageFinder find, gpointer source, GError **error)
{
  Reader reader = {checkpoint, find, source};
  const DdimPickleValue *dict = choose(root, &checkpoint->member, error);

  if (!dict)
    return FALSE;
  for (guint i = 0; i < dict->n; i += 2) {
    g_autofree char *name = NULL;
    if (dict->items[i + 1]->type != DDIM_PICKLE_TENSOR)
      continue; /* a counter or a setting that is stored beside the weights */
    name = get_name(dict->items[i], error);
    if (!name || !add_tensor(&reader, name, dict->items[i + 1]->tensor, error))
      return FALSE;
  }
  return TRUE;
}
