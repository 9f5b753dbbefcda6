/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim inpaint`: fill a part of a picture. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/commands/making.h"

static const DdimHelp help = {
    .description =
        N_("Fill a part of a picture, so that it fits what is around it. White in the mask is "
           "filled, black stays, and gray is blended. Without --mask and --box, what is "
           "transparent in the picture is filled. The model works on a part of the picture around "
           "the mask, at the picture's own resolution; everything outside mask and feather keeps "
           "its bytes.\n\n"
           "The more often the sampling is repeated (--quality), the better old and new fit "
           "together, and the longer it takes. Name the --class that the surroundings show."),
    .examples = "ddim inpaint -i wall.png --box 40,30,64,64 --class brick -o filled.png\n"
                "ddim inpaint -i wall.png --mask hole.png --class brick --quality 8 -o filled.png\n"
                "ddim inpaint -i cutout.png --class lava -n 4 --grid -o variants.png"};

int
ddim_cmd_inpaint(DdimCli *cli, int argc, char **argv)
{
  return ddim_making_run(cli, argc, argv, &help, DDIM_COMMAND_INPAINT);
}
