/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim info`: what a file holds. */

#include "cli/commands/commands.h"
#include "cli/terminal/command.h"
#include "cli/commands/info.h"
#include "cli/terminal/print.h"

#include <glib/gi18n-lib.h>

#include "core/model/config-details.h"
#include "core/model/models.h"
#include "cli/files/picture.h"

static int
show_model(const char *path, const char *flags, gboolean json, gboolean modules)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_open(path, &error);
  g_autoptr(DdimConfig) config =
      checkpoint ? ddim_config_load_any(checkpoint, flags, &error) : NULL;
  g_autofree char *text = NULL;

  if (!config)
    return ddim_cli_fail(error);
  text = json ? ddim_info_model_json(checkpoint, config, modules)
              : ddim_info_model_text(checkpoint, config, modules);
  return json ? ddim_cli_print(text) : ddim_cli_print_text(text);
}

static int
show_picture(const char *path, gboolean json)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *text = ddim_picture_describe(path, json, &error);

  if (!text)
    return ddim_cli_fail(error);
  return json ? ddim_cli_print(text) : ddim_cli_print_text(text);
}

int
ddim_cmd_info(DdimCli *cli, int argc, char **argv)
{
  g_autofree char *flags = NULL, *model_path = NULL, *path = NULL;
  g_autoptr(GError) error = NULL;
  gboolean json = FALSE, modules = FALSE;
  const GOptionEntry entries[] = {
      {"flags", 0, 0, G_OPTION_ARG_STRING, &flags,
       N_("improved-diffusion's MODEL_FLAGS and DIFFUSION_FLAGS of this checkpoint, or a "
          "classifier's CLASSIFIER_FLAGS"),
       N_("FLAGS")},
      {"model-path", 0, 0, G_OPTION_ARG_FILENAME, &model_path,
       N_("search these folders first, separated by colons"), N_("FOLDERS")},
      {"modules", 0, 0, G_OPTION_ARG_NONE, &modules, N_("also list the modules of the network"),
       NULL},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("print one JSON object"), NULL},
      G_OPTION_ENTRY_NULL};
  const DdimHelp help = {
      .arguments = N_("FILE"),
      .min_args = 1,
      .max_args = 1,
      .description =
          N_("Tell what a checkpoint holds: its architecture, its classes, and every value of its "
             "configuration with the source it comes from. Or tell how a picture was made, and the "
             "command that makes it again. FILE is a .pt, .pth, .ckpt or .safetensors file, a "
             "folder of diffusers, "
             "the name of a model, or a .png that ddim wrote."),
      .examples = "ddim info textures\nddim info --modules textures\nddim info picture.png\nddim "
                  "info ema_0.9999_500000.pt "
                  "--flags \"--num_heads 4\" --json"};
  int code;

  if (!ddim_cli_parse(cli, &help, entries, NULL, &argc, &argv, &code))
    return code;
  path = ddim_models_find(argv[1], model_path, &error);
  if (!path)
    return ddim_cli_fail(error);
  if (ddim_picture_is_png(path))
    return show_picture(path, json);
  return show_model(path, flags, json, modules);
}
