/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/safetensors-write.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "core/checkpoint/checkpoint-tensors.h"
#include "core/data/error.h"
#include "core/data/out-file.h"

#define PIECE (1u << 18) /* elements converted at a time */

static gboolean
is_float(DdimDType dtype)
{
  return dtype == DDIM_DTYPE_F32 || dtype == DDIM_DTYPE_F64 || dtype == DDIM_DTYPE_F16 ||
         dtype == DDIM_DTYPE_BF16;
}

static DdimDType
get_target(const DdimTensor *tensor, gboolean half)
{
  if (!is_float(tensor->dtype))
    return tensor->dtype;
  return half ? DDIM_DTYPE_F16 : DDIM_DTYPE_F32;
}

static void
add_metadata(JsonBuilder *builder, GHashTable *metadata)
{
  g_autoptr(GList) keys = g_hash_table_get_keys(metadata);

  keys = g_list_sort(keys, (GCompareFunc)strcmp);
  json_builder_set_member_name(builder, "__metadata__");
  json_builder_begin_object(builder);
  for (GList *l = keys; l; l = l->next) {
    json_builder_set_member_name(builder, l->data);
    json_builder_add_string_value(builder, g_hash_table_lookup(metadata, l->data));
  }
  json_builder_end_object(builder);
}

static void
add_tensor(JsonBuilder *builder, const DdimTensor *tensor, DdimDType target, gsize *offset)
{
  json_builder_set_member_name(builder, tensor->name);
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "dtype");
  json_builder_add_string_value(builder, ddim_dtype_name(target));
  json_builder_set_member_name(builder, "shape");
  json_builder_begin_array(builder);
  for (guint i = 0; i < tensor->n_dims; i++)
    json_builder_add_int_value(builder, (gint64)tensor->shape[i]);
  json_builder_end_array(builder);
  json_builder_set_member_name(builder, "data_offsets");
  json_builder_begin_array(builder);
  json_builder_add_int_value(builder, (gint64)*offset);
  *offset += ddim_tensor_count(tensor) * ddim_dtype_size(target);
  json_builder_add_int_value(builder, (gint64)*offset);
  json_builder_end_array(builder);
  json_builder_end_object(builder);
}

static GString *
make_header(DdimCheckpoint *checkpoint, const DdimCheckpointSaveParams *params)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(JsonGenerator) generator = json_generator_new();
  g_autoptr(JsonNode) root = NULL;
  GString *text = g_string_new(NULL);
  gsize offset = 0;

  json_builder_begin_object(builder);
  if (params->metadata && g_hash_table_size(params->metadata) > 0)
    add_metadata(builder, params->metadata);
  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    add_tensor(builder, tensor, get_target(tensor, params->half), &offset);
  }
  json_builder_end_object(builder);
  root = json_builder_get_root(builder);
  json_generator_set_root(generator, root);
  json_generator_to_gstring(generator, text);
  while (text->len % 8 != 0) /* so that the data is aligned */
    g_string_append_c(text, ' ');
  return text;
}

static gboolean
write_header(DdimOutFile *output, const GString *text, GError **error)
{
  guint64 length = GUINT64_TO_LE((guint64)text->len);

  return ddim_out_file_write(output, &length, sizeof length, error) &&
         ddim_out_file_write(output, text->str, text->len, error);
}

static gboolean
write_tensor(DdimOutFile *output, DdimCheckpoint *checkpoint, const DdimTensor *tensor,
             DdimDType target, gpointer buffer, GError **error)
{
  gsize count = ddim_tensor_count(tensor), size = ddim_dtype_size(target);

  for (gsize done = 0; done < count;) {
    gsize n = MIN(count - done, PIECE);
    if (!ddim_checkpoint_read(checkpoint, tensor, done, n, target, buffer, error) ||
        !ddim_out_file_write(output, buffer, n * size, error))
      return FALSE;
    done += n;
  }
  return TRUE;
}

static guint64
count_bytes(DdimCheckpoint *checkpoint, gboolean half)
{
  guint64 bytes = 0;

  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    bytes += ddim_tensor_count(tensor) * ddim_dtype_size(get_target(tensor, half));
  }
  return bytes;
}

gboolean
ddim_checkpoint_save(DdimCheckpoint *checkpoint, const char *path,
                     const DdimCheckpointSaveParams *params, GError **error)
{
  g_autoptr(DdimOutFile) output = NULL;
  g_autofree gint64 *buffer = g_new(gint64, PIECE); /* wide enough for every type */
  GString *header;
  gboolean ok;

  if (ddim_checkpoint_lookup(checkpoint, "__metadata__")) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                        _("safetensors cannot hold a tensor named “__metadata__”"));
    return FALSE;
  }
  if (!ddim_out_file_check(path, count_bytes(checkpoint, params->half), error) ||
      !(output = ddim_out_file_open(path, error)))
    return FALSE;
  header = make_header(checkpoint, params);
  ok = write_header(output, header, error);
  g_string_free(header, TRUE);
  for (guint i = 0; ok && i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    ok = write_tensor(output, checkpoint, tensor, get_target(tensor, params->half), buffer, error);
  }
  return ok && ddim_out_file_commit(output, error);
}
