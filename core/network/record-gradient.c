/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/record-gradient.h"

#include "opencl/ops/gradient/gradient.h"
#include "opencl/ops/gradient/pool.h"

/* dx = convolution @index taken back, from dy. */
static void
conv_back(DdimRecorder *r, guint index, const DdimClTensor *dy, const DdimClTensor *dx)
{
  ddim_recorder_conv(r, r->network->n_forward + index, dy, NULL, dx, NULL, NULL);
}

static DdimClTensor
alloc_like(DdimRecorder *r, const DdimClTensor *x, guint channels)
{
  return ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, x->h, x->w, channels);
}

/* @d, that of a norm's result, becomes that of its input @x, plus @add (nullable). */
static void
norm_back(DdimRecorder *r, const DdimClTensor *x, const DdimClNorm *norm, gboolean silu,
          const DdimClTensor *d, const DdimClTensor *add)
{
  ddim_cl_norm_gradient(r->plan, x, norm, silu, ddim_recorder_get_vector(r, r->network->ones),
                        ddim_recorder_get_vector(r, r->network->zeros), d, add, d);
}

/* The pool, from the logits to what it reads. */

static DdimClTensor
logits_back(DdimRecorder *r)
{
  const DdimClTensor *y = &r->ports->y;
  DdimClTensor d = alloc_like(r, y, y->c);
  ddim_cl_log_softmax_gradient(r->plan, y, r->network->architecture->out_channels, r->ports->labels,
                               &d);
  return d;
}

/* Through silu(norm(x)), in place. */
static void
activation_back(DdimRecorder *r, const DdimClTensor *x, const DdimClTensor *d)
{
  const DdimClNorm norm =
      ddim_recorder_get_norm(r, &r->network->architecture->pool.norm, &r->network->pool.norm);
  norm_back(r, x, &norm, TRUE, d, NULL);
}

static DdimClTensor
adaptive_back(DdimRecorder *r, const DdimPoolRecord *pool, const DdimClTensor *logits)
{
  const DdimClTensor *x = &pool->x;
  DdimClTensor mean = ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, 1, 1, x->c);
  DdimClTensor d = alloc_like(r, x, x->c);
  conv_back(r, r->network->pool.last, logits, &mean);
  ddim_cl_mean_gradient(r->plan, &mean, NULL, &d);
  activation_back(r, x, &d);
  ddim_cl_plan_release(r->plan, mean.mem);
  return d;
}

/* Only the first position of what attends has a gradient. */
static DdimClTensor
attention_pool_back(DdimRecorder *r, const DdimPoolRecord *pool, const DdimClTensor *logits)
{
  const DdimPool *kind = &r->network->architecture->pool;
  const DdimClAttention attention = {.heads = kind->heads};
  const DdimClTensor *x = &pool->x;
  DdimClTensor attended = alloc_like(r, &pool->inner, x->c);
  DdimClTensor qkv = alloc_like(r, &pool->inner, 3 * x->c);
  DdimClTensor d = alloc_like(r, x, x->c);
  const DdimClTensor first = ddim_cl_tensor_first(attended);
  ddim_cl_clear_tensor(r->plan, &attended);
  conv_back(r, r->network->pool.last, logits, &first);
  ddim_cl_attention_gradient(r->plan, &pool->inner, &attention, &attended, &qkv);
  conv_back(r, r->network->pool.first, &qkv, &attended);
  ddim_cl_tokens_gradient(r->plan, &attended, &d);
  activation_back(r, x, &d);
  ddim_cl_plan_release(r->plan, attended.mem);
  ddim_cl_plan_release(r->plan, qkv.mem);
  ddim_cl_plan_release(r->plan, pool->inner.mem);
  return d;
}

/* The gradient of all stages' means goes where these were. */
static void
spatial_back(DdimRecorder *r, const DdimPoolRecord *pool, const DdimClTensor *logits)
{
  DdimClTensor d = alloc_like(r, &pool->inner, pool->inner.c);
  conv_back(r, r->network->pool.last, logits, &d);
  if (r->network->architecture->pool.type == DDIM_POOL_SPATIAL_V2)
    activation_back(r, &pool->inner, &d);
  else
    ddim_cl_relu_gradient(r->plan, &pool->inner, &d, &d);
  conv_back(r, r->network->pool.first, &d, &pool->features);
  ddim_cl_plan_release(r->plan, d.mem);
  ddim_cl_plan_release(r->plan, pool->inner.mem);
}

/* Add what stage @stage's mean has to @d, the gradient of its result; NULL: it is nothing else. */
static DdimClTensor
take_mean_back(DdimRecorder *r, DdimPoolRecord *pool, const DdimClTensor *result,
               const DdimClTensor *d)
{
  const DdimClTensor sum = d ? *d : alloc_like(r, result, result->c);
  pool->taken -= result->c;
  const DdimClTensor mean = ddim_cl_tensor_slice(pool->features, pool->taken, result->c);
  ddim_cl_mean_gradient(r->plan, &mean, d, &sum);
  return sum;
}

/* That of the last stage's result, which is released. */
static DdimClTensor
pool_back(DdimRecorder *r, DdimPoolRecord *pool)
{
  DdimClTensor logits = logits_back(r), d;
  switch (r->network->architecture->pool.type) {
  case DDIM_POOL_ADAPTIVE:
    d = adaptive_back(r, pool, &logits);
    break;
  case DDIM_POOL_ATTENTION:
    d = attention_pool_back(r, pool, &logits);
    break;
  default:
    spatial_back(r, pool, &logits);
    d = take_mean_back(r, pool, &pool->x, NULL);
  }
  ddim_cl_plan_release(r->plan, logits.mem);
  ddim_cl_plan_release(r->plan, pool->x.mem);
  return d;
}

