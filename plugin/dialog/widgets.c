/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/dialog/widgets.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "plugin/work/settings.h"

GtkWidget *
ui_box(GtkOrientation orientation, int spacing)
{
#if GTK_MAJOR_VERSION >= 3
  return gtk_box_new(orientation, spacing);
#else
  return orientation == GTK_ORIENTATION_HORIZONTAL ? gtk_hbox_new(FALSE, spacing)
                                                   : gtk_vbox_new(FALSE, spacing);
#endif
}

GtkWidget *
ui_pack(GtkWidget *control, GtkWidget *button)
{
  GtkWidget *box = ui_box(GTK_ORIENTATION_HORIZONTAL, 6);

  gtk_box_pack_start(GTK_BOX(box), control, TRUE, TRUE, 0);
  gtk_box_pack_start(GTK_BOX(box), button, FALSE, FALSE, 0);
  return box;
}

/* ---- rows ---- */

UiRows *
ui_rows_new(GString *mnemonics, GtkSizeGroup *labels)
{
  UiRows *rows = g_new0(UiRows, 1);

  rows->mnemonics = mnemonics;
  rows->labels = g_object_ref(labels);
#if GTK_MAJOR_VERSION >= 3
  rows->widget = gtk_grid_new();
  gtk_grid_set_row_spacing(GTK_GRID(rows->widget), 6);
  gtk_grid_set_column_spacing(GTK_GRID(rows->widget), 6);
#else
  rows->widget = gtk_table_new(1, 2, FALSE);
  gtk_table_set_row_spacings(GTK_TABLE(rows->widget), 6);
  gtk_table_set_col_spacings(GTK_TABLE(rows->widget), 6);
#endif
  return rows;
}

void
ui_rows_free(UiRows *rows)
{
  g_object_unref(rows->labels);
  g_free(rows);
}

static void
attach(UiRows *rows, GtkWidget *widget, int column, int n_columns, gboolean expand)
{
#if GTK_MAJOR_VERSION >= 3
  gtk_widget_set_hexpand(widget, expand);
  gtk_grid_attach(GTK_GRID(rows->widget), widget, column, rows->n_rows, n_columns, 1);
#else
  gtk_table_attach(GTK_TABLE(rows->widget), widget, column, column + n_columns, rows->n_rows,
                   rows->n_rows + 1, expand ? GTK_EXPAND | GTK_FILL : GTK_FILL, GTK_FILL, 0, 0);
#endif
}

static GtkWidget *
left_label(const char *text)
{
  GtkWidget *label = gtk_label_new_with_mnemonic(text);

#if GTK_MAJOR_VERSION >= 3
  gtk_label_set_xalign(GTK_LABEL(label), 0);
#else
  gtk_misc_set_alignment(GTK_MISC(label), 0, 0.5);
#endif
  return label;
}

void
ui_set_tooltip(GtkWidget *control, const char *tooltip)
{
  gtk_widget_set_tooltip_text(control, tooltip);
  /* The pointer is over the entry of a combo box, not over the box. */
  if (GTK_IS_COMBO_BOX(control) && GTK_IS_ENTRY(gtk_bin_get_child(GTK_BIN(control))))
    gtk_widget_set_tooltip_text(gtk_bin_get_child(GTK_BIN(control)), tooltip);
}

GtkWidget *
ui_check_new(const char *english, GString *mnemonics, const char *tooltip)
{
  g_autofree char *text = ui_mnemonic(english, mnemonics);
  GtkWidget *check = gtk_check_button_new_with_mnemonic(text);

  ui_set_tooltip(check, tooltip);
  return check;
}

void
ui_rows_add(UiRows *rows, const char *text, GtkWidget *control, GtkWidget *packed,
            const char *tooltip)
{
  g_autofree char *mnemonic = ui_mnemonic(text, rows->mnemonics);
  /* Translators: a label in front of a control. GIMP's own Chinese has “%s：”. */
  g_autofree char *colon = g_strdup_printf(_("%s:"), mnemonic);
  GtkWidget *label = left_label(colon);

  gtk_label_set_mnemonic_widget(GTK_LABEL(label), control);
  gtk_size_group_add_widget(rows->labels, label);
  ui_set_tooltip(control, tooltip);
  attach(rows, label, 0, 1, FALSE);
  attach(rows, packed ? packed : control, 1, 1, TRUE);
  rows->n_rows++;
}

