/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim seamless`: a picture that tiles. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/commands/making.h"

static const DdimHelp help = {
    .description =
        N_("Make a picture tile: copies of it fit together without a visible seam, side by side "
           "(--axis x), one above the other (y), or both. A strip along its edges is made anew, "
           "so that it fits what is on the other side. Everything farther than --width pixels "
           "from these edges keeps its bytes.\n\n"
           "Name the --class that the picture shows. A wider strip gives the model more room "
           "where shapes or colors do not meet.\n\n"
           "'ddim generate --seamless' makes new pictures that tile."),
    .examples = "ddim seamless -i wall.png --class brick -o tile.png\n"
                "ddim seamless -i beach.png --axis x --width 24 --class sand -o band.png\n"
                "ddim seamless -i wall.png --class brick --quality 8 -n 4 --grid -o variants.png"};

int
ddim_cmd_seamless(DdimCli *cli, int argc, char **argv)
{
  return ddim_making_run(cli, argc, argv, &help, DDIM_COMMAND_SEAMLESS);
}