/* Modules: each takes the gradient of its result, which it releases, and gives that of its input.
 */

/* @small is released where the module has pooled. */
static DdimClTensor
resample_back(DdimRecorder *r, const DdimModule *m, const DdimClTensor *x, DdimClTensor small)
{
  if (ddim_module_get_resample(m) != DDIM_RESAMPLE_DOWN)
    return small;
  DdimClTensor d = alloc_like(r, x, small.c);
  ddim_cl_average_pool_gradient(r->plan, &small, &d);
  ddim_cl_plan_release(r->plan, small.mem);
  return d;
}

static DdimClTensor
res_back(DdimRecorder *r, const DdimNetworkModule *w, const DdimModuleTrace *trace, DdimClTensor dy)
{
  const DdimModule *m = w->module;
  const DdimClNorm norm1 = ddim_recorder_get_norm(r, &m->norm1, &w->norm1);
  const DdimClNorm norm2 = ddim_recorder_get_inner_norm(r, w);
  DdimClTensor inner = alloc_like(r, &dy, m->out), d = alloc_like(r, &dy, m->in), skip = dy;
  conv_back(r, w->conv2, &dy, &inner);
  norm_back(r, &trace->inner, &norm2, TRUE, &inner, NULL);
  ddim_cl_plan_release(r->plan, trace->inner.mem);
  conv_back(r, w->conv1, &inner, &d);
  ddim_cl_plan_release(r->plan, inner.mem);
  if (w->skip != DDIM_NO_CONV) {
    skip = alloc_like(r, &dy, m->in);
    conv_back(r, w->skip, &dy, &skip);
    ddim_cl_plan_release(r->plan, dy.mem);
  }
  skip = resample_back(r, m, &trace->x, skip);
  d = resample_back(r, m, &trace->x, d);
  norm_back(r, &trace->x, &norm1, TRUE, &d, &skip);
  ddim_cl_plan_release(r->plan, skip.mem);
  return d;
}

static DdimClTensor
attention_back(DdimRecorder *r, const DdimNetworkModule *w, const DdimModuleTrace *trace,
               DdimClTensor dy)
{
  const DdimModule *m = w->module;
  const DdimClAttention attention = ddim_recorder_get_attention(m);
  const DdimClNorm norm = ddim_recorder_get_norm(r, &m->norm1, &w->norm1);
  DdimClTensor d = alloc_like(r, &dy, m->in), qkv = alloc_like(r, &dy, 3 * m->in);
  conv_back(r, w->conv2, &dy, &d);
  ddim_cl_attention_gradient(r->plan, &trace->inner, &attention, &d, &qkv);
  r->flops += 4.5 * ddim_recorder_attention_flops(&d);
  ddim_cl_plan_release(r->plan, trace->inner.mem);
  conv_back(r, w->conv1, &qkv, &d);
  ddim_cl_plan_release(r->plan, qkv.mem);
  norm_back(r, &trace->x, &norm, FALSE, &d, &dy);
  ddim_cl_plan_release(r->plan, dy.mem);
  return d;
}

/* A convolution, or a pooling alone. That of the input goes to ports->dx. */
static DdimClTensor
other_back(DdimRecorder *r, const DdimNetworkModule *w, const DdimModuleTrace *trace,
           DdimClTensor dy)
{
  if (w->conv1 == DDIM_NO_CONV)
    return resample_back(r, w->module, &trace->x, dy);
  if (w->module->type == DDIM_MODULE_DOWN) {
    DdimClTensor full = alloc_like(r, &trace->x, dy.c);
    ddim_cl_dilate(r->plan, &dy, &full);
    ddim_cl_plan_release(r->plan, dy.mem);
    dy = full;
  }
  const gboolean input = w->module->type == DDIM_MODULE_CONV_IN;
  const DdimClTensor d = input ? r->ports->dx : alloc_like(r, &trace->x, w->module->in);
  conv_back(r, w->conv1, &dy, &d);
  ddim_cl_plan_release(r->plan, dy.mem);
  return d;
}

static DdimClTensor
module_back(DdimRecorder *r, const DdimModule *m, const DdimModuleTrace *trace, DdimClTensor dy)
{
  const DdimNetworkModule *w = ddim_network_get_module(r->network, m);
  if (m->type == DDIM_MODULE_RES)
    return res_back(r, w, trace, dy);
  if (m->type == DDIM_MODULE_ATTENTION)
    return attention_back(r, w, trace, dy);
  return other_back(r, w, trace, dy);
}

void
ddim_record_gradient(DdimRecorder *r, DdimPoolRecord *pool)
{
  const GPtrArray *stages = r->network->architecture->stages;
  DdimClTensor d = pool_back(r, pool);
  guint at = r->trace->len;
  for (guint s = stages->len; s-- > 0;) {
    const DdimStage *stage = stages->pdata[s];
    for (guint m = stage->modules->len; m-- > 0;) {
      const DdimModuleTrace *trace = &g_array_index(r->trace, DdimModuleTrace, --at);
      d = module_back(r, stage->modules->pdata[m], trace, d);
      if (m == 0 && s > 0 && pool->features.c)
        d = take_mean_back(r, pool, &trace->x, &d);
      if (at > 0)
        ddim_cl_plan_release(r->plan, trace->x.mem);
    }
  }
  if (pool->features.c)
    ddim_cl_plan_release(r->plan, pool->features.mem);
}
