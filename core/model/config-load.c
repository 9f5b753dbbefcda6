/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Completing a configuration: the most binding source of every value, held against the weights. */

#include "core/model/config-private.h"
#include "core/model/unetmodel.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"

typedef struct {
  DdimShapes *shapes;
  DdimSettings *settings[DDIM_SOURCE_DEFAULT]; /* by DdimSource; NULL for shapes */
} Sources;

static void
sources_clear(Sources *sources)
{
  g_clear_pointer(&sources->shapes, ddim_shapes_free);
  for (guint i = 0; i < DDIM_SOURCE_DEFAULT; i++)
    g_clear_pointer(&sources->settings[i], ddim_settings_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sources, sources_clear)

/* What @source says of @key. The size of a super-resolution model's images goes by both names. */
static const char *
said(const Sources *sources, DdimSource source, DdimKey key)
{
  const DdimSettings *settings = sources->settings[source];
  const char *value = settings ? settings->values[key] : NULL;

  if (settings && !value && key == DDIM_KEY_LARGE_SIZE && sources->shapes->unet.super_res)
    value = settings->values[DDIM_KEY_IMAGE_SIZE];
  return value;
}

static DdimSource
most_binding(const Sources *sources, DdimKey key)
{
  DdimSource source = DDIM_SOURCE_FLAGS;

  while (source < DDIM_SOURCE_DEFAULT && !said(sources, source, key))
    source++;
  return source;
}

/* The size that attention_resolutions of @source refers to; 0 when only a guess. */
static guint
size_for(const Sources *sources, DdimSource source)
{
  DdimKey key = sources->shapes->unet.super_res ? DDIM_KEY_LARGE_SIZE : DDIM_KEY_IMAGE_SIZE;
  const char *value = said(sources, source, key);

  if (!value) {
    source = most_binding(sources, key);
    if (source == DDIM_SOURCE_DEFAULT ||
        (source == DDIM_SOURCE_PRESET && !sources->settings[source]->origin))
      return 0;
    value = said(sources, source, key);
  }
  return g_ascii_strtoull(value, NULL, 10);
}

static char *
quote_setting(const DdimSettings *settings, DdimSource source, DdimKey key, const char *value)
{
  if (source == DDIM_SOURCE_FLAGS)
    return g_strdup_printf("--%s %s", ddim_key_name(key), value);
  if (!settings || !settings->origin)
    return g_strdup_printf("%s %s", ddim_key_name(key), value);
  return g_strdup_printf("%s: %s %s", settings->origin, ddim_key_name(key), value);
}

static gboolean
check_against_weights(const Sources *sources, DdimSource source, DdimKey key, GError **error)
{
  const char *value = said(sources, source, key);
  guint size = size_for(sources, source);
  g_autofree char *quoted = NULL, *reason = NULL;

  if (!ddim_shapes_contradict(sources->shapes, key, value, size))
    return TRUE;
  quoted = quote_setting(sources->settings[source], source, key, value);
  reason = ddim_shapes_explain(sources->shapes, key, size);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH, _("%s contradicts the weights: %s"), quoted,
              reason);
  return FALSE;
}

/* Keys that mean something for this model. */
static gboolean
applies(const DdimShapes *shapes, DdimKey key)
{
  switch (key) {
  case DDIM_KEY_IMAGE_SIZE:
    return !shapes->unet.super_res;
  case DDIM_KEY_LARGE_SIZE:
  case DDIM_KEY_SMALL_SIZE:
    return shapes->unet.super_res;
  case DDIM_KEY_NUM_CLASSES:
    return shapes->unet.num_classes > 0;
  default:
    return TRUE;
  }
}

/* improved_diffusion's default, made to fit this UNet: the original builds the UNet from the size,
 * here the UNet is given. */
