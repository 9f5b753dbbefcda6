/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "cli/terminal/help.h"
#include "core/job/options.h"

G_BEGIN_DECLS

/** Run one of the commands that make pictures: read its command line, do what it asks for, and
 * write the results. Returns the exit code. @help  of the command */
int ddim_making_run(DdimCli *cli, int argc, char **argv, const DdimHelp *help,
                    DdimCommands command);

G_END_DECLS
