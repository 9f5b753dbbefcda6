/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/edit/commands.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include "core/data/error.h"
#include "plugin/work/settings.h"

static const EditCommand commands[] = {
    {.command = DDIM_COMMAND_INPAINT,
     .procedure = "plug-in-ddim-fill",
     .label = N_("_Fill Selection…"),
     .title = N_("Fill Selection"),
     .action = N_("Fill"),
     .blurb = N_("Fill the selection so that it fits what is around it"),
     .help = N_("A diffusion model makes what is selected anew, so that it blends with what is "
                "around it. The result is a new layer above the given one, with a mask of the "
                "selection and its feather. The layers that are there stay as they are."),
     .traits = EDIT_FILLS | EDIT_MAY_BE_VISIBLE},
    {.command = DDIM_COMMAND_VARY,
     .procedure = "plug-in-ddim-vary",
     .label = N_("_Vary Layer…"),
     .title = N_("Vary Layer"),
     .action = N_("Vary"),
     .blurb = N_("Make a picture like this one"),
     .help = N_("Noise is added to the layer, and a diffusion model takes the noise away again. "
                "The more noise, that is, the greater the strength, the more changes. The result "
                "is a new layer above the given one; where something is selected, only that "
                "changes."),
     .traits = EDIT_MASKS | EDIT_MAY_BE_VISIBLE},
    {.command = DDIM_COMMAND_SEAMLESS,
     .procedure = "plug-in-ddim-seamless",
     .label = N_("Make _Seamless…"),
     .title = N_("Make Seamless"),
     .action = N_("Make Seamless"),
     .blurb = N_("Make the layer tile: its copies fit together without a seam"),
     .help =
         N_("A diffusion model makes a strip along the layer’s edges anew, so that it fits what "
            "is on the other side. The result is a new layer above the given one. Where "
            "something is selected, only the rectangle around it is taken."),
     .traits = EDIT_TILES | EDIT_MAY_BE_VISIBLE},
    {.command = DDIM_COMMAND_UPSCALE,
     .procedure = "plug-in-ddim-upscale",
     .label = N_("_Upscale Layer…"),
     .title = N_("Upscale Layer"),
     .action = N_("Upscale"),
     .blurb = N_("Make the layer larger, with new detail"),
     .help = N_("A diffusion model makes a larger picture whose small squares have the colors of "
                "the layer’s pixels. The result is a new image, or a new layer above the given "
                "one. Where something is selected, only the rectangle around it is taken."),
     .traits = EDIT_ENLARGES | EDIT_MAY_BE_VISIBLE | EDIT_MAY_BE_NEW},
    {.command = DDIM_COMMAND_COLORIZE,
     .procedure = "plug-in-ddim-colorize",
     .label = N_("_Colorize Layer…"),
     .title = N_("Colorize Layer"),
     .action = N_("Colorize"),
     .blurb = N_("Give the layer new colors"),
     .help = N_("A diffusion model chooses colors; the mean of red, green and blue of each pixel "
                "stays what it was. The image must be in RGB mode. The result is a new layer above "
                "the given one; where something is selected, only that changes."),
     .traits = EDIT_MASKS | EDIT_MAY_BE_VISIBLE},
    {.command = DDIM_COMMAND_INTERPOLATE,
     .procedure = "plug-in-ddim-interpolate",
     .label = N_("_Interpolate as Layers…"),
     .title = N_("Interpolate as Layers"),
     .action = N_("Interpolate"),
     .blurb = N_("Make the pictures between two seeds or two layers, as layers"),
     .help = N_("A diffusion model finds the noise that both pictures come from, goes from one to "
                "the other, and makes a picture at each step: a layer each, the first one at the "
                "bottom. In a new image, File → Export as GIF makes an animation of them."),
     .traits = EDIT_GOES_BETWEEN | EDIT_MAY_BE_NEW},
};

const EditCommand *
edit_commands_get(guint *n)
{
  *n = G_N_ELEMENTS(commands);
  return commands;
}

const EditCommand *
edit_command_find(const char *procedure)
{
  for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
    if (g_str_equal(commands[i].procedure, procedure))
      return &commands[i];
  return NULL;
}

/* ---- arguments ---- */

/* The labels of what follows. */
static const struct {
  const char *name, *label;
} own_labels[] = {
    {EDIT_ARGUMENT_VISIBLE, N_("Sample what is visible")},
    {EDIT_ARGUMENT_NEW_IMAGE, N_("Into a new image")},
    {"color", N_("Color")},
    {"from", N_("From")},
    {"to", N_("To")},
    {"count", N_("Layers")},
};

