/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** What commands print on standard output. Each returns DDIM_EXIT_FAILURE, said on stderr, when
 * that is full or closed. */

/** @text as it is: data. */
int ddim_cli_print(const char *text);
/** @text for people, in the locale's charset. */
int ddim_cli_print_text(const char *text);
/** What was built, as one line. */
int ddim_cli_print_json(JsonBuilder *builder);

/** Make g_print() and g_printerr() write what comes nearest where the locale has ASCII only: plain
 * quotes for “ ”, a space for the one in “13.0 MB”. Once, after setlocale(). */
void ddim_cli_init_charset(void);

G_END_DECLS
