/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Completing a configuration: each value from its most binding source, checked against the weights.
 */

#include "core/checkpoint/model-folder.h"
#include "core/model/config-details.h"
#include "core/model/config-private.h"
#include "core/model/families.h"
#include "core/model/imagenet.h"
#include "core/model/sources.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"

/* Whether @key means something for this model. */
static gboolean
applies(const DdimSources *sources, DdimKey key)
{
  const DdimInference *inference = sources->inference;

  if (sources->family->applies && !sources->family->applies(key))
    return FALSE;
  switch (key) {
  case DDIM_KEY_IMAGE_SIZE:
    return !inference->super_res;
  case DDIM_KEY_LARGE_SIZE:
  case DDIM_KEY_SMALL_SIZE:
    return inference->super_res;
  case DDIM_KEY_NUM_CLASSES:
    return inference->n_classes > 0;
  case DDIM_KEY_POOL:
    return sources->family->classifies;
  default:
    return TRUE;
  }
}

/* The family's default, made to fit this network: the original builds the network from the size,
 * here the network is given. */
static char *
default_value(const DdimConfig *config, const DdimSources *sources, DdimKey key)
{
  const char *text = ddim_family_get_default(sources->family, key);
  const guint stride = ddim_inference_get_stride(sources->inference);

  if (key == DDIM_KEY_IMAGE_SIZE || key == DDIM_KEY_LARGE_SIZE)
    return g_strdup_printf("%u", MAX((guint)g_ascii_strtoull(text, NULL, 10), stride));
  if (key == DDIM_KEY_SMALL_SIZE)
    return g_strdup_printf("%u",
                           MAX(1, ddim_values_get_uint(&config->values, DDIM_KEY_LARGE_SIZE) / 4));
  return g_strdup(text);
}

static void
resolve_attention(DdimConfig *config, const DdimSources *sources)
{
  const guint size = ddim_values_get_uint(&config->values, ddim_sources_get_size_key(sources));

  ddim_values_set(&config->values, DDIM_KEY_ATTENTION_RESOLUTIONS,
                  ddim_inference_get_attention_text(sources->inference, size),
                  sources->inference->source);
}

static gboolean
resolve(DdimConfig *config, const DdimSources *sources, DdimKey key, GError **error)
{
  const DdimSource source = ddim_sources_find(sources, key);
  const char *inferred = sources->inference->values[key];
  DdimValues *values = &config->values;

  if (source < DDIM_SOURCE_PRESET && !ddim_sources_check(sources, source, key, error))
    return FALSE;
  if (!applies(sources, key))
    return TRUE;
  if (key == DDIM_KEY_ATTENTION_RESOLUTIONS)
    resolve_attention(config, sources);
  else if (inferred)
    ddim_values_set(values, key, g_strdup(inferred), sources->inference->source);
  else if (source < DDIM_SOURCE_DEFAULT)
    ddim_values_set(values, key, g_strdup(ddim_sources_get(sources, source, key)), source);
  else
    ddim_values_set(values, key, default_value(config, sources, key), source);
  return TRUE;
}

/* What depends on several values. */
static gboolean
check_values(DdimConfig *config, const DdimSources *sources, GError **error)
{
  const DdimFamily *family = sources->family;
  g_autofree char *reason = NULL, *quoted = NULL;
  DdimKey key;

  if (family->settle)
    family->settle(&config->values);
  if (!family->check || family->check(sources->inference, &config->values, &key, &reason))
    return TRUE;
  quoted = ddim_sources_quote(sources, config->values.source[key], key, config->values.text[key]);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH, _("%s contradicts the weights: %s"), quoted,
              reason);
  return FALSE;
}

/* A model of a thousand classes was nearly always trained on ImageNet. */
static void
take_usual_names(DdimConfig *config, const DdimSources *sources)
{
  if (sources->inference->n_classes != DDIM_IMAGENET_CLASSES ||
      (!config->architecture->embedding.label_table && !config->family->classifies))
    return;
  config->class_names = g_strsplit(ddim_imagenet_names, "\n", -1);
  config->usual_names = TRUE;
  if (sources->settings[DDIM_SOURCE_PRESET]->origin)
    return; /* a published model, which is known to be one of them */
  g_ptr_array_add(config->notes,
                  g_strdup(_("no source names the classes: the names are those of ImageNet's 1000 "
                             "(torchvision's list)")));
}

