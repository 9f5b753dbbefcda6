/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/class-choice.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>
#include "plugin/dialog/thumbnails.h"
#include "plugin/work/names.h"

/* The index is -1 for no class: “Random” or “Automatic”. */
enum { COLUMN_INDEX, COLUMN_TEXT, COLUMN_PICTURE, N_COLUMNS };

struct _ClassChoice {
  GtkWidget *combo;
  GtkListStore *store;
  const CatalogModel *model; /* (nullable) */
  gboolean writing;          /* the program, not the user, changes the text */
  ClassOpen open;
  UiChanged changed;
  gpointer user_data;
};

/* How no class is called. */
static const char *
get_open_name(const ClassChoice *choice)
{
  return choice->open == CLASS_AUTOMATIC ? _("Automatic") : _("Random");
}

static GtkEntry *
get_entry(ClassChoice *choice)
{
  return GTK_ENTRY(gtk_bin_get_child(GTK_BIN(choice->combo)));
}

static gboolean
is_open(ClassChoice *choice)
{
  const char *text = gtk_entry_get_text(get_entry(choice));

  return !*text || g_str_equal(text, get_open_name(choice)) ||
         !gtk_widget_get_sensitive(choice->combo);
}

/* ---- the list ---- */

static int
compare(gconstpointer a, gconstpointer b, gpointer user_data)
{
  const CatalogModel *model = user_data;
  const char *one = model->classes[*(const guint *)a], *other = model->classes[*(const guint *)b];

  /* Numbers by their value. */
  if (g_ascii_isdigit(*one) && g_ascii_isdigit(*other)) {
    const gint64 first = g_ascii_strtoll(one, NULL, 10), second = g_ascii_strtoll(other, NULL, 10);
    if (first != second)
      return first < second ? -1 : 1;
  }
  return g_utf8_collate(names_show_class(one), names_show_class(other));
}

static void
add_class(ClassChoice *choice, int index, const char *text)
{
  GdkPixbuf *picture = index < 0 ? NULL : thumbnails_load(choice->model, index);

  gtk_list_store_insert_with_values(choice->store, NULL, -1, COLUMN_INDEX, index, COLUMN_TEXT, text,
                                    COLUMN_PICTURE, picture, -1);
  g_clear_object(&picture);
}

static GtkListStore *
new_store(void)
{
  return gtk_list_store_new(N_COLUMNS, G_TYPE_INT, G_TYPE_STRING, GDK_TYPE_PIXBUF);
}

/* @list  (nullable) what is shown and searched */
static void
attach(ClassChoice *choice, GtkTreeModel *list)
{
  gtk_combo_box_set_model(GTK_COMBO_BOX(choice->combo), list);
  gtk_entry_completion_set_model(gtk_entry_get_completion(get_entry(choice)), list);
}

static void
list_classes(ClassChoice *choice)
{
  const CatalogModel *model = choice->model;
  const guint n = model ? g_strv_length(model->classes) : 0;
  g_autofree guint *order = g_new(guint, n + 1);

  /* A list that is shown already would be laid out again for each row. */
  attach(choice, NULL);
  g_object_unref(choice->store);
  choice->store = new_store();
  add_class(choice, -1, get_open_name(choice));
  for (guint i = 0; i < n; i++)
    order[i] = i;
  g_qsort_with_data(order, n, sizeof *order, compare, (gpointer)model);
  for (guint i = 0; i < n; i++)
    add_class(choice, order[i], names_show_class(model->classes[order[i]]));
  attach(choice, GTK_TREE_MODEL(choice->store));
}

void
class_choice_show_thumbnail(ClassChoice *choice, guint class)
{
  GtkTreeModel *list = GTK_TREE_MODEL(choice->store);
  GtkTreeIter iter;

  for (gboolean more = gtk_tree_model_get_iter_first(list, &iter); more;
       more = gtk_tree_model_iter_next(list, &iter)) {
    int index;
    gtk_tree_model_get(list, &iter, COLUMN_INDEX, &index, -1);
    if (index == (int)class) {
      GdkPixbuf *picture = thumbnails_load(choice->model, class);
      gtk_list_store_set(choice->store, &iter, COLUMN_PICTURE, picture, -1);
      g_clear_object(&picture);
    }
  }
}

void
class_choice_set_model(ClassChoice *choice, const CatalogModel *model, gboolean other)
{
  g_autofree char *text = g_strdup(gtk_entry_get_text(get_entry(choice)));
  gboolean unconditional = model && !model->error && !model->classes[0];

  choice->model = model;
  choice->writing = TRUE;
  list_classes(choice);
  gtk_entry_set_text(get_entry(choice), unconditional ? "" : *text ? text : get_open_name(choice));
  if (other && !class_choice_is_complete(choice))
    gtk_entry_set_text(get_entry(choice), get_open_name(choice));
  gtk_widget_set_sensitive(choice->combo, !unconditional);
  choice->writing = FALSE;
}

