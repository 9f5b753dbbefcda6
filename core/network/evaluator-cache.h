/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/evaluator.h"

G_BEGIN_DECLS

/** The evaluators of one network that were used last, kept because they may be wanted again: for
 * the next batch, for a last batch that is shorter, for the windows of a large image.
 *
 * The rule for memory: let M be what the most demanding evaluator so far takes by itself, for its
 * weights, its intermediate results and its input and output. Before another evaluator takes
 * memory, those that nobody has asked for for longest are dropped until all together, and the new
 * one, take at most 1.25 M. Memory that two evaluators share counts once. An evaluator that was
 * dropped but is still referenced elsewhere lives on until it is not. One thread at a time. */
typedef struct _DdimEvaluatorCache DdimEvaluatorCache;

/** Keeps a reference to @network. */
DdimEvaluatorCache *ddim_evaluator_cache_new(DdimNetwork *network);
void ddim_evaluator_cache_free(DdimEvaluatorCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimEvaluatorCache, ddim_evaluator_cache_free)

/** The evaluator of this size, made when there is none. Its conditioning, input and low_res are
 * what its last user left. (transfer full) Errors: as ddim_evaluator_new(). */
DdimEvaluator *ddim_evaluator_cache_get(DdimEvaluatorCache *cache, const DdimEvaluatorSize *size,
                                        const DdimNetworkParams *params, GError **error);
/** Drop all. */
void ddim_evaluator_cache_clear(DdimEvaluatorCache *cache);

G_END_DECLS
