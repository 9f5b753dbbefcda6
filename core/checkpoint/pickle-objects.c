/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/pickle-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"

/* The longest key of a storage. Keys are numbers in fact. A long text that is named again and again
 * would cost its length each time. */
#define MAX_KEY 100

/* A SETTING is what trainers note beside the weights. Only that it is there is read. */
typedef enum { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGE_TYPE, SETTING } Meaning;

struct _DdimPickleName {
  const char *module, *name;
  Meaning meaning;
  DdimDType dtype; /* of the elements, for a STORAGE_TYPE */
};

static const DdimPickleName names[] = {
    {"collections", "OrderedDict", ORDERED_DICT},
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR},
    {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER},
    {"torch._utils", "_rebuild_parameter_with_state", REBUILD_PARAMETER},
    {"torch.nn.parameter", "Parameter", REBUILD_PARAMETER},
    {"torch", "FloatStorage", STORAGE_TYPE, DDIM_DTYPE_F32},
    {"torch", "DoubleStorage", STORAGE_TYPE, DDIM_DTYPE_F64},
    {"torch", "HalfStorage", STORAGE_TYPE, DDIM_DTYPE_F16},
    {"torch", "BFloat16Storage", STORAGE_TYPE, DDIM_DTYPE_BF16},
    {"torch", "LongStorage", STORAGE_TYPE, DDIM_DTYPE_I64},
    {"torch", "IntStorage", STORAGE_TYPE, DDIM_DTYPE_I32},
    {"torch", "ShortStorage", STORAGE_TYPE, DDIM_DTYPE_I16},
    {"torch", "CharStorage", STORAGE_TYPE, DDIM_DTYPE_I8},
    {"torch", "ByteStorage", STORAGE_TYPE, DDIM_DTYPE_U8},
    {"torch", "BoolStorage", STORAGE_TYPE, DDIM_DTYPE_BOOL},
    {"torch", "Size", SETTING},
    {"torch", "device", SETTING},
    {"torch", "float32", SETTING},
    {"torch", "float64", SETTING},
    {"torch", "float16", SETTING},
    {"torch", "bfloat16", SETTING},
    {"torch", "int64", SETTING},
    {"torch", "uint8", SETTING},
    {"torch", "bool", SETTING},
    {"collections", "Counter", SETTING},
    {"__builtin__", "set", SETTING},
    {"builtins", "set", SETTING},
};

static gboolean
same(const char *text, gsize length, const char *expected)
{
  return length == strlen(expected) && memcmp(text, expected, length) == 0;
}

/* At most 100 characters of an untrusted name, made safe to show. */
static char *
show(const char *text, gsize length)
{
  g_autofree char *copy = g_strndup(text, MIN(length, 100));
  return g_strescape(copy, NULL);
}

const DdimPickleName *
ddim_pickle_find_name(const char *module, gsize module_length, const char *name, gsize name_length,
                      GError **error)
{
  g_autofree char *shown_module = NULL, *shown_name = NULL;

  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    if (same(module, module_length, names[i].module) && same(name, name_length, names[i].name))
      return &names[i];
  shown_module = show(module, module_length);
  shown_name = show(name, name_length);
  g_set_error(
      error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
      _("it asks for “%s.%s”, which is not needed to read weights; nothing was run. Have its "
        "program save the state dict alone: torch.save(model.state_dict(), …)"),
      shown_module, shown_name);
  return NULL;
}

static DdimPickleValue *
bad_call(const char *what, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("its pickle is broken: %s"), what);
  return NULL;
}

static gboolean
is_sequence(const DdimPickleValue *value)
{
  return value->type == DDIM_PICKLE_TUPLE || value->type == DDIM_PICKLE_LIST;
}

static gboolean
is_size(const DdimPickleValue *value)
{
  return value->type == DDIM_PICKLE_INT && value->integer >= 0;
}

/* OrderedDict(), or OrderedDict([(key, value), …]) as Python 2 pickled it. */
static DdimPickleValue *
make_ordered_dict(DdimPickle *pickle, const DdimPickleValue *arguments, GError **error)
{
  DdimPickleValue *dict = ddim_pickle_new_value(pickle, DDIM_PICKLE_DICT, error);
  const DdimPickleValue *pairs = arguments->n > 0 ? arguments->items[0] : NULL;

  if (!dict || !pairs)
    return dict;
  if (arguments->n > 1 || !is_sequence(pairs))
    return bad_call("OrderedDict", error);
  for (guint i = 0; i < pairs->n; i++) {
    const DdimPickleValue *pair = pairs->items[i];
    if (!is_sequence(pair) || pair->n != 2)
      return bad_call("OrderedDict", error);
    if (!ddim_pickle_append(pickle, dict, pair->items, 2, error))
      return NULL;
  }
  return dict;
}