static char *
default_value(DdimConfig *config, DdimKey key)
{
  const char *text = ddim_key_default(key);
  guint stride = 1u << (config->unet.n_levels - 1);

  if (key == DDIM_KEY_IMAGE_SIZE || key == DDIM_KEY_LARGE_SIZE)
    return g_strdup_printf("%u", MAX((guint)g_ascii_strtoull(text, NULL, 10), stride));
  if (key == DDIM_KEY_SMALL_SIZE)
    return g_strdup_printf("%u", MAX(1, ddim_config_get_uint(config, DDIM_KEY_LARGE_SIZE) / 4));
  return g_strdup(text);
}

static gboolean
resolve(DdimConfig *config, const Sources *sources, DdimKey key, GError **error)
{
  DdimSource source = most_binding(sources, key);
  const char *told = sources->shapes->told[key];

  if (source < DDIM_SOURCE_PRESET && !check_against_weights(sources, source, key, error))
    return FALSE;
  if (!applies(sources->shapes, key))
    return TRUE;
  if (key == DDIM_KEY_ATTENTION_RESOLUTIONS) {
    DdimKey size = config->unet.super_res ? DDIM_KEY_LARGE_SIZE : DDIM_KEY_IMAGE_SIZE;
    config->values[key] =
        ddim_shapes_attention_text(&config->unet, ddim_config_get_uint(config, size));
    config->sources[key] = DDIM_SOURCE_SHAPES;
    return TRUE;
  }
  config->sources[key] = told ? DDIM_SOURCE_SHAPES : source;
  if (told)
    config->values[key] = g_strdup(told);
  else if (source < DDIM_SOURCE_DEFAULT)
    config->values[key] = g_strdup(said(sources, source, key));
  else
    config->values[key] = default_value(config, key);
  return TRUE;
}

/* num_head_channels decides over num_heads (guided_diffusion/unet.py), but not over one from a more
 * binding source. */
static void
resolve_heads(DdimConfig *config)
{
  DdimUNetConfig *unet = &config->unet;

  if (config->sources[DDIM_KEY_NUM_HEADS] < config->sources[DDIM_KEY_NUM_HEAD_CHANNELS]) {
    g_free(config->values[DDIM_KEY_NUM_HEAD_CHANNELS]);
    config->values[DDIM_KEY_NUM_HEAD_CHANNELS] = g_strdup("-1");
    config->sources[DDIM_KEY_NUM_HEAD_CHANNELS] = config->sources[DDIM_KEY_NUM_HEADS];
  }
  unet->num_heads = ddim_config_get_uint(config, DDIM_KEY_NUM_HEADS);
  unet->num_heads_upsample = ddim_config_get_uint(config, DDIM_KEY_NUM_HEADS_UPSAMPLE);
  if (unet->num_heads_upsample == 0)
    unet->num_heads_upsample = unet->num_heads;
  unet->num_head_channels = ddim_config_get_uint(config, DDIM_KEY_NUM_HEAD_CHANNELS);
  unet->use_new_attention_order = ddim_config_get_bool(config, DDIM_KEY_USE_NEW_ATTENTION_ORDER);
}

static gboolean
check_heads_at(DdimConfig *config, const Sources *sources, guint channels, const char *where,
               GError **error)
{
  const DdimUNetConfig *unet = &config->unet;
  DdimKey key;

  if (unet->num_head_channels ? channels % unet->num_head_channels : channels % unet->num_heads)
    key = unet->num_head_channels ? DDIM_KEY_NUM_HEAD_CHANNELS : DDIM_KEY_NUM_HEADS;
  else if (!unet->num_head_channels && channels % unet->num_heads_upsample)
    key = DDIM_KEY_NUM_HEADS_UPSAMPLE;
  else
    return TRUE;

  DdimSource source = config->sources[key];
  const DdimSettings *settings = source < DDIM_SOURCE_DEFAULT ? sources->settings[source] : NULL;
  g_autofree char *quoted = quote_setting(settings, source, key, config->values[key]);
  g_set_error(
      error, DDIM_ERROR, DDIM_ERROR_MISMATCH,
      _("%s contradicts the weights: it does not divide the %u channels of the attention in %s"),
      quoted, channels, where);
  return FALSE;
}

