/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** How long a model's steps took on a device, remembered in the user's cache, so that the time of a
 * run can be told before it begins. Main thread only. */

/** Seconds for one step of one image.
 * @device  the value of option "device", NULL or "" for the one that is chosen
 * @precision  the value of option "precision" */
void timing_note(const char *device, const char *model, const char *precision, guint width,
                 guint height, double seconds);
/** Of the measured size that is nearest in area, in proportion to the area; negative when nothing
 * was measured. */
double timing_estimate(const char *device, const char *model, const char *precision, guint width,
                       guint height);

/** "40 s", "3 min" or "2 h". (transfer full) */
char *timing_to_text(double seconds);

G_END_DECLS
