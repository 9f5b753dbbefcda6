/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim encode`: the noise that a picture comes from. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/commands/making.h"

static const DdimHelp help = {
    .description =
        N_("Find the noise that a picture comes from: DDIM's steps without noise, taken backwards. "
           "'ddim generate --init-noise z.npy --eta 0' with the same model, class and steps makes "
           "the picture again; the more steps, the closer. The command that does so is printed. "
           "Write the noise to a file that ends in .npy."),
    .examples = "ddim encode -i wall.png --class brick --steps 100 -o z.npy\n"
                "ddim generate --init-noise z.npy --class brick --steps 100 --eta 0 -o again.png"};

int
ddim_cmd_encode(DdimCli *cli, int argc, char **argv)
{
  return ddim_making_run(cli, argc, argv, &help, DDIM_COMMAND_ENCODE);
}
