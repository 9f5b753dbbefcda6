/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "cli/terminal/command.h"
#include "core/job/session.h"
#include "opencl/ops/wrap.h"
#include "cli/terminal/progress.h"

G_BEGIN_DECLS

/** What `ddim bench` and `ddim tune` measure: a model at one size on one device. */
typedef struct {
  DdimSession *session;
  guint batch, width, height;
  DdimWrap wrap;
} DdimBenchModel;

/** ddim_cli_parse() with the options that say what is measured, into @request, and @entries. */
gboolean ddim_bench_model_parse(DdimCli *cli, const DdimHelp *help, const GOptionEntry *entries,
                                DdimRequest *request, int argc, char **argv, int *code);
/** Load the model that @request names onto its device. @bar shows what is being done, and the
 * reason if measured times are not used. */
gboolean ddim_bench_model_open(DdimBenchModel *measured, DdimRequest *request,
                               const DdimNetworkParams *params, DdimBar *bar, GError **error);
void ddim_bench_model_clear(DdimBenchModel *measured);

G_END_DECLS
