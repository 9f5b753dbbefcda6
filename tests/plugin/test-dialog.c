/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The dialog of DDIM Image, in the language of the environment, without a GIMP. */
#include "plugin/dialog/dialog.c"

#include "controls.h"

#include <string.h>
#include "plugin/work/devices.h"

static void
test_controls(void)
{
  Dialog dialog = {.image = NO_IMAGE, .drawable = NO_DRAWABLE, .layer = NO_LAYER};
  g_autoptr(Controls) controls = NULL;

  build(&dialog);
  controls = controls_check(dialog.window);
  g_assert_cmpuint(controls->n_controls, >, 20);
  /* Those that the tests in a GIMP press. */
  if (controls_are_english())
    for (const char *letter = "cgsmafvdnltwyk"; *letter; letter++)
      g_assert_nonnull(strchr(controls->letters->str, *letter));
  controls_show(dialog.window, "image");
  gtk_widget_destroy(dialog.window);
  form_free(dialog.form);
  sheet_free(dialog.sheet);
}

static void
test_mnemonics(void)
{
  g_autoptr(GString) used = g_string_new("w");
  g_autofree char *first = ui_mnemonic("Wombat", used), *second = ui_mnemonic("模型", used),
                  *third = ui_mnemonic("DDIM 图像…", used), *none = NULL;

  g_assert_cmpstr(first, ==, "W_ombat");
  g_assert_cmpstr(second, ==, "模型(_A)");
  g_assert_cmpstr(third, ==, "DDIM 图像(_D)…");
  for (char letter = 'a'; letter <= 'z'; letter++)
    g_string_append_c(used, letter);
  none = ui_mnemonic("Wombat", used);
  g_assert_cmpstr(none, ==, "Wombat");
}

int
main(int argc, char **argv)
{
  int status;

  if (devices_begin(argc, argv, &status))
    return status;
  controls_init(&argc, &argv);
  g_test_add_func("/dialog/controls", test_controls);
  g_test_add_func("/dialog/mnemonics", test_mnemonics);
  return g_test_run();
}
