/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim models`: which models there are, and where they were looked for. */

#include "cli/commands/commands.h"
#include "cli/terminal/command.h"
#include "core/checkpoint/checkpoint-tensors.h"
#include "core/data/error.h"
#include "core/data/printable.h"
#include "core/model/config.h"
#include "core/model/config-details.h"
#include "core/model/models.h"
#include "cli/terminal/members.h"
#include "cli/terminal/print.h"

#include <glib/gi18n-lib.h>

/* What is known of one model. */
typedef struct {
  const DdimModelFile *file;
  DdimConfig *config; /* NULL: it cannot be used, for this reason: */
  char *problem;
} Entry;

static void
entry_free(gpointer data)
{
  Entry *entry = data;

  ddim_config_unref(entry->config);
  g_free(entry->problem);
  g_free(entry);
}

/* How many numbers are read together. */
#define PIECE (1u << 16)

/* Read every number, which compares checksums and finds what is infinite or no number. */
static gboolean
check_numbers(DdimCheckpoint *checkpoint, GError **error)
{
  g_autofree float *numbers = g_new(float, PIECE);

  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    const gsize count = tensor->dtype <= DDIM_DTYPE_BF16 ? ddim_tensor_count(tensor) : 0;
    for (gsize done = 0; done < count; done += PIECE)
      if (!ddim_checkpoint_read(checkpoint, tensor, done, MIN(count - done, PIECE), DDIM_DTYPE_F32,
                                numbers, error))
        return FALSE;
  }
  return TRUE;
}

/* @check  also read all of its numbers */
static Entry *
entry_new(const DdimModelFile *file, gboolean check)
{
  Entry *entry = g_new0(Entry, 1);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint =
      ddim_checkpoint_open(ddim_model_file_get_path(file), &error);

  entry->file = file;
  if (checkpoint)
    entry->config = ddim_config_load_any(checkpoint, NULL, &error);
  if (entry->config && check && !check_numbers(checkpoint, &error))
    g_clear_pointer(&entry->config, ddim_config_unref);
  if (!entry->config)
    entry->problem = ddim_printable(error->message);
  return entry;
}

static void
add_entry(JsonBuilder *builder, const Entry *entry)
{
  const char *name = ddim_model_file_get_name(entry->file);
  DdimConfig *config = entry->config;

  json_builder_begin_object(builder);
  ddim_member_string(builder, "name", name);
  ddim_member_string(builder, "path", ddim_model_file_get_path(entry->file));
  ddim_member_int(builder, "bytes", ddim_model_file_get_size(entry->file));
  ddim_member_boolean(builder, "default", g_str_equal(name, DDIM_DEFAULT_MODEL));
  ddim_member_string(builder, "family", config ? ddim_config_get_family(config) : NULL);
  ddim_member_string(builder, "license", config ? ddim_config_get_license(config) : NULL);
  if (config)
    ddim_member_int(builder, "classes", ddim_config_get_n_classes(config));
  ddim_member_boolean(builder, "classifier",
                      config && ddim_config_get_pool(config) != DDIM_POOL_NONE);
  ddim_member_string(builder, "problem", entry->problem);
  json_builder_end_object(builder);
}

static int
print_json(GPtrArray *entries, GStrv folders)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "models");
  json_builder_begin_array(builder);
  for (guint i = 0; i < entries->len; i++)
    add_entry(builder, entries->pdata[i]);
  json_builder_end_array(builder);
  ddim_member_strings(builder, "folders", (const char *const *)folders);
  json_builder_end_object(builder);
  return ddim_cli_print_json(builder);
}

/* The second column and those behind it: size, classes, licence. (transfer full) */
static char *
describe(const Entry *entry)
{
  g_autofree char *size = g_format_size(ddim_model_file_get_size(entry->file));
  const guint n = entry->config ? ddim_config_get_n_classes(entry->config) : 0;
  const char *license = entry->config ? ddim_config_get_license(entry->config) : NULL;
  g_autofree char *clean = license ? ddim_printable(license) : NULL;

  if (!entry->config)
    return g_strdup_printf("%10s  %s", size, _("cannot be used"));
  g_autofree char *classes =
      entry->config && ddim_config_get_pool(entry->config) != DDIM_POOL_NONE
          ? g_strdup_printf(ngettext("classifier of %u class", "classifier of %u classes", n), n)
      : n ? g_strdup_printf(ngettext("%u class", "%u classes", n), n)
          : g_strdup(_("no classes"));
  return g_strdup_printf("%10s  %s, %s", size, classes, clean ? clean : _("licence not stated"));
}

static guint
width_of(GPtrArray *texts)
{
  guint width = 0;

  for (guint i = 0; i < texts->len; i++)
    width = MAX(width, (guint)g_utf8_strlen(texts->pdata[i], -1));
  return width;
}

static void
print_padded(const char *text, guint width)
{
  g_print("%s%*s  ", text, (int)(width - (guint)g_utf8_strlen(text, -1)), "");
}

static void
print_table(GPtrArray *entries, GStrv folders)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) details = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; i < entries->len; i++) {
    const Entry *entry = entries->pdata[i];
    g_ptr_array_add(names, ddim_printable(ddim_model_file_get_name(entry->file)));
    g_ptr_array_add(details, describe(entry));
  }
  for (guint i = 0; i < entries->len; i++) {
    const Entry *entry = entries->pdata[i];
    g_autofree char *path = ddim_printable(ddim_model_file_get_path(entry->file));
    print_padded(names->pdata[i], width_of(names));
    print_padded(details->pdata[i], width_of(details));
    g_print("%s\n", path);
  }
  if (entries->len > 0)
    return;
  g_print("%s\n", _("No models found. These folders were searched:"));
  for (guint i = 0; folders[i]; i++) {
    g_autofree char *folder = ddim_printable(folders[i]);
    g_print("  %s\n", folder);
  }
}

static gboolean
are_good(GPtrArray *entries)
{
  for (guint i = 0; i < entries->len; i++)
    if (((const Entry *)entries->pdata[i])->problem)
      return FALSE;
  return TRUE;
}

/* A line for each model. */
static void
print_check(GPtrArray *entries)
{
  for (guint i = 0; i < entries->len; i++) {
    const Entry *entry = entries->pdata[i];
    g_autofree char *name = ddim_printable(ddim_model_file_get_name(entry->file));
    g_print("%s: %s\n", name, entry->problem ? entry->problem : _("good"));
  }
}

int
ddim_cmd_models(DdimCli *cli, int argc, char **argv)
{
  g_autofree char *model_path = NULL;
  gboolean json = FALSE, check = FALSE;
  const GOptionEntry entries[] = {
      {"model-path", 0, 0, G_OPTION_ARG_FILENAME, &model_path,
       N_("search these folders first, separated by colons"), N_("FOLDERS")},
      {"check", 0, 0, G_OPTION_ARG_NONE, &check,
       N_("read every model from beginning to end and tell whether it can be used"), NULL},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("print one JSON object"), NULL},
      G_OPTION_ENTRY_NULL};
  const DdimHelp help = {
      .description =
          N_("List the models that --model takes by name: their size, classes and licence, "
             "and their file or folder. A model is added by putting it into one of the "
             "folders that are searched."),
      .examples =
          "ddim models\nddim models --check\nddim models --model-path ~/checkpoints --json"};
  g_autoptr(GPtrArray) files = NULL, found = g_ptr_array_new_with_free_func(entry_free);
  g_auto(GStrv) folders = NULL;
  int code = DDIM_EXIT_OK;

  if (!ddim_cli_parse(cli, &help, entries, NULL, &argc, &argv, &code))
    return code;
  files = ddim_models_list(model_path);
  folders = ddim_models_get_folders(model_path);
  for (guint i = 0; i < files->len; i++)
    g_ptr_array_add(found, entry_new(files->pdata[i], check));
  if (json)
    code = print_json(found, folders);
  else if (check && found->len > 0)
    print_check(found);
  else
    print_table(found, folders);
  return check && !are_good(found) ? DDIM_EXIT_FAILURE : code;
}
