/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/printable.h"

char *
ddim_printable(const char *text)
{
  GString *out = g_string_new(NULL);
  g_autofree char *valid = g_utf8_make_valid(text, -1);

  for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    g_string_append_unichar(out, g_unichar_iscntrl(c) ? 0xfffd : c);
  }
  return g_string_free(out, FALSE);
}
