/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/version.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>

#include "core/data/image-png.h"
#include "core/data/npy.h"

char *
ddim_version_describe(void)
{
  /* Translators: the words are names of libraries and their versions. */
  g_autofree char *running = g_strdup_printf(
      _("runs with GLib %u.%u.%u, libpng %s, libzip %s"), glib_major_version, glib_minor_version,
      glib_micro_version, ddim_image_get_libpng_version(), ddim_npz_get_libzip_version());
  g_autofree char *built =
      g_strdup_printf(_("built with GLib %d.%d.%d, json-glib %s, CLBlast %s, OpenCL %s"),
                      GLIB_MAJOR_VERSION, GLIB_MINOR_VERSION, GLIB_MICRO_VERSION, JSON_VERSION_S,
                      DDIM_CLBLAST_VERSION, DDIM_OPENCL_VERSION);

  return g_strdup_printf("ddim %s\n%s\n%s\n%s\n", DDIM_VERSION, running, built,
                         _("'ddim devices' lists the drivers of OpenCL"));
}
