/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What all sub-commands share: reading the command line, and how errors look. */

#include "cli/terminal/command.h"
#include "core/data/printable.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>

/* Print one line, even if the message is a build log or names a file with a line break. */
static void
print_line(const char *message)
{
  g_autofree char *line = g_strdup(message);

  g_strdelimit(line, "\r\n", ' ');
  g_autofree char *clean = ddim_printable(g_strchomp(line));
  g_printerr("ddim: %s\n", clean);
}

void
ddim_cli_warn(const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start(args, format);
  message = g_strdup_vprintf(format, args);
  va_end(args);
  print_line(message);
}

int
ddim_cli_fail(const GError *error)
{
  print_line(error->message);
  return DDIM_EXIT_FAILURE;
}

int
ddim_cli_usage(const char *format, ...)
{
  g_autofree char *message = NULL, *line = NULL;
  va_list args;

  va_start(args, format);
  message = g_strdup_vprintf(format, args);
  va_end(args);
  /* Translators: first an error message, then the command whose help tells more. */
  line = g_strdup_printf(_("%s (see '%s --help')"), message, g_get_prgname());
  print_line(line);
  return DDIM_EXIT_USAGE;
}

gboolean
ddim_cli_refuse(GError **error, DdimError code, const char *format, ...)
{
  va_list args;

  va_start(args, format);
  if (error)
    *error = g_error_new_valist(DDIM_ERROR, (int)code, format, args);
  va_end(args);
  return FALSE;
}

/* Long paragraphs broken at spaces for a terminal of 80 columns. (transfer full) */
static char *
wrap(const char *text)
{
  g_auto(GStrv) words = g_strsplit(text, " ", -1);
  g_autoptr(GString) out = g_string_new(NULL);
  glong column = 0;

  for (guint i = 0; words[i]; i++) {
    glong length = g_utf8_strlen(words[i], -1);
    const char *newline = strrchr(words[i], '\n');

    if (i > 0)
      g_string_append_c(out, column + length > 78 ? '\n' : ' ');
    column = column + length > 78 ? length : column + 1 + length;
    if (newline)
      column = g_utf8_strlen(newline + 1, -1);
    g_string_append(out, words[i]);
  }
  return g_string_free(g_steal_pointer(&out), FALSE);
}

static GOptionContext *
context_new(const DdimHelp *help, const GOptionEntry *entries, gpointer user_data)
{
  GOptionContext *context = g_option_context_new(help->arguments ? _(help->arguments) : NULL);
  g_autofree char *summary = wrap(_(help->description));
  GOptionGroup *group = g_option_group_new(NULL, NULL, NULL, user_data, NULL);

  g_option_group_set_translation_domain(group, GETTEXT_PACKAGE);
  g_option_group_add_entries(group, entries);
  g_option_context_set_main_group(context, group);
  g_option_context_set_summary(context, summary);
  if (help->examples) {
    g_auto(GStrv) lines = g_strsplit(help->examples, "\n", -1);
    g_autofree char *indented = g_strjoinv("\n  ", lines);
    g_autofree char *text = g_strdup_printf("%s\n  %s", _("Examples:"), indented);
    g_option_context_set_description(context, text);
  }
  return context;
}

static gboolean
count_arguments(const DdimHelp *help, int argc, char **argv, int *code)
{
  int n = argc - 1;

  if (n > help->max_args)
    *code = ddim_cli_usage(_("unexpected argument '%s'"), argv[1 + help->max_args]);
  else if (n < help->min_args)
    *code = ddim_cli_usage(_("an argument is missing: %s"), _(help->arguments));
  else
    return TRUE;
  return FALSE;
}

gboolean
ddim_cli_parse(DdimCli *cli, const DdimHelp *help, const GOptionEntry *entries, gpointer user_data,
               int *argc, char ***argv, int *code)
{
  g_autoptr(GOptionContext) context = NULL;
  g_autoptr(GError) error = NULL;

  if (cli->describe) {
    cli->describe(cli->describe_data, (*argv)[0], help, entries);
    *code = DDIM_EXIT_OK;
    return FALSE;
  }
  g_set_prgname((*argv)[0]);
  context = context_new(help, entries, user_data);
  if (!g_option_context_parse(context, argc, argv, &error)) {
    *code = ddim_cli_usage("%s", error->message);
    return FALSE;
  }
  /* "--" ends the options and stays in argv when arguments follow. */
  if (*argc > 1 && g_str_equal((*argv)[1], "--")) {
    for (int i = 1; i + 1 < *argc; i++)
      (*argv)[i] = (*argv)[i + 1];
    (*argv)[--*argc] = NULL;
  }
  return count_arguments(help, *argc, *argv, code);
}
