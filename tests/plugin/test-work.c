/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the plug-in remembers in the user's cache, and names of classes. */
#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

#include "plugin/dialog/thumbnails.h"
#include "plugin/work/names.h"
#include "plugin/work/timing.h"

static void
test_timing(void)
{
  g_autofree char *path = g_build_filename(g_get_user_cache_dir(), "ddim", "plug-in-times", NULL);
  g_autofree char *text = NULL;

  g_assert_cmpfloat(timing_estimate("", "a", "f32", 64, 64), <, 0);
  timing_note("", "a", "f32", 64, 64, 0.5);
  g_assert_cmpfloat_with_epsilon(timing_estimate(NULL, "a", "f32", 64, 64), 0.5, 1e-9);
  g_assert_cmpfloat_with_epsilon(timing_estimate("", "a", "f32", 128, 128), 2, 1e-9);
  g_assert_cmpfloat(timing_estimate("", "b", "f32", 64, 64), <, 0);
  g_assert_cmpfloat(timing_estimate("", "a", "f16", 64, 64), <, 0);
  g_assert_cmpfloat(timing_estimate("other [1]\n", "a", "f32", 64, 64), <, 0);
  timing_note("other [1]\n", "a", "f32", 64, 64, 3);
  g_assert_cmpfloat_with_epsilon(timing_estimate("other [1]\n", "a", "f32", 64, 64), 3, 1e-9);
  /* Of several sizes the nearest. */
  timing_note("", "a", "f32", 512, 512, 64);
  g_assert_cmpfloat_with_epsilon(timing_estimate("", "a", "f32", 1024, 512), 128, 1e-9);
  g_assert_cmpfloat_with_epsilon(timing_estimate("", "a", "f32", 64, 32), 0.25, 1e-9);
  timing_note("", "a", "f32", 64, 64, -1);
  g_assert_cmpfloat_with_epsilon(timing_estimate("", "a", "f32", 64, 64), 0.5, 1e-9);

  /* Bounded. */
  for (guint i = 1; i < 300; i++) {
    g_autofree char *model = g_strdup_printf("model %u", i);
    timing_note("", model, "f32", 64, 64, 1);
    timing_note("", "a", "f32", 8 * i, 8, 1);
  }
  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  g_assert_cmpuint(strlen(text), <, 8192);

  /* A damaged file says nothing, and is replaced. */
  g_assert_true(
      g_file_set_contents(path, "[[\377\n64x64=nan\n=\n[|c|f32]\n64x64=-3\n0x0=1\n", -1, NULL));
  g_assert_cmpfloat(timing_estimate("", "c", "f32", 64, 64), <, 0);
  timing_note("", "c", "f32", 64, 64, 0.25);
  g_assert_cmpfloat_with_epsilon(timing_estimate("", "c", "f32", 64, 64), 0.25, 1e-9);
}

static void
test_names(void)
{
  const char *const classes[] = {"lava", "rust", "tench, Tinca tinca", NULL};
  static const struct {
    const char *typed, *read;
  } cases[] = {
      {"lava", "lava"},
      {"LAVA", "lava"},
      {" lava , Rust", "lava,rust"},
      {"lava:0.7, rust:0.3", "lava:0.7,rust:0.3"},
      {"tench, Tinca tinca", "tench, Tinca tinca"},
      {"7", "7"},
      {"no class", "no class"},
      {"tinca", "tench, Tinca tinca"},
      {"RUS, LAV", "rust,lava"},
      {"a", "a"}, /* of two */
      {"", ""},
      {"", ""},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *read = names_read_classes(cases[i].typed, classes);
    g_assert_cmpstr(read, ==, cases[i].read);
  }
  g_assert_true(names_contain("tench, Tinca tinca", "tinca"));
  g_assert_false(names_contain("tench, Tinca tinca", "lava"));
  g_assert_cmpstr(names_show_class("unheard of"), ==, "unheard of");
  g_assert_null(names_show_description(NULL));
  g_assert_cmpstr(names_show_description("other"), ==, "other");
}

static void
test_thumbnails(void)
{
  char *names[] = {(char *)"one", (char *)"two", NULL};
  CatalogModel model = {.path = (char *)"/a/model", .size = 100, .changed = 7, .classes = names};
  g_autoptr(GError) error = NULL;
  g_autofree float *samples = g_new0(float, 3 * 40 * 40);
  g_autoptr(DdimImage) image = ddim_image_new_from_samples(samples, 3, 40, 40, &error);
  g_autofree char *root = g_build_filename(g_get_user_cache_dir(), "ddim", "thumbnails", NULL);
  GdkPixbuf *picture;
  guint n = 0;

  g_assert_cmpint(thumbnails_find_missing(&model, 0), ==, 0);
  thumbnails_save(&model, 0, image);
  g_assert_cmpint(thumbnails_find_missing(&model, 0), ==, 1);
  thumbnails_save(&model, 1, image);
  g_assert_cmpint(thumbnails_find_missing(&model, 0), ==, -1);
  picture = thumbnails_load(&model, 1);
  g_assert_cmpint(gdk_pixbuf_get_width(picture), ==, THUMBNAILS_SIZE);
  g_assert_cmpint(gdk_pixbuf_get_pixels(picture)[0], ==, 127);
  g_object_unref(picture);
  thumbnails_save(&model, THUMBNAILS_MAX_CLASSES, image);
  g_assert_null(thumbnails_load(&model, THUMBNAILS_MAX_CLASSES));
  /* A file that was replaced is another model. */
  model.changed = 8;
  g_assert_null(thumbnails_load(&model, 1));

  for (guint i = 0; i < 2 * THUMBNAILS_MAX_MODELS; i++) {
    model.size = 1000 + i;
    thumbnails_save(&model, 0, image);
  }
  {
    g_autoptr(GDir) dir = g_dir_open(root, 0, NULL);
    while (g_dir_read_name(dir))
      n++;
  }
  g_assert_cmpuint(n, <=, THUMBNAILS_MAX_MODELS);
}

int
main(int argc, char **argv)
{
  g_autofree char *cache = g_dir_make_tmp("ddim-cache-XXXXXX", NULL);
  g_autofree char *command = g_strdup_printf("rm -rf '%s'", cache);
  int status;

  setlocale(LC_ALL, "C.UTF-8");
  g_setenv("XDG_CACHE_HOME", cache, TRUE);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/work/timing", test_timing);
  g_test_add_func("/work/names", test_names);
  g_test_add_func("/work/thumbnails", test_thumbnails);
  status = g_test_run();
  g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL);
  return status;
}
