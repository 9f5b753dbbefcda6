/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Several classes at once: the network is told the weighted sum of their rows of the label
 * table. */
typedef struct {
  guint n;
  gint64 *labels;  /**< [n] */
  double *weights; /**< [n], whose sum is 1 */
} DdimClassMix;

/** Copies both. */
DdimClassMix *ddim_class_mix_new(guint n, const gint64 *labels, const double *weights);
/** @mix  (nullable) */
DdimClassMix *ddim_class_mix_copy(const DdimClassMix *mix);
void ddim_class_mix_free(DdimClassMix *mix);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClassMix, ddim_class_mix_free)

G_END_DECLS
