/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/dialog/preview.h"
#include "plugin/image/compat.h"
#include "plugin/work/result.h"

G_BEGIN_DECLS

/** A preview, and below it a button that keeps only those layers whose pictures are chosen. */
typedef struct _Sheet Sheet;

/** @kept  called when layers were removed */
Sheet *sheet_new(GString *mnemonics, UiChanged kept, gpointer user_data);
/** After its widgets, which belong to their container, are gone. */
void sheet_free(Sheet *sheet);
/** The widget to pack. (transfer none) */
GtkWidget *sheet_get_widget(Sheet *sheet);

/** @n pictures will come; 0: none. */
void sheet_begin(Sheet *sheet, guint n);
/** Picture @index as it is by now. */
void sheet_show(Sheet *sheet, guint index, const DdimImage *image);
void sheet_show_result(Sheet *sheet, guint index, const WorkerImage *image);
/** The layers of the pictures, of which some may be kept. @layers  (transfer full) (element-type
 * LayerRef) */
void sheet_take_layers(Sheet *sheet, GArray *layers);
/** Whether the pictures shown are those of layers. */
gboolean sheet_has_layers(Sheet *sheet);

G_END_DECLS
