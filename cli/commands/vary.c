/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim vary`: another picture like this one. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/commands/making.h"

static const DdimHelp help = {
    .description = N_("Make pictures like this one: noise is added to it, and the model takes the "
                      "noise away again (SDEdit). With a small --strength the result keeps the "
                      "picture's composition and colors; with 1 nothing is left of it."),
    .examples = "ddim vary -i wall.png --strength 0.4 --class brick -o other.png\n"
                "ddim vary -i wall.png --strength 0.6 -n 4 --grid -o variants.png"};

int
ddim_cmd_vary(DdimCli *cli, int argc, char **argv)
{
  return ddim_making_run(cli, argc, argv, &help, DDIM_COMMAND_VARY);
}
