/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/matrix/matrix.h"

#include "opencl/device/kernel.h"
#include "opencl/device/program.h"
#include "opencl/device/status.h"

const char *
ddim_gemm_provider_name(DdimGemmProvider provider)
{
  static const char *const names[] = {"packed",  "clblast", "tile32", "tile64",
                                      "tile128", "mma64",   "mma128"};
  G_STATIC_ASSERT(G_N_ELEMENTS(names) == DDIM_N_GEMM_PROVIDERS);
  return names[provider];
}

gboolean
ddim_gemm_uses_matrix_unit(DdimGemmProvider provider)
{
  return provider == DDIM_GEMM_MMA64 || provider == DDIM_GEMM_MMA128;
}

void
ddim_cl_matrix_free(DdimClMatrix *matrix)
{
  if (!matrix)
    return;
  ddim_cl_buffer_free(matrix->buffer);
  g_free(matrix);
}

static guint
pad(guint value, guint multiple)
{
  return (value + multiple - 1) / multiple * multiple;
}

guint
ddim_cl_packing_batch(DdimClPacking packing)
{
  return packing == DDIM_CL_PACK_WINOGRAD4 ? 36 : packing == DDIM_CL_PACK_WINOGRAD2 ? 16 : 1;
}

/* Rows of each matrix for a channel. */
static guint
rows_per_channel(DdimClPacking packing, guint taps)
{
  if (packing == DDIM_CL_PACK_WINOGRAD2 || packing == DDIM_CL_PACK_WINOGRAD4)
    return 1;
  return packing == DDIM_CL_PACK_AMX_WINOGRAD ? 2 * taps : taps;
}

/* The matrix units take 32 channels together, twice as many as the other kernels. */
static guint
padded_depth(DdimClPacking packing, guint in)
{
  const gboolean amx = packing == DDIM_CL_PACK_AMX || packing == DDIM_CL_PACK_AMX_WINOGRAD;
  return pad(in, (amx ? 2 : 1) * DDIM_CL_DEPTH_PADDING);
}

guint
ddim_cl_matrix_depth(DdimClPacking packing, guint in, guint taps)
{
  return padded_depth(packing, in) * rows_per_channel(packing, taps);
}

guint64
ddim_cl_matrix_bytes(DdimClPacking packing, gboolean half, guint out, guint in, guint taps)
{
  const guint64 one = (guint64)padded_depth(packing, in) * pad(out, DDIM_CL_COLUMN_PADDING);
  return one * rows_per_channel(packing, taps) * ddim_cl_packing_batch(packing) * (half ? 2 : 4);
}

/* Both packings in one program, which is built faster than two. */
#define AMX_PACK "amx-sizes+amx-tiles+amx-winograd-points+amx-pack+amx-winograd-pack"

/* The kernel that packs @matrix: its name, its program's @source and @options (transfer full). */
static const char *
packing_kernel(const DdimClMatrix *matrix, const char **source, char **options)
{
  const char *half = matrix->half ? " -DHALF_WEIGHTS" : "";
  const int packed = matrix->provider == DDIM_GEMM_PACKED;
  *source = AMX_PACK;
  switch (matrix->packing) {
  case DDIM_CL_PACK_AMX:
    *options = g_strdup(half);
    return "amx_weights";
  case DDIM_CL_PACK_AMX_WINOGRAD:
    *options = g_strdup("");
    return "amx_winograd_weights";
  case DDIM_CL_PACK_PLAIN:
    *source = "pack";
    *options = g_strdup_printf("-DPACKED=%d%s", packed, half);
    return "pack_weights";
  default:
    *source = "winograd";
    *options = g_strdup_printf("-DPACKED=%d%s -DWEIGHTS=1 -DTILE=%d", packed, half,
                               matrix->packing == DDIM_CL_PACK_WINOGRAD4 ? 4 : 2);
    return "winograd_weights";
  }
}

/* Run @kernel over all (column, depth) pairs of @matrix, reading OIHW weights from @staging. */
static gboolean
run_packing(cl_kernel kernel, DdimClMatrix *matrix, DdimClBuffer *staging, GError **error)
{
  DdimContext *context = staging->context;
  const cl_uint in_padded = padded_depth(matrix->packing, matrix->in);
  const cl_uint values[] = {matrix->out, matrix->in, matrix->columns, in_padded, matrix->taps};
  /* Transforms know their taps. */
  const guint n =
      matrix->packing == DDIM_CL_PACK_PLAIN || matrix->packing == DDIM_CL_PACK_AMX ? 5 : 4;
  if (!ddim_cl_kernel_set_mem(kernel, 0, staging->mem, error) ||
      !ddim_cl_kernel_set_mem(kernel, 1, matrix->buffer->mem, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!ddim_cl_kernel_set_arg(kernel, 2 + i, sizeof(cl_uint), &values[i], error))
      return FALSE;
  const gsize range[2] = {matrix->columns, in_padded}, local[2] = {DDIM_CL_COLUMN_PADDING, 1};
  const cl_int status =
      clEnqueueNDRangeKernel(context->queue, kernel, 2, NULL, range, local, 0, NULL, NULL);
  return ddim_cl_check(status, "clEnqueueNDRangeKernel", error) && ddim_cl_finish(context, error);
}

DdimClMatrix *
ddim_cl_matrix_alloc(DdimContext *context, DdimClPacking packing, DdimGemmProvider provider,
                     gboolean half, guint out, guint in, guint taps, GError **error)
{
  g_autoptr(DdimClMatrix) matrix = g_new0(DdimClMatrix, 1);
  *matrix = (DdimClMatrix){.provider = provider,
                           .batch = ddim_cl_packing_batch(packing),
                           .depth = ddim_cl_matrix_depth(packing, in, taps),
                           .columns = pad(out, DDIM_CL_COLUMN_PADDING),
                           .half = half,
                           .packing = packing,
                           .out = out,
                           .in = in,
                           .taps = taps};
  matrix->buffer =
      ddim_cl_buffer_new(context, ddim_cl_matrix_bytes(packing, half, out, in, taps), error);
  if (!matrix->buffer)
    return NULL;
  const char *source;
  g_autofree char *options = NULL;
  packing_kernel(matrix, &source, &options);
  ddim_cl_program_announce(context, source, options);
  return g_steal_pointer(&matrix);
}

gboolean
ddim_cl_matrix_load(DdimClMatrix *matrix, const float *weights, GError **error)
{
  const guint64 size = (guint64)matrix->out * matrix->in * matrix->taps * sizeof(float);
  g_autoptr(DdimClBuffer) staging = ddim_cl_buffer_new(matrix->buffer->context, size, error);
  if (!staging || !ddim_cl_buffer_write(staging, 0, size, weights, error))
    return FALSE;
  const char *source;
  g_autofree char *options = NULL;
  const char *name = packing_kernel(matrix, &source, &options);
  cl_kernel kernel = ddim_cl_kernel_new(matrix->buffer->context, source, options, name, error);
  if (!kernel)
    return FALSE;
  gboolean ok = run_packing(kernel, matrix, staging, error);
  clReleaseKernel(kernel);
  return ok;
}

DdimClMatrix *
ddim_cl_matrix_new(DdimContext *context, DdimClPacking packing, DdimGemmProvider provider,
                   gboolean half, const float *weights, guint out, guint in, guint taps,
                   GError **error)
{
  g_autoptr(DdimClMatrix) matrix =
      ddim_cl_matrix_alloc(context, packing, provider, half, out, in, taps, error);
  return matrix && ddim_cl_matrix_load(matrix, weights, error) ? g_steal_pointer(&matrix) : NULL;
}
