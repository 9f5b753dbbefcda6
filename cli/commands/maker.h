/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "cli/files/writer.h"
#include "cli/terminal/progress.h"
#include "cli/terminal/ranks.h"

G_BEGIN_DECLS

/** How many pictures an interpolation makes by default. */
#define DDIM_USUAL_FRAMES 8

/** Makes what requests ask for, one after the other, and keeps the model loaded between them. It
 * says on stderr what is going on. One thread at a time. */
typedef struct _DdimMaker DdimMaker;

/** From now on the signals that interrupt stop what is being made, see
 * cli/terminal/interrupt.h. Call it before any other thread is started. */
DdimMaker *ddim_maker_new(DdimVerbosity verbosity);
void ddim_maker_free(DdimMaker *maker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimMaker, ddim_maker_free)

/** Print one line of JSON on standard output for each image, when it is written.
 * @line  its number in a file of requests, which each line repeats; 0: none */
void ddim_maker_set_json(DdimMaker *maker, guint64 line);

/** Make only the part of the images that falls to this rank, and with @resume only those that are
 * not there yet. Batches are dealt out to the ranks in turn, so that each image is computed among
 * the same others, whichever rank makes it. */
void ddim_maker_set_part(DdimMaker *maker, const DdimRanks *ranks, gboolean resume);

/** Make the images of @request and write them. Images that are finished before an error are kept.
 * Errors: as ddim_generator_run(), ddim_writer_add() and ddim_writer_finish(); G_FILE_ERROR when
 * standard output is full; G_IO_ERROR_CANCELLED when it was interrupted. */
gboolean ddim_maker_run(DdimMaker *maker, DdimRequest *request, DdimWriter *writer, GError **error);

/** Noise cannot be written as a picture: `encode` needs a .npy. @output  (nullable)
 * Errors: DDIM_ERROR_ARGUMENT. */
gboolean ddim_maker_check_output(DdimRequest *request, const char *output, GError **error);

/** Whether the user asked for an end. Then a request that was run has stopped, unless it was at its
 * end anyway. */
gboolean ddim_maker_is_interrupted(DdimMaker *maker);
/** How many images the last request has finished. */
guint ddim_maker_get_finished(DdimMaker *maker);

G_END_DECLS
