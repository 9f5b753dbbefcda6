/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "cli/terminal/help.h"

G_BEGIN_DECLS

/** Scripts that complete `ddim` in a shell, made from the same tables as --help. */
typedef struct _DdimCompletion DdimCompletion;

/** @shell  "bash", "zsh" or "fish"; NULL is returned for any other. */
DdimCompletion *ddim_completion_new(const char *shell);
/** Add one command. (DdimDescribeFunc; @completion a DdimCompletion) */
void ddim_completion_add(gpointer completion, const char *name, const DdimHelp *help,
                         const GOptionEntry *entries);
/** The script. @commands: all commands that were added. Frees @completion. (transfer full) */
char *ddim_completion_finish(DdimCompletion *completion, const DdimCommand *commands, gsize n);

G_END_DECLS
