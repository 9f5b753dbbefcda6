/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim info` for people. */

#include "cli/terminal/command.h"
#include "core/data/printable.h"
#include "cli/commands/census.h"
#include "cli/commands/info.h"
#include "cli/commands/info-modules.h"
#include "core/checkpoint/model-folder.h"
#include "core/model/config-details.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static void
append_row(GString *out, const char *label, const char *value)
{
  g_autofree char *clean = ddim_printable(value);
  int pad = 15 - (int)g_utf8_strlen(label, -1);

  g_string_append_printf(out, "  %s%*s %s\n", label, MAX(pad, 0), "", clean);
}

static void
append_title(GString *out, DdimConfig *config)
{
  const char *description = ddim_config_get_description(config);
  g_autofree char *name = ddim_printable(ddim_config_get_name(config));

  g_string_append(out, name);
  if (description) {
    g_autofree char *clean = ddim_printable(description);
    g_string_append_printf(out, ": %s", clean);
  }
  g_string_append_c(out, '\n');
}

/* The files of a folder, as they lie in it. */
static void
append_parts(GString *out, const char *path)
{
  g_autoptr(DdimModelFolder) folder = ddim_model_folder_find(path);
  g_auto(GStrv) files = folder ? ddim_model_folder_list(folder) : NULL;
  gsize length = strlen(path);

  while (length > 0 && path[length - 1] == '/') /* as they are left out of the files' paths */
    length--;
  for (guint i = 0; files && files[i]; i++) {
    const char *name = files[i] + length;
    g_autofree char *shown = g_filename_display_name(name + strspn(name, "/"));
    append_row(out, i ? "" : _("read from"), shown);
  }
}

/* What was taken of a file that holds more than the network. */
static void
append_choice(GString *out, DdimCheckpoint *checkpoint)
{
  const char *member = ddim_checkpoint_get_member(checkpoint);
  const char *prefix = ddim_checkpoint_get_prefix(checkpoint);

  if (member) {
    /* Translators: a part of a file: “ema” */
    g_autofree char *text = g_strdup_printf(_("the file's member “%s”"), member);
    append_row(out, _("weights"), text);
  }
  if (prefix) {
    g_autofree char *text = g_strdup_printf(_("those whose names begin with “%s”"), prefix);
    append_row(out, member ? "" : _("weights"), text);
  }
}

static void
append_file(GString *out, DdimCheckpoint *checkpoint, DdimConfig *config)
{
  DdimCensus census;
  g_autoptr(GString) text = g_string_new(NULL);
  g_autofree char *path = g_filename_display_name(ddim_checkpoint_get_path(checkpoint));
  g_autofree char *size = g_format_size(ddim_checkpoint_get_file_size(checkpoint));
  const char *license = ddim_config_get_license(config);

  ddim_census_take(checkpoint, &census);
  append_row(out, _("file"), path);
  append_parts(out, ddim_checkpoint_get_path(checkpoint));
  g_string_printf(text, "%s, %s", ddim_checkpoint_get_format(checkpoint), size);
  append_row(out, _("format"), text->str);
  append_choice(out, checkpoint);
  append_row(out, _("licence"), license ? license : _("not stated"));
  g_string_printf(text, _("%.1f million in %u tensors:"), census.parameters / 1e6,
                  ddim_checkpoint_get_n_tensors(checkpoint));
  for (guint i = 0; i < DDIM_N_DTYPES; i++) {
    guint64 count = census.by_dtype[i];
    if (count == census.parameters && count > 0)
      g_string_append_printf(text, " %s", ddim_dtype_name(i));
    else if (count > 0)
      g_string_append_printf(text, " %s %.3g %%", ddim_dtype_name(i),
                             100. * count / census.parameters);
  }
  append_row(out, _("parameters"), text->str);
  g_string_printf(text,
                  ddim_census_is_half(&census)
                      ? _("changes outputs of the order of 1 by up to %g, less than usual, as the "
                          "weights are stored so already")
                      : _("changes outputs of the order of 1 by up to %g"),
                  ddim_census_half_error(&census));
  append_row(out, "--precision f16", text->str);
}

static const char *
channels_name(guint channels)
{
  static const char *const names[] = {N_("gray"), N_("gray and alpha"), N_("RGB"), N_("RGBA")};

  return _(names[CLAMP(channels, 1, 4) - 1]);
}

/* The pool is named as guided-diffusion does. */
static void
append_kind(GString *out, DdimConfig *config)
{
  const char *channels = channels_name(ddim_config_get_image_channels(config));
  const guint n = ddim_config_get_n_classes(config);

  if (ddim_config_get_pool(config) != DDIM_POOL_NONE)
    /* Translators: RGB or another kind of colors; how many classes; the name of a pool: attention
     */
    g_string_printf(
        out,
        ngettext("classifier, %s, %u class, pool %s", "classifier, %s, %u classes, pool %s", n),
        channels, n, ddim_pool_get_name(ddim_config_get_pool(config)));
  else
    g_string_printf(out, _("%s, %s, %s"),
                    ddim_config_is_super_res(config) ? _("super-resolution UNet") : _("UNet"),
                    channels, n ? _("class-conditional") : _("unconditional"));
}

static void
append_sizes(GString *out, DdimConfig *config)
{
  guint width, height;

  if (ddim_config_get_only_size(config)) {
    g_string_printf(out, _("%u, nothing else"), ddim_config_get_only_size(config));
    return;
  }
  ddim_config_get_shape(config, &width, &height);
  g_string_printf(out, _("any multiple of %u; made for %u"), ddim_config_get_stride(config), width);
  if (height != width)
    g_string_append_printf(out, "x%u", height);
  if (ddim_config_is_super_res(config))
    g_string_append_printf(out, _(" from %u"), ddim_config_get_small_size(config));
}

static void
append_model(GString *out, DdimConfig *config)
{
  g_autoptr(GArray) levels = ddim_architecture_get_levels(ddim_config_get_architecture(config));
  g_autoptr(GString) text = g_string_new(NULL);

  append_kind(text, config);
  append_row(out, _("model"), text->str);
  append_row(out, _("family"), ddim_config_get_family(config));

  g_string_truncate(text, 0);
  for (guint i = 0; i < levels->len; i++) {
    const DdimLevel *level = &g_array_index(levels, DdimLevel, i);
    g_string_append_printf(text, "%s%u%s", i ? ", " : "", level->channels,
                           level->attention ? _(" with attention") : "");
  }
  append_row(out, _("levels"), text->str);

  append_sizes(text, config);
  append_row(out, _("width, height"), text->str);
  if (!ddim_config_get_preset(config))
    return;
  g_string_printf(text, "%s: %s", ddim_config_get_preset(config),
                  ddim_config_get_preset_reason(config));
  append_row(out, _("recognised as"), text->str);
}

static void
append_value(const char *key, const char *value, DdimSource source, gpointer user_data)
{
  g_autofree char *clean = ddim_printable(value);

  g_string_append_printf(user_data, "  %-33s %-12s %s\n", key, *clean ? clean : "\"\"",
                         ddim_source_get_name(source));
}

static void
append_classes(GString *out, DdimConfig *config)
{
  guint n = ddim_config_get_n_classes(config);

  if (n == 0)
    return;
  g_string_append_printf(out, "\n%s\n", _("Classes"));
  if (!ddim_config_get_class_name(config, 0)) {
    g_string_append_printf(out, _("  0 to %u, without names\n"), n - 1);
    return;
  }
  for (guint i = 0; i < n; i++) {
    g_autofree char *clean = ddim_printable(ddim_config_get_class_name(config, i));
    g_string_append_printf(out, "  %4u %s\n", i, clean);
  }
}

static void
append_field(const char *field, const char *json, gpointer user_data)
{
  GString *out = user_data;
  g_autofree char *clean = ddim_printable(json);

  g_string_append_printf(out, "  %-27s %s\n", field, clean);
}

/* What its scheduler_config.json says, and the defaults of the other fields. */
static void
append_scheduler(GString *out, DdimConfig *config)
{
  const DdimScheduler *scheduler = ddim_config_get_scheduler(config);

  if (!scheduler)
    return;
  /* Translators: then follows the name of a class */
  g_string_append_printf(out, _("\nScheduler %s\n"), ddim_scheduler_get_name(scheduler));
  ddim_scheduler_foreach(scheduler, append_field, out);
}

static void
append_notes(GString *out, DdimConfig *config)
{
  const char *const *notes = ddim_config_get_notes(config);

  if (!notes[0])
    return;
  g_string_append_printf(out, "\n%s\n", _("Notes"));
  for (guint i = 0; notes[i]; i++) {
    g_autofree char *clean = ddim_printable(notes[i]);
    g_string_append_printf(out, "  %s\n", clean);
  }
}

char *
ddim_info_model_text(DdimCheckpoint *checkpoint, DdimConfig *config, gboolean modules)
{
  GString *out = g_string_new(NULL);

  append_title(out, config);
  append_file(out, checkpoint, config);
  append_model(out, config);
  g_string_append_printf(out, "\n%s\n", _("Values, and where each comes from"));
  ddim_config_foreach(config, append_value, out);
  append_scheduler(out, config);
  append_classes(out, config);
  append_notes(out, config);
  if (modules)
    ddim_info_append_modules(out, ddim_config_get_architecture(config));
  return g_string_free(out, FALSE);
}