static gboolean
check_heads(DdimConfig *config, const Sources *sources, GError **error)
{
  const DdimUNetConfig *unet = &config->unet;

  for (guint level = 0; level < unet->n_levels; level++) {
    g_autofree char *where =
        g_strdup_printf("input_blocks.%u", 1 + level * (unet->num_res_blocks + 1));
    if (unet->level_attention[level] &&
        !check_heads_at(config, sources, unet->level_channels[level], where, error))
      return FALSE;
  }
  return check_heads_at(config, sources, unet->level_channels[unet->n_levels - 1], "middle_block",
                        error);
}

static gboolean
take_class_names(DdimConfig *config, Sources *sources, GError **error)
{
  for (DdimSource source = DDIM_SOURCE_SIDECAR; source <= DDIM_SOURCE_METADATA; source++) {
    DdimSettings *settings = sources->settings[source];
    guint n = settings->class_names ? g_strv_length(settings->class_names) : 0;
    if (n == 0)
      continue;
    if (n != config->unet.num_classes) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH,
                  _("%s: class_names has %u names, which contradicts the weights: %s"),
                  settings->origin, n, sources->shapes->evidence[DDIM_KEY_NUM_CLASSES]);
      return FALSE;
    }
    config->class_names = g_steal_pointer(&settings->class_names);
    return TRUE;
  }
  return TRUE;
}

static char *
first_text(char *sidecar, char *metadata)
{
  return g_strdup(sidecar ? sidecar : metadata);
}

static void
take_texts(DdimConfig *config, Sources *sources, DdimCheckpoint *checkpoint)
{
  const DdimSettings *sidecar = sources->settings[DDIM_SOURCE_SIDECAR];
  const DdimSettings *metadata = sources->settings[DDIM_SOURCE_METADATA];

  config->name = first_text(sidecar->name, metadata->name);
  config->description = first_text(sidecar->description, metadata->description);
  config->license = first_text(sidecar->license, metadata->license);
  config->preset = g_strdup(sources->settings[DDIM_SOURCE_PRESET]->origin);
  if (!config->name || !*config->name) {
    g_autofree char *base = g_filename_display_basename(ddim_checkpoint_get_path(checkpoint));
    char *dot = strrchr(base, '.');
    if (dot && dot != base)
      *dot = '\0';
    g_free(config->name);
    config->name = g_steal_pointer(&base);
  }
}

/* What no source tells and a wrong guess spoils. */
static void
note_guesses(DdimConfig *config)
{
  static const DdimKey keys[] = {DDIM_KEY_IMAGE_SIZE, DDIM_KEY_LARGE_SIZE, DDIM_KEY_NUM_HEADS,
                                 DDIM_KEY_DIFFUSION_STEPS, DDIM_KEY_NOISE_SCHEDULE};
  g_autoptr(GPtrArray) names = g_ptr_array_new();

  for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
    gboolean guessed = config->values[keys[i]] && config->sources[keys[i]] == DDIM_SOURCE_DEFAULT;
    if (guessed && !(keys[i] == DDIM_KEY_NUM_HEADS && config->unet.num_head_channels))
      g_ptr_array_add(names, (gpointer)ddim_key_name(keys[i]));
  }
  if (names->len == 0)
    return;
  g_ptr_array_add(names, NULL);
  g_autofree char *list = g_strjoinv(", ", (char **)names->pdata);
  g_ptr_array_add(
      config->notes,
      g_strdup_printf(
          _("nothing tells %s: improved-diffusion's defaults are taken; if the pictures are "
            "noise, give the flags of the training"),
          list));
}

