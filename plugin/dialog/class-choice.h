/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/dialog/catalog.h"
#include "core/job/request.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** The row “Class”: a sorted list with thumbnails, which is searched as one types. */
typedef struct _ClassChoice ClassChoice;

/** What no class means. */
typedef enum {
  CLASS_RANDOM,   /**< each picture draws one */
  CLASS_AUTOMATIC /**< the one that fits the picture which is edited */
} ClassOpen;

/** @changed  called when another class is chosen or typed */
ClassChoice *class_choice_new(UiRows *rows, ClassOpen open, UiChanged changed, gpointer user_data);
/** After its widgets, which belong to their container, are gone. */
void class_choice_free(ClassChoice *choice);

/** Offer the classes of @model (nullable), which must stay until the next call. A text that is no
 * class of it becomes “Random” or “Automatic” if @other, which says that the user chose another
 * model. */
void class_choice_set_model(ClassChoice *choice, const CatalogModel *model, gboolean other);
/** A thumbnail of class @class was made. */
void class_choice_show_thumbnail(ClassChoice *choice, guint class);
/** Whether the text is complete: names of classes, or nothing. */
gboolean class_choice_is_complete(ClassChoice *choice);
/** Give the keyboard to it. */
void class_choice_grab_focus(ClassChoice *choice);

/** Property class of @request. */
void class_choice_write(ClassChoice *choice, DdimRequest *request);
void class_choice_read(ClassChoice *choice, DdimRequest *request);

G_END_DECLS