static gboolean
take_class_names(DdimConfig *config, DdimSources *sources, GError **error)
{
  for (DdimSource source = DDIM_SOURCE_SIDECAR; source <= DDIM_SOURCE_METADATA; source++) {
    DdimSettings *settings = sources->settings[source];
    const guint n = settings->class_names ? g_strv_length(settings->class_names) : 0;
    if (n == 0)
      continue;
    if (n != sources->inference->n_classes) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH,
                  _("%s: class_names has %u names, which contradicts the weights: %s"),
                  settings->origin, n, sources->inference->evidence[DDIM_KEY_NUM_CLASSES]);
      return FALSE;
    }
    config->class_names = g_steal_pointer(&settings->class_names);
    return TRUE;
  }
  take_usual_names(config, sources);
  return TRUE;
}

/* A list of two numbers in a model's own file; what flags or a sidecar say in its place are
 * squares. */
static void
take_shape(DdimConfig *config, const DdimSources *sources)
{
  const DdimSettings *file = sources->settings[DDIM_SOURCE_CONFIG];
  const guint size = ddim_config_get_image_size(config);
  const gboolean own = config->values.source[DDIM_KEY_IMAGE_SIZE] >= DDIM_SOURCE_METADATA;

  config->width = config->height = size;
  if (own && file->height == size && file->width)
    config->width = file->width;
}

/* A model of diffusers keeps the texts of its folder, so that a converted file has them. */
static void
take_files(DdimConfig *config, DdimSources *sources, DdimCheckpoint *checkpoint)
{
  static const char *const keys[] = {DDIM_METADATA_UNET, DDIM_METADATA_SCHEDULER};

  config->scheduler = g_steal_pointer(&sources->settings[DDIM_SOURCE_CONFIG]->scheduler);
  for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
    config->files[i] = g_strdup(ddim_checkpoint_get_metadata(checkpoint, keys[i]));
}

static char *
first_text(const char *sidecar, const char *metadata)
{
  return g_strdup(sidecar ? sidecar : metadata);
}

static void
take_texts(DdimConfig *config, const DdimSources *sources, DdimCheckpoint *checkpoint)
{
  const DdimSettings *sidecar = sources->settings[DDIM_SOURCE_SIDECAR];
  const DdimSettings *metadata = sources->settings[DDIM_SOURCE_METADATA];

  config->name = first_text(sidecar->name, metadata->name);
  config->description = first_text(sidecar->description, metadata->description);
  config->license = first_text(sidecar->license, metadata->license);
  config->preset = g_strdup(sources->settings[DDIM_SOURCE_PRESET]->origin);
  config->preset_reason = g_strdup(sources->settings[DDIM_SOURCE_PRESET]->reason);
  if (!config->name || !*config->name) {
    g_autofree char *base = g_filename_display_basename(ddim_checkpoint_get_path(checkpoint));
    char *dot = strrchr(base, '.');
    if (dot && dot != base &&
        !g_file_test(ddim_checkpoint_get_path(checkpoint), G_FILE_TEST_IS_DIR))
      *dot = '\0';
    g_free(config->name);
    config->name = g_steal_pointer(&base);
  }
}

