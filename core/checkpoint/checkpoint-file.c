/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Reading one file into a checkpoint: which format it has, and the reader of that format. */
#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/checkpoint/checkpoint-readers.h"
#include "core/data/error.h"

/* What people find in place of a file that did not come as a whole. */
static const struct {
  const char *start, *says;
} substitutes[] = {
    {"version h", N_("it is a pointer of Git LFS and not the file itself, which “git lfs pull” "
                     "fetches")},
    {"<", N_("it is a web page; download the file itself")},
    {"\x1f\x8b", N_("it is compressed with gzip; unpack it first")},
};

static gboolean
check_substitutes(const guint8 *start, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS(substitutes); i++)
    if (memcmp(start, substitutes[i].start, strlen(substitutes[i].start)) == 0) {
      g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _(substitutes[i].says));
      return FALSE;
    }
  return TRUE;
}

static gboolean
read_any(DdimCheckpoint *checkpoint, GError **error)
{
  const guint64 size = ddim_file_get_size(checkpoint->file);
  guint8 start[9] = {0};

  if (size == 0) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("the file is empty"));
    return FALSE;
  }
  if (!ddim_file_read(checkpoint->file, 0, start, MIN(size, sizeof start), error))
    return FALSE;
  if (memcmp(start, "PK\3\4", 4) == 0) {
    checkpoint->format = "pytorch zip";
    return ddim_checkpoint_read_zip(checkpoint, error);
  }
  if (size >= sizeof start && ddim_safetensors_recognise(start)) {
    checkpoint->format = "safetensors";
    return ddim_safetensors_read(checkpoint, error);
  }
  checkpoint->format = "pytorch legacy";
  return check_substitutes(start, error) && ddim_checkpoint_read_legacy(checkpoint, error);
}

gboolean
ddim_checkpoint_read_file(DdimCheckpoint *checkpoint, DdimFile *file, GError **error)
{
  GError *why = NULL;

  checkpoint->file = file;
  checkpoint->file_bytes += ddim_file_get_size(file);
  checkpoint->n_bytes = 0;
  g_ptr_array_add(checkpoint->files, file);
  if (read_any(checkpoint, &why))
    return TRUE;
  if (why->domain != G_FILE_ERROR) /* those errors name the file already */
    g_prefix_error(&why, "“%s”: ", ddim_file_get_path(file));
  g_propagate_error(error, why);
  return FALSE;
}
