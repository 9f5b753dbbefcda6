/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "controls.h"

#include <gegl.h>
#include <glib/gi18n-lib.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

void
controls_init(int *argc, char ***argv)
{
  setlocale(LC_ALL, "");
  g_test_init(argc, argv, NULL);
  gtk_init(argc, argv);
  gegl_init(NULL, NULL);
  bindtextdomain(GETTEXT_PACKAGE, g_getenv("DDIM_TEST_CATALOGS"));
  bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
}

gboolean
controls_are_english(void)
{
  return *g_getenv("DDIM_TEST_LANGUAGE") == '\0';
}

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
  const char *label = GTK_IS_BUTTON(widget)     ? gtk_button_get_label(GTK_BUTTON(widget))
                      : GTK_IS_EXPANDER(widget) ? gtk_expander_get_label(GTK_EXPANDER(widget))
                                                : NULL;

  return label ? label : G_OBJECT_TYPE_NAME(widget);
}

static gboolean
is_latin(const char *text)
{
  for (const char *p = text; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    if (g_unichar_isalpha(c) && g_unichar_get_script(c) != G_UNICODE_SCRIPT_LATIN)
      return FALSE;
  }
  return TRUE;
}

/* 模型(_M)： */
static gboolean
is_behind(const char *text)
{
  const char *underscore = strchr(text, '_');

  return underscore && underscore > text && underscore[-1] == '(' &&
         g_ascii_isupper(underscore[1]) && underscore[2] == ')' &&
         !(underscore - text > 1 && underscore[-2] == ' ') &&
         (underscore[3] == '\0' || underscore[3] == ':' || g_str_has_prefix(underscore + 3, "：") ||
          g_str_has_prefix(underscore + 3, "…"));
}

void
controls_check_text(const char *text, GString *letters)
{
  const char *underscore = strchr(text, '_');
  const char letter = underscore ? g_ascii_tolower(underscore[1]) : 0;

  if (!letter)
    return;
  if (strchr(letters->str, letter)) {
    g_test_message("“%s” has the letter %c, which another control has", text, letter);
    g_test_fail();
  }
  g_string_append_c(letters, letter);
  if (!is_latin(text) && !is_behind(text)) {
    g_test_message("“%s” has its letter in the wrong place", text);
    g_test_fail();
  }
}

static void
check(GtkWidget *widget, gpointer user_data)
{
  Controls *controls = user_data;

  if (is_control(widget)) {
    g_autofree char *tooltip = gtk_widget_get_tooltip_text(widget);
    controls->n_controls++;
    if (!tooltip || strlen(tooltip) < 6) {
      g_test_message("%s has no tooltip", get_name(widget));
      g_test_fail();
    }
  }
  if (GTK_IS_LABEL(widget) && gtk_label_get_mnemonic_keyval(GTK_LABEL(widget)) < 128)
    controls_check_text(gtk_label_get_label(GTK_LABEL(widget)), controls->letters);
  if (GTK_IS_CONTAINER(widget) && !GTK_IS_COMBO_BOX(widget))
    gtk_container_forall(GTK_CONTAINER(widget), check, controls);
  else if (GTK_IS_COMBO_BOX(widget) && GTK_IS_ENTRY(gtk_bin_get_child(GTK_BIN(widget))))
    check(gtk_bin_get_child(GTK_BIN(widget)), controls);
}

Controls *
controls_check(GtkWidget *window)
{
  Controls *controls = g_new0(Controls, 1);

  controls->letters = g_string_new(NULL);
  check(window, controls);
  g_test_message("%u controls, letters %s", controls->n_controls, controls->letters->str);
  return controls;
}

void
controls_free(Controls *controls)
{
  g_string_free(controls->letters, TRUE);
  g_free(controls);
}

/* ---- pictures ---- */

static gboolean
on_line(GIOChannel *channel, GIOCondition condition, gpointer user_data)
{
  g_autofree char *line = NULL;

  g_io_channel_read_line(channel, &line, NULL, NULL, NULL);
  gtk_main_quit();
  return G_SOURCE_REMOVE;
}

/* Also what few users need. */
static void
expand(GtkWidget *widget, gpointer user_data)
{
  if (GTK_IS_EXPANDER(widget))
    gtk_expander_set_expanded(GTK_EXPANDER(widget), TRUE);
  else if (GTK_IS_CONTAINER(widget))
    gtk_container_foreach(GTK_CONTAINER(widget), expand, NULL);
}

void
controls_show(GtkWidget *window, const char *name)
{
  g_autoptr(GIOChannel) input = NULL;

  if (!g_getenv("DDIM_TEST_SHOW"))
    return;
  input = g_io_channel_unix_new(0);
  expand(window, NULL);
  gtk_widget_show_all(window);
  g_io_add_watch(input, G_IO_IN | G_IO_HUP, on_line, NULL);
  printf("# %s is shown\n", name);
  fflush(stdout);
  gtk_main();
}
