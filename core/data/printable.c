/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/printable.h"

/* U+202A … U+202E and U+2066 … U+2069 can make a name look like another one; U+2028 and U+2029 end
 * lines. */
gboolean
ddim_is_harmful(gunichar c)
{
  return g_unichar_iscntrl(c) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static char *
clean(const char *text, gunichar keep)
{
  GString *out = g_string_new(NULL);
  g_autofree char *valid = g_utf8_make_valid(text, -1);

  for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);
    g_string_append_unichar(out, ddim_is_harmful(c) && c != keep ? 0xfffd : c);
  }
  return g_string_free(out, FALSE);
}

char *
ddim_printable(const char *text)
{
  return clean(text, 0);
}

char *
ddim_printable_lines(const char *text)
{
  return clean(text, '\n');
}
