/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/model/keys.h"
#include "core/model/config-source.h"

G_BEGIN_DECLS

/** A value for every key that means something for a model, and where each came from. Texts are as
 * ddim_key_parse() returns them. */
typedef struct {
  char *text[DDIM_N_KEYS]; /**< NULL: means nothing for this model */
  DdimSource source[DDIM_N_KEYS];
} DdimValues;

/** @text  (transfer full) */
void ddim_values_set(DdimValues *values, DdimKey key, char *text, DdimSource source);
void ddim_values_clear(DdimValues *values);

gboolean ddim_values_get_bool(const DdimValues *values, DdimKey key);
/** 0 for "-1", which means "not set", and for a missing value. */
guint ddim_values_get_uint(const DdimValues *values, DdimKey key);

G_END_DECLS
