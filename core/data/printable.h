/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Whether showing @c could do more than show a character: control characters, those that change the
 * direction of writing, and those that end lines. */
gboolean ddim_is_harmful(gunichar c);
/** @text as one line that is safe to show. U+FFFD replaces control characters, with which a file
 * could write anywhere on a terminal, characters that change the direction of writing, and bytes
 * that are not UTF-8. (transfer full) */
char *ddim_printable(const char *text);
/** The same for several lines: line ends are kept. (transfer full) */
char *ddim_printable_lines(const char *text);

G_END_DECLS
