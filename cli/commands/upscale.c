/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim upscale`: a larger picture of this one. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/commands/making.h"

static const DdimHelp help = {
    .description =
        N_("Make a picture larger, with new detail. A model for super-resolution does what it was "
           "trained for. Any other model makes a large picture whose squares of --scale x --scale "
           "pixels have the colors of the small one's pixels. Large results are made in windows.\n\n"
           "With --seamless the result of a picture that tiles tiles too."),
    .examples = "ddim upscale -i small.png --scale 4 --class brick -o large.png\n"
                "ddim upscale -i tile.png --seamless xy --class brick -o large-tile.png\n"
                "ddim upscale -m 64_256_upsampler.pt -i small.png -o large.png"};

int
ddim_cmd_upscale(DdimCli *cli, int argc, char **argv)
{
  return ddim_making_run(cli, argc, argv, &help, DDIM_COMMAND_UPSCALE);
}
