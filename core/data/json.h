/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** How deeply arrays and objects may be nested. There is a limit because json-glib is recursive. */
#define DDIM_JSON_MAX_DEPTH 32

/** Parse JSON from a file that cannot be trusted. The text is first checked against RFC 8259
 * without recursion, because json-glib accepts more than JSON, recurses as deep as the text asks
 * and asserts on lone surrogates.
 *
 * Memory: at most 32 MiB and three times the text's length. A text that would take more, which
 * needs some hundred thousand values, is refused before it is parsed.
 *
 * @name  what to call the text in messages, e.g. its file name
 * Returns (transfer full) the root; NULL with DDIM_ERROR_FORMAT "NAME, line N: …" for anything else
 * than one JSON value, for deeper nesting, and for the character \u0000. */
JsonNode *ddim_json_parse(const char *text, gsize length, const char *name, GError **error);

/** The same for a text that begins at line @line of a longer one, for messages. */
JsonNode *ddim_json_parse_line(const char *text, gsize length, const char *name, guint64 line,
                               GError **error);

/** @node as one line of JSON that ddim_json_parse() takes, and that can be shown. Unlike
 * json_to_string(), it escapes everything that could steer a terminal. (transfer full) */
char *ddim_json_to_line(JsonNode *node);
/** The same in several lines, with indentation. (transfer full) */
char *ddim_json_to_text(JsonNode *node);

G_END_DECLS
