/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/print.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/terminal/command.h"
#include "cli/terminal/members.h"
#include "core/data/printable.h"

static gboolean
is_ascii(void)
{
  const char *charset;

  g_get_charset(&charset);
  return g_str_equal(charset, "ANSI_X3.4-1968") || g_str_equal(charset, "US-ASCII");
}

/* @text cleaned and in the locale's charset. (transfer full) */
static char *
to_shown(const char *text)
{
  g_autofree char *clean = ddim_printable_lines(text);
  char *shown =
      is_ascii() ? g_str_to_ascii(clean, NULL) : g_locale_from_utf8(clean, -1, NULL, NULL, NULL);

  return shown ? shown : g_steal_pointer(&clean);
}

gboolean
ddim_cli_write(const char *text, GError **error)
{
  int number;

  if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
    return TRUE;
  number = errno;
  g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(number),
              _("writing to standard output failed: %s"), g_strerror(number));
  return FALSE;
}

int
ddim_cli_print(const char *text)
{
  g_autoptr(GError) error = NULL;

  return ddim_cli_write(text, &error) ? DDIM_EXIT_OK : ddim_cli_fail(error);
}

int
ddim_cli_print_text(const char *text)
{
  g_autofree char *shown = to_shown(text);

  return ddim_cli_print(shown);
}

int
ddim_cli_print_json(JsonBuilder *builder)
{
  g_autofree char *line = ddim_members_to_line(builder);

  return ddim_cli_print(line);
}

/* For help and tables. A program that prints these has nothing else to do, so it may end here;
 * GOption also ends it after its own help. */
static void
on_print(const char *text)
{
  if (ddim_cli_print_text(text) != DDIM_EXIT_OK)
    _exit(DDIM_EXIT_FAILURE);
}

static void
on_printerr(const char *text)
{
  g_autofree char *shown = to_shown(text);

  fputs(shown, stderr);
  fflush(stderr);
}

void
ddim_cli_init_print(void)
{
  g_set_print_handler(on_print);
  g_set_printerr_handler(on_printerr);
}
