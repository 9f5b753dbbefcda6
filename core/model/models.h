/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** Finding models by name. A model is a .safetensors, .pt or .pth file; its name is the file's
 * without suffix. Folders in order:
 * --model-path, $DDIM_MODEL_PATH (colon-separated), $XDG_DATA_HOME/ddim/models, the installed
 * folder, and the source folder when run from a build folder. The first of a name wins. Listing
 * opens no file. */
typedef struct {
  char *name, *path;
  guint64 size; /**< bytes */
} DdimModelFile;

void ddim_model_file_free(DdimModelFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimModelFile, ddim_model_file_free)

#define DDIM_DEFAULT_MODEL "textures"

/** (transfer full) (element-type DdimModelFile), sorted by name, maybe empty. @model_path
 * (nullable) colon-separated. */
GPtrArray *ddim_models_list(const char *model_path);
/** The folders searched, in order. (transfer full) */
GStrv ddim_models_get_folders(const char *model_path);
/** The file that @model means: a path when it names an existing file, else a listed name; NULL: the
 * default model. DDIM_ERROR_NOT_FOUND lists what there is and where it looked. (transfer full) */
char *ddim_models_find(const char *model, const char *model_path, GError **error);

G_END_DECLS
