/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/units/units.h"

#include "opencl/ops/units/amx.h"
#include "opencl/ops/units/verify.h"

typedef enum { UNKNOWN, RIGHT, WRONG } Verdict;

/* What was found out on the device of a context. */
typedef struct {
  Verdict amx;
  Verdict mma[DDIM_N_GEMM_PROVIDERS];
} Verdicts;

static Verdicts *
verdicts_of(DdimContext *context)
{
  if (!context->units.data)
    context->units = (DdimClAttachment){.data = g_new0(Verdicts, 1), .destroy = g_free};
  return context->units.data;
}

gboolean
ddim_cl_has_amx(DdimContext *context)
{
  Verdict *verdict = &verdicts_of(context)->amx;
  if (*verdict == UNKNOWN)
    *verdict = ddim_cl_try_amx(context) ? RIGHT : WRONG;
  return *verdict == RIGHT;
}

gboolean
ddim_cl_has_mma(DdimContext *context, DdimGemmProvider provider)
{
  Verdict *verdict = &verdicts_of(context)->mma[provider];
  if (context->profile.matrix_unit == DDIM_CL_NO_MATRIX_UNIT)
    return FALSE;
  if (*verdict == UNKNOWN)
    *verdict = ddim_cl_verify_provider(context, provider, TRUE, NULL) ? RIGHT : WRONG;
  return *verdict == RIGHT;
}
