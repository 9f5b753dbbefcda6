/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "core/data/error.h"
#include "core/model/models.h"

typedef struct {
  char *a, *b, *path;
} Fixture;

static void
put(const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename(folder, name, NULL);

  g_assert_true(g_file_set_contents(path, "x", 1, NULL));
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
  fixture->a = g_dir_make_tmp("ddim-models-XXXXXX", NULL);
  fixture->b = g_dir_make_tmp("ddim-models-XXXXXX", NULL);
  fixture->path = g_strconcat(fixture->a, ":", fixture->b, NULL);
  put(fixture->a, "one.pt");
  put(fixture->a, "two.pt");
  put(fixture->a, "two.safetensors");
  put(fixture->a, "two.json");
  put(fixture->a, ".pt");
  put(fixture->b, "one.safetensors");
  put(fixture->b, "three.pth");
}

static void
empty(char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_remove(path);
  }
  g_rmdir(folder);
  g_free(folder);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
  empty(fixture->a);
  empty(fixture->b);
  g_free(fixture->path);
}

static const DdimModelFile *
lookup(GPtrArray *files, const char *name)
{
  for (guint i = 0; i < files->len; i++)
    if (g_str_equal(ddim_model_file_get_name(files->pdata[i]), name))
      return files->pdata[i];
  return NULL;
}

static void
test_list(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GPtrArray) files = ddim_models_list(fixture->path);

  /* the first folder wins, and within it .safetensors */
  g_assert_true(g_str_has_prefix(ddim_model_file_get_path(lookup(files, "one")), fixture->a));
  g_assert_true(
      g_str_has_suffix(ddim_model_file_get_path(lookup(files, "two")), "two.safetensors"));
  g_assert_true(g_str_has_prefix(ddim_model_file_get_path(lookup(files, "three")), fixture->b));
  g_assert_cmpuint(ddim_model_file_get_size(lookup(files, "three")), ==, 1);
  g_assert_null(lookup(files, ""));
  for (guint i = 1; i < files->len; i++)
    g_assert_cmpstr(ddim_model_file_get_name(files->pdata[i - 1]), <,
                    ddim_model_file_get_name(files->pdata[i]));
}

static void
test_find(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *by_name = ddim_models_find("three", fixture->path, &error);
  g_autofree char *by_path = ddim_models_find(by_name, NULL, &error);

  g_assert_no_error(error);
  g_assert_cmpstr(by_name, ==, by_path);
  g_assert_null(ddim_models_find("four", fixture->path, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND);
  g_assert_nonnull(strstr(error->message, "three"));
  g_assert_nonnull(strstr(error->message, fixture->b));
}

static void
test_missing_file(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(ddim_models_find("/nonexistent/model.pt", fixture->path, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND);
  g_assert_nonnull(strstr(error->message, "/nonexistent/model.pt"));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add("/models/list", Fixture, NULL, set_up, test_list, tear_down);
  g_test_add("/models/find", Fixture, NULL, set_up, test_find, tear_down);
  g_test_add("/models/missing-file", Fixture, NULL, set_up, test_missing_file, tear_down);
  return g_test_run();
}
