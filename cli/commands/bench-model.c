/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/commands/bench-model.h"

#include "cli/terminal/options.h"
#include "core/job/request-private.h"

gboolean
ddim_bench_model_parse(DdimCli *cli, const DdimHelp *help, const GOptionEntry *entries,
                       DdimRequest *request, int argc, char **argv, int *code)
{
  static const char *const names[] = {"model",      "size",   "seamless",  "batch", "flags",
                                      "model-path", "device", "precision", NULL};
  g_autoptr(DdimOptions) options = ddim_options_new(names);

  ddim_options_add(options, entries);
  return ddim_cli_parse(cli, help, ddim_options_get_entries(options), request, &argc, &argv, code);
}

gboolean
ddim_bench_model_open(DdimBenchModel *bench, DdimRequest *request, const DdimNetworkParams *params,
                      DdimBar *bar, GError **error)
{
  if (!(bench->session = ddim_session_new(request, error)))
    return FALSE;
  ddim_session_choose_size(bench->session, request, &bench->batch, &bench->width, &bench->height);
  bench->wrap = ddim_request_get_axes(request, "seamless");
  if (!ddim_session_start(bench->session, request, params, error))
    return FALSE;
  ddim_bar_warn(bar, ddim_context_get_tuning_problem(bench->session->context));
  return TRUE;
}

void
ddim_bench_model_clear(DdimBenchModel *bench)
{
  g_clear_pointer(&bench->session, ddim_session_free);
}
