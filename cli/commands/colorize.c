/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim colorize`: colors for a gray picture. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/commands/making.h"

static const DdimHelp help = {
    .description = N_(
        "Give a gray picture colors. The mean of red, green and blue of each pixel stays what it "
        "was, and the model chooses the rest. The colors of a picture that has some are replaced."),
    .examples = "ddim colorize -i gray.png --class lava -o colored.png\n"
                "ddim colorize -i gray.png --class brick --color \"#4060c0\" -o blue.png"};

int
ddim_cmd_colorize(DdimCli *cli, int argc, char **argv)
{
  return ddim_making_run(cli, argc, argv, &help, DDIM_COMMAND_COLORIZE);
}
