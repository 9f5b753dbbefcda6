/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim generate`: images from a model. */

#include <glib/gi18n-lib.h>

#include "cli/commands/commands.h"
#include "cli/commands/making.h"

static const DdimHelp help = {
    .description = N_("Make images from a diffusion model. From the same seed and settings come "
                      "the same images, and they are those of openai/improved-diffusion."),
    .examples =
        "ddim generate --class marble --seed 1 -o marble.png\n"
        "ddim generate --class wood,grass -n 16 --size 64x64 --grid -o sheet.png\n"
        "ddim generate --class lava:0.7,rust:0.3 -o between.png\n"
        "ddim generate --class brick --size 4096x4096 -o wall.png\n"
        "ddim generate -m imagenet64_uncond_100M_1500K.pt --steps 250 --sampler ddpm -n 4 -o "
        "out.npz\n"
        "ddim generate -m model.pt --flags \"--image_size 64 --noise_schedule cosine\" -o x.png"};

int
ddim_cmd_generate(DdimCli *cli, int argc, char **argv)
{
  return ddim_making_run(cli, argc, argv, &help, DDIM_COMMAND_GENERATE);
}
