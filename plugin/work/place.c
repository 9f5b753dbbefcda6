/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/place.h"

#include <glib/gi18n-lib.h>
#include <libgimp/gimp.h>

char *
place_get_file(const char *name)
{
  g_autofree char *folder = g_path_get_dirname(gimp_get_progname());
  g_autofree char *path = g_build_filename(folder, name, NULL);

  return g_file_test(path, G_FILE_TEST_EXISTS) ? g_steal_pointer(&path) : NULL;
}

char *
place_get_help_uri(void)
{
  g_autofree char *folder = place_get_file("help");

  return folder ? g_filename_to_uri(folder, NULL, NULL) : NULL;
}

const char *
place_get_locale_dir(void)
{
  static char *folder;

  if (!folder)
    folder = place_get_file("locale");
  if (!folder)
    folder = g_strdup(DDIM_LOCALE_DIR);
  return folder;
}

void
place_init_i18n(void)
{
  bindtextdomain(GETTEXT_PACKAGE, place_get_locale_dir());
  bind_textdomain_codeset(GETTEXT_PACKAGE, "UTF-8");
}
