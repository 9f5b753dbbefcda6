/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Find known names that resemble an unknown one. */

/** Levenshtein distance in bytes; G_MAXUINT when either is longer than a name reasonably is (64).
 */
guint ddim_edit_distance(const char *a, const char *b);
/** Up to three of @candidates (NULL-terminated) that @text may have meant, the closest first,
 * joined by ", ". Letter case and '-' for '_' do not count. NULL when none is close. (transfer
 * full) */
char *ddim_similar(const char *text, const char *const *candidates);

G_END_DECLS
