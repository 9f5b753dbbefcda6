/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/models.h"
#include "core/checkpoint/model-folder.h"
#include "core/data/error.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

/* Of two files in a folder that differ in the suffix only, the one whose suffix is first is taken.
 */
static const char *const suffixes[] = {".safetensors", ".pt", ".pth", ".ckpt"};

struct _DdimModelFile {
  char *name, *path;
  guint64 size; /* bytes */
};

void
ddim_model_file_free(DdimModelFile *file)
{
  if (!file)
    return;
  g_free(file->name);
  g_free(file->path);
  g_free(file);
}

const char *
ddim_model_file_get_name(const DdimModelFile *file)
{
  g_return_val_if_fail(file != NULL, NULL);
  return file->name;
}

const char *
ddim_model_file_get_path(const DdimModelFile *file)
{
  g_return_val_if_fail(file != NULL, NULL);
  return file->path;
}

guint64
ddim_model_file_get_size(const DdimModelFile *file)
{
  g_return_val_if_fail(file != NULL, 0);
  return file->size;
}

static void
add_folder(GPtrArray *folders, char *folder)
{
  for (guint i = 0; i < folders->len; i++)
    if (g_str_equal(folders->pdata[i], folder)) {
      g_free(folder);
      return;
    }
  g_ptr_array_add(folders, folder);
}

static void
add_path(GPtrArray *folders, const char *path)
{
  g_auto(GStrv) parts = g_strsplit(path ? path : "", G_SEARCHPATH_SEPARATOR_S, -1);

  for (guint i = 0; parts[i]; i++)
    if (*parts[i])
      add_folder(folders, g_canonicalize_filename(parts[i], NULL));
}

/* The installed folder: first the one that belongs to the program's own folder bin/, so that an
 * installation can be moved; then the one that was configured, for the plug-in, which is not in
 * bin/. */
static void
add_installed(GPtrArray *folders, const char *exe)
{
  g_autofree char *bin = exe ? g_path_get_dirname(exe) : NULL;

  if (bin && g_str_has_suffix(bin, "/bin")) {
    char *folder = g_build_filename(bin, "..", "share", "ddim", "models", NULL);
    add_folder(folders, g_canonicalize_filename(folder, NULL));
    g_free(folder);
  }
  add_folder(folders, g_strdup(DDIM_MODELS_DIR));
}

GStrv
ddim_models_get_folders(const char *model_path)
{
  g_autoptr(GPtrArray) folders = g_ptr_array_new();
  g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);

  add_path(folders, model_path);
  add_path(folders, g_getenv("DDIM_MODEL_PATH"));
  add_folder(folders, g_build_filename(g_get_user_data_dir(), "ddim", "models", NULL));
  add_installed(folders, exe);
  if (exe && g_str_has_prefix(exe, DDIM_BUILD_ROOT "/"))
    add_folder(folders, g_strdup(DDIM_SOURCE_MODELS_DIR));
  g_ptr_array_add(folders, NULL);
  return (GStrv)g_ptr_array_free(g_steal_pointer(&folders), FALSE);
}

/* The model that lies at @path, still without its name; NULL when there is none. */
static DdimModelFile *
find_file(const char *path, gboolean folder)
{
  g_autoptr(DdimModelFolder) parts = folder ? ddim_model_folder_find(path) : NULL;
  DdimModelFile *file;
  GStatBuf info;

  if (folder ? !parts || !parts->weights : g_stat(path, &info) || !S_ISREG(info.st_mode))
    return NULL;
  file = g_new0(DdimModelFile, 1);
  file->path = g_strdup(path);
  file->size = folder ? ddim_model_folder_get_size(parts) : (guint64)info.st_size;
  return file;
}

/* The name of the model that @file holds, and the rank of its suffix; NULL when @file is no
 * model. A folder, which has none, comes last. (transfer full) */
static char *
name_of_file(const char *file, gboolean folder, guint *rank)
{
  *rank = G_N_ELEMENTS(suffixes);
  if (folder)
    return g_strdup(file);
  for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++)
    if (g_str_has_suffix(file, suffixes[i]) && strlen(file) > strlen(suffixes[i])) {
      *rank = i;
      return g_strndup(file, strlen(file) - strlen(suffixes[i]));
    }
  return NULL;
}

