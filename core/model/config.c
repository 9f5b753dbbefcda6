/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A loaded configuration: what others ask of it. */

#include "core/model/config-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"
#include "core/data/similar.h"

DdimConfig *
ddim_config_ref(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  g_atomic_ref_count_inc(&config->refs);
  return config;
}

void
ddim_config_unref(DdimConfig *config)
{
  if (!config || !g_atomic_ref_count_dec(&config->refs))
    return;
  ddim_values_clear(&config->values);
  g_clear_pointer(&config->architecture, ddim_architecture_free);
  g_free(config->name);
  g_free(config->description);
  g_free(config->license);
  g_free(config->preset);
  g_free(config->preset_reason);
  g_strfreev(config->class_names);
  g_clear_pointer(&config->scheduler, ddim_scheduler_free);
  for (guint i = 0; i < G_N_ELEMENTS(config->files); i++)
    g_free(config->files[i]);
  g_ptr_array_unref(config->notes);
  g_ptr_array_unref(config->extra);
  g_free(config);
}

const char *
ddim_config_get_family(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->family->name;
}

guint
ddim_config_get_image_channels(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, 0);
  return config->architecture->in_channels - config->architecture->low_res_channels;
}

guint
ddim_config_get_stride(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, 1);
  return ddim_architecture_get_stride(config->architecture);
}

gboolean
ddim_config_is_super_res(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, FALSE);
  return config->architecture->low_res_channels > 0;
}

double
ddim_config_get_eta(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, 0);
  const char *text = config->values.text[DDIM_KEY_ETA];
  return text ? g_ascii_strtod(text, NULL) : 0;
}

const char *
ddim_config_get_sampler(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->values.text[DDIM_KEY_RECOMMENDED_SAMPLER];
}

const char *
ddim_config_get_steps(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->values.text[DDIM_KEY_RECOMMENDED_STEPS];
}

const char *
ddim_config_get_name(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->name;
}

const char *
ddim_config_get_description(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->description;
}

const char *
ddim_config_get_license(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->license;
}

guint
ddim_config_get_image_size(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, 0);
  return ddim_values_get_uint(&config->values, ddim_config_is_super_res(config)
                                                   ? DDIM_KEY_LARGE_SIZE
                                                   : DDIM_KEY_IMAGE_SIZE);
}

guint
ddim_config_get_small_size(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, 0);
  return ddim_values_get_uint(&config->values, DDIM_KEY_SMALL_SIZE);
}

guint
ddim_config_get_n_classes(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, 0);
  return ddim_architecture_get_n_classes(config->architecture);
}

const char *
ddim_config_get_class_name(DdimConfig *config, guint label)
{
  g_return_val_if_fail(config != NULL, NULL);
  return config->class_names && label < ddim_architecture_get_n_classes(config->architecture)
             ? config->class_names[label]
             : NULL;
}

static gboolean
find_class(DdimConfig *config, const char *text, gint64 *label)
{
  g_autofree char *folded = g_utf8_validate(text, -1, NULL) ? g_utf8_casefold(text, -1) : NULL;
  guint n =
      config->class_names && folded ? ddim_architecture_get_n_classes(config->architecture) : 0;

  for (guint i = 0; i < n; i++) {
    g_autofree char *name = g_utf8_casefold(config->class_names[i], -1);
    if (g_str_equal(name, folded)) {
      *label = i;
      return TRUE;
    }
  }
  return g_ascii_string_to_signed(
      text, 10, 0, (gint64)ddim_architecture_get_n_classes(config->architecture) - 1, label, NULL);
}

static gboolean
unknown_class(DdimConfig *config, const char *text, GError **error)
{
  g_autofree char *similar =
      config->class_names ? ddim_similar(text, (const char *const *)config->class_names) : NULL;
  guint last = ddim_architecture_get_n_classes(config->architecture) - 1;

  if (similar)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT, _("%s has no class “%s”; did you mean %s?"),
                config->name, text, similar);
  else if (config->class_names)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("%s has no class “%s”; its classes are 0 (%s) to %u (%s)"), config->name, text,
                config->class_names[0], last, config->class_names[last]);
  else
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("%s has no class “%s”; its classes are the numbers 0 to %u"), config->name, text,
                last);
  return FALSE;
}

gboolean
ddim_config_parse_class(DdimConfig *config, const char *text, gint64 *label, GError **error)
{
  g_return_val_if_fail(config != NULL && text != NULL && label != NULL, FALSE);
  if (ddim_architecture_get_n_classes(config->architecture) == 0) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("%s has no classes, so no class can be asked for"), config->name);
    return FALSE;
  }
  return find_class(config, text, label) || unknown_class(config, text, error);
}

const char *const *
ddim_config_get_notes(DdimConfig *config)
{
  g_return_val_if_fail(config != NULL, NULL);
  return (const char *const *)config->notes->pdata;
}

void
ddim_config_foreach(DdimConfig *config, DdimConfigVisitor visitor, gpointer user_data)
{
  g_return_if_fail(config != NULL && visitor != NULL);
  for (guint key = 0; key < DDIM_N_KEYS; key++)
    if (config->values.text[key])
      visitor(ddim_family_get_key_name(config->family, key), config->values.text[key],
              config->values.source[key], user_data);
}
