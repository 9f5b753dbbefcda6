/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/config.h"
#include "core/network/class-mix.h"

G_BEGIN_DECLS

/** What the option "class" says. Private to the job's folder. */
typedef struct {
  GArray *labels; /**< gint64, repeated over the images; empty: random; with a blend or a map, one
                       that stands for it */
  DdimClassMix *mix; /**< (nullable) the blend that all images have */
  char *name;        /**< (nullable) what a blend or a map is called */
} DdimClasses;

/** Read @text, which is either classes by name or number, "lava,3", or a blend: each class with its
 * weight, "lava:0.7,3:0.3". Weights may have any sum. A name with a colon or with commas in it is a
 * name first.
 * @text  (nullable)
 * Errors: DDIM_ERROR_ARGUMENT. */
gboolean ddim_classes_read(DdimClasses *classes, DdimConfig *config, const char *text,
                           GError **error);
void ddim_classes_clear(DdimClasses *classes);
/** Set @error, DDIM_ERROR_ARGUMENT, and return FALSE.
 * @format  has one %s, for @what, which may hold anything that a user writes */
gboolean ddim_classes_refuse(GError **error, const char *format, const char *what);

G_END_DECLS
