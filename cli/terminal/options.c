/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/options.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/job/options.h"

struct _DdimOptions {
  GArray *entries;    /* GOptionEntry, zero-terminated */
  GPtrArray *strings; /* the texts that were made for the entries */
};

/* The option that @text names, such as "--count" or "-n". */
static const DdimOption *
find_given(const char *text)
{
  guint n;
  const DdimOption *table = ddim_options_get_table(&n);

  for (guint i = 0; i < n; i++)
    if (text[1] == '-' ? g_str_equal(text + 2, ddim_option_get_long_name(&table[i]))
                       : table[i].letter == text[1])
      return &table[i];
  g_assert_not_reached(); /* GOption only calls this for options of the table */
}

#define GIVEN "ddim-given-%s"

gboolean
ddim_options_is_given(DdimRequest *request, const char *name)
{
  g_autofree char *key = g_strdup_printf(GIVEN, name);

  return g_object_get_data(G_OBJECT(request), key) != NULL;
}

/* Called by GOption. */
static gboolean
on_option(const char *option, const char *value, gpointer request, GError **error)
{
  const DdimOption *given = find_given(option);
  g_autofree char *key = g_strdup_printf(GIVEN, given->name);
  GError *why = NULL;

  g_object_set_data(G_OBJECT(request), key, GINT_TO_POINTER(TRUE));
  /* An option that takes no value turns off something that is on by default. */
  if (ddim_request_set_from_string(request, given->name, value ? value : "false", &why))
    return TRUE;
  /* Messages begin with the option's own name, which need not be that of the command line. */
  if (g_str_has_prefix(why->message, given->name))
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--%s%s",
                ddim_option_get_long_name(given), why->message + strlen(given->name));
  else
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--%s", why->message);
  g_error_free(why);
  return FALSE;
}

/* The default as text, if the help should name it: zero and -1 stand for choices that the blurb
 * explains. */
static char *
describe_default(GParamSpec *spec)
{
  const GValue *value = g_param_spec_get_default_value(spec);

  if (G_VALUE_HOLDS_STRING(value))
    return g_strdup(g_value_get_string(value));
  if (G_VALUE_HOLDS_INT(value) && g_value_get_int(value) > 0)
    return g_strdup_printf("%d", g_value_get_int(value));
  if (G_VALUE_HOLDS_DOUBLE(value) && g_value_get_double(value) > 0)
    return g_strdup_printf("%g", g_value_get_double(value));
  return NULL;
}

static char *
describe(GParamSpec *spec)
{
  g_autofree char *text = describe_default(spec);
  const char *blurb = g_param_spec_get_blurb(spec);

  return text ? g_strdup_printf(_("%s (default: %s)"), blurb, text) : g_strdup(blurb);
}

static void
add_option(DdimOptions *options, GObjectClass *klass, const char *name)
{
  const DdimOption *option = ddim_option_find(name);
  char *text = option->command_help ? g_strdup(_(option->command_help))
                                    : describe(g_object_class_find_property(klass, name));
  const GOptionEntry entry = {.long_name = ddim_option_get_long_name(option),
                              .short_name = option->letter,
                              .flags = (option->value_word ? 0 : G_OPTION_FLAG_NO_ARG) |
                                       (option->is_filename ? G_OPTION_FLAG_FILENAME : 0),
                              .arg = G_OPTION_ARG_CALLBACK,
                              .arg_data = (gpointer)on_option,
                              .description = text,
                              .arg_description = option->value_word};

  g_ptr_array_add(options->strings, text);
  g_array_append_val(options->entries, entry);
}

DdimOptions *
ddim_options_new(const char *const *names)
{
  DdimOptions *options = g_new0(DdimOptions, 1);
  GObjectClass *klass = g_type_class_ref(DDIM_TYPE_REQUEST);

  options->entries = g_array_new(TRUE, TRUE, sizeof(GOptionEntry));
  options->strings = g_ptr_array_new_with_free_func(g_free);
  for (guint i = 0; names[i]; i++)
    add_option(options, klass, names[i]);
  g_type_class_unref(klass);
  return options;
}

DdimOptions *
ddim_options_new_for(DdimCommands command)
{
  g_autofree const char **names = ddim_options_list_command(command);

  return ddim_options_new(names);
}

void
ddim_options_free(DdimOptions *options)
{
  if (!options)
    return;
  g_array_unref(options->entries);
  g_ptr_array_unref(options->strings);
  g_free(options);
}

void
ddim_options_add(DdimOptions *options, const GOptionEntry *entries)
{
  for (const GOptionEntry *entry = entries; entry->long_name; entry++)
    g_array_append_vals(options->entries, entry, 1);
}

const GOptionEntry *
ddim_options_get_entries(DdimOptions *options)
{
  return (const GOptionEntry *)options->entries->data;
}