static const char *
find_own_label(const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS(own_labels); i++)
    if (g_str_equal(own_labels[i].name, name))
      return own_labels[i].label;
  return NULL;
}

/* Arguments that the core's table does not have, or that mean something else here. */
static GParamSpec *
make_own_pspec(const EditCommand *command, const char *name)
{
  const GParamFlags flags = G_PARAM_READWRITE;
  const char *english = find_own_label(name), *label = english ? _(english) : NULL;

  if (g_str_equal(name, EDIT_ARGUMENT_VISIBLE))
    return g_param_spec_boolean(
        name, label, _("take what is visible in the image, not the layer alone"), FALSE, flags);
  if (g_str_equal(name, EDIT_ARGUMENT_NEW_IMAGE))
    return g_param_spec_boolean(
        name, label, _("put the result into a new image, not above the layer"), TRUE, flags);
  if (g_str_equal(name, "color"))
    return g_param_spec_string(name, label,
                               _("the mean color of what is made: #rrggbb, 'foreground', or "
                                 "'selection' for that of what is selected now; empty: as the "
                                 "model likes"),
                               "", flags);
  if (!(command->traits & EDIT_GOES_BETWEEN))
    return NULL;
  if (g_str_equal(name, "from"))
    return g_param_spec_string(name, label, _("where to begin: a seed, or a layer’s name"), "1",
                               flags);
  if (g_str_equal(name, "to"))
    return g_param_spec_string(name, label, _("where to end: a seed, or a layer’s name"), "2",
                               flags);
  if (g_str_equal(name, "count"))
    return g_param_spec_int(name, label, _("how many layers, both ends included"), 2, 1000, 8,
                            flags);
  return NULL;
}

GParamSpec *
edit_command_get_pspec(const EditCommand *command, const char *name)
{
  static GHashTable *own;
  g_autofree char *key = g_strdup_printf("%u %s", command->command, name);
  GParamSpec *pspec;

  if (!own)
    own = g_hash_table_new(g_str_hash, g_str_equal);
  if (!(pspec = g_hash_table_lookup(own, key)) && (pspec = make_own_pspec(command, name)))
    g_hash_table_insert(own, g_steal_pointer(&key), g_param_spec_ref_sink(pspec));
  return pspec ? pspec : settings_get_pspec(name);
}

const char *
edit_command_get_label(const EditCommand *command, const char *name)
{
  const gboolean own = edit_command_get_pspec(command, name) != settings_get_pspec(name);

  return own ? find_own_label(name) : ddim_option_find(name)->label;
}

const char **
edit_command_list_arguments(const EditCommand *command)
{
  g_autofree const char **options = ddim_options_list(ddim_option_get_edit_place);
  GPtrArray *names = g_ptr_array_new();

  for (guint i = 0; options[i]; i++)
    if (ddim_option_is_for(ddim_option_find(options[i]), command->command))
      g_ptr_array_add(names, (gpointer)options[i]);
  if (command->traits & EDIT_MAY_BE_VISIBLE)
    g_ptr_array_add(names, (gpointer)EDIT_ARGUMENT_VISIBLE);
  if (command->traits & EDIT_MAY_BE_NEW)
    g_ptr_array_add(names, (gpointer)EDIT_ARGUMENT_NEW_IMAGE);
  g_ptr_array_add(names, NULL);
  return (const char **)g_ptr_array_free(names, FALSE);
}

char *
edit_command_get_help(const EditCommand *command, const char *name)
{
  GParamSpec *pspec = edit_command_get_pspec(command, name);

  if (pspec == settings_get_pspec(name))
    return settings_get_help(name);
  if (G_IS_PARAM_SPEC_INT(pspec))
    return g_strdup_printf(_("%s (%d to %d)"), g_param_spec_get_blurb(pspec),
                           G_PARAM_SPEC_INT(pspec)->minimum, G_PARAM_SPEC_INT(pspec)->maximum);
  if (G_IS_PARAM_SPEC_BOOLEAN(pspec)) /* Translators: an argument that is 1 for yes, 0 for no */
    return g_strdup_printf(_("%s (1 or 0)"), g_param_spec_get_blurb(pspec));
  return g_strdup(g_param_spec_get_blurb(pspec));
}

/* ---- settings ---- */

