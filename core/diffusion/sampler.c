/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/sampler.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"
#include "core/data/printable.h"

static const char *const names[] = {DDIM_SAMPLER_NAMES, NULL};

gboolean
ddim_sampler_from_name(const char *name, DdimSampler *sampler, GError **error)
{
  g_autofree char *shown = NULL, *list = NULL;

  for (guint i = 0; names[i]; i++)
    if (g_strcmp0(name, names[i]) == 0) {
      *sampler = (DdimSampler)i;
      return TRUE;
    }
  shown = ddim_printable(name ? name : "");
  list = g_strjoinv(", ", (char **)names);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("%s: '%s' is none of: %s"), "sampler",
              shown, list);
  return FALSE;
}

gboolean
ddim_sampler_draws_noise(DdimSampler sampler)
{
  return sampler == DDIM_SAMPLER_DDIM || sampler == DDIM_SAMPLER_DDPM ||
         sampler == DDIM_SAMPLER_DPMPP_SDE;
}
