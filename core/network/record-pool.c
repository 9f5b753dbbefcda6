/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/record-pool.h"

#include "opencl/ops/attention/attention.h"
#include "opencl/ops/norm/norm.h"
#include "opencl/ops/gradient/pool.h"

static gboolean
is_spatial(const DdimRecorder *r)
{
  const DdimPoolType type = r->network->architecture->pool.type;
  return type == DDIM_POOL_SPATIAL || type == DDIM_POOL_SPATIAL_V2;
}

void
ddim_record_pool_begin(DdimRecorder *r, DdimPoolRecord *pool)
{
  *pool = (DdimPoolRecord){0};
  if (is_spatial(r))
    pool->features = ddim_cl_plan_alloc_tensor(r->plan, r->type, r->ports->x.n, 1, 1,
                                               r->network->architecture->pool.first.in);
}

void
ddim_record_pool_take(DdimRecorder *r, DdimPoolRecord *pool, guint index,
                      const DdimClTensor *result)
{
  if (!is_spatial(r))
    return;
  const DdimClTensor slice = ddim_cl_tensor_slice(pool->features, pool->taken, result->c);
  ddim_cl_mean(r->plan, result, &slice);
  pool->taken += result->c;
}

/* silu(norm(x)). */
static DdimClTensor
activate(DdimRecorder *r, const DdimClTensor *x)
{
  const DdimClNorm norm =
      ddim_recorder_get_norm(r, &r->network->architecture->pool.norm, &r->network->pool.norm);
  DdimClTensor y = ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, x->h, x->w, x->c);
  DdimClMem ab = ddim_cl_norm_scale_shift(r->plan, x, &norm);
  ddim_cl_norm_apply(r->plan, x, ab, TRUE, &y);
  ddim_cl_plan_release(r->plan, ab);
  return y;
}

static void
finish_adaptive(DdimRecorder *r, const DdimClTensor *x)
{
  DdimClTensor activated = activate(r, x);
  DdimClTensor mean = ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, 1, 1, x->c);
  ddim_cl_mean(r->plan, &activated, &mean);
  ddim_recorder_conv(r, r->network->pool.last, &mean, NULL, &r->ports->y, NULL, NULL);
  ddim_cl_plan_release(r->plan, activated.mem);
  ddim_cl_plan_release(r->plan, mean.mem);
}

/* AttentionPool2d.forward: of what attends, only the mean's position goes on. */
static void
finish_attention(DdimRecorder *r, DdimPoolRecord *pool, const DdimClTensor *x)
{
  const DdimPool *kind = &r->network->architecture->pool;
  DdimClTensor activated = activate(r, x);
  DdimClTensor tokens = ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, 1, kind->positions, x->c);
  DdimClTensor attended =
      ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, 1, kind->positions, x->c);
  const DdimClAttention attention = {.heads = kind->heads};
  pool->inner = ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, 1, kind->positions, 3 * x->c);
  ddim_cl_tokens(r->plan, &activated, ddim_recorder_get_vector(r, r->network->pool.table), &tokens);
  ddim_recorder_conv(r, r->network->pool.first, &tokens, NULL, &pool->inner, NULL, NULL);
  ddim_cl_attention(r->plan, &pool->inner, &attention, &attended);
  r->flops += ddim_recorder_attention_flops(&attended);
  const DdimClTensor first = ddim_cl_tensor_first(attended);
  ddim_recorder_conv(r, r->network->pool.last, &first, NULL, &r->ports->y, NULL, NULL);
  ddim_cl_plan_release(r->plan, activated.mem);
  ddim_cl_plan_release(r->plan, tokens.mem);
  ddim_cl_plan_release(r->plan, attended.mem);
}

static void
finish_spatial(DdimRecorder *r, DdimPoolRecord *pool)
{
  const DdimPool *kind = &r->network->architecture->pool;
  DdimClTensor hidden;
  pool->inner =
      ddim_cl_plan_alloc_tensor(r->plan, r->type, pool->features.n, 1, 1, kind->first.out);
  ddim_recorder_conv(r, r->network->pool.first, &pool->features, NULL, &pool->inner, NULL, NULL);
  if (kind->type == DDIM_POOL_SPATIAL_V2) {
    hidden = activate(r, &pool->inner);
  } else {
    hidden = ddim_cl_plan_alloc_tensor(r->plan, r->type, pool->inner.n, 1, 1, pool->inner.c);
    ddim_cl_relu(r->plan, &pool->inner, &hidden);
  }
  ddim_recorder_conv(r, r->network->pool.last, &hidden, NULL, &r->ports->y, NULL, NULL);
  ddim_cl_plan_release(r->plan, hidden.mem);
}

void
ddim_record_pool_finish(DdimRecorder *r, DdimPoolRecord *pool, const DdimClTensor *x)
{
  pool->x = *x;
  if (is_spatial(r))
    finish_spatial(r, pool);
  else if (r->network->architecture->pool.type == DDIM_POOL_ATTENTION)
    finish_attention(r, pool, x);
  else
    finish_adaptive(r, x);
  if (r->ports->gradient)
    return;
  ddim_cl_plan_release(r->plan, x->mem);
  if (pool->features.c)
    ddim_cl_plan_release(r->plan, pool->features.mem);
  if (pool->inner.c)
    ddim_cl_plan_release(r->plan, pool->inner.mem);
}
