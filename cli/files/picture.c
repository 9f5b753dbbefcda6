/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/files/picture.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/file.h"
#include "core/data/image-png.h"
#include "core/data/printable.h"
#include "core/job/request-private.h"
#include "cli/terminal/members.h"

#define KEY_SOFTWARE "Software"
#define KEY_REQUEST "ddim:request"
#define KEY_INDEX "ddim:index"
#define KEY_CLASS "ddim:class"
#define KEY_LABEL "ddim:label"

GHashTable *
ddim_picture_text_new(DdimRequest *resolved, int index, gint64 label, const char *class_name)
{
  GHashTable *text = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);

  g_hash_table_insert(text, (gpointer)KEY_SOFTWARE, g_strdup("ddim " DDIM_VERSION));
  g_hash_table_insert(text, (gpointer)KEY_REQUEST, ddim_request_to_json(resolved));
  if (index >= 0)
    g_hash_table_insert(text, (gpointer)KEY_INDEX, g_strdup_printf("%d", index));
  if (class_name)
    g_hash_table_insert(text, (gpointer)KEY_CLASS, g_strdup(class_name));
  if (label >= 0)
    g_hash_table_insert(text, (gpointer)KEY_LABEL, g_strdup_printf("%" G_GINT64_FORMAT, label));
  return text;
}

/* The settings in @text without those that do not change what is made. (transfer full) (nullable)
 */
static DdimRequest *
read_request(GHashTable *text)
{
  const char *settings = g_hash_table_lookup(text, KEY_REQUEST);
  DdimRequest *request = settings ? ddim_request_new_from_json(settings, NULL) : NULL;

  if (request)
    g_object_set(request, "device", NULL, NULL);
  return request;
}

char *
ddim_picture_compare(DdimRequest *found, DdimRequest *wanted)
{
  guint n = 0;
  g_autofree GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(found), &n);

  for (guint i = 0; i < n; i++) {
    g_autofree char *a = ddim_request_get_as_string(found, specs[i]->name);
    g_autofree char *b = ddim_request_get_as_string(wanted, specs[i]->name);
    if (g_strcmp0(a, b) != 0)
      return g_strdup_printf(_("%s is %s, not %s"), specs[i]->name, a ? a : "-", b ? b : "-");
  }
  return NULL;
}

void
ddim_picture_settings_clear(DdimPictureSettings *settings)
{
  g_clear_object(&settings->request);
}

gboolean
ddim_picture_read_settings(const char *path, DdimPictureSettings *settings, GError **error)
{
  g_autoptr(DdimFile) file = ddim_file_open(path, error);
  g_autoptr(GHashTable) text = file ? ddim_png_read_text(file, error) : NULL;
  const char *index, *label;
  guint64 number = 0;

  if (!text)
    return FALSE;
  if (!(settings->request = read_request(text))) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s: this picture was not made by ddim, or its text was removed"), path);
    return FALSE;
  }
  index = g_hash_table_lookup(text, KEY_INDEX);
  label = g_hash_table_lookup(text, KEY_LABEL);
  settings->is_sheet = !index;
  settings->label = -1;
  if (index && g_ascii_string_to_unsigned(index, 10, 0, G_MAXUINT, &number, NULL))
    settings->index = (guint)number;
  else if (index)
    settings->index = G_MAXUINT;
  if (label && g_ascii_string_to_unsigned(label, 10, 0, G_MAXINT64, &number, NULL))
    settings->label = (gint64)number;
  return TRUE;
}

/* What of @text says that the picture is another one; NULL when it is image @index of @resolved.
 * (transfer full) (nullable) */
static char *
find_other(GHashTable *text, DdimRequest *resolved, guint index)
{
  const char *number = g_hash_table_lookup(text, KEY_INDEX);
  g_autoptr(DdimRequest) found = read_request(text), wanted = NULL;
  /* As a picture holds it: names of files may have changed on the way there. */
  g_autoptr(GHashTable) own = ddim_picture_text_new(resolved, (int)index, -1, NULL);

  if (!found)
    return g_strdup(_("it holds no settings of ddim"));
  wanted = read_request(own);
  if (g_strcmp0(number, g_hash_table_lookup(own, KEY_INDEX)) != 0)
    return g_strdup_printf(_("it is image %s, not %u"), number ? number : "-", index);
  return ddim_picture_compare(found, wanted);
}

