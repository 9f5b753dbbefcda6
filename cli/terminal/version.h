/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** What `ddim --version` prints: the version, and those of the libraries. No driver is started for
 * it. (transfer full) */
char *ddim_version_describe(void);

G_END_DECLS
