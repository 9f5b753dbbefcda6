/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/commands/batch-file.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <string.h>

#include "cli/files/lines.h"
#include "cli/terminal/command.h"
#include "cli/terminal/members.h"
#include "cli/terminal/options.h"
#include "cli/terminal/print.h"
#include "core/data/error.h"
#include "core/data/json.h"
#include "core/data/printable.h"
#include "core/job/options.h"
#include "core/job/request-private.h"

/* One line, read. */
typedef struct {
  DdimRequest *request;
  char *output; /* NULL: the default name */
  gboolean grid;
} Entry;

static void
entry_clear(Entry *entry)
{
  g_clear_object(&entry->request);
  g_clear_pointer(&entry->output, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Entry, entry_clear)

static gboolean
set_output(Entry *entry, JsonNode *node, GError **error)
{
  const char *text =
      json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : NULL;

  if (!text || !*text)
    return ddim_cli_refuse(error, DDIM_ERROR_ARGUMENT, _("output: expected the name of a file"));
  if (g_str_equal(text, "-"))
    return ddim_cli_refuse(error, DDIM_ERROR_ARGUMENT,
                           _("output: standard output is taken by the lines of JSON; name a file"));
  g_free(entry->output);
  entry->output = g_strdup(text);
  return TRUE;
}

static gboolean
set_grid(Entry *entry, JsonNode *node, GError **error)
{
  if (json_node_get_value_type(node) != G_TYPE_BOOLEAN)
    return ddim_cli_refuse(error, DDIM_ERROR_ARGUMENT, _("grid: expected true or false"));
  entry->grid = json_node_get_boolean(node);
  return TRUE;
}

static gboolean
set_member(Entry *entry, const char *name, JsonNode *node, GError **error)
{
  g_autofree char *command = NULL;

  if (g_str_equal(name, "output"))
    return set_output(entry, node, error);
  if (g_str_equal(name, "grid"))
    return set_grid(entry, node, error);
  if (ddim_option_find(name) && !g_str_equal(name, "command") &&
      !ddim_request_takes(entry->request, name)) {
    g_object_get(entry->request, "command", &command, NULL);
    return ddim_cli_refuse(error, DDIM_ERROR_ARGUMENT, _("the command %s takes no option '%s'"),
                           command, name);
  }
  return ddim_request_set_from_node(entry->request, name, node, error);
}

/* @count_is_given  whether the command line says how many images there are; else the command does
 */
static gboolean
set_command(Entry *entry, JsonNode *node, gboolean count_is_given, GError **error)
{
  g_autofree char *command = NULL;

  if (!set_member(entry, "command", node, error))
    return FALSE;
  if (count_is_given)
    return TRUE;
  g_object_get(entry->request, "command", &command, NULL);
  g_object_set(entry->request, "count",
               ddim_command_from_name(command) == DDIM_COMMAND_INTERPOLATE ? DDIM_USUAL_FRAMES : 1,
               NULL);
  return TRUE;
}

/* The command first: it decides which other options there are. */
static gboolean
set_members(Entry *entry, JsonObject *object, gboolean count_is_given, GError **error)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if ((node = json_object_get_member(object, "command")) &&
      !set_command(entry, node, count_is_given, error))
    return FALSE;
  json_object_iter_init_ordered(&iter, object);
  while (json_object_iter_next_ordered(&iter, &name, &node))
    if (!set_member(entry, name, node, error))
      return FALSE;
  return TRUE;
}

static gboolean
is_blank(const DdimLine *line)
{
  for (gsize i = 0; i < line->length; i++)
    if (!line->text[i] || !strchr(" \t\r", line->text[i]))
      return FALSE;
  return TRUE;
}

static gboolean
read_entry(Entry *entry, const DdimLine *line, const char *path, DdimRequest *defaults,
           GError **error)
{
  g_autofree char *shown = g_filename_display_name(path);
  g_autoptr(JsonNode) root = NULL;

  if (line->too_long)
    return ddim_cli_refuse(error, DDIM_ERROR_ARGUMENT, _("the line is longer than %d bytes"),
                           DDIM_MAX_LINE);
  if (is_blank(line))
    return ddim_cli_refuse(error, DDIM_ERROR_ARGUMENT,
                           _("the line is empty; expected a JSON object, such as {\"seed\": 1}"));
  if (!(root = ddim_json_parse_line(line->text, line->length, shown, line->number, error)))
    return FALSE;
  if (!JSON_NODE_HOLDS_OBJECT(root))
    return ddim_cli_refuse(error, DDIM_ERROR_ARGUMENT,
                           _("expected a JSON object, such as {\"seed\": 1}"));
  entry->request = ddim_request_copy(defaults);
  return set_members(entry, json_node_get_object(root), ddim_options_is_given(defaults, "count"),
                     error) &&
         ddim_maker_check_output(entry->request, entry->output, error);
}

static gboolean
run_line(DdimMaker *maker, const DdimLine *line, const char *path, DdimRequest *defaults,
         GHashTable *taken, GError **error)
{
  g_auto(Entry) entry = {0};
  g_autoptr(DdimWriter) writer = NULL;
  int count;

  if (!read_entry(&entry, line, path, defaults, error))
    return FALSE;
  g_object_get(entry.request, "count", &count, NULL);
  if (!(writer = ddim_writer_new(entry.output, count, entry.grid, error)))
    return FALSE;
  ddim_writer_set_taken(writer, taken);
  ddim_maker_set_json(maker, line->number);
  return ddim_maker_run(maker, entry.request, writer, error);
}

/* Tell that a request failed. The exit code is that of the output. */
static int
print_error(guint64 line, const GError *why)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  ddim_member_int(builder, "line", line);
  ddim_member_string(builder, "error", why->message);
  json_builder_end_object(builder);
  return ddim_cli_print_json(builder);
}

static int
finish(guint64 failed, guint64 all, const GError *trouble)
{
  if (trouble)
    return ddim_cli_fail(trouble);
  if (!failed)
    return DDIM_EXIT_OK;
  ddim_cli_warn(_("%" PRIu64 " of %" PRIu64 " requests failed"), failed, all);
  return DDIM_EXIT_FAILURE;
}

int
ddim_batch_file_run(DdimMaker *maker, const char *path, DdimRequest *defaults)
{
  g_autoptr(GError) trouble = NULL;
  g_autoptr(DdimLines) lines = ddim_lines_open(path, &trouble);
  g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  guint64 failed = 0, all = 0;
  DdimLine line;

  while (lines && ddim_lines_next(lines, &line, &trouble)) {
    g_autoptr(GError) error = NULL;
    all++;
    const gboolean done = run_line(maker, &line, path, defaults, taken, &error);
    /* A request may be done all the same, when the signal came at its very end. */
    if (ddim_maker_is_interrupted(maker)) {
      ddim_cli_warn(_("interrupted"));
      return DDIM_EXIT_CANCELLED;
    }
    if (done)
      continue;
    failed++;
    if (print_error(line.number, error) != DDIM_EXIT_OK)
      return DDIM_EXIT_FAILURE;
  }
  return finish(failed, all, trouble);
}
