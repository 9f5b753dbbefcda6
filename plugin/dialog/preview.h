/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/image.h"
#include "plugin/dialog/widgets.h"

G_BEGIN_DECLS

/** A framed picture of fixed size, into which images of any size are fitted. */
GtkWidget *preview_new(void);
/** Show @image, as large as fits. */
void preview_show(GtkWidget *preview, const DdimImage *image);

G_END_DECLS
