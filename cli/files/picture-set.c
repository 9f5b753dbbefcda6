/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/files/picture-set.h"

#include <glib/gi18n-lib.h>

#include "cli/files/picture.h"
#include "cli/terminal/command.h"
#include "core/data/error.h"

/* What is found so far. */
typedef struct {
  DdimPictureSet *set;  /* NULL before the first picture */
  DdimRequest *request; /* that of all */
  char *first;          /* the first picture's path */
  guint n_found, n_labels;
} Search;

static void
search_clear(Search *search)
{
  g_clear_pointer(&search->set, ddim_picture_set_free);
  g_clear_object(&search->request);
  g_clear_pointer(&search->first, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, search_clear)

void
ddim_picture_set_free(DdimPictureSet *set)
{
  if (!set)
    return;
  for (guint i = 0; i < set->count; i++)
    g_free(set->paths[i]);
  g_free(set->paths);
  g_free(set->labels);
  g_free(set);
}

static void
begin(Search *search, const char *path, const DdimPictureSettings *settings)
{
  int count;

  search->set = g_new0(DdimPictureSet, 1);
  search->request = g_object_ref(settings->request);
  search->first = g_strdup(path);
  g_object_get(settings->request, "count", &count, NULL); /* an option, so it has a bound */
  search->set->count = (guint)count;
  search->set->paths = g_new0(char *, count);
  search->set->labels = g_new0(gint64, count);
}

static gboolean
add(Search *search, const char *path, const DdimPictureSettings *settings, GError **error)
{
  g_autofree char *difference = NULL;

  if (!search->set)
    begin(search, path, settings);
  if ((difference = ddim_picture_compare(search->request, settings->request)))
    return ddim_cli_refuse(error, DDIM_ERROR_MISMATCH,
                           _("'%s' and '%s' come from different runs: %s"), search->first, path,
                           difference);
  if (settings->index >= search->set->count)
    return ddim_cli_refuse(error, DDIM_ERROR_MISMATCH,
                           _("'%s' says that it is image %u of %u, counted from 0"), path,
                           settings->index, search->set->count);
  if (search->set->paths[settings->index])
    return ddim_cli_refuse(error, DDIM_ERROR_MISMATCH, _("'%s' and '%s' are both image %u"),
                           search->set->paths[settings->index], path, settings->index);
  search->set->paths[settings->index] = g_strdup(path);
  search->set->labels[settings->index] = settings->label;
  search->n_found++;
  search->n_labels += settings->label >= 0;
  return TRUE;
}

/* @must: whether the file has to be a picture of ddim. */
static gboolean
look_at(Search *search, const char *path, gboolean must, GError **error)
{
  g_auto(DdimPictureSettings) settings = {0};
  g_autoptr(GError) why = NULL;

  if (!ddim_picture_read_settings(path, &settings, &why)) {
    if (!must && g_error_matches(why, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED))
      return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (!settings.is_sheet)
    return add(search, path, &settings, error);
  return !must || ddim_cli_refuse(error, DDIM_ERROR_MISMATCH, _("'%s' is a contact sheet"), path);
}

static gboolean
look_into(Search *search, const char *folder, GError **error)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, error);
  const char *name;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    if (g_str_has_suffix(name, ".png") && g_file_test(path, G_FILE_TEST_IS_REGULAR) &&
        !look_at(search, path, FALSE, error))
      return FALSE;
  }
  return dir != NULL;
}

static gboolean
check_whole(const Search *search, GError **error)
{
  const DdimPictureSet *set = search->set;

  if (!set)
    return ddim_cli_refuse(error, DDIM_ERROR_MISMATCH,
                           _("there are no pictures that ddim has made"));
  for (guint i = 0; i < set->count; i++)
    if (!set->paths[i])
      return ddim_cli_refuse(
          error, DDIM_ERROR_MISMATCH,
          ngettext("%u of %u pictures is missing, number %u; 'ddim generate' with "
                   "--resume makes what is missing",
                   "%u of %u pictures are missing, the first is number %u; 'ddim "
                   "generate' with --resume makes what is missing",
                   set->count - search->n_found),
          set->count - search->n_found, set->count, i);
  if (search->n_labels == 0 || search->n_labels == set->count)
    return TRUE;
  return ddim_cli_refuse(error, DDIM_ERROR_MISMATCH,
                         _("some pictures tell their class and others do not"));
}

DdimPictureSet *
ddim_picture_set_find(char **paths, guint n, GError **error)
{
  g_auto(Search) search = {0};

  for (guint i = 0; i < n; i++)
    if (!(g_file_test(paths[i], G_FILE_TEST_IS_DIR) ? look_into(&search, paths[i], error)
                                                    : look_at(&search, paths[i], TRUE, error)))
      return NULL;
  if (!check_whole(&search, error))
    return NULL;
  if (search.n_labels == 0)
    g_clear_pointer(&search.set->labels, g_free);
  return g_steal_pointer(&search.set);
}
