/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/options.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _DdimOptions {
  GArray *entries;    /* GOptionEntry, zero-terminated */
  GPtrArray *strings; /* the texts made for them */
};

/* What a terminal adds to the option table: letters, and the word for the value. */
static const struct {
  const char *property;
  char letter;
  const char *value;
  gboolean filename;
} terminal[] = {
    {"model", 'm', N_("MODEL"), TRUE},  {"class", 0, N_("NAME|INDEX,..."), FALSE},
    {"size", 0, N_("WxH"), FALSE},      {"count", 'n', N_("COUNT"), FALSE},
    {"steps", 0, N_("SPEC"), FALSE},    {"sampler", 0, "ddim|ddpm", FALSE},
    {"eta", 0, N_("E"), FALSE},         {"seed", 0, N_("N"), FALSE},
    {"rng", 0, N_("KIND"), FALSE},      {"batch", 0, N_("N"), FALSE},
    {"init-noise", 0, "F.npy", TRUE},   {"low-res", 0, "F.png|F.npy", TRUE},
    {"flags", 0, "\"...\"", FALSE},     {"device", 0, N_("DEVICE"), FALSE},
    {"precision", 0, "f32|f16", FALSE}, {"model-path", 0, N_("FOLDERS"), TRUE},
    {"clip", 0, NULL, FALSE},
};

static guint
find_terminal(const char *property)
{
  for (guint i = 0; i < G_N_ELEMENTS(terminal); i++)
    if (g_str_equal(terminal[i].property, property))
      return i;
  g_assert_not_reached(); /* names are the commands' own */
}

/* Called by GOption; @option is "--count" or "-n". */
static gboolean
on_option(const char *option, const char *value, gpointer request, GError **error)
{
  const char *name = option + strspn(option, "-");
  GError *why = NULL;

  if (option[1] != '-') {
    for (guint i = 0; i < G_N_ELEMENTS(terminal); i++)
      if (terminal[i].letter == option[1])
        name = terminal[i].property;
  } else if (g_str_equal(name, "no-clip")) {
    name = "clip";
    value = "false";
  }
  if (ddim_request_set_from_string(request, name, value, &why))
    return TRUE;
  g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--%s", why->message);
  g_error_free(why);
  return FALSE;
}

/* The default as text when the help shall name it: zero and -1 stand for choices that the blurb
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
add_property(DdimOptions *options, GObjectClass *klass, const char *name)
{
  guint i = find_terminal(name);
  gboolean size = g_str_equal(name, "size"), clip = g_str_equal(name, "clip");
  char *text =
      size ? g_strdup(
                 _("width and height in pixels, or one number for both; default: the model's own"))
      : clip ? g_strdup(_("do not keep predicted pictures within the range of colors"))
             : describe(g_object_class_find_property(klass, name));
  GOptionEntry entry = {.long_name = clip ? "no-clip" : terminal[i].property,
                        .short_name = terminal[i].letter,
                        .flags = (clip ? G_OPTION_FLAG_NO_ARG : 0) |
                                 (terminal[i].filename ? G_OPTION_FLAG_FILENAME : 0),
                        .arg = G_OPTION_ARG_CALLBACK,
                        .arg_data = (gpointer)on_option,
                        .description = text,
                        .arg_description = terminal[i].value};

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
    add_property(options, klass, names[i]);
  g_type_class_unref(klass);
  return options;
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
