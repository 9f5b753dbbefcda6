/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/gradient/gradient.h"

#include <math.h>

#include "opencl/ops/norm/norm.h"

/* Pixels whose sums a work-item computes. */
#define CHUNK 64

static guint
get_vec(DdimClPlan *plan)
{
  return ddim_cl_plan_get_context(plan)->profile.vec;
}

/* What both kernels over x and dy begin with. */
static void
norm_args(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *dy, DdimClMem ab,
          const DdimClNorm *norm, DdimClMem out)
{
  ddim_cl_plan_arg_tensor(plan, x, DDIM_CL_F32);
  ddim_cl_plan_arg_tensor(plan, dy, DDIM_CL_F32);
  ddim_cl_plan_arg_floats(plan, ab);
  ddim_cl_norm_args(plan, norm, out);
}

/* part[n][chunk][2][C], then means[n][2][C]. */
static DdimClMem
record_means(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm, gboolean silu,
             DdimClMem ab, const DdimClTensor *dy)
{
  const guint pixels = x->h * x->w, chunks = (pixels + CHUNK - 1) / CHUNK;
  DdimClMem part = ddim_cl_plan_alloc_floats(plan, (guint64)x->n * chunks * 2 * x->c);
  DdimClMem means = ddim_cl_plan_alloc_floats(plan, (guint64)x->n * 2 * x->c);
  ddim_cl_plan_kernel(plan, "norm-gradient", NULL, "norm_gradient_sums", "norm gradient", 0);
  norm_args(plan, x, dy, ab, norm, part);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, CHUNK);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, silu ? 1 : 0);
  ddim_cl_plan_range(plan, x->c / get_vec(plan), chunks, x->n);
  ddim_cl_plan_kernel(plan, "norm-gradient", NULL, "norm_gradient_means", "norm gradient", 0);
  ddim_cl_plan_arg_floats(plan, part);
  ddim_cl_plan_arg_floats(plan, means);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, chunks);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_range(plan, norm->groups, x->n, 1);
  ddim_cl_plan_release(plan, part);
  return means;
}

void
ddim_cl_norm_gradient(DdimClPlan *plan, const DdimClTensor *x, const DdimClNorm *norm,
                      gboolean silu, DdimClMem ones, DdimClMem zeros, const DdimClTensor *dy,
                      const DdimClTensor *add, const DdimClTensor *dx)
{
  const guint pixels = x->h * x->w,
              chunk = ddim_cl_plan_get_context(plan)->profile.row_loop ? CHUNK : 1;
  const DdimClNorm plain = {.groups = norm->groups, .eps = norm->eps, .gamma = ones, .beta = zeros};
  DdimClMem ab = ddim_cl_norm_scale_shift(plan, x, &plain);
  DdimClMem means = record_means(plan, x, norm, silu, ab, dy);
  ddim_cl_plan_kernel(plan, "norm-gradient", NULL, "norm_gradient_apply", "norm gradient", 0);
  norm_args(plan, x, dy, ab, norm, means);
  ddim_cl_plan_arg_tensor(plan, add ? add : dy, DDIM_CL_F32);
  ddim_cl_plan_arg_tensor(plan, dx, DDIM_CL_F32);
  ddim_cl_plan_arg_u32(plan, pixels);
  ddim_cl_plan_arg_u32(plan, chunk);
  ddim_cl_plan_arg_u32(plan, x->c);
  ddim_cl_plan_arg_u32(plan, silu ? 1 : 0);
  ddim_cl_plan_arg_u32(plan, add ? 1 : 0);
  ddim_cl_plan_range(plan, x->c / get_vec(plan), (pixels + chunk - 1) / chunk, x->n);
  ddim_cl_plan_release(plan, means);
  ddim_cl_plan_release(plan, ab);
}

/* @products  of T x T by T x ch, or so many; attention itself has two */
static void
attention_kernel(DdimClPlan *plan, const char *kernel, guint products, const DdimClTensor *qkv,
                 const DdimClHeads *heads, guint n_heads, const DdimClTensor *dout, DdimClMem stats,
                 const DdimClTensor *dqkv)
{
  g_autofree char *options = g_strdup_printf("-DCH=%u", heads->ch);
  ddim_cl_plan_kernel(plan, "lanes+attention-gradient", options, kernel, "attention gradient",
                      heads->flops / 2 * products);
  ddim_cl_plan_arg_tensor(plan, qkv, DDIM_CL_F32);
  ddim_cl_plan_arg_tensor(plan, dout, DDIM_CL_F32);
  ddim_cl_plan_arg_floats(plan, stats);
  ddim_cl_plan_arg_tensor(plan, dqkv, DDIM_CL_F32);
  ddim_cl_plan_arg_u32(plan, heads->T);
  ddim_cl_plan_arg_u32(plan, heads->head_ld);
  ddim_cl_plan_arg_u32(plan, heads->k_at);
  ddim_cl_plan_arg_u32(plan, heads->v_at);
  ddim_cl_plan_arg_f32(plan, (float)(1 / sqrt(heads->ch)));
  ddim_cl_plan_range(plan, heads->T, n_heads, qkv->n);
}

