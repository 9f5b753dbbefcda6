/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** Shows a picture, or several as a contact sheet, as large as there is room, over GIMP's
 * checkerboard. Of a sheet the user may choose pictures, by a click or with the arrow keys and the
 * space bar. */

/** At most this many pictures of a sheet are shown. */
#define PREVIEW_MAX_PICTURES 64

/** Shows nothing yet. */
GtkWidget *preview_new(void);
/** Show a single picture. */
void preview_show(GtkWidget *preview, const DdimImage *image);
/** Show a sheet of @n pictures, none of which is there yet; 0: nothing. */
void preview_begin(GtkWidget *preview, guint n);
/** Show picture @index of the sheet. */
void preview_show_at(GtkWidget *preview, guint index, const DdimImage *image);
/** @chosen  called when the user chose or unchose a picture of a sheet */
void preview_set_chosen(GtkWidget *preview, UiChanged chosen, gpointer user_data);
/** Whether pictures can be chosen; none is, at first. */
void preview_set_choosing(GtkWidget *preview, gboolean choosing);
/** How many pictures are chosen. */
guint preview_count_chosen(GtkWidget *preview);
gboolean preview_is_chosen(GtkWidget *preview, guint index);

/** (transfer full) */
GdkPixbuf *preview_image_to_pixbuf(const DdimImage *image);

G_END_DECLS
