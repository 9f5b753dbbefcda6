/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "cli/terminal/help.h"

G_BEGIN_DECLS

/** The manual page, made from the same tables as --help. */

/** Title, name and synopsis. */
void ddim_man_append_head(GString *man, const DdimCommand *commands, gsize n);
/** One command with its options and examples. (DdimDescribeFunc; @man a GString) */
void ddim_man_append_command(gpointer man, const char *name, const DdimHelp *help,
                             const GOptionEntry *entries);
/** Environment, exit status and further reading. */
void ddim_man_append_tail(GString *man);

G_END_DECLS