void
ui_rows_add_wide(UiRows *rows, GtkWidget *widget)
{
  attach(rows, widget, 1, 1, TRUE);
  rows->n_rows++;
}

/* ---- mnemonics ---- */

static gboolean
take(GString *mnemonics, char letter)
{
  letter = g_ascii_tolower(letter);
  if (!g_ascii_isalnum(letter) || strchr(mnemonics->str, letter))
    return FALSE;
  g_string_append_c(mnemonics, letter);
  return TRUE;
}

/* The first free letter of @text, at the beginning of a word if @initial; NULL when there is none.
 */
static const char *
find_letter(const char *text, gboolean initial, GString *mnemonics)
{
  for (const char *p = text; *p; p++)
    if ((!initial || p == text || p[-1] == ' ') && take(mnemonics, *p))
      return p;
  return NULL;
}

/* Whether @text is in a script whose words have no letters of the keyboard: its key is told behind
 * it, "模型(M)", even where it holds a Latin name. */
static gboolean
is_other_script(const char *text)
{
  for (const char *p = text; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    if (g_unichar_isalpha(c) && g_unichar_get_script(c) != G_UNICODE_SCRIPT_LATIN)
      return TRUE;
  }
  return FALSE;
}

/* @english  the text before it was translated, as far as that is known: its letters come first */
static char *
mnemonic_behind(const char *text, const char *english, GString *mnemonics)
{
  const char *letter = find_letter(english, TRUE, mnemonics);
  const char *end = text + strlen(text);
  char key = 0;

  if (!letter)
    letter = find_letter(english, FALSE, mnemonics);
  if (letter)
    key = *letter;
  for (char other = 'a'; other <= 'z' && !key; other++)
    if (take(mnemonics, other))
      key = other;
  if (!key)
    return g_strdup(text);
  /* In front of what ends the text: 打开(O)… */
  if (g_str_has_suffix(text, "…"))
    end -= strlen("…");
  return g_strdup_printf("%.*s(_%c)%s", (int)(end - text), text, g_ascii_toupper(key), end);
}

char *
ui_mnemonic(const char *english, GString *mnemonics)
{
  const char *text = _(english), *letter;

  if (is_other_script(text))
    return mnemonic_behind(text, english, mnemonics);
  letter = find_letter(text, TRUE, mnemonics);
  if (!letter)
    letter = find_letter(text, FALSE, mnemonics);
  return letter ? g_strdup_printf("%.*s_%s", (int)(letter - text), text, letter) : g_strdup(text);
}

void
ui_mnemonic_reserve(GtkWidget *widget, gpointer mnemonics)
{
  if (GTK_IS_LABEL(widget)) {
    guint key = gtk_label_get_mnemonic_keyval(GTK_LABEL(widget));
    if (key < 128)
      take(mnemonics, (char)key);
  } else if (GTK_IS_CONTAINER(widget))
    gtk_container_forall(GTK_CONTAINER(widget), ui_mnemonic_reserve, mnemonics);
}

char *
ui_capitalise(const char *text)
{
  g_autofree char *first = NULL;

  if (!*text)
    return g_strdup("");
  first = g_utf8_strup(text, g_utf8_next_char(text) - text);
  return g_strconcat(first, g_utf8_next_char(text), NULL);
}

/* ---- choices ---- */

enum { COLUMN_ID, COLUMN_TEXT, N_COLUMNS };

static GtkListStore *
get_store(GtkWidget *choice)
{
  return GTK_LIST_STORE(gtk_combo_box_get_model(GTK_COMBO_BOX(choice)));
}

GtkWidget *
ui_choice_new(void)
{
  GtkListStore *store = gtk_list_store_new(N_COLUMNS, G_TYPE_STRING, G_TYPE_STRING);
  GtkWidget *choice = gtk_combo_box_new_with_model(GTK_TREE_MODEL(store));
  GtkCellRenderer *cell = gtk_cell_renderer_text_new();

  g_object_unref(store);
  g_object_set(cell, "ellipsize", PANGO_ELLIPSIZE_END, "width-chars", 24, NULL);
#if GTK_MAJOR_VERSION >= 3
  g_object_set(cell, "max-width-chars", 24, NULL);
#endif
  gtk_cell_layout_pack_start(GTK_CELL_LAYOUT(choice), cell, TRUE);
  gtk_cell_layout_add_attribute(GTK_CELL_LAYOUT(choice), cell, "text", COLUMN_TEXT);
  return choice;
}

