/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/generator.h"

G_BEGIN_DECLS

typedef enum { DDIM_QUIET, DDIM_NORMAL, DDIM_VERBOSE } DdimVerbosity;

/** What a job says on stderr: a bar when that is a terminal, a few lines when it is not, nothing
 * when quiet. One thread at a time. */
typedef struct _DdimBar DdimBar;

DdimBar *ddim_bar_new(DdimVerbosity verbosity);
/** Removes the bar from the screen. */
void ddim_bar_free(DdimBar *bar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimBar, ddim_bar_free)

gboolean ddim_bar_is_terminal(DdimBar *bar);
/** What is being done before the first step. On a terminal it replaces the bar; elsewhere it is a
 * line, at most one a second, and none in the first second. @fraction negative when unknown. */
void ddim_bar_status(DdimBar *bar, const char *what, double fraction);
/** The same as a DdimStatusFunc, with the bar as its data. */
void ddim_bar_on_status(const char *what, double fraction, gpointer bar);
void ddim_bar_progress(DdimBar *bar, const DdimProgress *progress);
/** A line that stays, above the bar; @level is the least verbosity that shows it. */
void ddim_bar_say(DdimBar *bar, DdimVerbosity level, const char *format, ...) G_GNUC_PRINTF(3, 4);
/** A warning in the same way; nothing for NULL. */
void ddim_bar_warn(DdimBar *bar, const char *message);
/** The same as a DdimMessageFunc, with the bar as its data. */
void ddim_bar_on_message(const char *message, gpointer bar);

G_END_DECLS
