/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/class-mix.h"

DdimClassMix *
ddim_class_mix_new(guint n, const gint64 *labels, const double *weights)
{
  DdimClassMix *mix = g_new0(DdimClassMix, 1);

  mix->n = n;
  mix->labels = g_memdup2(labels, n * sizeof *labels);
  mix->weights = g_memdup2(weights, n * sizeof *weights);
  return mix;
}

DdimClassMix *
ddim_class_mix_copy(const DdimClassMix *mix)
{
  return mix ? ddim_class_mix_new(mix->n, mix->labels, mix->weights) : NULL;
}

void
ddim_class_mix_free(DdimClassMix *mix)
{
  if (!mix)
    return;
  g_free(mix->labels);
  g_free(mix->weights);
  g_free(mix);
}
