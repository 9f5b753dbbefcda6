/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "cli/terminal/help.h"

G_BEGIN_DECLS

/** The commands, in the table of main.c. Each returns the exit code of the program. */

int ddim_cmd_bench(DdimCli *cli, int argc, char **argv);
int ddim_cmd_check(DdimCli *cli, int argc, char **argv);
int ddim_cmd_classify(DdimCli *cli, int argc, char **argv);
int ddim_cmd_colorize(DdimCli *cli, int argc, char **argv);
int ddim_cmd_convert(DdimCli *cli, int argc, char **argv);
int ddim_cmd_devices(DdimCli *cli, int argc, char **argv);
int ddim_cmd_encode(DdimCli *cli, int argc, char **argv);
int ddim_cmd_info(DdimCli *cli, int argc, char **argv);
int ddim_cmd_inpaint(DdimCli *cli, int argc, char **argv);
int ddim_cmd_interpolate(DdimCli *cli, int argc, char **argv);
int ddim_cmd_join(DdimCli *cli, int argc, char **argv);
int ddim_cmd_generate(DdimCli *cli, int argc, char **argv);
int ddim_cmd_models(DdimCli *cli, int argc, char **argv);
int ddim_cmd_noise(DdimCli *cli, int argc, char **argv);
int ddim_cmd_predict(DdimCli *cli, int argc, char **argv);
int ddim_cmd_schedule(DdimCli *cli, int argc, char **argv);
int ddim_cmd_seamless(DdimCli *cli, int argc, char **argv);
int ddim_cmd_tune(DdimCli *cli, int argc, char **argv);
int ddim_cmd_upscale(DdimCli *cli, int argc, char **argv);
int ddim_cmd_vary(DdimCli *cli, int argc, char **argv);

G_END_DECLS
