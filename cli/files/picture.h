/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image.h"
#include "core/job/request.h"

G_BEGIN_DECLS

/** What a picture's PNG text says about the picture:
 *   Software       "ddim VERSION"
 *   ddim:request   the resolved request as JSON
 *   ddim:index     which image of that request, from 0; not in a contact sheet
 *   ddim:class     the class, or the classes of a contact sheet
 *   ddim:label     the class as a number; not in a contact sheet */

/** @index  negative: a contact sheet
 * @label  negative: none
 * @class_name  (nullable) */
GHashTable *ddim_picture_text_new(DdimRequest *resolved, int index, gint64 label,
                                  const char *class_name);

/** Whether the picture @path is there and is image @index of @resolved, by the settings that it
 * holds; on which device it was made does not matter. A picture that is broken is not there.
 * Errors: DDIM_ERROR_MISMATCH for another file of this name; G_FILE_ERROR. */
gboolean ddim_picture_is_there(const char *path, DdimRequest *resolved, guint index,
                               gboolean *there, GError **error);

/** What a picture says about itself. */
typedef struct {
  DdimRequest *request; /**< without the device, which does not change what is made */
  gboolean is_sheet;    /**< a contact sheet, which has no index */
  guint index;
  gint64 label; /**< -1: none */
} DdimPictureSettings;

/** Errors: DDIM_ERROR_UNSUPPORTED for a picture that ddim has not made, and those of reading it. */
gboolean ddim_picture_read_settings(const char *path, DdimPictureSettings *settings,
                                    GError **error);
void ddim_picture_settings_clear(DdimPictureSettings *settings);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DdimPictureSettings, ddim_picture_settings_clear)
/** The first setting in which @a differs from @b, as a text for a message: "seed is 1, not 2"; NULL
 * when they are the same. (transfer full) (nullable) */
char *ddim_picture_compare(DdimRequest *a, DdimRequest *b);

/** Whether @path begins as a PNG file does. */
gboolean ddim_picture_is_png(const char *path);
/** The settings in the picture @path and the command that makes it again, for `ddim info`.
 * (transfer full)
 * @json  one JSON object instead of lines for people; its command is null when a file's name was
 * not valid UTF-8, because the picture cannot hold such a name */
char *ddim_picture_describe(const char *path, gboolean json, GError **error);

G_END_DECLS
