/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/evaluator-cache.h"

#include "core/network/evaluator-private.h"

struct _DdimEvaluatorCache {
  DdimNetwork *network;
  GPtrArray *evaluators; /* the one asked for last comes last */
  guint64 most;          /* M of the rule, in bytes */
};

DdimEvaluatorCache *
ddim_evaluator_cache_new(DdimNetwork *network)
{
  DdimEvaluatorCache *cache = g_new0(DdimEvaluatorCache, 1);
  cache->network = ddim_network_ref(network);
  cache->evaluators = g_ptr_array_new_with_free_func((GDestroyNotify)ddim_evaluator_unref);
  return cache;
}

void
ddim_evaluator_cache_free(DdimEvaluatorCache *cache)
{
  if (!cache)
    return;
  g_ptr_array_unref(cache->evaluators);
  ddim_network_unref(cache->network);
  g_free(cache);
}

void
ddim_evaluator_cache_clear(DdimEvaluatorCache *cache)
{
  g_ptr_array_set_size(cache->evaluators, 0);
}

static gboolean
has_size(const DdimEvaluator *evaluator, const DdimEvaluatorSize *size)
{
  return evaluator->size.batch == size->batch && evaluator->size.height == size->height &&
         evaluator->size.width == size->width && evaluator->size.wrap == size->wrap &&
         !evaluator->size.gradient == !size->gradient &&
         evaluator->size.usual_batch == (size->usual_batch ? size->usual_batch : size->batch);
}

/* Move the evaluator of this size to the end. */
static DdimEvaluator *
find(DdimEvaluatorCache *cache, const DdimEvaluatorSize *size)
{
  for (guint i = 0; i < cache->evaluators->len; i++) {
    DdimEvaluator *evaluator = cache->evaluators->pdata[i];
    if (!has_size(evaluator, size))
      continue;
    g_ptr_array_add(cache->evaluators, g_ptr_array_steal_index(cache->evaluators, i));
    return evaluator;
  }
  return NULL;
}

/* What all evaluators and @next, which has no memory to compute in yet, take together. */
static guint64
count_bytes(const DdimEvaluatorCache *cache, const DdimEvaluator *next)
{
  const DdimClScratch *shared = cache->network->scratch;
  const guint64 needed = ddim_cl_plan_get_arena_bytes(next->plan);
  guint64 bytes = ddim_weights_get_bytes(cache->network->weights) + next->memory->size;
  if (!shared || ddim_cl_scratch_get_bytes(shared) < needed)
    bytes += needed;
  g_autoptr(GHashTable) counted = g_hash_table_new(NULL, NULL);
  for (guint i = 0; i < cache->evaluators->len; i++) {
    const DdimEvaluator *evaluator = cache->evaluators->pdata[i];
    DdimClScratch *scratch = ddim_cl_plan_get_scratch(evaluator->plan);
    bytes += evaluator->memory->size;
    if (g_hash_table_add(counted, scratch))
      bytes += ddim_cl_scratch_get_bytes(scratch);
  }
  return bytes;
}

/* What @evaluator would take if it were the only one. */
static guint64
count_alone(const DdimEvaluator *evaluator)
{
  guint64 bytes = evaluator->memory->size + ddim_cl_plan_get_arena_bytes(evaluator->plan);
  for (guint i = 0; i < evaluator->network->convs->len; i++)
    bytes += evaluator->convs[i].layout->matrix->buffer->size;
  return bytes;
}

static void
make_room(DdimEvaluatorCache *cache, const DdimEvaluator *next)
{
  cache->most = MAX(cache->most, count_alone(next));
  while (cache->evaluators->len && count_bytes(cache, next) > cache->most + cache->most / 4)
    g_ptr_array_remove_index(cache->evaluators, 0);
}

DdimEvaluator *
ddim_evaluator_cache_get(DdimEvaluatorCache *cache, const DdimEvaluatorSize *size,
                         const DdimNetworkParams *params, GError **error)
{
  DdimEvaluator *known = find(cache, size);
  if (known)
    return ddim_evaluator_ref(known);
  g_autoptr(DdimEvaluator) evaluator = ddim_evaluator_begin(cache->network, size, error);
  if (!evaluator)
    return NULL;
  make_room(cache, evaluator);
  if (!ddim_evaluator_finish(evaluator, params, error))
    return NULL;
  g_ptr_array_add(cache->evaluators, ddim_evaluator_ref(evaluator));
  return g_steal_pointer(&evaluator);
}
