/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** From now on SIGINT, SIGTERM and SIGHUP cancel the cancellable returned instead of ending the
 * program, unless they are ignored; a second SIGINT or SIGTERM ends it at once with
 * DDIM_EXIT_CANCELLED. Call it before any other thread is started. (transfer full) */
GCancellable *ddim_interrupt_new(void);

G_END_DECLS
