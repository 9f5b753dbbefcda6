/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Memory whose size a user or a file decides: @n elements of @size bytes, filled with zeros, to be
 * freed with g_free(). Where GLib's allocators would abort the program, this is
 * DDIM_ERROR_ARGUMENT, and NULL. Never NULL without an error, even for 0 bytes. */
gpointer ddim_try_alloc(gsize n, gsize size, GError **error);

G_END_DECLS
