/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** What the system knows about this process. */

/** Seconds since the process was started, loading of libraries included. */
double ddim_usage_seconds_since_start(void);
/** The most memory that was ever resident, in bytes. */
guint64 ddim_usage_peak_rss(void);

G_END_DECLS
