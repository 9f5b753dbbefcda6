/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/files/picture-set.h"

#include <glib/gi18n-lib.h>

#include "cli/files/picture.h"
#include "cli/terminal/command.h"
#include "core/data/error.h"

/* The pictures of one run that are found so far. */
typedef struct {
  DdimPictureSet *set;
  DdimRequest *request; /* that of all */
  char *first;          /* the first picture's path */
  guint n_found, n_labels;
  gboolean named; /* a picture of it was given as a file */
} Run;

typedef struct {
  GPtrArray *runs; /* Run */
  guint n_others;  /* pictures that belong to none */
  char *other;     /* (nullable) the first of them */
} Search;

static void
run_free(gpointer data)
{
  Run *run = data;

  ddim_picture_set_free(run->set);
  g_clear_object(&run->request);
  g_free(run->first);
  g_free(run);
}

static void
search_clear(Search *search)
{
  g_clear_pointer(&search->runs, g_ptr_array_unref);
  g_clear_pointer(&search->other, g_free);
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

static Run *
begin(Search *search, const char *path, const DdimPictureSettings *settings)
{
  Run *run = g_new0(Run, 1);
  int count;

  run->set = g_new0(DdimPictureSet, 1);
  run->request = g_object_ref(settings->request);
  run->first = g_strdup(path);
  g_object_get(settings->request, "count", &count, NULL); /* an option, so it has a bound */
  run->set->count = (guint)count;
  run->set->paths = g_new0(char *, count);
  run->set->labels = g_new0(gint64, count);
  g_ptr_array_add(search->runs, run);
  return run;
}

static gboolean
refuse_different(const Run *run, const char *path, DdimRequest *request, GError **error)
{
  g_autofree char *difference = ddim_picture_compare(run->request, request);

  return ddim_cli_refuse(error, DDIM_ERROR_MISMATCH,
                         _("'%s' and '%s' come from different runs: %s"), run->first, path,
                         difference);
}

/* The run that the picture belongs to, or NULL. */
static Run *
find_run(const Search *search, const DdimPictureSettings *settings)
{
  for (guint i = 0; i < search->runs->len; i++) {
    Run *run = search->runs->pdata[i];
    g_autofree char *difference = ddim_picture_compare(run->request, settings->request);
    if (!difference)
      return run;
  }
  return NULL;
}

/* @named: the path was given as a file. */
static gboolean
add(Search *search, const char *path, const DdimPictureSettings *settings, gboolean named,
    GError **error)
{
  Run *run = find_run(search, settings);

  if (!run && named && search->runs->len > 0)
    return refuse_different(search->runs->pdata[0], path, settings->request, error);
  if (!run)
    run = begin(search, path, settings);
  if (settings->index >= run->set->count)
    return ddim_cli_refuse(error, DDIM_ERROR_MISMATCH,
                           _("'%s' says that it is image %u of %u, counted from 0"), path,
                           settings->index, run->set->count);
  if (run->set->paths[settings->index])
    return ddim_cli_refuse(error, DDIM_ERROR_MISMATCH, _("'%s' and '%s' are both image %u"),
                           run->set->paths[settings->index], path, settings->index);
  run->set->paths[settings->index] = g_strdup(path);
  run->set->labels[settings->index] = settings->label;
  run->n_found++;
  run->n_labels += settings->label >= 0;
  run->named |= named;
  return TRUE;
}

static void
leave_out(Search *search, const char *path)
{
  if (search->n_others++ == 0)
    search->other = g_strdup(path);
}

/* @named: whether the file has to be a picture of ddim. */
static gboolean
look_at(Search *search, const char *path, gboolean named, GError **error)
{
  g_auto(DdimPictureSettings) settings = {0};
  g_autoptr(GError) why = NULL;

  if (!ddim_picture_read_settings(path, &settings, &why)) {
    if (!named && g_error_matches(why, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED)) {
      leave_out(search, path);
      return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
  }
  if (!settings.is_sheet)
    return add(search, path, &settings, named, error);
  return !named || ddim_cli_refuse(error, DDIM_ERROR_MISMATCH, _("'%s' is a contact sheet"), path);
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
check_whole(const Run *run, GError **error)
{
  const DdimPictureSet *set = run->set;

  for (guint i = 0; i < set->count; i++)
    if (!set->paths[i])
      return ddim_cli_refuse(
          error, DDIM_ERROR_MISMATCH,
          ngettext("%u of %u pictures is missing, number %u; 'ddim generate' with "
                   "--resume makes what is missing",
                   "%u of %u pictures are missing, the first is number %u; 'ddim "
                   "generate' with --resume makes what is missing",
                   set->count - run->n_found),
          set->count - run->n_found, set->count, i);
  if (run->n_labels == 0 || run->n_labels == set->count)
    return TRUE;
  return ddim_cli_refuse(error, DDIM_ERROR_MISMATCH,
                         _("some pictures tell their class and others do not"));
}

/* Of several runs the one that is meant: a picture of it was named, or else it is the only one that
 * is whole. */
static Run *
choose_run(const Search *search, GError **error)
{
  Run *named = NULL, *whole = NULL;
  guint n_named = 0, n_whole = 0;

  if (search->runs->len == 0) {
    ddim_cli_refuse(error, DDIM_ERROR_MISMATCH, _("there are no pictures that ddim has made"));
    return NULL;
  }
  if (search->runs->len == 1)
    return search->runs->pdata[0];
  for (guint i = 0; i < search->runs->len; i++) {
    Run *run = search->runs->pdata[i];
    if (run->named && n_named++ == 0)
      named = run;
    if (run->n_found == run->set->count && n_whole++ == 0)
      whole = run;
  }
  if (n_named == 1)
    return named;
  if (n_named == 0 && n_whole == 1)
    return whole;
  const Run *second = search->runs->pdata[1];
  refuse_different(search->runs->pdata[0], second->first, second->request, error);
  return NULL;
}

/* Say which pictures are not among those of @chosen. */
static void
tell_left_out(Search *search, const Run *chosen)
{
  for (guint i = 0; i < search->runs->len; i++) {
    const Run *run = search->runs->pdata[i];
    if (run == chosen)
      continue;
    leave_out(search, run->first);
    search->n_others += run->n_found - 1;
  }
  if (search->n_others > 0)
    ddim_cli_warn(ngettext("%u picture is not of this run and is left out: '%s'",
                           "%u pictures are not of this run and are left out, among them '%s'",
                           search->n_others),
                  search->n_others, search->other);
}

DdimPictureSet *
ddim_picture_set_find(char **paths, guint n, GError **error)
{
  g_auto(Search) search = {.runs = g_ptr_array_new_with_free_func(run_free)};
  Run *run;

  for (guint i = 0; i < n; i++)
    if (!(g_file_test(paths[i], G_FILE_TEST_IS_DIR) ? look_into(&search, paths[i], error)
                                                    : look_at(&search, paths[i], TRUE, error)))
      return NULL;
  if (!(run = choose_run(&search, error)) || !check_whole(run, error))
    return NULL;
  tell_left_out(&search, run);
  if (run->n_labels == 0)
    g_clear_pointer(&run->set->labels, g_free);
  return g_steal_pointer(&run->set);
}
