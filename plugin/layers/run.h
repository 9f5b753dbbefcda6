/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "plugin/image/compat.h"
#include "core/job/request.h"
#include "plugin/work/task.h"

G_BEGIN_DECLS

#define PROCEDURE_NAME "plug-in-ddim"
#define PROCEDURE_ROLE "ddim"

/** Prepare the process: GEGL. Once, before the functions below. */
void run_init(void);

/** Wait for the end of @task, and show in GIMP's own progress how far it is. */
void run_watch(Task *task);

/** The procedure without a dialog: sample, then insert, with GIMP's own progress.
 * @image  may be NO_IMAGE: a new image is made
 * Returns the new layer or group; NO_LAYER with @error set, and the image as it was, on failure. */
LayerRef run_once(ImageRef image, DrawableRef drawable, DdimRequest *request, GError **error);

/** The same with the settings of an earlier run. A selection, made since then, is what the image
 * becomes as large as. */
LayerRef run_again(ImageRef image, DrawableRef drawable, DdimRequest *request, GError **error);

/** Texts that both front ends register. */
const char *run_get_menu_label(void);
const char *run_get_blurb(void);
const char *run_get_help(void);
#define RUN_AUTHORS "The DDIM developers"
#define RUN_COPYRIGHT "The DDIM developers, LGPL-3.0-or-later"
#define RUN_DATE "2026"

G_END_DECLS
