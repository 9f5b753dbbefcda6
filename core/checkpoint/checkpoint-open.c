/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Opening a checkpoint: which format a file has, and the reader of that format. */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/checkpoint/checkpoint-readers.h"
#include "core/data/error.h"
#include "core/data/file-map.h"

static gboolean
read_any(DdimCheckpoint *checkpoint, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data(checkpoint->bytes, &size);

  if (size == 0) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("the file is empty"));
    return FALSE;
  }
  if (size >= 4 && memcmp(data, "PK\3\4", 4) == 0) {
    checkpoint->format = "pytorch zip";
    return ddim_checkpoint_read_zip(checkpoint, error);
  }
  if (ddim_safetensors_recognise(data, size)) {
    checkpoint->format = "safetensors";
    return ddim_safetensors_read(checkpoint, error);
  }
  checkpoint->format = "pytorch legacy";
  return ddim_checkpoint_read_legacy(checkpoint, error);
}

static DdimCheckpoint *
open_bytes(GBytes *bytes, const char *path, gboolean mapped, GError **error)
{
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_new(bytes, path, mapped);

  if (!read_any(checkpoint, error)) {
    g_prefix_error(error, "“%s”: ", path);
    return NULL;
  }
  return g_steal_pointer(&checkpoint);
}

DdimCheckpoint *
ddim_checkpoint_open_bytes(GBytes *bytes, const char *path, GError **error)
{
  return open_bytes(bytes, path, FALSE, error);
}

DdimCheckpoint *
ddim_checkpoint_open(const char *path, GError **error)
{
  g_autoptr(GBytes) bytes = ddim_file_map(path, error);

  return bytes ? open_bytes(bytes, path, TRUE, error) : NULL;
}
