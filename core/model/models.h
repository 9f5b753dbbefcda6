/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

#include "opencl/since.h"

G_BEGIN_DECLS

/** Finding models by name. A model is a .safetensors, .pt, .pth or .ckpt file, or a folder of
 * diffusers. Its name is the name of the file without the suffix, or that of the folder. These
 * folders are searched, in this order: those of @model_path, those of $DDIM_MODEL_PATH (with colons
 * between), $XDG_DATA_HOME/ddim/models, the installed folder, and the source folder if the program
 * runs from its build folder. When several folders have a model of one name, the first is taken.
 * Listing models opens no file. Any thread may call these functions.
 *
 * @model_path  (nullable) folders with colons between; the request's property "model-path"
 *
 * Names and paths are in the encoding of file names. */
typedef struct _DdimModelFile DdimModelFile;

/** The name of the model that is used when nobody names one. */
#define DDIM_DEFAULT_MODEL "textures"

/** (transfer full) (element-type DdimModelFile), sorted by name, maybe empty. The array frees its
 * elements. */
DDIM_AVAILABLE_IN_0_1
GPtrArray *ddim_models_list(const char *model_path);
/** The folders searched, in order, whether they exist or not. (transfer full) NULL-terminated. */
DDIM_AVAILABLE_IN_0_1
GStrv ddim_models_get_folders(const char *model_path);
/** The path of the file that @model means: @model itself if it is a file's path, else the model of
 * that name. @model  (nullable) NULL or "": the default model
 * DDIM_ERROR_NOT_FOUND lists the models and the folders that were searched. (transfer full) */
DDIM_AVAILABLE_IN_0_1
char *ddim_models_find(const char *model, const char *model_path, GError **error);

/** @file  (nullable) */
DDIM_AVAILABLE_IN_0_1
void ddim_model_file_free(DdimModelFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimModelFile, ddim_model_file_free)

/** What the request's property "model" takes. (transfer none) */
DDIM_AVAILABLE_IN_0_1
const char *ddim_model_file_get_name(const DdimModelFile *file);
/** What ddim_checkpoint_open() takes, absolute. (transfer none) */
DDIM_AVAILABLE_IN_0_1
const char *ddim_model_file_get_path(const DdimModelFile *file);
/** In bytes. */
DDIM_AVAILABLE_IN_0_1
guint64 ddim_model_file_get_size(const DdimModelFile *file);

G_END_DECLS
