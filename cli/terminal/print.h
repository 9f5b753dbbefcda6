/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** What commands print on standard output. When that is full or closed, each function that returns
 * an exit code says so on stderr and returns DDIM_EXIT_FAILURE. */

/** @text as it is: data. */
int ddim_cli_print(const char *text);
/** The same for a command that goes on. Errors: G_FILE_ERROR. */
gboolean ddim_cli_write(const char *text, GError **error);
/** @text for people, in the locale's charset. */
int ddim_cli_print_text(const char *text);
/** What was built, as one line. */
int ddim_cli_print_json(JsonBuilder *builder);

/** From now on whatever is printed for people with g_print(), g_printerr() and
 * ddim_cli_print_text() is plain text. It has no control characters, which names in files may
 * hold. In a locale that has only ASCII, other characters become the nearest ones there are: plain
 * quotes for “ ”. When standard output is full or closed, g_print() says so and ends the program
 * with DDIM_EXIT_FAILURE. Call this once, after setlocale(). */
void ddim_cli_init_print(void);

G_END_DECLS
