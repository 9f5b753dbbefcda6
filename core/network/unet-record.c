/* SPDX-License-Identifier: LGPL-3.0-or-later
 * UNetModel.forward of improved_diffusion, recorded as tensor operations. */
#include "core/network/unet-private.h"

#include "opencl/ops/attention/attention.h"
#include "opencl/ops/edges.h"
#include "opencl/ops/norm/norm.h"

typedef struct {
  DdimUNet *unet;
  DdimClPlan *plan;
  DdimClMem emb;
  double flops;
} Recorder;

static DdimClNorm
norm_params(Recorder *r, const DdimNormLayer *layer)
{
  return (DdimClNorm){.groups = DDIM_NORM_GROUPS,
                      .eps = DDIM_NORM_EPS,
                      .gamma = ddim_unet_vector(r->unet, layer->gamma),
                      .beta = ddim_unet_vector(r->unet, layer->beta)};
}

/* This block's slice of the conditioning rows. */
static DdimClMem
block_emb(Recorder *r, const DdimModuleWeights *w)
{
  DdimClMem emb = r->emb;
  emb.offset += w->emb_at;
  return emb;
}

static void
record_conv(Recorder *r, const DdimConvLayer *conv, const DdimClTensor *x,
            const DdimClPrologue *prologue, const DdimClTensor *y, const DdimClTensor *residual,
            const DdimClMem *emb)
{
  DdimClEpilogue epilogue = {.bias = ddim_unet_vector(r->unet, conv->bias),
                             .has_emb = emb != NULL,
                             .emb_ld = r->unet->emb_columns,
                             .residual = residual};
  if (emb)
    epilogue.emb = *emb;
  ddim_cl_conv(r->plan, conv->choice.method, &conv->shape, conv->matrix, x, prologue, y, &epilogue,
               ddim_unet_vector(r->unet, r->unet->zeros));
  r->flops += ddim_conv_flops(&conv->shape);
}

static DdimClTensor
alloc_like(Recorder *r, const DdimConvShape *shape, guint channels)
{
  return ddim_cl_plan_alloc_tensor(r->plan, shape->n, shape->h, shape->w, channels);
}

/* The first half of a ResBlock: h = conv(silu(norm(x))), resampled in front of the convolution
 * where the block does that. Returns h; the resampled x replaces *@x, which the caller then owns
 * (TRUE in @resampled). */
static DdimClTensor
record_in_layers(Recorder *r, const DdimModuleWeights *w, DdimClTensor *x, gboolean *resampled)
{
  const DdimClNorm norm = norm_params(r, &w->norm1);
  const gboolean additive = !r->unet->config.use_scale_shift_norm;
  const DdimClMem emb = block_emb(r, w);
  DdimClTensor h = alloc_like(r, &w->conv1.shape, w->module->out);
  *resampled = w->module->resample != DDIM_RESAMPLE_NONE;
  if (w->module->resample != DDIM_RESAMPLE_DOWN) {
    record_conv(r, &w->conv1, x, &(DdimClPrologue){.norm = &norm, .silu = TRUE}, &h, NULL,
                additive ? &emb : NULL);
  } else {
    DdimClTensor full = ddim_cl_plan_alloc_tensor(r->plan, x->n, x->h, x->w, x->c);
    DdimClTensor small = alloc_like(r, &w->conv1.shape, x->c);
    DdimClMem ab = ddim_cl_norm_scale_shift(r->plan, x, &norm);
    ddim_cl_norm_apply(r->plan, x, ab, TRUE, &full);
    ddim_cl_plan_release(r->plan, ab);
    ddim_cl_average_pool(r->plan, &full, &small);
    ddim_cl_plan_release(r->plan, full.mem);
    record_conv(r, &w->conv1, &small, NULL, &h, NULL, additive ? &emb : NULL);
    ddim_cl_plan_release(r->plan, small.mem);
  }
  if (*resampled) {
    DdimClTensor other = alloc_like(r, &w->conv1.shape, x->c);
    if (w->module->resample == DDIM_RESAMPLE_UP)
      ddim_cl_upsample(r->plan, x, &other);
    else
      ddim_cl_average_pool(r->plan, x, &other);
    *x = other;
  }
  return h;
}

/* ResBlock._forward. */
static void
record_res(Recorder *r, const DdimModuleWeights *w, const DdimClTensor *input,
           const DdimClTensor *y)
{
  gboolean resampled;
  DdimClTensor x = *input;
  DdimClTensor h = record_in_layers(r, w, &x, &resampled);
  DdimClNorm norm = norm_params(r, &w->norm2);
  if (r->unet->config.use_scale_shift_norm) {
    norm.has_emb = TRUE;
    norm.emb = block_emb(r, w);
    norm.emb_ld = r->unet->emb_columns;
  }
  const DdimClTensor *residual = &x;
  if (w->skip.prefix) {
    record_conv(r, &w->skip, &x, NULL, y, NULL, NULL);
    residual = y;
  }
  record_conv(r, &w->conv2, &h, &(DdimClPrologue){.norm = &norm, .silu = TRUE}, y, residual, NULL);
  ddim_cl_plan_release(r->plan, h.mem);
  if (resampled)
    ddim_cl_plan_release(r->plan, x.mem);
}

