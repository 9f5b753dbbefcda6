/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A model as huggingface/diffusers saves it: a folder with model_index.json and the folders unet/
 * and scheduler/, or the folder of a UNet alone, or all of them in one folder; or the folder of
 * such a model in Hugging Face's cache, which has versions of it in snapshots/. */

/** Where the parts of such a folder lie. Paths are in the encoding of file names. */
typedef struct {
  char *index;      /**< (nullable) model_index.json */
  char *config;     /**< config.json of the UNet */
  char *scheduler;  /**< (nullable) scheduler_config.json */
  char *weights;    /**< (nullable) a file of weights, or the index of several */
  gboolean sharded; /**< weights is such an index */
} DdimModelFolder;

/** Look for the parts of @path by their names; nothing is opened but refs/main of a cache. NULL
 * when it is no folder, or has no UNet's config.json. (transfer full) (nullable) */
DdimModelFolder *ddim_model_folder_find(const char *path);
void ddim_model_folder_free(DdimModelFolder *folder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimModelFolder, ddim_model_folder_free)

/** The files that belong to the model, those of its weights last. (transfer full) (element-type
 * filename) NULL-terminated */
GStrv ddim_model_folder_list(const DdimModelFolder *folder);
/** Bytes of all files of weights. */
guint64 ddim_model_folder_get_size(const DdimModelFolder *folder);

/** The names under which ddim_checkpoint_get_metadata() gives the text of config.json and of
 * scheduler_config.json. A .safetensors file may have them in its __metadata__ as well. */
#define DDIM_METADATA_UNET "unet_config"
#define DDIM_METADATA_SCHEDULER "scheduler_config"

/* These two take the memory of ddim_json_parse(), and of an index that of its names. */

/** Names of the files of weights that an index lists, checked to be plain names: an index cannot
 * name a file anywhere else than in its own folder. @origin: what messages call it.
 * @names  (out) (nullable) (element-type utf8) (transfer full) the tensors' names
 * DDIM_ERROR_FORMAT. (transfer full) NULL-terminated, each once */
GStrv ddim_model_folder_parse_index(const char *text, gsize length, const char *origin,
                                    GPtrArray **names, GError **error);
/** Check that a model_index.json is that of a UNet and its scheduler. DDIM_ERROR_FORMAT,
 * DDIM_ERROR_UNSUPPORTED naming the member. */
gboolean ddim_model_folder_check_index(const char *text, gsize length, const char *origin,
                                       GError **error);

G_END_DECLS
