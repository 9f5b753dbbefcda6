/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image.h"
#include "core/job/request.h"

G_BEGIN_DECLS

/** What a picture's PNG text says about the picture:
 *   Software       "ddim VERSION"
 *   ddim:request   the resolved request as JSON
 *   ddim:index     which image of that request, from 0; not in a contact sheet
 *   ddim:class     the class, or the classes of a contact sheet */

/** @index  negative: a contact sheet
 * @class_name  (nullable) */
GHashTable *ddim_picture_text_new(DdimRequest *resolved, int index, const char *class_name);

/** Whether @path begins as a PNG file does. */
gboolean ddim_picture_is_png(const char *path);
/** The settings in the picture @path and the command that makes it again, for `ddim info`.
 * (transfer full)
 * @json  one JSON object instead of lines for people; its command is null when a file's name was
 * not valid UTF-8, because the picture cannot hold such a name */
char *ddim_picture_describe(const char *path, gboolean json, GError **error);

G_END_DECLS
