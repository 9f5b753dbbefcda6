/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

/** Files of the cache. The programs in it are run, so it must belong to this user: root does not
 * use what another user put there (sudo may keep $HOME). Errors: G_FILE_ERROR. */

/** The content of @path, followed by a zero byte. It must be a regular file of at most @limit bytes
 * that belongs to this user or to root. Anything else is an error, and is neither waited for nor
 * read. (transfer full) */
char *ddim_cl_cache_read(const char *path, gsize limit, gsize *size, GError **error);
/** Make the folder of @path if it is missing. Returns whether it belongs to this user. */
gboolean ddim_cl_cache_make_folder(const char *path, GError **error);
