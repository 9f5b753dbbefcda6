/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** @text as one line that can be shown: control characters, with which a file could write anywhere
 * on a terminal, those that turn the direction of writing, and what is no UTF-8 become U+FFFD.
 * (transfer full) */
char *ddim_printable(const char *text);
/** Likewise several lines: line ends stay. (transfer full) */
char *ddim_printable_lines(const char *text);

G_END_DECLS
