/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/checkpoint-readers.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/json.h"

#define LENGTH_SIZE 8
#define MAX_HEADER (100u * 1000 * 1000) /* the format's own limit */

static guint64
read_length(const guint8 *data)
{
  guint64 length;
  memcpy(&length, data, sizeof length);
  return GUINT64_FROM_LE(length);
}

gboolean
ddim_safetensors_recognise(const guint8 *start)
{
  return start[LENGTH_SIZE] == '{' && read_length(start) < (1ull << 48);
}

/* --- The header --- */

static gboolean
bad_header(const char *what, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("its safetensors header: %s"), what);
  return FALSE;
}

static gboolean
bad_tensor(const char *name, const char *why, GError **error)
{
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("tensor “%s”: %s"), name, why);
  return FALSE;
}

/* Read the unsigned integers of a JSON array; FALSE for anything else and for more than @max. */
static gboolean
get_sizes(JsonObject *object, const char *member, guint max, guint *n, gsize *sizes)
{
  JsonNode *node = json_object_get_member(object, member);
  JsonArray *array;

  if (!node || !JSON_NODE_HOLDS_ARRAY(node))
    return FALSE;
  array = json_node_get_array(node);
  *n = json_array_get_length(array);
  if (*n > max)
    return FALSE;
  for (guint i = 0; i < *n; i++) {
    JsonNode *element = json_array_get_element(array, i);
    gint64 value;
    if (json_node_get_value_type(element) != G_TYPE_INT64)
      return FALSE;
    value = json_node_get_int(element);
    sizes[i] = (gsize)value;
    if (value < 0 || (gint64)sizes[i] != value) /* they differ where gsize has fewer than 64 bits */
      return FALSE;
  }
  return TRUE;
}

static gboolean
get_dtype(JsonObject *object, const char *name, DdimDType *dtype, GError **error)
{
  JsonNode *node = json_object_get_member(object, "dtype");
  g_autofree char *shown = NULL;
  const char *text;

  if (!node || json_node_get_value_type(node) != G_TYPE_STRING)
    return bad_tensor(name, _("it has no dtype"), error);
  text = json_node_get_string(node);
  for (*dtype = 0; *dtype < DDIM_N_DTYPES; (*dtype)++)
    if (g_str_equal(text, ddim_dtype_name(*dtype)))
      return TRUE;
  shown = g_strescape(text, NULL);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
              _("tensor “%s” is of type %.20s, which is not supported"), name, shown);
  return FALSE;
}

typedef struct {
  DdimCheckpoint *checkpoint;
  DdimStorage *data; /* everything behind the header */
} Reader;

static gboolean
read_tensor(Reader *reader, const char *name, JsonNode *node, GError **error)
{
  JsonObject *object;
  DdimTensor tensor = {0};
  gsize shape[DDIM_MAX_DIMS], offsets[2], n_bytes;
  guint n_dims, n_offsets;
  DdimDType dtype;

  if (!ddim_checkpoint_check_name(name, strlen(name)))
    return bad_header(_("a tensor's name is no text"), error);
  if (!JSON_NODE_HOLDS_OBJECT(node))
    return bad_tensor(name, _("its description is no object"), error);
  object = json_node_get_object(node);
  if (!get_dtype(object, name, &dtype, error))
    return FALSE;
  if (!get_sizes(object, "shape", DDIM_MAX_DIMS, &n_dims, shape))
    return bad_tensor(name, _("its shape is no list of at most 8 sizes"), error);
  if (!get_sizes(object, "data_offsets", 2, &n_offsets, offsets) || n_offsets != 2)
    return bad_tensor(name, _("its data_offsets are not two offsets"), error);
  if (offsets[0] > offsets[1] || offsets[1] > reader->data->size)
    return bad_tensor(name, _("its data lies outside of the file; the file may be truncated"),
                      error);
  if (!ddim_tensor_set_layout(&tensor, dtype, n_dims, shape, &n_bytes) ||
      n_bytes != offsets[1] - offsets[0])
    return bad_tensor(name, _("its shape does not match the size of its data"), error);
  return ddim_checkpoint_add(reader->checkpoint, name, &tensor,
                             (DdimPlace){reader->data, offsets[0]}, error);
}

static gboolean
read_metadata(DdimCheckpoint *checkpoint, JsonNode *node, GError **error)
{
  JsonObjectIter iter;
  const char *key;
  JsonNode *value;

  if (!JSON_NODE_HOLDS_OBJECT(node))
    return bad_tensor("__metadata__", _("its description is no object"), error);
  json_object_iter_init_ordered(&iter, json_node_get_object(node));
  while (json_object_iter_next_ordered(&iter, &key, &value)) {
    if (json_node_get_value_type(value) != G_TYPE_STRING)
      return bad_tensor("__metadata__", _("its values must be strings"), error);
    g_hash_table_insert(checkpoint->metadata, g_strdup(key), json_node_dup_string(value));
  }
  return TRUE;
}

