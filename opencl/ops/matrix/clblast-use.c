/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/matrix/clblast-use.h"

#include <clblast_c.h>

#include "opencl/device/status.h"

/* What CLBlast's table holds for a device. */
typedef struct {
  gboolean known; /* parameters are those of a context; else of the database */
  gboolean checked;
  DdimClblastParameters parameters;
} State;

/* CLBlast's table is the process's, so this is as well. */
static GMutex mutex;
static GHashTable *states; /* cl_device_id -> State */

/* With the mutex held. */
static State *
state_of(cl_device_id device)
{
  if (!states)
    states = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  State *state = g_hash_table_lookup(states, device);
  if (!state)
    g_hash_table_insert(states, device, state = g_new0(State, 1));
  return state;
}

static gboolean
override(DdimContext *context, DdimClblastKernel kernel, const DdimClblastParameters *parameters,
         GError **error)
{
  const char *names[DDIM_CLBLAST_MAX_VALUES];
  size_t values[DDIM_CLBLAST_MAX_VALUES];
  for (guint i = 0; i < ddim_clblast_n_values(kernel); i++) {
    names[i] = ddim_clblast_value_name(kernel, i);
    values[i] = parameters->values[kernel][i];
  }
  const CLBlastStatusCode status = CLBlastOverrideParameters(
      context->device, ddim_clblast_kernel_name(kernel), CLBlastPrecisionSingle,
      ddim_clblast_n_values(kernel), names, values);
  return ddim_cl_check((cl_int)status, "CLBlastOverrideParameters", error);
}

/* Whether the numbers that count are the same. */
static gboolean
are_equal(const DdimClblastParameters *a, const DdimClblastParameters *b)
{
  for (DdimClblastKernel k = 0; k < DDIM_CLBLAST_N_KERNELS; k++)
    for (guint i = 0; i < ddim_clblast_n_values(k); i++)
      if (a->values[k][i] != b->values[k][i])
        return FALSE;
  return TRUE;
}

static gboolean
put(DdimContext *context, State *state, const DdimClblastParameters *parameters, GError **error)
{
  if (state->known && are_equal(&state->parameters, parameters))
    return TRUE;
  state->known = FALSE;
  for (DdimClblastKernel k = 0; k < DDIM_CLBLAST_N_KERNELS; k++)
    if (!override(context, k, parameters, error))
      return FALSE;
  state->known = TRUE;
  state->parameters = *parameters;
  return TRUE;
}

/* Bytes that CLBlast wants for copies when it multiplies large matrices that lie as @layout says.
 * Its usual kernel copies one matrix with either layout. Its other kernel copies none when all
 * matrices are row-major. */
static gsize
copy_bytes(DdimContext *context, CLBlastLayout layout)
{
  const gsize n = 4096;
  gsize bytes = 0;
  if (CLBlastSGemmTempBufferSize(layout, CLBlastTransposeNo, CLBlastTransposeNo, n, n, n, 0, n, 0,
                                 n, 0, n, &context->queue, &bytes) != CLBlastSuccess)
    return 0;
  return bytes;
}

/* CLBlast has a second kernel for large matrices (GEMMK = 1), and its database prefers it on some
 * devices of Intel, NVIDIA and ARM. It wants row-major matrices and no copies. But it launches
 * strided batches over transposed ranges (all versions up to 1.7.0), and with some shapes even its
 * single products are wrong (1.5.3). Where the database has it, the usual kernel is taken instead.
 */
static void
avoid_rows(DdimContext *context)
{
  if (copy_bytes(context, CLBlastLayoutRowMajor) || !copy_bytes(context, CLBlastLayoutColMajor))
    return;
  for (guint i = 0; i < ddim_clblast_n_starts(); i++) {
    const DdimClblastParameters start = ddim_clblast_start(i);
    if (!ddim_clblast_is_valid(context->info, &start))
      continue;
    override(context, DDIM_CLBLAST_XGEMM, &start, NULL);
    return;
  }
}

gboolean
ddim_clblast_enter(DdimContext *context, GError **error)
{
  const DdimClblastParameters *own = context->clblast.data;
  g_mutex_lock(&mutex);
  State *state = state_of(context->device);
  if (own && !put(context, state, own, error)) {
    g_mutex_unlock(&mutex);
    return FALSE;
  }
  if (!state->known && !state->checked)
    avoid_rows(context);
  state->checked = TRUE;
  return TRUE;
}

void
ddim_clblast_leave(void)
{
  g_mutex_unlock(&mutex);
}

gboolean
ddim_clblast_use(DdimContext *context, const DdimClblastParameters *parameters, GError **error)
{
  g_return_val_if_fail(ddim_clblast_is_valid(context->info, parameters), FALSE);
  const DdimClAttachment before = context->clblast;
  context->clblast =
      (DdimClAttachment){.data = g_memdup2(parameters, sizeof *parameters), .destroy = g_free};
  if (!ddim_clblast_enter(context, error)) {
    g_free(context->clblast.data);
    context->clblast = before;
    return FALSE;
  }
  ddim_clblast_leave();
  g_free(before.data);
  return TRUE;
}
