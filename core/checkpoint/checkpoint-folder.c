/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Opening a folder of huggingface/diffusers as one checkpoint. */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/checkpoint/checkpoint-readers.h"
#include "core/checkpoint/model-folder.h"
#include "core/checkpoint/unwrap.h"
#include "core/data/error.h"
#include "core/data/printable.h"

/* A configuration takes a few kilobytes, the index of a large model some hundred. */
#define MAX_JSON (16u << 20)

/* The text of the file @path as UTF-8 with a terminating zero. (transfer full) */
static char *
load_text(const char *path, gsize *length, GError **error)
{
  g_autoptr(DdimFile) file = ddim_file_open(path, error);
  g_autofree char *text = NULL;

  if (!file)
    return NULL;
  if (ddim_file_get_size(file) > MAX_JSON) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("“%s” is larger than 16 MiB"), path);
    return NULL;
  }
  *length = ddim_file_get_size(file);
  text = g_malloc0(*length + 1);
  if (!ddim_file_read(file, 0, text, *length, error))
    return NULL;
  if (memchr(text, '\0', *length) || !g_utf8_validate_len(text, *length, NULL)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("“%s” is no UTF-8 text"), path);
    return NULL;
  }
  return g_steal_pointer(&text);
}

static gboolean
keep_text(DdimCheckpoint *checkpoint, const char *key, const char *path, GError **error)
{
  gsize length;
  char *text = load_text(path, &length, error);

  if (text)
    g_hash_table_replace(checkpoint->metadata, g_strdup(key), text);
  return text != NULL;
}

static gboolean
read_weights(DdimCheckpoint *checkpoint, const char *path, GError **error)
{
  DdimFile *file = ddim_file_open(path, error);

  return file && ddim_checkpoint_read_file(checkpoint, file, error);
}

static gboolean
read_shards(DdimCheckpoint *checkpoint, const char *index, GError **error)
{
  gsize length = 0;
  g_autofree char *text = load_text(index, &length, error);
  g_autofree char *folder = g_path_get_dirname(index);
  g_autofree char *origin = g_filename_display_basename(index);
  g_autoptr(GPtrArray) names = NULL;
  g_auto(GStrv) files =
      text ? ddim_model_folder_parse_index(text, length, origin, &names, error) : NULL;

  if (!files)
    return FALSE;
  for (guint i = 0; files[i]; i++) {
    g_autofree char *path = g_build_filename(folder, files[i], NULL);
    if (!read_weights(checkpoint, path, error))
      return FALSE;
  }
  for (guint i = 0; i < names->len; i++)
    if (!g_hash_table_contains(checkpoint->indices, names->pdata[i])) {
      g_autofree char *shown = ddim_printable(names->pdata[i]);
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND,
                  _("%s: no file has the tensor “%s” of weight_map"), origin, shown);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check_index(const char *path, GError **error)
{
  gsize length = 0;
  g_autofree char *text = load_text(path, &length, error);
  g_autofree char *origin = g_filename_display_basename(path);

  return text && ddim_model_folder_check_index(text, length, origin, error);
}

static gboolean
read_folder(DdimCheckpoint *checkpoint, const DdimModelFolder *folder, GError **error)
{
  if (folder->index && !check_index(folder->index, error))
    return FALSE;
  if (!folder->weights) {
    g_autofree char *place = g_path_get_dirname(folder->config);
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND,
                _("“%s” has no weights: diffusion_pytorch_model.safetensors or .bin is missing"),
                place);
    return FALSE;
  }
  if (!(folder->sharded ? read_shards(checkpoint, folder->weights, error)
                        : read_weights(checkpoint, folder->weights, error)))
    return FALSE;
  g_autofree char *format = g_strdup_printf("diffusers folder, %s", checkpoint->format);
  checkpoint->format = g_intern_string(format);
  return keep_text(checkpoint, DDIM_METADATA_UNET, folder->config, error) &&
         (!folder->scheduler ||
          keep_text(checkpoint, DDIM_METADATA_SCHEDULER, folder->scheduler, error));
}

gboolean
ddim_checkpoint_read_config_beside(DdimCheckpoint *checkpoint, GError **error)
{
  g_autofree char *base = g_path_get_basename(checkpoint->path);
  g_autofree char *folder = g_path_get_dirname(checkpoint->path);
  g_autofree char *config = g_build_filename(folder, "config.json", NULL);

  return !g_str_has_prefix(base, "diffusion_pytorch_model.") ||
         !g_file_test(config, G_FILE_TEST_EXISTS) ||
         keep_text(checkpoint, DDIM_METADATA_UNET, config, error);
}

DdimCheckpoint *
ddim_checkpoint_open_folder(const char *path, GError **error)
{
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_new(path);
  g_autoptr(DdimModelFolder) folder = ddim_model_folder_find(path);

  if (!folder) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND,
                _("the folder “%s” holds no model: config.json or unet/config.json is missing"),
                path);
    return NULL;
  }
  return read_folder(checkpoint, folder, error) && ddim_checkpoint_unwrap(checkpoint, error)
             ? g_steal_pointer(&checkpoint)
             : NULL;
}