typedef struct {
  guint64 begin;
  const DdimTensor *tensor;
} Span;

static int
compare_spans(gconstpointer a, gconstpointer b)
{
  const Span *one = a, *other = b;
  return (one->begin > other->begin) - (one->begin < other->begin);
}

/* Of the tensors in @data: a folder's files before this one have storages of their own. */
static gboolean
check_overlaps(DdimCheckpoint *checkpoint, const DdimStorage *data, GError **error)
{
  g_autoptr(GArray) sorted = g_array_new(FALSE, FALSE, sizeof(Span));
  guint64 end = 0;

  for (guint i = 0; i < checkpoint->tensors->len; i++) {
    const DdimPlace place = g_array_index(checkpoint->places, DdimPlace, i);
    const Span span = {place.begin, &g_array_index(checkpoint->tensors, DdimTensor, i)};
    if (place.storage == data && ddim_tensor_count(span.tensor) > 0)
      g_array_append_val(sorted, span);
  }
  g_array_sort(sorted, compare_spans);
  for (guint i = 0; i < sorted->len; i++) {
    const Span *span = &g_array_index(sorted, Span, i);
    if (span->begin < end)
      return bad_tensor(span->tensor->name, _("its data overlaps another tensor's"), error);
    end = span->begin + ddim_tensor_count(span->tensor) * ddim_dtype_size(span->tensor->dtype);
  }
  return TRUE;
}

static gboolean
read_header(Reader *reader, JsonNode *root, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!JSON_NODE_HOLDS_OBJECT(root))
    return bad_header(_("it is no object"), error);
  json_object_iter_init_ordered(&iter, json_node_get_object(root));
  while (json_object_iter_next_ordered(&iter, &name, &node)) {
    gboolean ok = g_str_equal(name, "__metadata__") ? read_metadata(reader->checkpoint, node, error)
                                                    : read_tensor(reader, name, node, error);
    if (!ok)
      return FALSE;
  }
  return check_overlaps(reader->checkpoint, reader->data, error);
}

/* Count colons outside of strings, in JSON. */
static guint
count_colons(const char *text, gsize length)
{
  gboolean quoted = FALSE;
  guint n = 0;

  for (gsize i = 0; i < length; i++) {
    if (text[i] == '"')
      quoted = !quoted;
    else if (quoted)
      i += text[i] == '\\';
    else if (text[i] == ':')
      n++;
  }
  return n;
}

/* Whether the text has more members than @root. Of two members with the same name json-glib keeps
 * only the last, but the text has a colon for each. */
static gboolean
has_other_members(JsonNode *root, guint n_colons)
{
  JsonObject *object = json_node_get_object(root);
  guint n_members = json_object_get_size(object);
  g_autoptr(GList) values = json_object_get_values(object);

  for (GList *l = values; l; l = l->next)
    if (JSON_NODE_HOLDS_OBJECT(l->data))
      n_members += json_object_get_size(json_node_get_object(l->data));
  return n_members != n_colons;
}

/* Load the text of the header. */
static GBytes *
load_header(DdimFile *file, GError **error)
{
  const guint64 size = ddim_file_get_size(file);
  guint8 start[LENGTH_SIZE];
  guint64 length;

  if (!ddim_file_read(file, 0, start, sizeof start, error))
    return NULL;
  length = read_length(start);
  if (length > MAX_HEADER || length > size - LENGTH_SIZE) {
    g_set_error(
        error, DDIM_ERROR, DDIM_ERROR_FORMAT,
        _("its safetensors header claims %" PRIu64 " bytes: too many, or the file is truncated"),
        length);
    return NULL;
  }
  return ddim_file_load(file, LENGTH_SIZE, length, error);
}

gboolean
ddim_safetensors_read(DdimCheckpoint *checkpoint, GError **error)
{
  g_autoptr(GBytes) header = load_header(checkpoint->file, error);
  const char *text;
  gsize length;
  g_autoptr(JsonNode) root = NULL;
  Reader reader = {.checkpoint = checkpoint};

  if (!header)
    return FALSE;
  text = g_bytes_get_data(header, &length);
  root = ddim_json_parse(text, length, _("its safetensors header"), error);
  if (!root)
    return FALSE;
  reader.data =
      ddim_checkpoint_add_storage(checkpoint, LENGTH_SIZE + length,
                                  ddim_file_get_size(checkpoint->file) - LENGTH_SIZE - length);
  if (!read_header(&reader, root, error))
    return FALSE;
  if (has_other_members(root, count_colons(text, length)))
    return bad_header(_("a name occurs twice, or objects lie deeper than tensors do"), error);
  return TRUE;
}
