/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/print.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>

#include "cli/terminal/command.h"
#include "cli/terminal/members.h"

static gboolean
is_ascii(void)
{
  const char *charset;

  g_get_charset(&charset);
  return g_str_equal(charset, "ANSI_X3.4-1968") || g_str_equal(charset, "US-ASCII");
}

/* (transfer full) */
static char *
to_ascii(const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text, -1);

  return g_str_to_ascii(valid, NULL);
}

int
ddim_cli_print(const char *text)
{
  if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
    return DDIM_EXIT_OK;
  ddim_cli_warn(_("writing to standard output failed: %s"), g_strerror(errno));
  return DDIM_EXIT_FAILURE;
}

int
ddim_cli_print_text(const char *text)
{
  g_autofree char *shown =
      is_ascii() ? to_ascii(text) : g_locale_from_utf8(text, -1, NULL, NULL, NULL);

  return ddim_cli_print(shown ? shown : text);
}

int
ddim_cli_print_json(JsonBuilder *builder)
{
  g_autofree char *line = ddim_members_to_line(builder);

  return ddim_cli_print(line);
}

static void
print_ascii(const char *text, FILE *stream)
{
  g_autofree char *ascii = to_ascii(text);

  fputs(ascii, stream);
  fflush(stream);
}

static void
on_print(const char *text)
{
  print_ascii(text, stdout);
}

static void
on_printerr(const char *text)
{
  print_ascii(text, stderr);
}

void
ddim_cli_init_charset(void)
{
  if (!is_ascii())
    return;
  g_set_print_handler(on_print);
  g_set_printerr_handler(on_printerr);
}