static void
take_notes(DdimConfig *config, Sources *sources)
{
  GPtrArray *extra = sources->shapes->extra;

  for (DdimSource source = DDIM_SOURCE_FLAGS; source < DDIM_SOURCE_DEFAULT; source++) {
    GPtrArray *notes = sources->settings[source]->notes;
    for (guint i = 0; i < notes->len; i++)
      g_ptr_array_add(config->notes, g_strdup(notes->pdata[i]));
  }
  if (extra->len > 0)
    g_ptr_array_add(
        config->notes,
        g_strdup_printf(ngettext("%u tensor has no part in the model: %s",
                                 "%u tensors have no part in the model, the first is %s",
                                 extra->len),
                        extra->len, (char *)extra->pdata[0]));
  for (guint i = 0; i < extra->len; i++)
    g_ptr_array_add(config->extra, g_strdup(extra->pdata[i]));
  note_guesses(config);
  g_ptr_array_add(config->notes, NULL);
  g_ptr_array_add(config->extra, NULL);
}

static gboolean
says_super_res(const Sources *sources)
{
  for (DdimSource source = DDIM_SOURCE_FLAGS; source < DDIM_SOURCE_PRESET; source++) {
    const DdimSettings *settings = sources->settings[source];
    if (settings->values[DDIM_KEY_LARGE_SIZE] || settings->values[DDIM_KEY_SMALL_SIZE])
      return TRUE;
    if (settings->values[DDIM_KEY_LEARN_SIGMA])
      return g_str_equal(settings->values[DDIM_KEY_LEARN_SIGMA], "True");
  }
  return FALSE;
}

static gboolean
gather(Sources *sources, DdimCheckpoint *checkpoint, const char *flags, GError **error)
{
  const char *path = ddim_checkpoint_get_path(checkpoint);

  sources->settings[DDIM_SOURCE_FLAGS] = ddim_settings_from_flags(flags, error);
  if (!sources->settings[DDIM_SOURCE_FLAGS])
    return FALSE;
  sources->settings[DDIM_SOURCE_SIDECAR] = ddim_settings_from_sidecar(path, error);
  if (!sources->settings[DDIM_SOURCE_SIDECAR])
    return FALSE;
  sources->settings[DDIM_SOURCE_METADATA] = ddim_settings_from_metadata(checkpoint, error);
  if (!sources->settings[DDIM_SOURCE_METADATA])
    return FALSE;
  sources->shapes = ddim_shapes_new(checkpoint, says_super_res(sources), error);
  if (!sources->shapes)
    return FALSE;
  sources->settings[DDIM_SOURCE_PRESET] = ddim_settings_from_preset(path, sources->shapes);
  return TRUE;
}

static DdimConfig *
load(DdimCheckpoint *checkpoint, const char *flags, GError **error)
{
  g_auto(Sources) sources = {0};
  g_autoptr(DdimConfig) config = NULL;

  if (!ddim_layout_check(checkpoint, error) || !gather(&sources, checkpoint, flags, error))
    return NULL;

  config = g_new0(DdimConfig, 1);
  g_atomic_ref_count_init(&config->refs);
  config->notes = g_ptr_array_new_with_free_func(g_free);
  config->extra = g_ptr_array_new_with_free_func(g_free);
  config->unet = sources.shapes->unet;
  for (guint key = 0; key < DDIM_N_KEYS; key++)
    if (!resolve(config, &sources, key, error))
      return NULL;
  resolve_heads(config);
  if (!check_heads(config, &sources, error) || !take_class_names(config, &sources, error))
    return NULL;
  config->architecture = ddim_unetmodel_architecture_new(&config->unet);
  take_texts(config, &sources, checkpoint);
  take_notes(config, &sources);
  return g_steal_pointer(&config);
}

/* Messages quote names out of files and flags, which may hold anything. */
static void
keep_one_line(char *message)
{
  for (; *message; message++)
    if (g_ascii_iscntrl(*message))
      *message = '?';
}

DdimConfig *
ddim_config_load(DdimCheckpoint *checkpoint, const char *flags, GError **error)
{
  g_autoptr(GError) local = NULL;
  DdimConfig *config;

  g_return_val_if_fail(checkpoint != NULL, NULL);
  config = load(checkpoint, flags, &local);
  if (local) {
    keep_one_line(local->message);
    g_propagate_error(error, g_steal_pointer(&local));
  }
  return config;
}