/* Say which values are guesses that would spoil the pictures if they were wrong. */
static void
note_guesses(DdimConfig *config)
{
  static const DdimKey keys[] = {DDIM_KEY_IMAGE_SIZE, DDIM_KEY_LARGE_SIZE, DDIM_KEY_NUM_HEADS,
                                 DDIM_KEY_DIFFUSION_STEPS, DDIM_KEY_NOISE_SCHEDULE};
  const DdimValues *values = &config->values;
  g_autoptr(GPtrArray) names = g_ptr_array_new();

  for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
    /* A scheduler has betas of its own, which the key may have no name for. */
    const gboolean unused = (keys[i] == DDIM_KEY_NUM_HEADS &&
                             ddim_values_get_uint(values, DDIM_KEY_NUM_HEAD_CHANNELS) > 0) ||
                            (keys[i] == DDIM_KEY_NOISE_SCHEDULE && config->scheduler);
    if (values->text[keys[i]] && values->source[keys[i]] == DDIM_SOURCE_DEFAULT && !unused)
      g_ptr_array_add(names, (gpointer)ddim_family_get_key_name(config->family, keys[i]));
  }
  if (names->len == 0)
    return;
  g_ptr_array_add(names, NULL);
  g_autofree char *list = g_strjoinv(", ", (char **)names->pdata);
  g_ptr_array_add(
      config->notes,
      g_strdup_printf(_("nothing tells %s: %s's defaults are taken; if the pictures are noise, "
                        "give the flags of the training"),
                      list, config->family->name));
}

static void
take_notes(DdimConfig *config, const DdimSources *sources)
{
  const GPtrArray *extra = config->extra;

  for (DdimSource source = DDIM_SOURCE_FLAGS; source < DDIM_SOURCE_DEFAULT; source++) {
    const GPtrArray *notes = sources->settings[source]->notes;
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
  note_guesses(config);
  g_ptr_array_add(config->notes, NULL);
  g_ptr_array_add(config->extra, NULL);
}

static DdimConfig *
load(DdimCheckpoint *checkpoint, const char *flags, const DdimFamily *const *families,
     GError **error)
{
  g_auto(DdimSources) sources = {0};
  g_autoptr(DdimConfig) config = NULL;

  if (!ddim_sources_gather(&sources, checkpoint, flags, families, error))
    return NULL;
  config = g_new0(DdimConfig, 1);
  g_atomic_ref_count_init(&config->refs);
  config->family = sources.family;
  config->notes = g_ptr_array_new_with_free_func(g_free);
  config->extra = g_ptr_array_new_with_free_func(g_free);
  for (guint key = 0; key < DDIM_N_KEYS; key++)
    if (!resolve(config, &sources, key, error))
      return NULL;
  if (!check_values(config, &sources, error))
    return NULL;
  config->architecture = config->family->architecture_new(sources.inference, &config->values);
  if (!ddim_family_verify(config->family, config->architecture, checkpoint, config->extra, error) ||
      !take_class_names(config, &sources, error))
    return NULL;
  take_texts(config, &sources, checkpoint);
  take_shape(config, &sources);
  take_files(config, &sources, checkpoint);
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
ddim_config_load_with_families(DdimCheckpoint *checkpoint, const char *flags,
                               const DdimFamily *const *families, GError **error)
{
  g_autoptr(GError) local = NULL;
  DdimConfig *config = load(checkpoint, flags, families, &local);

  if (local) {
    keep_one_line(local->message);
    g_propagate_error(error, g_steal_pointer(&local));
  }
  return config;
}

DdimConfig *
ddim_config_load(DdimCheckpoint *checkpoint, const char *flags, GError **error)
{
  g_return_val_if_fail(checkpoint != NULL, NULL);
  return ddim_config_load_with_families(checkpoint, flags, ddim_families, error);
}

DdimConfig *
ddim_config_load_classifier(DdimCheckpoint *checkpoint, const char *flags, GError **error)
{
  g_return_val_if_fail(checkpoint != NULL, NULL);
  return ddim_config_load_with_families(checkpoint, flags, ddim_classifier_families, error);
}

DdimConfig *
ddim_config_load_any(DdimCheckpoint *checkpoint, const char *flags, GError **error)
{
  static const char *const nothing[DDIM_N_KEYS] = {NULL};

  g_return_val_if_fail(checkpoint != NULL, NULL);
  return ddim_family_recognise(ddim_classifier_families, checkpoint, nothing, NULL)
             ? ddim_config_load_classifier(checkpoint, flags, error)
             : ddim_config_load(checkpoint, flags, error);
}
