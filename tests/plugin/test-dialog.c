/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The dialog of DDIM Image, in the language of the environment, without a GIMP. */
#include "plugin/dialog/dialog.c"

#include "controls.h"

#include <string.h>
#include <time.h>
#include "core/model/imagenet.h"
#include "plugin/dialog/class-choice.h"
#include "plugin/work/devices.h"

static void
test_controls(void)
{
  Dialog dialog = {.image = NO_IMAGE, .drawable = NO_DRAWABLE, .layer = NO_LAYER};
  g_autoptr(Controls) controls = NULL;

  build(&dialog);
  controls = controls_check(dialog.window);
  g_assert_cmpuint(controls->n_controls, >, 20);
  /* Those that the tests in a GIMP press. */
  if (controls_are_english())
    for (const char *letter = "cgsmafvdnltwyk"; *letter; letter++)
      g_assert_nonnull(strchr(controls->letters->str, *letter));
  controls_show(dialog.window, "image");
  gtk_widget_destroy(dialog.window);
  form_free(dialog.form);
  sheet_free(dialog.sheet);
}

/* ---- the class box with the thousand classes of ImageNet ---- */

typedef struct {
  GStrv names;
  CatalogModel model;
  GString *mnemonics;
  UiRows *rows;
  GtkWidget *window, *combo;
  ClassChoice *choice;
} ManyClasses;

static void
on_class(gpointer user_data)
{
}

static void
find_combo(GtkWidget *widget, gpointer combo)
{
  if (GTK_IS_COMBO_BOX(widget))
    *(GtkWidget **)combo = widget;
}

static void
many_set_up(ManyClasses *many, gconstpointer data)
{
  GtkSizeGroup *labels = gtk_size_group_new(GTK_SIZE_GROUP_HORIZONTAL);

  many->names = g_strsplit(ddim_imagenet_names, "\n", -1);
  many->model = (CatalogModel){.path = (char *)"/a/model", .classes = many->names};
  many->mnemonics = g_string_new(NULL);
  many->rows = ui_rows_new(many->mnemonics, labels);
  many->choice = class_choice_new(many->rows, CLASS_RANDOM, on_class, NULL);
  many->window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
  gtk_container_add(GTK_CONTAINER(many->window), many->rows->widget);
  gtk_container_foreach(GTK_CONTAINER(many->rows->widget), find_combo, &many->combo);
  gtk_widget_show_all(many->window);
  g_object_unref(labels);
}

static void
many_tear_down(ManyClasses *many, gconstpointer data)
{
  gtk_widget_destroy(many->window);
  class_choice_free(many->choice);
  ui_rows_free(many->rows);
  g_string_free(many->mnemonics, TRUE);
  g_strfreev(many->names);
}

/* A list that scrolls, not a menu with an item for each. */
static void
test_many_listed(ManyClasses *many, gconstpointer data)
{
  gboolean as_list;
  clock_t begun = clock();
  double seconds;

  class_choice_set_model(many->choice, &many->model, FALSE);
  while (gtk_events_pending())
    gtk_main_iteration();
  seconds = (double)(clock() - begun) / CLOCKS_PER_SEC;
  g_test_message("1000 classes are listed in %.3f s of the processor", seconds);
  g_assert_cmpfloat(seconds, <, 1);
  g_assert_cmpint(
      gtk_tree_model_iter_n_children(gtk_combo_box_get_model(GTK_COMBO_BOX(many->combo)), NULL), ==,
      1001);
  gtk_widget_style_get(many->combo, "appears-as-list", &as_list, NULL);
  g_assert_true(as_list);
}

static void
test_many_searched(ManyClasses *many, gconstpointer data)
{
  GtkEntry *entry = GTK_ENTRY(gtk_bin_get_child(GTK_BIN(many->combo)));
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autofree char *class = NULL;

  class_choice_set_model(many->choice, &many->model, FALSE);
  gtk_entry_set_text(entry, "Retriever"); /* several have it */
  g_assert_false(class_choice_is_complete(many->choice));
  gtk_entry_set_text(entry, "golden RETR");
  g_assert_true(class_choice_is_complete(many->choice));
  class_choice_read(many->choice, request);
  g_object_get(request, "class", &class, NULL);
  g_assert_cmpstr(class, ==, "golden retriever");
}

static void
test_mnemonics(void)
{
  g_autoptr(GString) used = g_string_new("w");
  g_autofree char *first = ui_mnemonic("Wombat", used), *second = ui_mnemonic("模型", used),
                  *third = ui_mnemonic("DDIM 图像…", used), *none = NULL;

  g_assert_cmpstr(first, ==, "W_ombat");
  g_assert_cmpstr(second, ==, "模型(_A)");
  g_assert_cmpstr(third, ==, "DDIM 图像(_D)…");
  for (char letter = 'a'; letter <= 'z'; letter++)
    g_string_append_c(used, letter);
  none = ui_mnemonic("Wombat", used);
  g_assert_cmpstr(none, ==, "Wombat");
}

int
main(int argc, char **argv)
{
  int status;

  if (devices_begin(argc, argv, &status))
    return status;
  controls_init(&argc, &argv);
  g_test_add_func("/dialog/controls", test_controls);
  g_test_add("/dialog/many-classes/listed", ManyClasses, NULL, many_set_up, test_many_listed,
             many_tear_down);
  g_test_add("/dialog/many-classes/searched", ManyClasses, NULL, many_set_up, test_many_searched,
             many_tear_down);
  g_test_add_func("/dialog/mnemonics", test_mnemonics);
  return g_test_run();
}