gboolean
ddim_picture_is_there(const char *path, DdimRequest *resolved, guint index, gboolean *there,
                      GError **error)
{
  g_autoptr(DdimFile) file = NULL;
  g_autoptr(GHashTable) text = NULL;
  g_autoptr(DdimImage) image = NULL;
  g_autofree char *other = NULL;

  *there = FALSE;
  if (!g_file_test(path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!(file = ddim_file_open(path, error)))
    return FALSE;
  if (!(text = ddim_png_read_text(file, NULL)) || !(image = ddim_png_read_image(file, NULL)))
    return TRUE;
  other = find_other(text, resolved, index);
  *there = !other;
  if (other)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH,
                _("'%s' is there already, but %s; name another output, or move it away"), path,
                other);
  return !other;
}

gboolean
ddim_picture_is_png(const char *path)
{
  g_autoptr(DdimFile) file = ddim_file_open(path, NULL);

  return file && ddim_png_is_picture(file, NULL);
}

/* The command, including the options that a request does not hold. (transfer full) */
static char *
make_command(DdimRequest *request, gboolean grid)
{
  g_autofree char *line = ddim_request_to_command(request);

  return g_strconcat(line, grid ? " --grid" : "", NULL);
}

static void
append_row(GString *out, const char *label, const char *value)
{
  g_autofree char *clean = value ? ddim_printable(value) : NULL;

  if (clean)
    g_string_append_printf(out, "%-12s %s\n", label, clean);
}

static char *
describe_for_people(DdimRequest *request, GHashTable *text)
{
  const char *index = g_hash_table_lookup(text, KEY_INDEX);
  g_autofree char *command = make_command(request, !index);
  g_autoptr(GString) out = g_string_new(NULL);
  guint n = 0;
  g_autofree GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(request), &n);

  append_row(out, _("made by"), g_hash_table_lookup(text, KEY_SOFTWARE));
  append_row(out, _("shows"), g_hash_table_lookup(text, KEY_CLASS));
  append_row(out, _("image"), index);
  for (guint i = 0; i < n; i++) {
    if (!ddim_request_takes(request, specs[i]->name))
      continue;
    g_autofree char *value = ddim_request_get_as_string(request, specs[i]->name);
    append_row(out, specs[i]->name, value);
  }
  g_string_append_printf(out, "\n%s\n  %s\n", _("To make it again:"), command);
  return g_string_free(g_steal_pointer(&out), FALSE);
}

static char *
describe_as_json(DdimRequest *request, GHashTable *text)
{
  const char *index = g_hash_table_lookup(text, KEY_INDEX);
  g_autofree char *command = make_command(request, !index);
  g_autofree char *settings = ddim_request_to_json(request);
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  ddim_member_string(builder, "software", g_hash_table_lookup(text, KEY_SOFTWARE));
  ddim_member_string(builder, "class", g_hash_table_lookup(text, KEY_CLASS));
  if (index)
    ddim_member_int(builder, "index", g_ascii_strtoull(index, NULL, 10));
  else
    ddim_member_null(builder, "index");
  json_builder_set_member_name(builder, "request");
  json_builder_add_value(builder, json_from_string(settings, NULL));
  ddim_member_string(builder, "command", command);
  json_builder_end_object(builder);
  return ddim_members_to_line(builder);
}

char *
ddim_picture_describe(const char *path, gboolean json, GError **error)
{
  g_autoptr(DdimFile) file = ddim_file_open(path, error);
  g_autoptr(GHashTable) text = file ? ddim_png_read_text(file, error) : NULL;
  g_autoptr(DdimRequest) request = NULL;
  const char *settings;

  if (!text)
    return NULL;
  settings = g_hash_table_lookup(text, KEY_REQUEST);
  if (!settings) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s: this picture was not made by ddim, or its text was removed"), path);
    return NULL;
  }
  request = ddim_request_new_from_json(settings, error);
  if (!request) {
    g_prefix_error(error, "%s: ", path);
    return NULL;
  }
  return json ? describe_as_json(request, text) : describe_for_people(request, text);
}
