/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** Finding models by name. A model is a .safetensors, .pt or .pth file. Its name is the name of the
 * file without the suffix. These folders are searched, in this order: those of --model-path, those
 * of $DDIM_MODEL_PATH (with colons between), $XDG_DATA_HOME/ddim/models, the installed folder, and
 * the source folder if the program runs from its build folder. When several folders have a model of
 * one name, the first is taken. Listing models opens no file. */
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
/** The path of the file that @model means: @model itself if it is a file's path, else the model of
 * that name. @model  (nullable) NULL or "": the default model
 * DDIM_ERROR_NOT_FOUND lists the models and the folders that were searched. (transfer full) */
char *ddim_models_find(const char *model, const char *model_path, GError **error);

G_END_DECLS