/* Add the models of @folder to @found, except those whose name is already there. */
static void
list_folder(const char *folder, GHashTable *found)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  g_autoptr(GHashTable) ranks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  const char *entry;

  while (dir && (entry = g_dir_read_name(dir))) {
    guint rank = 0;
    g_autofree char *path = g_build_filename(folder, entry, NULL);
    const gboolean is_folder = g_file_test(path, G_FILE_TEST_IS_DIR);
    g_autofree char *name = name_of_file(entry, is_folder, &rank);
    g_autoptr(DdimModelFile) file = name ? find_file(path, is_folder) : NULL;
    gpointer other;

    if (!file)
      continue;
    if (g_hash_table_lookup_extended(ranks, name, NULL, &other)) {
      if (GPOINTER_TO_UINT(other) <= rank)
        continue;
    } else if (g_hash_table_contains(found, name)) {
      continue; /* in an earlier folder */
    }
    file->name = g_strdup(name);
    g_hash_table_replace(found, file->name, file);
    file = NULL;
    g_hash_table_replace(ranks, g_steal_pointer(&name), GUINT_TO_POINTER(rank));
  }
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
  const DdimModelFile *const *x = a, *const *y = b;

  return strcmp((*x)->name, (*y)->name);
}

GPtrArray *
ddim_models_list(const char *model_path)
{
  g_auto(GStrv) folders = ddim_models_get_folders(model_path);
  g_autoptr(GHashTable) found =
      g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)ddim_model_file_free);
  GPtrArray *files = g_ptr_array_new_with_free_func((GDestroyNotify)ddim_model_file_free);
  GHashTableIter iter;
  gpointer file;

  for (guint i = 0; folders[i]; i++)
    list_folder(folders[i], found);
  g_hash_table_iter_init(&iter, found);
  while (g_hash_table_iter_next(&iter, NULL, &file)) {
    g_ptr_array_add(files, file);
    g_hash_table_iter_steal(&iter);
  }
  g_ptr_array_sort(files, compare_names);
  return files;
}

static char *
join_names(GPtrArray *files)
{
  g_autoptr(GString) names = g_string_new(NULL);

  for (guint i = 0; i < files->len; i++)
    g_string_append_printf(names, "%s%s", i ? ", " : "", ((DdimModelFile *)files->pdata[i])->name);
  return g_string_free(g_steal_pointer(&names), FALSE);
}

/* Whether @path is a file, or a folder that holds a model. Any other folder may have the name of a
 * model by accident. */
static gboolean
is_model_path(const char *path)
{
  if (!g_file_test(path, G_FILE_TEST_IS_DIR))
    return g_file_test(path, G_FILE_TEST_EXISTS);
  g_autoptr(DdimModelFolder) folder = ddim_model_folder_find(path);
  return folder != NULL;
}

char *
ddim_models_find(const char *model, const char *model_path, GError **error)
{
  const char *name = model && *model ? model : DDIM_DEFAULT_MODEL;
  g_autoptr(GPtrArray) files = NULL;
  g_auto(GStrv) folders = NULL;
  g_autofree char *names = NULL, *places = NULL;

  if (name == model && is_model_path(name))
    return g_strdup(name);
  files = ddim_models_list(model_path);
  for (guint i = 0; i < files->len; i++) {
    DdimModelFile *file = files->pdata[i];
    if (g_str_equal(file->name, name))
      return g_strdup(file->path);
  }
  names = join_names(files);
  folders = ddim_models_get_folders(model_path);
  places = g_strjoinv(", ", folders);
  if (name == model && g_file_test(name, G_FILE_TEST_IS_DIR))
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND,
                _("the folder “%s” holds no model: config.json or unet/config.json is missing"),
                name);
  else if (name == model && g_file_test(name, G_FILE_TEST_IS_SYMLINK))
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND,
                _("“%s” is a link to a file that is not there"), name);
  else if (name == model && strchr(name, G_DIR_SEPARATOR))
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND, _("there is no model file '%s'"), name);
  else if (files->len)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND,
                _("there is no model '%s'; there are: %s (searched %s)"), name, names, places);
  else
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND,
                _("there is no model '%s', and no other in %s"), name, places);
  return NULL;
}
