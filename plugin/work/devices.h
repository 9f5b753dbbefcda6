/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** The OpenCL devices, looked for in a process of its own: this program, started again. A driver
 * that crashes takes that process with it, and not the plug-in. */

typedef struct {
  char *id;   /**< what option "device" takes: the name, or the number where names are ambiguous */
  char *text; /**< for a list: name and platform */
} DevicesItem;

/** To be called by main() before all else. Started to look for devices: does that, and returns TRUE
 * with the exit status in @status. */
gboolean devices_begin(int argc, char **argv, int *status);

/** Every device. Waits for the other process; any thread may call this. (transfer full)
 * (element-type DevicesItem), never empty. Errors: DDIM_CL_ERROR_NO_DEVICE, also when the other
 * process crashed; G_IO_ERROR_CANCELLED. */
GPtrArray *devices_list(GCancellable *cancellable, GError **error);
/** Whether the drivers of this machine can be asked for their devices without a crash. Waits for
 * devices_list() the first time, then remembers that it went well. */
gboolean devices_check(GCancellable *cancellable, GError **error);

G_END_DECLS
