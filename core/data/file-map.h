/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Map the file @path read-only. Errors: G_FILE_ERROR naming the path. */
GBytes *ddim_file_map(const char *path, GError **error);

G_END_DECLS
