/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/checkpoint/checkpoint.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/checkpoint/checkpoint-private.h"
#include "core/data/error.h"

/* How often the tensors may repeat the file's bytes, and how much more small files are allowed.
 * Honest files share a storage between two or three tensors at most. */
#define MAX_REPEAT 16
#define MAX_EXTRA (64u << 20)
#define MAX_NAME 1000
/* What a tensor takes here, and how much all of them may take beside a quarter of the file's size:
 * tensors without elements cost a file next to nothing. */
#define TENSOR_MEMORY 512
#define MAX_TENSORS_MEMORY (12u << 20)

static void
storage_free(gpointer data)
{
  DdimStorage *storage = data;

  g_clear_pointer(&storage->inflated, g_bytes_unref);
  g_free(storage);
}

DdimCheckpoint *
ddim_checkpoint_new(const char *path)
{
  DdimCheckpoint *checkpoint = g_new0(DdimCheckpoint, 1);

  g_atomic_ref_count_init(&checkpoint->ref_count);
  checkpoint->path = g_strdup(path);
  checkpoint->format = "";
  checkpoint->files = g_ptr_array_new_with_free_func((GDestroyNotify)ddim_file_free);
  checkpoint->tensors = g_array_new(FALSE, FALSE, sizeof(DdimTensor));
  checkpoint->places = g_array_new(FALSE, FALSE, sizeof(DdimPlace));
  checkpoint->indices = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  checkpoint->metadata = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  checkpoint->storages = g_ptr_array_new_with_free_func(storage_free);
  return checkpoint;
}

DdimCheckpoint *
ddim_checkpoint_ref(DdimCheckpoint *checkpoint)
{
  g_atomic_ref_count_inc(&checkpoint->ref_count);
  return checkpoint;
}

void
ddim_checkpoint_unref(DdimCheckpoint *checkpoint)
{
  if (!checkpoint || !g_atomic_ref_count_dec(&checkpoint->ref_count))
    return;
  g_array_unref(checkpoint->tensors);
  g_array_unref(checkpoint->places);
  g_hash_table_unref(checkpoint->indices);
  g_hash_table_unref(checkpoint->metadata);
  g_ptr_array_unref(checkpoint->storages);
  g_ptr_array_unref(checkpoint->files);
  g_free(checkpoint->path);
  g_free(checkpoint->member);
  g_free(checkpoint->prefix);
  g_free(checkpoint);
}

guint64
ddim_checkpoint_get_limit(DdimCheckpoint *checkpoint)
{
  const guint64 size = ddim_file_get_size(checkpoint->file);

  return MIN(size, (G_MAXUINT64 - MAX_EXTRA) / MAX_REPEAT) * MAX_REPEAT + MAX_EXTRA;
}

gboolean
ddim_checkpoint_check_name(const char *name, gsize length)
{
  if (length > MAX_NAME || !g_utf8_validate_len(name, length, NULL))
    return FALSE;
  for (const char *at = name; at < name + length; at = g_utf8_next_char(at))
    if (g_unichar_iscntrl(g_utf8_get_char(at)))
      return FALSE;
  return TRUE;
}

DdimStorage *
ddim_checkpoint_add_storage(DdimCheckpoint *checkpoint, guint64 offset, guint64 size)
{
  DdimStorage *storage = g_new0(DdimStorage, 1);

  storage->file = checkpoint->file;
  storage->offset = offset;
  storage->size = size;
  g_ptr_array_add(checkpoint->storages, storage);
  return storage;
}

/* How many bytes are read or written for @tensor, including gaps between its first and last
 * element. */
static gsize
cost_of(const DdimTensor *tensor)
{
  gsize extent = 0;

  ddim_tensor_get_extent(tensor, &extent);
  return MAX(ddim_tensor_count(tensor), extent) * ddim_dtype_size(tensor->dtype);
}

gboolean
ddim_checkpoint_add(DdimCheckpoint *checkpoint, const char *name, const DdimTensor *tensor,
                    DdimPlace place, GError **error)
{
  guint64 limit = ddim_checkpoint_get_limit(checkpoint);
  gsize size = cost_of(tensor);
  char *key;

  if (g_hash_table_contains(checkpoint->indices, name)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("it has two tensors named “%s”"), name);
    return FALSE;
  }
  if (size > limit - checkpoint->n_bytes) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("its tensors, “%s” among them, repeat the file's bytes over and over"), name);
    return FALSE;
  }
  if ((guint64)checkpoint->tensors->len * TENSOR_MEMORY >
      MAX_TENSORS_MEMORY + checkpoint->file_bytes / 4) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT,
                _("it has more tensors than its size allows"));
    return FALSE;
  }
  checkpoint->n_bytes += size;
  key = g_strdup(name);
  g_hash_table_insert(checkpoint->indices, key, GUINT_TO_POINTER(checkpoint->tensors->len));
  g_array_append_vals(checkpoint->tensors, tensor, 1);
  g_array_index(checkpoint->tensors, DdimTensor, checkpoint->tensors->len - 1).name = key;
  g_array_append_val(checkpoint->places, place);
  return TRUE;
}

const char *
ddim_checkpoint_get_path(DdimCheckpoint *checkpoint)
{
  return checkpoint->path;
}

const char *
ddim_checkpoint_get_format(DdimCheckpoint *checkpoint)
{
  return checkpoint->format;
}

guint64
ddim_checkpoint_get_file_size(DdimCheckpoint *checkpoint)
{
  return checkpoint->file_bytes;
}

guint
ddim_checkpoint_get_n_tensors(DdimCheckpoint *checkpoint)
{
  return checkpoint->tensors->len;
}

const char *
ddim_checkpoint_get_metadata(DdimCheckpoint *checkpoint, const char *key)
{
  return g_hash_table_lookup(checkpoint->metadata, key);
}
