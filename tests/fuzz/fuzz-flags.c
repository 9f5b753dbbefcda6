/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* improved-diffusion's flags, and those of guided-diffusion's classifiers. */
#include "core/model/settings.h"
#include "core/data/error.h"
#include "tests/fuzz/fuzz.h"

static void
read_flags(const char *flags, gboolean classifies)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimSettings) settings = ddim_settings_from_flags(flags, classifies, &error);
  g_autoptr(GString) written = g_string_new(NULL);

  if (settings == NULL) {
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    return;
  }
  g_assert_no_error(error);
  /* Written out as flags again, every value is the same. */
  for (guint key = 0; key < DDIM_N_KEYS; key++) {
    if (settings->values[key] == NULL)
      continue;
    const char *name = classifies ? ddim_key_classifier_name(key) : ddim_key_name(key);
    g_autofree char *quoted = g_shell_quote(settings->values[key]);
    g_string_append_printf(written, "--%s=%s ", name, quoted);
  }
  g_autoptr(DdimSettings) again = ddim_settings_from_flags(written->str, classifies, &error);
  g_assert_no_error(error);
  for (guint key = 0; key < DDIM_N_KEYS; key++)
    g_assert_cmpstr(again->values[key], ==, settings->values[key]);
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  g_autofree char *flags = g_strndup((const char *)data, size);

  read_flags(flags, FALSE);
  read_flags(flags, TRUE);
}
