/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Every control of a dialog has a tooltip, no two have the same letter, and letters stand where
 * GIMP has them. In the language of the environment, without a GIMP. */
#include "plugin/dialog/dialog.c"

#include <locale.h>
#include <string.h>

static const char *language; /* "" for the sources' own */
static GString *letters;     /* in use */
static guint n_controls;

static gboolean
is_control(GtkWidget *widget)
{
  /* The inside of a combo box or of an expander, and arrows of a scroll bar, are no controls. */
  if (GTK_IS_TOGGLE_BUTTON(widget) && !GTK_IS_CHECK_BUTTON(widget))
    return FALSE;
  return GTK_IS_BUTTON(widget) || GTK_IS_ENTRY(widget) || GTK_IS_COMBO_BOX(widget) ||
         GTK_IS_EXPANDER(widget);
}

static const char *
get_name(GtkWidget *widget)
{
  const char *label = GTK_IS_BUTTON(widget) ? gtk_button_get_label(GTK_BUTTON(widget)) : NULL;

  return label ? label : G_OBJECT_TYPE_NAME(widget);
}

static void
check_letter(const char *text, char key)
{
  const char *underscore = strchr(text, '_');
  gboolean latin = TRUE;

  if (!key)
    return;
  if (strchr(letters->str, key)) {
    g_test_message("“%s” has the letter %c, which another control has", text, key);
    g_test_fail();
  }
  g_string_append_c(letters, key);
  for (const char *p = text; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    if (g_unichar_isalpha(c) && g_unichar_get_script(c) != G_UNICODE_SCRIPT_LATIN)
      latin = FALSE;
  }
  if (latin)
    return;
  /* 模型(_M)： */
  g_assert_nonnull(underscore);
  g_assert_true(underscore > text && underscore[-1] == '(' && underscore[2] == ')');
  g_assert_true(g_ascii_isupper(underscore[1]));
  g_assert_false(underscore - text > 1 && underscore[-2] == ' ');
  g_assert_true(underscore[3] == '\0' || g_str_has_prefix(underscore + 3, "：") ||
                g_str_has_prefix(underscore + 3, "…") || underscore[3] == ':');
}

static void
check(GtkWidget *widget, gpointer user_data)
{
  if (is_control(widget)) {
    g_autofree char *tooltip = gtk_widget_get_tooltip_text(widget);
    n_controls++;
    if (!tooltip || strlen(tooltip) < 6) {
      g_test_message("%s has no tooltip", get_name(widget));
      g_test_fail();
    }
  }
  if (GTK_IS_LABEL(widget)) {
    guint key = gtk_label_get_mnemonic_keyval(GTK_LABEL(widget));
    if (key < 128)
      check_letter(gtk_label_get_label(GTK_LABEL(widget)), g_ascii_tolower((char)key));
  }
  if (GTK_IS_CONTAINER(widget) && !GTK_IS_COMBO_BOX(widget))
    gtk_container_forall(GTK_CONTAINER(widget), check, NULL);
  else if (GTK_IS_COMBO_BOX(widget) && GTK_IS_ENTRY(gtk_bin_get_child(GTK_BIN(widget))))
    check(gtk_bin_get_child(GTK_BIN(widget)), NULL);
}

static void
test_controls(void)
{
  Dialog dialog = {.image = NO_IMAGE, .drawable = NO_DRAWABLE, .layer = NO_LAYER};

  letters = g_string_new(NULL);
  build(&dialog);
  check(dialog.window, NULL);
  g_assert_cmpuint(n_controls, >, 20);
  /* Those that the tests in a GIMP press. */
  if (!*language)
    for (const char *letter = "cgsmafvdnltwyk"; *letter; letter++)
      g_assert_nonnull(strchr(letters->str, *letter));
  g_test_message("%u controls, letters %s", n_controls, letters->str);
  gtk_widget_destroy(dialog.window);
  form_free(dialog.form);
  sheet_free(dialog.sheet);
  g_string_free(letters, TRUE);
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
  setlocale(LC_ALL, "");
  g_test_init(&argc, &argv, NULL);
  gtk_init(&argc, &argv);
  gegl_init(NULL, NULL);
  language = g_getenv("DDIM_TEST_LANGUAGE");
  bindtextdomain(GETTEXT_PACKAGE, g_getenv("DDIM_TEST_CATALOGS"));
  bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
  g_test_add_func("/dialog/controls", test_controls);
  g_test_add_func("/dialog/mnemonics", test_mnemonics);
  return g_test_run();
}
