/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The dialogs of the procedures that change a picture, and their menu, in the language of the
 * environment, without a GIMP. */
#include "plugin/dialog/edit-dialog.c"

#include "controls.h"

#include <string.h>
#include "plugin/work/devices.h"

/* Those that the tests in a GIMP press. */
static const struct {
  const char *procedure, *letters;
} pressed[] = {
    {"plug-in-ddim-fill", "fpst"},
    {"plug-in-ddim-vary", "vpe"},
    {"plug-in-ddim-colorize", "opt"},
};

static void
check_pressed(const char *procedure, const Controls *controls)
{
  for (guint i = 0; i < G_N_ELEMENTS(pressed); i++)
    for (const char *letter = pressed[i].letters; *letter; letter++)
      if (g_str_equal(pressed[i].procedure, procedure))
        g_assert_nonnull(strchr(controls->letters->str, *letter));
}

static void
test_controls(gconstpointer data)
{
  const EditCommand *command = data;
  g_autoptr(EditSettings) settings = edit_settings_new(command);
  Dialog dialog = {
      .image = NO_IMAGE, .drawable = NO_DRAWABLE, .settings = settings, .layer = NO_LAYER};
  g_autoptr(Controls) controls = NULL;

  dialog.run = edit_run_new();
  build(&dialog);
  edit_form_write(dialog.form, settings);
  controls = controls_check(dialog.window);
  g_assert_cmpuint(controls->n_controls, >, 15);
  if (controls_are_english())
    check_pressed(command->procedure, controls);
  controls_show(dialog.window, command->procedure + strlen("plug-in-ddim-"));
  clear(&dialog);
}

/* The entries of one menu, and what else a user reads of a procedure. */
static void
test_menu(void)
{
  g_autoptr(GString) letters = g_string_new(NULL);
  guint n;
  const EditCommand *commands = edit_commands_get(&n);

  for (guint i = 0; i < n; i++) {
    const char *const texts[] = {commands[i].title, commands[i].action, commands[i].blurb,
                                 commands[i].help};
    g_assert_true(g_str_has_suffix(_(commands[i].label), "…"));
    controls_check_text(_(commands[i].label), letters);
    for (guint j = 0; j < G_N_ELEMENTS(texts); j++)
      g_assert_true(controls_are_english() == (_(texts[j]) == texts[j]));
  }
  g_assert_cmpuint(letters->len, ==, n);
}

int
main(int argc, char **argv)
{
  guint n;
  const EditCommand *commands = edit_commands_get(&n);
  int status;

  if (devices_begin(argc, argv, &status))
    return status;
  controls_init(&argc, &argv);
  for (guint i = 0; i < n; i++) {
    g_autofree char *path = g_strdup_printf("/edit-dialogs/%s", commands[i].procedure);
    g_test_add_data_func(path, &commands[i], test_controls);
  }
  g_test_add_func("/edit-dialogs/menu", test_menu);
  return g_test_run();
}
