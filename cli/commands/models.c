/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim models`: which models there are, and where they were looked for. */

#include "cli/commands/commands.h"
#include "cli/terminal/command.h"
#include "core/data/printable.h"
#include "core/model/models.h"
#include "cli/terminal/members.h"
#include "cli/terminal/print.h"

#include <glib/gi18n-lib.h>

static int
print_json(GPtrArray *files, GStrv folders)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "models");
  json_builder_begin_array(builder);
  for (guint i = 0; i < files->len; i++) {
    const DdimModelFile *file = files->pdata[i];
    json_builder_begin_object(builder);
    ddim_member_string(builder, "name", ddim_model_file_get_name(file));
    ddim_member_string(builder, "path", ddim_model_file_get_path(file));
    ddim_member_int(builder, "bytes", ddim_model_file_get_size(file));
    ddim_member_boolean(builder, "default",
                        g_str_equal(ddim_model_file_get_name(file), DDIM_DEFAULT_MODEL));
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  ddim_member_strings(builder, "folders", (const char *const *)folders);
  json_builder_end_object(builder);
  return ddim_cli_print_json(builder);
}

static void
print_table(GPtrArray *files, GStrv folders)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  guint width = 0;

  for (guint i = 0; i < files->len; i++) {
    const DdimModelFile *file = files->pdata[i];
    char *name = ddim_printable(ddim_model_file_get_name(file));
    g_ptr_array_add(names, name);
    width = MAX(width, (guint)g_utf8_strlen(name, -1));
  }
  for (guint i = 0; i < files->len; i++) {
    const DdimModelFile *file = files->pdata[i];
    g_autofree char *size = g_format_size(ddim_model_file_get_size(file)),
                    *path = ddim_printable(ddim_model_file_get_path(file));
    int pad = width - g_utf8_strlen(names->pdata[i], -1);
    g_print("%s%*s  %10s  %s\n", (const char *)names->pdata[i], pad, "", size, path);
  }
  if (files->len > 0)
    return;
  g_print("%s\n", _("No models found. These folders were searched:"));
  for (guint i = 0; folders[i]; i++) {
    g_autofree char *folder = ddim_printable(folders[i]);
    g_print("  %s\n", folder);
  }
}

int
ddim_cmd_models(DdimCli *cli, int argc, char **argv)
{
  g_autofree char *model_path = NULL;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
      {"model-path", 0, 0, G_OPTION_ARG_FILENAME, &model_path,
       N_("search these folders first, separated by colons"), N_("FOLDERS")},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("print one JSON object"), NULL},
      G_OPTION_ENTRY_NULL};
  const DdimHelp help = {
      .description = N_("List the models that --model takes by name: their size and their file."),
      .examples = "ddim models\nddim models --model-path ~/checkpoints --json"};
  g_autoptr(GPtrArray) files = NULL;
  g_auto(GStrv) folders = NULL;
  int code;

  if (!ddim_cli_parse(cli, &help, entries, NULL, &argc, &argv, &code))
    return code;
  files = ddim_models_list(model_path);
  folders = ddim_models_get_folders(model_path);
  if (json)
    return print_json(files, folders);
  print_table(files, folders);
  return DDIM_EXIT_OK;
}
