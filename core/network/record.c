/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/record.h"

#include "core/network/record-gradient.h"
#include "core/network/record-pool.h"
#include "opencl/ops/attention/attention.h"
#include "opencl/ops/edges.h"
#include "opencl/ops/norm/norm.h"

/* What the gradient of the module being recorded needs, where there is to be one. */
static DdimModuleTrace *
get_trace(const DdimRecorder *r)
{
  return r->trace ? &g_array_index(r->trace, DdimModuleTrace, r->trace->len - 1) : NULL;
}

/* What lies between a module's convolutions is not needed any more, unless for the gradient. */
static void
finish_inner(const DdimRecorder *r, const DdimClTensor *inner)
{
  DdimModuleTrace *trace = get_trace(r);
  if (trace)
    trace->inner = *inner;
  else
    ddim_cl_plan_release(r->plan, inner->mem);
}

/* A tensor of the size of what @m makes of @x. */
static DdimClTensor
alloc_result(DdimRecorder *r, const DdimModule *m, const DdimClTensor *x, guint channels)
{
  guint h = x->h, w = x->w;
  ddim_network_follow_size(m, &h, &w);
  return ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, h, w, channels);
}

/* The first half of a ResBlock: h = conv(silu(norm(x))), resampled in front of the convolution
 * where the block does that. Returns h; the resampled x replaces *@x, which the caller then owns
 * (TRUE in @resampled). */
static DdimClTensor
record_in_layers(DdimRecorder *r, const DdimNetworkModule *w, DdimClTensor *x, gboolean *resampled)
{
  const DdimModule *m = w->module;
  const DdimClNorm norm = ddim_recorder_get_norm(r, &m->norm1, &w->norm1);
  const DdimClMem block = ddim_recorder_get_emb(r, w);
  const DdimClMem *emb = m->emb_kind == DDIM_EMB_ADD ? &block : NULL;
  DdimClTensor h = alloc_result(r, m, x, m->out);
  *resampled = m->resample != DDIM_RESAMPLE_NONE;
  if (m->resample != DDIM_RESAMPLE_DOWN) {
    ddim_recorder_conv(r, w->conv1, x, &(DdimClPrologue){.norm = &norm, .silu = TRUE}, &h, NULL,
                       emb);
  } else {
    DdimClTensor full = ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, x->h, x->w, x->c);
    DdimClTensor small = alloc_result(r, m, x, x->c);
    DdimClMem ab = ddim_cl_norm_scale_shift(r->plan, x, &norm);
    ddim_cl_norm_apply(r->plan, x, ab, TRUE, &full);
    ddim_cl_plan_release(r->plan, ab);
    ddim_cl_average_pool(r->plan, &full, &small);
    ddim_cl_plan_release(r->plan, full.mem);
    ddim_recorder_conv(r, w->conv1, &small, NULL, &h, NULL, emb);
    ddim_cl_plan_release(r->plan, small.mem);
  }
  if (*resampled) {
    DdimClTensor other = alloc_result(r, m, x, x->c);
    if (m->resample == DDIM_RESAMPLE_UP)
      ddim_cl_upsample(r->plan, x, &other);
    else
      ddim_cl_average_pool(r->plan, x, &other);
    *x = other;
  }
  return h;
}

/* ResBlock._forward. */
static void
record_res(DdimRecorder *r, const DdimNetworkModule *w, const DdimClTensor *input,
           const DdimClTensor *y)
{
  gboolean resampled;
  DdimClTensor x = *input;
  DdimClTensor h = record_in_layers(r, w, &x, &resampled);
  const DdimClNorm norm = ddim_recorder_get_inner_norm(r, w);
  const DdimClTensor *residual = &x;
  if (w->skip != DDIM_NO_CONV) {
    ddim_recorder_conv(r, w->skip, &x, NULL, y, NULL, NULL);
    residual = y;
  }
  ddim_recorder_conv(r, w->conv2, &h, &(DdimClPrologue){.norm = &norm, .silu = TRUE}, y, residual,
                     NULL);
  finish_inner(r, &h);
  if (resampled)
    ddim_cl_plan_release(r->plan, x.mem);
}