/* ---- searching ---- */

/* Any part of the name, in the user's language or the model's. @key is case-folded. */
static gboolean
matches(GtkEntryCompletion *completion, const char *key, GtkTreeIter *iter, gpointer user_data)
{
  ClassChoice *choice = user_data;
  int index;

  gtk_tree_model_get(GTK_TREE_MODEL(choice->store), iter, COLUMN_INDEX, &index, -1);
  return names_contain(
      index < 0 || !choice->model ? get_open_name(choice) : choice->model->classes[index], key);
}

static void
add_picture(GtkCellLayout *layout)
{
  GtkCellRenderer *cell = gtk_cell_renderer_pixbuf_new();

  gtk_cell_layout_pack_start(layout, cell, FALSE);
  gtk_cell_layout_reorder(layout, cell, 0);
  gtk_cell_layout_add_attribute(layout, cell, "pixbuf", COLUMN_PICTURE);
}

static void
add_search(ClassChoice *choice)
{
  GtkEntryCompletion *completion = gtk_entry_completion_new();

  gtk_entry_completion_set_model(completion, GTK_TREE_MODEL(choice->store));
  gtk_entry_completion_set_text_column(completion, COLUMN_TEXT);
  add_picture(GTK_CELL_LAYOUT(completion));
  gtk_entry_completion_set_match_func(completion, matches, choice, NULL);
  gtk_entry_completion_set_popup_single_match(completion, FALSE);
  gtk_entry_set_completion(get_entry(choice), completion);
  g_object_unref(completion);
}

static void
on_changed(GtkWidget *entry, ClassChoice *choice)
{
  if (!choice->writing)
    choice->changed(choice->user_data);
}

/* ---- the widget ---- */

ClassChoice *
class_choice_new(UiRows *rows, ClassOpen open, UiChanged changed, gpointer user_data)
{
  ClassChoice *choice = g_new0(ClassChoice, 1);

  choice->open = open;
  choice->changed = changed;
  choice->user_data = user_data;
  choice->store = new_store();
  choice->combo = gtk_combo_box_new_with_model_and_entry(GTK_TREE_MODEL(choice->store));
  gtk_combo_box_set_entry_text_column(GTK_COMBO_BOX(choice->combo), COLUMN_TEXT);
  ui_combo_scroll(choice->combo);
  add_picture(GTK_CELL_LAYOUT(choice->combo));
  gtk_entry_set_activates_default(get_entry(choice), TRUE);
  add_search(choice);
  ui_rows_add(rows, N_("Class"), choice->combo, NULL,
              open == CLASS_AUTOMATIC
                  ? _("What the image shows: choose from the list, or type a part of a name to "
                      "search. Automatic finds what fits the picture best")
                  : _("What the image shows: choose from the list, or type a part of a name to "
                      "search. Several, separated by commas, take turns"));
  g_signal_connect(get_entry(choice), "changed", G_CALLBACK(on_changed), choice);
  return choice;
}

void
class_choice_free(ClassChoice *choice)
{
  g_object_unref(choice->store);
  g_free(choice);
}

void
class_choice_grab_focus(ClassChoice *choice)
{
  gtk_widget_grab_focus(GTK_WIDGET(get_entry(choice)));
}

/* ---- values ---- */

static char *
read_classes(ClassChoice *choice)
{
  return names_read_classes(gtk_entry_get_text(get_entry(choice)),
                            choice->model ? (const char *const *)choice->model->classes : NULL);
}

static gboolean
is_known(ClassChoice *choice, const char *name)
{
  char *end;
  guint64 number = g_ascii_strtoull(name, &end, 10);

  return g_strv_contains((const char *const *)choice->model->classes, name) ||
         (*name && !*end && number < g_strv_length(choice->model->classes));
}

gboolean
class_choice_is_complete(ClassChoice *choice)
{
  g_autofree char *classes = read_classes(choice);
  g_auto(GStrv) parts = g_strsplit(classes, ",", -1);

  if (is_open(choice) || !choice->model || is_known(choice, classes))
    return TRUE;
  for (guint i = 0; parts[i]; i++) {
    char *weight = strrchr(parts[i], ':');
    if (weight)
      *weight = '\0';
    if (!is_known(choice, g_strstrip(parts[i])))
      return FALSE;
  }
  return TRUE;
}

void
class_choice_write(ClassChoice *choice, DdimRequest *request)
{
  g_autofree char *class = NULL, *shown = NULL;

  g_object_get(request, "class", &class, NULL);
  shown = class ? names_show_classes(class) : g_strdup(get_open_name(choice));
  choice->writing = TRUE;
  gtk_entry_set_text(get_entry(choice), shown);
  choice->writing = FALSE;
}

void
class_choice_read(ClassChoice *choice, DdimRequest *request)
{
  g_autofree char *classes = read_classes(choice);

  g_object_set(request, "class", is_open(choice) ? NULL : classes, NULL);
}
