/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim interpolate`: pictures between two pictures. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/commands/making.h"

static const DdimHelp help = {
    .description = N_("Make the pictures between two others: the noise that they come from goes "
                      "from one to the other on a great circle. An end is a seed, as 'ddim "
                      "generate --class C --seed N' takes it, noise in a file (.npy), or a "
                      "picture (.png), whose noise is found first, as 'ddim encode' does.\n\n"
                      "The ends equal the pictures that 'ddim generate --sampler ddim' makes of "
                      "them. Where steps use noise (--eta), that of the two ends is interpolated "
                      "too. With an end that is a picture they use none."),
    .examples = "ddim interpolate --from 1 --to 2 -n 8 --class water -o frame.png\n"
                "ddim interpolate --from a.png --to b.png -n 16 --class lava --steps 50 --grid -o "
                "sheet.png"};

int
ddim_cmd_interpolate(DdimCli *cli, int argc, char **argv)
{
  return ddim_making_run(cli, argc, argv, &help, DDIM_COMMAND_INTERPOLATE);
}
