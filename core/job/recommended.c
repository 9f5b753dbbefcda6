/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/recommended.h"

#include "core/job/options.h"

#define USUAL_STEPS "25"

/* What is recommended to this request. (nullable) */
static const char *
get_sampler(DdimRequest *request, DdimConfig *config)
{
  g_autofree char *command = NULL, *sampler = NULL;
  double eta;

  g_object_get(request, "command", &command, "sampler", &sampler, "eta", &eta, NULL);
  return config && ddim_command_from_name(command) == DDIM_COMMAND_GENERATE && eta < 0 &&
                 g_strcmp0(sampler, DDIM_SAMPLER_OWN) == 0
             ? ddim_config_get_sampler(config)
             : NULL;
}

void
ddim_request_take_recommended(DdimRequest *request, DdimConfig *config)
{
  const char *sampler = get_sampler(request, config);
  const char *steps = sampler ? ddim_config_get_steps(config) : NULL;
  g_autofree char *asked = NULL;

  g_object_get(request, "steps", &asked, NULL);
  if (sampler)
    g_object_set(request, "sampler", sampler, NULL);
  if (g_strcmp0(asked, DDIM_STEPS_AUTO) == 0)
    g_object_set(request, "steps", steps ? steps : USUAL_STEPS, NULL);
}