EditSettings *
edit_settings_new(const EditCommand *command)
{
  EditSettings *settings = g_new0(EditSettings, 1);
  g_autofree const char **names = edit_command_list_arguments(command);

  settings->command = command;
  settings->request = ddim_request_new();
  g_object_set(settings->request, "command", ddim_command_get_name(command->command), NULL);
  for (guint i = 0; names[i]; i++) {
    GParamSpec *pspec = edit_command_get_pspec(command, names[i]);
    if (pspec != settings_get_pspec(names[i])) /* the request has the others' defaults */
      edit_settings_set_value(settings, names[i], g_param_spec_get_default_value(pspec), NULL);
  }
  return settings;
}

EditSettings *
edit_settings_copy(const EditSettings *settings)
{
  EditSettings *copy = g_memdup2(settings, sizeof *settings);

  copy->request = ddim_request_copy(settings->request);
  return copy;
}

void
edit_settings_free(EditSettings *settings)
{
  if (!settings)
    return;
  g_object_unref(settings->request);
  g_free(settings);
}

/* The member that holds an argument of the plug-in's own; NULL for one of the core's. */
static gboolean *
find_flag(const EditSettings *settings, const char *name)
{
  EditSettings *own = (EditSettings *)settings;

  if (g_str_equal(name, EDIT_ARGUMENT_VISIBLE))
    return &own->visible;
  return g_str_equal(name, EDIT_ARGUMENT_NEW_IMAGE) ? &own->new_image : NULL;
}

static gboolean
check_count(const EditSettings *settings, const char *name, const GValue *value, GError **error)
{
  GParamSpec *pspec = edit_command_get_pspec(settings->command, name);
  GParamSpecInt *range = G_IS_PARAM_SPEC_INT(pspec) ? G_PARAM_SPEC_INT(pspec) : NULL;
  g_auto(GValue) number = G_VALUE_INIT;

  g_value_init(&number, G_TYPE_INT);
  if (pspec == settings_get_pspec(name) || !range || !g_value_transform(value, &number) ||
      (g_value_get_int(&number) >= range->minimum && g_value_get_int(&number) <= range->maximum))
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("%s: %d is not valid; expected a number from %d to %d"), name,
              g_value_get_int(&number), range->minimum, range->maximum);
  return FALSE;
}

gboolean
edit_settings_set_value(EditSettings *settings, const char *name, const GValue *value,
                        GError **error)
{
  gboolean *flag = find_flag(settings, name);

  if (!flag)
    return check_count(settings, name, value, error) &&
           settings_set_value(settings->request, name, value, error);
  *flag = G_VALUE_HOLDS_BOOLEAN(value) ? g_value_get_boolean(value) : g_value_get_int(value) != 0;
  return TRUE;
}

void
edit_settings_get_value(const EditSettings *settings, const char *name, GValue *value)
{
  const gboolean *flag = find_flag(settings, name);
  g_auto(GValue) own = G_VALUE_INIT;

  if (flag) {
    g_value_init(&own, G_TYPE_BOOLEAN);
    g_value_set_boolean(&own, *flag);
  } else {
    g_value_init(&own, settings_get_pspec(name)->value_type);
    g_object_get_property(G_OBJECT(settings->request), name, &own);
  }
  g_value_transform(&own, value);
}

char *
edit_settings_to_json(const EditSettings *settings)
{
  g_autofree const char **names = edit_command_list_arguments(settings->command);
  g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
  JsonObject *object = json_object_new();

  for (guint i = 0; names[i]; i++) {
    gboolean *flag = find_flag(settings, names[i]);
    g_autofree char *text = flag ? g_strdup(*flag ? "1" : "0")
                                 : ddim_request_get_as_string(settings->request, names[i]);
    if (text)
      json_object_set_string_member(object, names[i], text);
  }
  json_node_take_object(root, object);
  return json_to_string(root, TRUE);
}

EditSettings *
edit_settings_from_json(const EditCommand *command, const char *json)
{
  g_autofree const char **names = edit_command_list_arguments(command);
  g_autoptr(JsonNode) root = json_from_string(json, NULL);
  JsonObject *object = root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
  EditSettings *settings = edit_settings_new(command);

  for (guint i = 0; object && names[i]; i++) {
    JsonNode *member = json_object_get_member(object, names[i]);
    const char *text =
        member && JSON_NODE_HOLDS_VALUE(member) ? json_node_get_string(member) : NULL;
    gboolean *flag = find_flag(settings, names[i]);
    if (flag && text)
      *flag = g_str_equal(text, "1");
    else if (text)
      ddim_request_set_from_string(settings->request, names[i], text, NULL);
  }
  return settings;
}