/* AttentionBlock._forward; the norm may be missing. */
static void
record_attention(DdimRecorder *r, const DdimNetworkModule *w, const DdimClTensor *x,
                 const DdimClTensor *y)
{
  const DdimClNorm norm = ddim_recorder_get_norm(r, &w->module->norm1, &w->norm1);
  const guint channels = w->module->proj.in;
  DdimClTensor qkv = ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, x->h, x->w, 3 * channels);
  const DdimClPrologue prologue = {.norm = &norm};
  ddim_recorder_conv(r, w->conv1, x, w->module->norm1.name ? &prologue : NULL, &qkv, NULL, NULL);
  DdimClTensor attended = ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, x->h, x->w, channels);
  const DdimClAttention attention = ddim_recorder_get_attention(w->module);
  ddim_cl_attention(r->plan, &qkv, &attention, &attended);
  r->flops += ddim_recorder_attention_flops(&attended);
  finish_inner(r, &qkv);
  ddim_recorder_conv(r, w->conv2, &attended, NULL, y, x, NULL);
  ddim_cl_plan_release(r->plan, attended.mem);
}

static void
record_module(DdimRecorder *r, const DdimModule *m, const DdimClTensor *x, const DdimClTensor *y)
{
  const DdimNetworkModule *w = ddim_network_get_module(r->network, m);
  const DdimModuleTrace trace = {.x = *x};
  if (r->trace)
    g_array_append_val(r->trace, trace);
  if (m->type == DDIM_MODULE_RES)
    record_res(r, w, x, y);
  else if (m->type == DDIM_MODULE_ATTENTION)
    record_attention(r, w, x, y);
  else if (w->conv1 != DDIM_NO_CONV)
    ddim_recorder_conv(r, w->conv1, x, NULL, y, NULL, NULL);
  else if (m->type == DDIM_MODULE_DOWN)
    ddim_cl_average_pool(r->plan, x, y);
  else
    ddim_cl_upsample(r->plan, x, y);
}

/* @x through the stage's modules into @y, with memory of their own in between. Without modules it
 * is copied. */
static void
record_stage(DdimRecorder *r, const DdimStage *stage, DdimClTensor x, const DdimClTensor *y)
{
  if (stage->modules->len == 0)
    ddim_cl_copy_tensor(r->plan, &x, y);
  for (guint i = 0; i < stage->modules->len; i++) {
    const DdimModule *m = stage->modules->pdata[i];
    const gboolean last = i + 1 == stage->modules->len;
    DdimClTensor out = last ? *y : alloc_result(r, m, &x, m->out);
    record_module(r, m, &x, &out);
    if (i > 0 && !r->trace)
      ddim_cl_plan_release(r->plan, x.mem);
    x = out;
  }
}

/* A tensor of the size of what @stage makes of @x. */
static DdimClTensor
alloc_stage_result(DdimRecorder *r, const DdimStage *stage, const DdimClTensor *x, guint channels)
{
  guint h = x->h, w = x->w;
  for (guint i = 0; i < stage->modules->len; i++)
    ddim_network_follow_size(stage->modules->pdata[i], &h, &w);
  return ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, h, w, channels);
}

static void
record_output_convolution(DdimRecorder *r, const DdimClTensor *x)
{
  const DdimNetwork *network = r->network;
  const DdimClNorm norm =
      ddim_recorder_get_norm(r, &network->architecture->out_norm, &network->out_norm);
  ddim_recorder_conv(r, network->out_conv, x, &(DdimClPrologue){.norm = &norm, .silu = TRUE},
                     &r->ports->y, NULL, NULL);
}

/* Memory for the result of @stage, which reads @x, and behind it a copy of @kept: together they are
 * what the OUTPUT stage behind @stage reads. */
static DdimClTensor
join(DdimRecorder *r, const DdimStage *stage, const DdimClTensor *x, const DdimClTensor *kept)
{
  const DdimClTensor joined = alloc_stage_result(r, stage, x, stage->out + kept->c);
  const DdimClTensor behind = ddim_cl_tensor_slice(joined, stage->out, kept->c);
  ddim_cl_copy_tensor(r->plan, kept, &behind);
  return joined;
}

