/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A sidecar: JSON, and the settings in it. */
#include "core/model/settings.h"
#include "core/data/error.h"
#include "tests/fuzz/fuzz.h"

void
fuzz_input(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimSettings) settings =
      ddim_settings_from_json((const char *)data, size, "input.json", &error);

  if (settings == NULL) {
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, "input.json"));
    return;
  }
  g_assert_no_error(error);
  /* A value that was read can be read again, and stays the same. */
  for (guint key = 0; key < DDIM_N_KEYS; key++) {
    g_autofree char *expected = NULL, *again = NULL;
    if (settings->values[key] == NULL)
      continue;
    again = ddim_key_parse(key, settings->values[key], &expected);
    g_assert_cmpstr(again, ==, settings->values[key]);
  }
}
