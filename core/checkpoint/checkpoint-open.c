/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Opening a checkpoint: a file, a folder or a file's content. */
#include "core/checkpoint/checkpoint-readers.h"
#include "core/checkpoint/unwrap.h"

/* Takes over @file. */
static DdimCheckpoint *
open_file(DdimFile *file, GError **error)
{
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_new(ddim_file_get_path(file));

  return ddim_checkpoint_read_file(checkpoint, file, error) &&
                 ddim_checkpoint_unwrap(checkpoint, error)
             ? g_steal_pointer(&checkpoint)
             : NULL;
}

DdimCheckpoint *
ddim_checkpoint_open_bytes(GBytes *bytes, const char *path, GError **error)
{
  return open_file(ddim_file_new_from_bytes(bytes, path), error);
}

DdimCheckpoint *
ddim_checkpoint_open(const char *path, GError **error)
{
  if (g_file_test(path, G_FILE_TEST_IS_DIR))
    return ddim_checkpoint_open_folder(path, error);
  DdimFile *file = ddim_file_open(path, error);
  g_autoptr(DdimCheckpoint) checkpoint = file ? open_file(file, error) : NULL;

  return checkpoint && ddim_checkpoint_read_config_beside(checkpoint, error)
             ? g_steal_pointer(&checkpoint)
             : NULL;
}