/* @stage and what has to be done for the stage behind it, @next (nullable). Returns what that one
 * reads. @kept is the result of the INPUT stage that @next reads as well, if it does: it is kept by
 * itself until then, as it would take twice the memory with room for the other in front of it. */
static DdimClTensor
record_joined_stage(DdimRecorder *r, const DdimStage *stage, DdimClTensor x, const DdimStage *next,
                    const DdimClTensor *kept)
{
  DdimClTensor result, y;
  if (next && next->type == DDIM_STAGE_OUTPUT) {
    result = join(r, stage, &x, kept);
    y = ddim_cl_tensor_slice(result, 0, stage->out);
  } else {
    result = y = alloc_stage_result(r, stage, &x, stage->out);
  }
  record_stage(r, stage, x, &y);
  return result;
}

/* What the first stage reads. A convolution takes the port as it is; other modules want activations
 * of one type. (transfer full) */
static DdimClTensor
begin(DdimRecorder *r, const DdimStage *first)
{
  const DdimClTensor *x = &r->ports->x;
  const DdimModule *m = first->modules->len ? first->modules->pdata[0] : NULL;
  if (r->type == x->type || (m && m->type == DDIM_MODULE_CONV_IN))
    return *x;
  const DdimClTensor copy = ddim_cl_plan_alloc_tensor(r->plan, r->type, x->n, x->h, x->w, x->c);
  ddim_cl_copy_tensor(r->plan, x, &copy);
  ddim_cl_plan_release(r->plan, x->mem);
  return copy;
}

static void
record_unet(DdimRecorder *r)
{
  GPtrArray *stages = r->network->architecture->stages;
  g_autofree DdimClTensor *results = g_new0(DdimClTensor, stages->len);
  DdimClTensor x = begin(r, stages->pdata[0]);
  for (guint s = 0; s < stages->len; s++) {
    const DdimStage *stage = stages->pdata[s];
    const DdimStage *next = s + 1 < stages->len ? stages->pdata[s + 1] : NULL;
    const gboolean joins = next && next->type == DDIM_STAGE_OUTPUT;
    const DdimClTensor *kept = joins ? &results[next->skip] : NULL;
    results[s] = record_joined_stage(r, stage, x, next, kept);
    if (joins)
      ddim_cl_plan_release(r->plan, kept->mem);
    if (stage->type == DDIM_STAGE_OUTPUT)
      ddim_cl_plan_release(r->plan, x.mem);
    x = results[s];
  }
  record_output_convolution(r, &x);
  ddim_cl_plan_release(r->plan, x.mem);
}

/* EncoderUNetModel.forward. */
static void
record_classifier(DdimRecorder *r)
{
  GPtrArray *stages = r->network->architecture->stages;
  g_autoptr(GArray) trace = g_array_new(FALSE, FALSE, sizeof(DdimModuleTrace));
  DdimPoolRecord pool;
  DdimClTensor x = r->ports->x;
  r->trace = r->ports->gradient ? trace : NULL;
  ddim_record_pool_begin(r, &pool);
  for (guint s = 0; s < stages->len; s++) {
    const DdimClTensor result = record_joined_stage(r, stages->pdata[s], x, NULL, NULL);
    ddim_record_pool_take(r, &pool, s, &result);
    if (s > 0 && !r->trace)
      ddim_cl_plan_release(r->plan, x.mem);
    x = result;
  }
  ddim_record_pool_finish(r, &pool, &x);
  if (r->trace)
    ddim_record_gradient(r, &pool);
}

double
ddim_record_network(const DdimNetwork *network, DdimClPlan *plan, const DdimRecordPorts *ports)
{
  /* Gradients are computed of float32. */
  const gboolean classifies = ddim_architecture_is_classifier(network->architecture);
  DdimRecorder r = {.network = network,
                    .plan = plan,
                    .ports = ports,
                    .type = network->half && !classifies ? DDIM_CL_F16 : DDIM_CL_F32};
  if (classifies)
    record_classifier(&r);
  else
    record_unet(&r);
  return r.flops;
}
