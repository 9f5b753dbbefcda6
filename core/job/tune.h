/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/job/session.h"

G_BEGIN_DECLS

/** Convolutions of one shape that are computed in the same way. */
typedef struct {
  guint in, out;              /**< channels */
  guint taps, stride;         /**< along an edge */
  gboolean up;                /**< reads through upsampling by 2 */
  guint batch, width, height; /**< of the output */
  guint uses;                 /**< how many of them the model has */
  const char *method, *provider;
  double seconds; /**< of one of them */
  const char *builtin_method, *builtin_provider;
  double builtin_seconds; /**< the same, computed as it would be without measurements */
} DdimTuneRow;

/** The result of a search for CLBlast's parameters. */
typedef struct {
  guint tried;          /**< how many sets of parameters; 0: there was no search */
  gboolean found;       /**< better ones were found, and are used from now on */
  double before, after; /**< seconds of the largest convolutions of an evaluation; @after < 0: none
                           of those tried works */
} DdimTuneSearch;

#define DDIM_TUNE_SEARCH_SECONDS 120

/** Measure every way to compute the convolutions of a model at one size, on the device of
 * @session, and store the times under $XDG_CACHE_HOME/ddim, where every later context on this
 * device finds them. Shapes measured before are measured again. Plans that @session has made
 * already stay as they are.
 * @session  started
 * @search_seconds  how long to look for better parameters of CLBlast, where CLBlast is of use at
 * all and none were found before; negative: %DDIM_TUNE_SEARCH_SECONDS. When positive they are
 *            looked for even if some were found before; the times of other sizes are then
 * forgotten.
 * @params   (nullable) for status and cancellable
 * @search   (out) (nullable)
 * @path     (out) (nullable) (transfer full) the file
 * Returns what will be used, slowest first (element-type DdimTuneRow). Errors: as
 * ddim_evaluator_new(); G_FILE_ERROR when the file cannot be written; G_IO_ERROR_CANCELLED, whose
 * message tells how much was measured and kept. */
GArray *ddim_tune(DdimSession *session, guint batch, guint height, guint width,
                  double search_seconds, const DdimNetworkParams *params, DdimTuneSearch *search,
                  char **path, GError **error);

G_END_DECLS