/* AttentionBlock._forward. */
static void
record_attention(Recorder *r, const DdimModuleWeights *w, const DdimClTensor *x,
                 const DdimClTensor *y)
{
  const DdimClNorm norm = norm_params(r, &w->norm1);
  DdimClTensor qkv = ddim_cl_plan_alloc_tensor(r->plan, x->n, x->h, x->w, 3 * x->c);
  record_conv(r, &w->conv1, x, &(DdimClPrologue){.norm = &norm}, &qkv, NULL, NULL);
  DdimClTensor attended = ddim_cl_plan_alloc_tensor(r->plan, x->n, x->h, x->w, x->c);
  const DdimClAttention attention = {.heads = w->module->heads,
                                     .interleaved = !r->unet->config.use_new_attention_order};
  ddim_cl_attention(r->plan, &qkv, &attention, &attended);
  const double positions = (double)x->h * x->w;
  r->flops += 4 * x->n * positions * positions * x->c;
  ddim_cl_plan_release(r->plan, qkv.mem);
  record_conv(r, &w->conv2, &attended, NULL, y, x, NULL);
  ddim_cl_plan_release(r->plan, attended.mem);
}

static void
record_module(Recorder *r, const DdimModule *module, const DdimClTensor *x, const DdimClTensor *y)
{
  const DdimModuleWeights *w = ddim_unet_get_weights(r->unet, module);
  switch (module->type) {
  case DDIM_MODULE_RES:
    record_res(r, w, x, y);
    break;
  case DDIM_MODULE_ATTENTION:
    record_attention(r, w, x, y);
    break;
  case DDIM_MODULE_CONV_IN:
    record_conv(r, &w->conv1, x, NULL, y, NULL, NULL);
    break;
  case DDIM_MODULE_DOWN:
    if (module->has_conv)
      record_conv(r, &w->conv1, x, NULL, y, NULL, NULL);
    else
      ddim_cl_average_pool(r->plan, x, y);
    break;
  case DDIM_MODULE_UP:
    if (module->has_conv)
      record_conv(r, &w->conv1, x, NULL, y, NULL, NULL);
    else
      ddim_cl_upsample(r->plan, x, y);
    break;
  }
}

/* @x through the stage's modules into @y, with memory of their own in between. */
static void
record_stage(Recorder *r, const DdimStage *stage, DdimClTensor x, const DdimClTensor *y)
{
  for (guint i = 0; i < stage->modules->len; i++) {
    const DdimModule *module = stage->modules->pdata[i];
    const gboolean last = i + 1 == stage->modules->len;
    const DdimModuleWeights *w = ddim_unet_get_weights(r->unet, module);
    DdimClTensor out = last ? *y : alloc_like(r, &w->conv1.shape, module->out);
    record_module(r, module, &x, &out);
    if (i > 0)
      ddim_cl_plan_release(r->plan, x.mem);
    x = out;
  }
}

/* Height and width of a stage's result: those of its last module's. */
static const DdimConvShape *
stage_shape(Recorder *r, const DdimStage *stage)
{
  const DdimModule *last = stage->modules->pdata[stage->modules->len - 1];
  return &ddim_unet_get_weights(r->unet, last)->conv1.shape;
}

/* The output stage that consumes input stage @input. */
static const DdimStage *
consumer_of(GPtrArray *stages, guint input)
{
  for (guint s = 0; s < stages->len; s++) {
    const DdimStage *stage = stages->pdata[s];
    if (stage->type == DDIM_STAGE_OUTPUT && stage->skip == input)
      return stage;
  }
  return NULL;
}

static DdimClTensor
record_output_convolution(Recorder *r, const DdimClTensor *x)
{
  const DdimClNorm norm = norm_params(r, &r->unet->out_norm);
  DdimClTensor y =
      ddim_cl_plan_alloc_tensor(r->plan, x->n, x->h, x->w, r->unet->out_conv.matrix->columns);
  record_conv(r, &r->unet->out_conv, x, &(DdimClPrologue){.norm = &norm, .silu = TRUE}, &y, NULL,
              NULL);
  return y;
}

double
ddim_unet_record(DdimUNet *unet, DdimClPlan *plan, DdimUNetPorts *ports)
{
  Recorder r = {.unet = unet, .plan = plan, .emb = ports->emb};
  GPtrArray *stages = unet->stages;
  /* What output stages read: room for the previous result and, behind it, the skip's. Both write
   * their slice directly, so that nothing is ever concatenated. Index: the input stage. */
  g_autofree DdimClTensor *joined = g_new0(DdimClTensor, stages->len);
  DdimClTensor x = ports->x;
  for (guint s = 0; s < stages->len; s++) {
    const DdimStage *stage = stages->pdata[s];
    const DdimStage *next = s + 1 < stages->len ? stages->pdata[s + 1] : NULL;
    DdimClTensor y;
    if (stage->type == DDIM_STAGE_INPUT) {
      const guint front = consumer_of(stages, s)->in;
      joined[s] = alloc_like(&r, stage_shape(&r, stage), front + stage->out);
      y = ddim_cl_tensor_slice(joined[s], front, stage->out);
    } else if (next) {
      y = ddim_cl_tensor_slice(joined[next->skip], 0, stage->out);
    } else {
      y = alloc_like(&r, stage_shape(&r, stage), stage->out);
    }
    if (stage->type == DDIM_STAGE_OUTPUT)
      x = joined[stage->skip];
    record_stage(&r, stage, x, &y);
    if (stage->type == DDIM_STAGE_OUTPUT)
      ddim_cl_plan_release(plan, joined[stage->skip].mem);
    x = y;
  }
  ports->output = record_output_convolution(&r, &x);
  ddim_cl_plan_release(plan, x.mem);
  return r.flops;
}
