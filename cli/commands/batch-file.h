/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "cli/commands/maker.h"

G_BEGIN_DECLS

/** Make what a file of requests asks for, one JSON object a line, in their order. Its keys are
 * options, with "output" and "grid"; "command" may name another command. Each image is told as one
 * line of JSON, and so is a request that fails: {"line": N, "error": "…"}. Returns the exit code:
 * DDIM_EXIT_FAILURE when any request failed.
 * @path      "-" is standard input
 * @defaults  what holds for options that a line does not name */
int ddim_batch_file_run(DdimMaker *maker, const char *path, DdimRequest *defaults);

G_END_DECLS
