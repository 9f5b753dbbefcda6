/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/json.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <string.h>
#include "core/data/error.h"
#include "core/data/printable.h"

/* What json-glib takes for a value of any kind, an object, and a member of one, as was measured,
 * and how much it may take beside the text's length. */
enum { VALUE_MEMORY = 120, OBJECT_MEMORY = 320, MEMBER_MEMORY = 80 };
#define SPARE_MEMORY ((gsize)32 << 20)

typedef struct {
  const char *name;
  const char *start, *at, *end;
  guint64 line; /* the first line's number */
  guint depth;
  gsize memory; /* that json-glib will take, as below */
  gboolean in_object[DDIM_JSON_MAX_DEPTH];
} Scan;

static gboolean
fail(const Scan *scan, const char *what, GError **error)
{
  guint64 line = scan->line;

  for (const char *p = scan->start; p < scan->at; p++)
    line += *p == '\n';
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s, line %" PRIu64 ": %s"), scan->name, line,
              what);
  return FALSE;
}

static void
skip_space(Scan *scan)
{
  while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) && *scan->at)
    scan->at++;
}

static gboolean
take(Scan *scan, char c)
{
  if (scan->at == scan->end || *scan->at != c)
    return FALSE;
  scan->at++;
  return TRUE;
}

/* The four digits after \u, or -1. */
static int
take_hex(Scan *scan)
{
  int value = 0;

  if (scan->end - scan->at < 4)
    return -1;
  for (int i = 0; i < 4; i++) {
    int digit = g_ascii_xdigit_value(*scan->at++);
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

static gboolean
scan_escape(Scan *scan, GError **error)
{
  if (scan->at == scan->end)
    return fail(scan, _("the text ends inside a string"), error);
  if (*scan->at != 'u') {
    if (!*scan->at || !strchr("\"\\/bfnrt", *scan->at))
      return fail(scan, _("unknown escape in a string"), error);
    scan->at++;
    return TRUE;
  }
  scan->at++;

  int unit = take_hex(scan);
  if (unit <= 0)
    return fail(scan, _("\\u needs four hexadecimal digits other than 0000"), error);
  if (unit >= 0xd800 && unit < 0xe000) {
    gboolean high = unit < 0xdc00 && take(scan, '\\') && take(scan, 'u');
    int low = high ? take_hex(scan) : -1;
    if (low < 0xdc00 || low >= 0xe000)
      return fail(scan, _("half of a surrogate pair in a string"), error);
  }
  return TRUE;
}

static gboolean
scan_string(Scan *scan, GError **error)
{
  if (!take(scan, '"'))
    return fail(scan, _("expected a string in double quotes"), error);
  while (scan->at < scan->end) {
    guchar c = *scan->at++;
    if (c == '"')
      return TRUE;
    if (c < 0x20)
      return fail(scan, _("control character in a string"), error);
    if (c == '\\' && !scan_escape(scan, error))
      return FALSE;
  }
  return fail(scan, _("the text ends inside a string"), error);
}

static gboolean
take_digits(Scan *scan)
{
  const char *first = scan->at;

  while (scan->at < scan->end && g_ascii_isdigit(*scan->at))
    scan->at++;
  return scan->at > first;
}

/* Refuse whole numbers beyond 64 bits. json-glib wraps them around, so a seed would silently become
 * another one. */
static gboolean
check_integer(Scan *scan, const char *first, GError **error)
{
  g_autofree char *digits = g_strndup(first, scan->at - first);

  return g_ascii_string_to_signed(digits, 10, G_MININT64, G_MAXINT64, NULL, NULL) ||
         fail(scan, _("a whole number is beyond 64 bits"), error);
}

static gboolean
scan_number(Scan *scan, GError **error)
{
  const char *first = scan->at;
  gboolean good, whole;

  take(scan, '-');
  good = take(scan, '0') || take_digits(scan);
  whole = scan->at == scan->end || !strchr(".eE", *scan->at);
  if (good && whole)
    return check_integer(scan, first, error);
  if (good && take(scan, '.'))
    good = take_digits(scan);
  if (good && (take(scan, 'e') || take(scan, 'E'))) {
    if (!take(scan, '+'))
      take(scan, '-');
    good = take_digits(scan);
  }
  return good || fail(scan, _("expected a value"), error);
}

static gboolean
scan_word(Scan *scan, const char *word)
{
  gsize length = strlen(word);

  if ((gsize)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
    return FALSE;
  scan->at += length;
  return TRUE;
}

static gboolean
scan_key(Scan *scan, GError **error)
{
  scan->memory += MEMBER_MEMORY;
  skip_space(scan);
  if (!scan_string(scan, error))
    return FALSE;
  skip_space(scan);
  return take(scan, ':') || fail(scan, _("expected ':' after a member's name"), error);
}

/* Read the start of a value. A scalar or an empty container is read to its end (*opened is FALSE);
 * another container is entered (*opened is TRUE). */
static gboolean
scan_value(Scan *scan, gboolean *opened, GError **error)
{
  *opened = FALSE;
  skip_space(scan);
  if (scan->at == scan->end)
    return fail(scan, _("the text ends where a value is expected"), error);

  char c = *scan->at;
  scan->memory += VALUE_MEMORY + (c == '{' ? OBJECT_MEMORY : 0);
  if (scan->memory > SPARE_MEMORY + (gsize)(scan->end - scan->start))
    return fail(scan, _("more values than any such file needs"), error);
  if (c == '{' || c == '[') {
    scan->at++;
    skip_space(scan);
    if (take(scan, c == '{' ? '}' : ']'))
      return TRUE;
    if (scan->depth == DDIM_JSON_MAX_DEPTH)
      return fail(scan, _("nested too deeply"), error);
    scan->in_object[scan->depth++] = c == '{';
    *opened = TRUE;
    return c == '[' || scan_key(scan, error);
  }
  if (c == '"')
    return scan_string(scan, error);
  if (scan_word(scan, "true") || scan_word(scan, "false") || scan_word(scan, "null"))
    return TRUE;
  return scan_number(scan, error);
}

/* After a value, close the containers that end here. *more tells whether another value follows. */
static gboolean
scan_after(Scan *scan, gboolean *more, GError **error)
{
  *more = FALSE;
  while (scan->depth > 0) {
    gboolean object = scan->in_object[scan->depth - 1];
    skip_space(scan);
    if (take(scan, ',')) {
      *more = TRUE;
      return !object || scan_key(scan, error);
    }
    if (!take(scan, object ? '}' : ']'))
      return fail(scan, object ? _("expected ',' or '}'") : _("expected ',' or ']'"), error);
    scan->depth--;
  }
  return TRUE;
}

static gboolean
check(const char *text, gsize length, const char *name, guint64 line, GError **error)
{
  Scan scan = {.name = name, .start = text, .at = text, .end = text + length, .line = line};
  gboolean more = TRUE;

  if (!g_utf8_validate_len(text, length, &scan.at))
    return fail(&scan, _("not UTF-8 text"), error);
  scan.at = text;
  while (more) {
    if (!scan_value(&scan, &more, error))
      return FALSE;
    if (!more && !scan_after(&scan, &more, error))
      return FALSE;
  }
  skip_space(&scan);
  return scan.at == scan.end || fail(&scan, _("text after the end of the JSON value"), error);
}

JsonNode *
ddim_json_parse(const char *text, gsize length, const char *name, GError **error)
{
  return ddim_json_parse_line(text, length, name, 1, error);
}

JsonNode *
ddim_json_parse_line(const char *text, gsize length, const char *name, guint64 line, GError **error)
{
  g_autoptr(JsonParser) parser = json_parser_new_immutable();
  g_autoptr(GError) local = NULL;

  if (!check(text, length, name, line, error))
    return NULL;
  if (length > G_MAXSSIZE || !json_parser_load_from_data(parser, text, length, &local)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, "%s: %s", name,
                local ? local->message : _("too long"));
    return NULL;
  }
  return json_parser_steal_root(parser);
}

/* The same JSON, but safe to show. All of the characters that are not have at most four digits.
 * (transfer full) */
static char *
escape(const char *text)
{
  GString *out = g_string_new(NULL);

  for (const char *p = text; *p; p = g_utf8_next_char(p)) {
    const gunichar c = g_utf8_get_char(p);
    if (ddim_is_harmful(c) && c != '\n')
      g_string_append_printf(out, "\\u%04x", c);
    else
      g_string_append_unichar(out, c);
  }
  return g_string_free(out, FALSE);
}

char *
ddim_json_to_line(JsonNode *node)
{
  g_autofree char *text = json_to_string(node, FALSE);

  return escape(text);
}

char *
ddim_json_to_text(JsonNode *node)
{
  g_autofree char *text = json_to_string(node, TRUE);

  return escape(text);
}
