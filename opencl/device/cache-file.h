/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

/** Files of the cache. Programs in it are run, so it must be this user's: root does not take what
 * another user put there (sudo may keep $HOME). Errors: G_FILE_ERROR. */

/** The content of @path with a zero behind it: a regular file of at most @limit bytes that belongs
 * to this user or to root. Nothing else is waited for or read. (transfer full) */
char *ddim_cl_cache_read(const char *path, gsize limit, gsize *size, GError **error);
/** Make the folder of @path where it is missing, and tell whether it belongs to this user. */
gboolean ddim_cl_cache_make_folder(const char *path, GError **error);
