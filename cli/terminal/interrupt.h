/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** Take care of SIGINT, SIGTERM and SIGHUP, unless they are ignored. Until ddim_interrupt_new() is
 * called they end the program as ever, but leave no temporary files. Call it once, before any other
 * thread is started. */
void ddim_interrupt_begin(void);

/** From now on the first of these signals cancels the cancellable returned instead of ending the
 * program; a second SIGINT or SIGTERM ends it at once with DDIM_EXIT_CANCELLED. (transfer full) */
GCancellable *ddim_interrupt_new(void);

G_END_DECLS
