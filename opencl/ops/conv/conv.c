/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/conv/conv.h"

#include "opencl/ops/conv/conv-amx-winograd.h"
#include "opencl/ops/conv/conv-amx.h"
#include "opencl/ops/conv/conv-direct.h"
#include "opencl/ops/conv/conv-winograd.h"
#include "opencl/ops/norm/norm.h"
#include "opencl/plan/spoil.h"

const char *
ddim_conv_method_name(DdimConvMethod method)
{
  static const char *const names[] = {"direct", "winograd2",    "winograd4",
                                      "amx",    "amx-winograd", "winograd4-lean"};
  return names[method];
}

char *
ddim_conv_way(DdimConvMethod method, DdimGemmProvider provider)
{
  return g_strdup_printf("%s-%s", ddim_conv_method_name(method), ddim_gemm_provider_name(provider));
}

DdimClPacking
ddim_conv_method_packing(DdimConvMethod method)
{
  static const DdimClPacking packings[] = {DDIM_CL_PACK_PLAIN,        DDIM_CL_PACK_WINOGRAD2,
                                           DDIM_CL_PACK_WINOGRAD4,    DDIM_CL_PACK_AMX,
                                           DDIM_CL_PACK_AMX_WINOGRAD, DDIM_CL_PACK_PLAIN};
  return packings[method];
}

static void
record(DdimClPlan *plan, DdimConvMethod method, const DdimConvShape *shape,
       const DdimClMatrix *weights, const DdimClTensor *x, const DdimClPrologue *prologue,
       const DdimClTensor *y, const DdimClEpilogue *epilogue, DdimClMem zeros)
{
  if (method == DDIM_CONV_AMX) {
    ddim_cl_conv_amx(plan, shape, weights, x, prologue, y, epilogue);
    return;
  }
  if (method == DDIM_CONV_AMX_WINOGRAD) {
    ddim_cl_conv_amx_winograd(plan, shape, weights, x, prologue, y, epilogue);
    return;
  }
  if (prologue && prologue->norm) {
    DdimClMem ab = ddim_cl_norm_scale_shift(plan, x, prologue->norm);
    const DdimClPrologue ready = {.ab = ab, .silu = prologue->silu};
    record(plan, method, shape, weights, x, &ready, y, epilogue, zeros);
    ddim_cl_plan_release(plan, ab);
    return;
  }
  if (method != DDIM_CONV_DIRECT && (!prologue || prologue->silu)) {
    g_return_if_fail(shape->taps == 3 && shape->stride == 1);
    const guint tile = method == DDIM_CONV_WINOGRAD2 ? 2 : 4;
    ddim_cl_conv_winograd(plan, tile, method == DDIM_CONV_WINOGRAD4_LEAN, shape, weights, x,
                          prologue ? &prologue->ab : NULL, y, epilogue);
    return;
  }
  if (!prologue) {
    ddim_cl_conv_direct(plan, shape, weights, x, y, epilogue, zeros);
    return;
  }
  DdimClTensor activated = ddim_cl_plan_alloc_tensor(plan, x->type, x->n, x->h, x->w, x->c);
  ddim_cl_norm_apply(plan, x, prologue->ab, prologue->silu, &activated);
  record(plan, method, shape, weights, &activated, NULL, y, epilogue, zeros);
  ddim_cl_plan_release(plan, activated.mem);
}

void
ddim_cl_conv(DdimClPlan *plan, DdimConvMethod method, const DdimConvShape *shape,
             const DdimClMatrix *weights, const DdimClTensor *x, const DdimClPrologue *prologue,
             const DdimClTensor *y, const DdimClEpilogue *epilogue, DdimClMem zeros)
{
  g_autofree char *way = ddim_conv_way(method, weights->provider);
  const DdimClConvNote note = {.method = method,
                               .provider = weights->provider,
                               .shape = *shape,
                               .half = weights->half,
                               .x_type = x->type,
                               .y_type = y->type,
                               .prologue = prologue != NULL,
                               .silu = prologue && prologue->silu,
                               .emb = epilogue->has_emb,
                               .residual = epilogue->residual != NULL};
  ddim_cl_plan_note(plan, DDIM_CL_NOTE_CONV, way, &note, sizeof note);
  record(plan, method, shape, weights, x, prologue, y, epilogue, zeros);
  ddim_cl_plan_spoil(plan, way, y);
}