void
ui_choice_add(GtkWidget *choice, const char *id, const char *text)
{
  GtkTreeIter iter;

  gtk_list_store_append(get_store(choice), &iter);
  gtk_list_store_set(get_store(choice), &iter, COLUMN_ID, id, COLUMN_TEXT, text, -1);
}

void
ui_choice_clear(GtkWidget *choice)
{
  gtk_list_store_clear(get_store(choice));
}

char *
ui_choice_get(GtkWidget *choice)
{
  GtkTreeIter iter;
  char *id = NULL;

  if (gtk_combo_box_get_active_iter(GTK_COMBO_BOX(choice), &iter))
    gtk_tree_model_get(GTK_TREE_MODEL(get_store(choice)), &iter, COLUMN_ID, &id, -1);
  return id ? id : g_strdup("");
}

gboolean
ui_choice_set(GtkWidget *choice, const char *id)
{
  GtkTreeModel *model = GTK_TREE_MODEL(get_store(choice));
  GtkTreeIter iter;

  for (gboolean more = gtk_tree_model_get_iter_first(model, &iter); more;
       more = gtk_tree_model_iter_next(model, &iter)) {
    g_autofree char *other = NULL;
    gtk_tree_model_get(model, &iter, COLUMN_ID, &other, -1);
    if (g_ascii_strcasecmp(other, id) == 0) {
      gtk_combo_box_set_active_iter(GTK_COMBO_BOX(choice), &iter);
      return TRUE;
    }
  }
  return FALSE;
}

void
ui_choice_set_or_add(GtkWidget *choice, const char *id)
{
  if (ui_choice_set(choice, id))
    return;
  ui_choice_add(choice, id, id);
  ui_choice_set(choice, id);
}

void
ui_combo_scroll(GtkWidget *combo)
{
#if GTK_MAJOR_VERSION >= 3
  GtkCssProvider *css = gtk_css_provider_new();

  gtk_css_provider_load_from_data(css, "combobox { -GtkComboBox-appears-as-list: 1; }", -1, NULL);
  gtk_style_context_add_provider(gtk_widget_get_style_context(combo), GTK_STYLE_PROVIDER(css),
                                 GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
  g_object_unref(css);
#else
  gtk_rc_parse_string("style \"ddim-scrolls\" { GtkComboBox::appears-as-list = 1 }"
                      "widget \"*.ddim-scrolls\" style \"ddim-scrolls\"");
  gtk_widget_set_name(combo, "ddim-scrolls");
#endif
}

/* ---- numbers and notes ---- */

GtkWidget *
ui_spin_new(const char *name, double minimum, double step)
{
  GParamSpec *pspec = settings_get_pspec(name);
  double maximum = SETTINGS_MAX_SEED;
  GtkWidget *spin;

  if (G_IS_PARAM_SPEC_INT(pspec))
    maximum = G_PARAM_SPEC_INT(pspec)->maximum;
  else if (G_IS_PARAM_SPEC_DOUBLE(pspec))
    maximum = G_PARAM_SPEC_DOUBLE(pspec)->maximum;
  spin = gtk_spin_button_new_with_range(minimum, maximum, step);
  gtk_entry_set_activates_default(GTK_ENTRY(spin), TRUE);
  return spin;
}

double
ui_spin_get(GtkWidget *spin)
{
  gtk_spin_button_update(GTK_SPIN_BUTTON(spin));
  return gtk_spin_button_get_value(GTK_SPIN_BUTTON(spin));
}

GtkWidget *
ui_note_new(int width)
{
  GtkWidget *label = left_label("");
  PangoAttrList *attributes = pango_attr_list_new();

  pango_attr_list_insert(attributes, pango_attr_scale_new(PANGO_SCALE_SMALL));
  gtk_label_set_attributes(GTK_LABEL(label), attributes);
  pango_attr_list_unref(attributes);
  gtk_label_set_line_wrap(GTK_LABEL(label), TRUE);
  gtk_label_set_max_width_chars(GTK_LABEL(label), width);
  gtk_label_set_width_chars(GTK_LABEL(label), width);
  return label;
}