/* _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks, metadata = None) */
static DdimPickleValue *
make_tensor(DdimPickle *pickle, const DdimPickleValue *arguments, GError **error)
{
  DdimPickleValue **items = arguments->items;
  DdimPickleTensor *tensor;
  DdimPickleValue *value;

  if (arguments->n < 6 || arguments->n > 7 || items[0]->type != DDIM_PICKLE_STORAGE ||
      !is_size(items[1]) || !is_sequence(items[2]) || !is_sequence(items[3]) ||
      items[2]->n != items[3]->n)
    return bad_call("_rebuild_tensor_v2", error);
  value = ddim_pickle_new_value(pickle, DDIM_PICKLE_TENSOR, error);
  tensor = value ? ddim_pickle_allocate(pickle, sizeof *tensor, error) : NULL;
  if (!tensor)
    return NULL;
  tensor->storage = items[0]->storage;
  tensor->offset = (guint64)items[1]->integer;
  tensor->size = items[2];
  tensor->stride = items[3];
  value->tensor = tensor;
  return value;
}

DdimPickleValue *
ddim_pickle_make_object(DdimPickle *pickle, const DdimPickleName *name, DdimPickleValue *arguments,
                        GError **error)
{
  switch (name->meaning) {
  case ORDERED_DICT:
    return make_ordered_dict(pickle, arguments, error);
  case REBUILD_TENSOR:
    return make_tensor(pickle, arguments, error);
  case REBUILD_PARAMETER: /* (data, requires_grad, …): the weights are the first argument */
    if (arguments->n == 0 || arguments->items[0]->type != DDIM_PICKLE_TENSOR)
      return bad_call(name->name, error);
    return arguments->items[0];
  case SETTING:
    return ddim_pickle_new_value(pickle, DDIM_PICKLE_NONE, error);
  case STORAGE_TYPE:
    break;
  }
  return bad_call(name->name, error);
}

/* Read the view that legacy files have: (view_key, offset, view_size), which is a part of the
 * storage. */
static gboolean
set_view(DdimPickleStorage *storage, const DdimPickleValue *view)
{
  if (view->type == DDIM_PICKLE_NONE)
    return TRUE;
  if (view->type != DDIM_PICKLE_TUPLE || view->n != 3 || !is_size(view->items[1]) ||
      !is_size(view->items[2]))
    return FALSE;
  storage->first = (guint64)view->items[1]->integer;
  storage->view_count = (guint64)view->items[2]->integer;
  return storage->first <= storage->count && storage->view_count <= storage->count - storage->first;
}

/* ('storage', type, key, location, numel[, view]); the location, which says where the storage lay
 * in memory, does not matter. */
DdimPickleValue *
ddim_pickle_make_storage(DdimPickle *pickle, const DdimPickleValue *id, GError **error)
{
  DdimPickleStorage *storage;
  DdimPickleValue *value;

  if (id->type != DDIM_PICKLE_TUPLE || id->n < 5 || id->n > 6 ||
      !ddim_pickle_value_is(id->items[0], "storage") || id->items[1]->type != DDIM_PICKLE_NAME ||
      id->items[1]->name->meaning != STORAGE_TYPE || id->items[2]->type != DDIM_PICKLE_TEXT ||
      id->items[2]->n > MAX_KEY || !is_size(id->items[4]))
    return bad_call(_("a storage is not described as expected"), error);
  value = ddim_pickle_new_value(pickle, DDIM_PICKLE_STORAGE, error);
  storage = value ? ddim_pickle_new_storage(pickle, error) : NULL;
  if (!storage)
    return NULL;
  storage->dtype = id->items[1]->name->dtype;
  storage->key = id->items[2];
  storage->count = storage->view_count = (guint64)id->items[4]->integer;
  if (id->n == 6 && !set_view(storage, id->items[5]))
    return bad_call(_("a storage is not described as expected"), error);
  value->storage = storage;
  return value;
}