void
ddim_cl_attention_gradient(DdimClPlan *plan, const DdimClTensor *qkv,
                           const DdimClAttention *attention, const DdimClTensor *dout,
                           const DdimClTensor *dqkv)
{
  const DdimClHeads heads = ddim_cl_attention_heads(qkv, attention, dout);
  DdimClMem stats =
      ddim_cl_plan_alloc_floats(plan, (guint64)3 * qkv->n * attention->heads * heads.T);
  attention_kernel(plan, "attention_gradient_queries", 5, qkv, &heads, attention->heads, dout,
                   stats, dqkv);
  attention_kernel(plan, "attention_gradient_keys", 4, qkv, &heads, attention->heads, dout, stats,
                   dqkv);
  ddim_cl_plan_release(plan, stats);
}

/* A kernel that writes a tensor from one with half of its height and width. */
static void
from_half(DdimClPlan *plan, const char *kernel, const DdimClTensor *dy, const DdimClTensor *y)
{
  ddim_cl_plan_kernel(plan, "gradient", NULL, kernel, "resample gradient", 0);
  ddim_cl_plan_arg_tensor(plan, dy, DDIM_CL_F32);
  ddim_cl_plan_arg_tensor(plan, y, DDIM_CL_F32);
  ddim_cl_plan_arg_u32(plan, y->h);
  ddim_cl_plan_arg_u32(plan, y->w);
  ddim_cl_plan_range(plan, y->c / get_vec(plan), (gsize)y->h * y->w, y->n);
}

void
ddim_cl_average_pool_gradient(DdimClPlan *plan, const DdimClTensor *dy, const DdimClTensor *dx)
{
  from_half(plan, "average_pool_gradient", dy, dx);
}

void
ddim_cl_dilate(DdimClPlan *plan, const DdimClTensor *dy, const DdimClTensor *y)
{
  from_half(plan, "dilate", dy, y);
}

void
ddim_cl_mean_gradient(DdimClPlan *plan, const DdimClTensor *dy, const DdimClTensor *add,
                      const DdimClTensor *dx)
{
  ddim_cl_plan_kernel(plan, "gradient", NULL, "mean_gradient", "mean gradient", 0);
  ddim_cl_plan_arg_tensor(plan, dy, DDIM_CL_F32);
  ddim_cl_plan_arg_tensor(plan, add ? add : dx, DDIM_CL_F32);
  ddim_cl_plan_arg_tensor(plan, dx, DDIM_CL_F32);
  ddim_cl_plan_arg_u32(plan, add ? 1 : 0);
  ddim_cl_plan_range(plan, dx->c / get_vec(plan), (gsize)dx->h * dx->w, dx->n);
}

void
ddim_cl_tokens_gradient(DdimClPlan *plan, const DdimClTensor *dy, const DdimClTensor *dx)
{
  ddim_cl_plan_kernel(plan, "gradient", NULL, "tokens_gradient", "tokens gradient", 0);
  ddim_cl_plan_arg_tensor(plan, dy, DDIM_CL_F32);
  ddim_cl_plan_arg_tensor(plan, dx, DDIM_CL_F32);
  ddim_cl_plan_range(plan, dx->c / get_vec(plan), (gsize)dx->h * dx->w, dx->n);
}

void
ddim_cl_relu_gradient(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *dy,
                      const DdimClTensor *dx)
{
  ddim_cl_plan_kernel(plan, "gradient", NULL, "relu_gradient", "relu gradient", 0);
  ddim_cl_plan_arg_tensor(plan, x, DDIM_CL_F32);
  ddim_cl_plan_arg_tensor(plan, dy, DDIM_CL_F32);
  ddim_cl_plan_arg_tensor(plan, dx, DDIM_CL_F32);
  ddim_cl_plan_range(plan, dx->c / get_vec(plan), (gsize)dx->n * dx->h * dx->w, 1);
}

void
ddim_cl_log_softmax_gradient(DdimClPlan *plan, const DdimClTensor *logits, guint classes,
                             DdimClMem labels, const DdimClTensor *dx)
{
  ddim_cl_plan_kernel(plan, "gradient", NULL, "log_softmax_gradient", "softmax gradient", 0);
  ddim_cl_plan_arg_tensor(plan, logits, DDIM_CL_F32);
  ddim_cl_plan_arg_floats(plan, labels);
  ddim_cl_plan_arg_tensor(plan, dx, DDIM_CL_F32);
  ddim_cl_plan_arg_u32(plan, classes);
  ddim_cl_plan_arg_u32(plan, dx->c);
  ddim_cl_plan_range(plan, logits->n, 1, 1);
}

void
ddim_cl_clear_tensor(DdimClPlan *plan, const DdimClTensor *y)
{
  ddim_cl_plan_kernel(plan, "gradient", NULL, "clear_tensor", "clear", 0);
  ddim_cl_plan_arg_tensor(plan, y, DDIM_CL_F32);
  ddim_cl_plan_range(plan, y->c / get_vec(plan), (gsize)y->n * y->h * y->w, 1);
}
