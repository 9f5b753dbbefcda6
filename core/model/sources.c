/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/model/sources.h"

#include <glib/gi18n-lib.h>
#include "core/data/error.h"

void
ddim_sources_clear(DdimSources *sources)
{
  g_clear_pointer(&sources->inference, ddim_inference_free);
  for (guint i = 0; i < DDIM_SOURCE_DEFAULT; i++)
    g_clear_pointer(&sources->settings[i], ddim_settings_free);
}

/* What the user and the files say, see DdimFamily. */
static void
collect_stated(const DdimSources *sources, const char **stated)
{
  for (guint key = 0; key < DDIM_N_KEYS; key++)
    for (DdimSource source = DDIM_SOURCE_PRESET; source-- > DDIM_SOURCE_FLAGS;)
      if (sources->settings[source]->values[key])
        stated[key] = sources->settings[source]->values[key];
}

static gboolean
read_settings(DdimSources *sources, DdimCheckpoint *checkpoint, const char *flags, GError **error)
{
  const char *path = ddim_checkpoint_get_path(checkpoint);

  sources->settings[DDIM_SOURCE_FLAGS] =
      ddim_settings_from_flags(flags, sources->family->classifies, error);
  if (!sources->settings[DDIM_SOURCE_FLAGS])
    return FALSE;
  sources->settings[DDIM_SOURCE_SIDECAR] = ddim_settings_from_sidecar(path, error);
  if (!sources->settings[DDIM_SOURCE_SIDECAR])
    return FALSE;
  sources->settings[DDIM_SOURCE_METADATA] = ddim_settings_from_metadata(checkpoint, error);
  if (!sources->settings[DDIM_SOURCE_METADATA])
    return FALSE;
  sources->settings[DDIM_SOURCE_CONFIG] = ddim_settings_from_diffusers(checkpoint, error);
  return sources->settings[DDIM_SOURCE_CONFIG] != NULL;
}

gboolean
ddim_sources_gather(DdimSources *sources, DdimCheckpoint *checkpoint, const char *flags,
                    const DdimFamily *const *families, GError **error)
{
  const char *stated[DDIM_N_KEYS] = {NULL};

  /* That a file cannot be used at all is worth more than what is wrong with its flags. */
  if (!(sources->family = ddim_family_recognise(families, checkpoint, stated, error)) ||
      !read_settings(sources, checkpoint, flags, error))
    return FALSE;
  collect_stated(sources, stated);
  sources->family = ddim_family_recognise(families, checkpoint, stated, error);
  sources->inference = sources->family ? sources->family->infer(checkpoint, stated, error) : NULL;
  if (!sources->inference)
    return FALSE;
  sources->settings[DDIM_SOURCE_PRESET] =
      sources->family->find_preset
          ? sources->family->find_preset(ddim_checkpoint_get_path(checkpoint), sources->inference)
          : ddim_settings_new(NULL);
  return TRUE;
}

DdimSource
ddim_sources_find(const DdimSources *sources, DdimKey key)
{
  DdimSource source = DDIM_SOURCE_FLAGS;

  while (source < DDIM_SOURCE_DEFAULT && !ddim_sources_get(sources, source, key))
    source++;
  return source;
}

const char *
ddim_sources_get(const DdimSources *sources, DdimSource source, DdimKey key)
{
  char *const *values = sources->settings[source]->values;

  /* Both names are met for the size of a super-resolution model's images. */
  if (!values[key] && key == DDIM_KEY_LARGE_SIZE && sources->inference->super_res)
    return values[DDIM_KEY_IMAGE_SIZE];
  return values[key];
}

DdimKey
ddim_sources_get_size_key(const DdimSources *sources)
{
  return sources->inference->super_res ? DDIM_KEY_LARGE_SIZE : DDIM_KEY_IMAGE_SIZE;
}

/* The size that attention_resolutions of @source refers to; 0 when that could only be guessed. */
static guint
get_size(const DdimSources *sources, DdimSource source)
{
  const DdimKey key = ddim_sources_get_size_key(sources);
  const char *value = ddim_sources_get(sources, source, key);

  if (!value) {
    source = ddim_sources_find(sources, key);
    if (source == DDIM_SOURCE_DEFAULT ||
        (source == DDIM_SOURCE_PRESET && !sources->settings[source]->origin))
      return 0;
    value = ddim_sources_get(sources, source, key);
  }
  return g_ascii_strtoull(value, NULL, 10);
}

char *
ddim_sources_quote(const DdimSources *sources, DdimSource source, DdimKey key, const char *value)
{
  const char *name = ddim_family_get_key_name(sources->family, key);
  const DdimSettings *settings = source < DDIM_SOURCE_DEFAULT ? sources->settings[source] : NULL;

  if (source == DDIM_SOURCE_FLAGS)
    return g_strdup_printf("--%s %s", name, value);
  if (!settings || !settings->origin)
    return g_strdup_printf("%s %s", name, value);
  return g_strdup_printf("%s: %s %s", settings->origin, name, value);
}

gboolean
ddim_sources_check(const DdimSources *sources, DdimSource source, DdimKey key, GError **error)
{
  const char *value = ddim_sources_get(sources, source, key);
  const guint size = get_size(sources, source);

  if (!ddim_inference_contradicts(sources->inference, key, value, size))
    return TRUE;
  g_autofree char *quoted = ddim_sources_quote(sources, source, key, value);
  g_autofree char *reason = ddim_inference_explain(sources->inference, key, size);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_MISMATCH, _("%s contradicts the weights: %s"), quoted,
              reason);
  return FALSE;
}
