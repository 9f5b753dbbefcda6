/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "core/job/callbacks.h"

G_BEGIN_DECLS

/** One job on several devices at once, a thread for each. Batches are dealt out whole, so that each
 * image is computed among the same others, with the numbers that it would have on one device. The
 * caller's functions are called in the caller's thread, and images come in order. */

/** Runs a job on one device; @worker is the device's own. As ddim_generator_run(). */
typedef gboolean (*DdimShareFunc)(gpointer worker, DdimRequest *request,
                                  const DdimGeneratorCallbacks *callbacks, gpointer user_data,
                                  GCancellable *cancellable, GError **error);

/** The devices that @request names: "a,b", unless that is the name of a single one. NULL for a
 * single device. (transfer full) (nullable) */
char **ddim_shared_run_list_devices(DdimRequest *request);

/** @devices  one for each of @workers
 * Errors: those of the first device that fails, and then the others are stopped. */
gboolean ddim_shared_run(DdimShareFunc run, gpointer *workers, char **devices, DdimRequest *request,
                         const DdimGeneratorCallbacks *callbacks, gpointer user_data,
                         GCancellable *cancellable, GError **error);

G_END_DECLS
