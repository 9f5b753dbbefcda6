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

/** From now on whatever is printed for people with g_print(), g_printerr() and
 * ddim_cli_print_text() is text and nothing else: no control characters, which names in files may
 * hold, and in a locale that has ASCII only what comes nearest: plain quotes for “ ”. When standard
 * output is full or closed, g_print() says so and ends the program with DDIM_EXIT_FAILURE. Once,
 * after setlocale(). */
void ddim_cli_init_print(void);

G_END_DECLS
