/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "measured.h"

#include "options.h"

gboolean
ddim_measured_parse(DdimCli *cli, const DdimHelp *help, const GOptionEntry *entries,
                    DdimRequest *request, int argc, char **argv, int *code)
{
  static const char *const names[] = {"model",      "size",   "batch",     "flags",
                                      "model-path", "device", "precision", NULL};
  g_autoptr(DdimOptions) options = ddim_options_new(names);

  ddim_options_add(options, entries);
  return ddim_cli_parse(cli, help, ddim_options_get_entries(options), request, &argc, &argv, code);
}

gboolean
ddim_measured_open(DdimMeasured *measured, DdimRequest *request, const DdimUNetParams *params,
                   DdimBar *bar, GError **error)
{
  if (!(measured->session = ddim_session_new(request, error)))
    return FALSE;
  ddim_session_choose_size(measured->session, request, &measured->batch, &measured->width,
                           &measured->height);
  if (!ddim_session_start(measured->session, request, params, error))
    return FALSE;
  ddim_bar_warn(bar, ddim_context_get_tuning_problem(measured->session->context));
  return TRUE;
}

void
ddim_measured_clear(DdimMeasured *measured)
{
  g_clear_pointer(&measured->session, ddim_session_free);
}
