/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Whether the matrix units of an x86 processor can be used. */
#include "opencl/ops/units/amx.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <math.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "opencl/ops/conv/conv-amx.h"
#include "opencl/device/program.h"
#include "opencl/plan/plan.h"

/* CPUID leaf 7, EDX. */
#define HAS_AMX_BF16 (1u << 22)
#define HAS_AMX_TILE (1u << 24)
/* The tiles' registers are large, so Linux saves them only for processes that asked
 * (Documentation/arch/x86/xstate.rst). */
#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18

static gboolean
processor_has_amx(void)
{
  guint a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
         (d & (HAS_AMX_BF16 | HAS_AMX_TILE)) == (HAS_AMX_BF16 | HAS_AMX_TILE) &&
         syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

/* The kernels contain inline assembly. PoCL passes it to the compiler of the processor, but PoCL
 * 6.0 aborts the process at any inline assembly, and nothing is known of 4 and 5. So only versions
 * that are known to work are used. */
static gboolean
driver_takes_assembly(const DdimDeviceInfo *info)
{
  const guint64 major = g_ascii_strtoull(info->driver_version, NULL, 10);
  return strcmp(info->platform, "Portable Computing Language") == 0 && (major == 3 || major >= 7);
}

/* The tasks of kernels/amx-run.cl hold addresses of the host's memory. A CPU device of this machine
 * can use them, but one that is reached by a network cannot. */
static gboolean
computes_in_host_memory(DdimContext *context)
{
  const gsize one = 1;
  guint64 address = 0;
  g_autoptr(DdimClBuffer) buffer = ddim_cl_buffer_new(context, sizeof address, NULL);
  cl_kernel kernel = buffer ? ddim_cl_kernel_new(context, "address", NULL, "address", NULL) : NULL;
  if (!kernel)
    return FALSE;
  const gboolean ran = clSetKernelArg(kernel, 0, sizeof(cl_mem), &buffer->mem) == CL_SUCCESS &&
                       clEnqueueNDRangeKernel(context->queue, kernel, 1, NULL, &one, &one, 0, NULL,
                                              NULL) == CL_SUCCESS &&
                       ddim_cl_buffer_read(buffer, 0, sizeof address, &address, NULL);
  clReleaseKernel(kernel);
  return ran && address == (guint64)(guintptr)buffer->host;
}

/* So many that there are several blocks of positions and columns, and several planes. */
#define PIXELS 40
#define CHANNELS 64

static float
sample(guint i)
{
  return (float)((i * 2654435761u >> 8) % 2000) / 1000 - 1;
}

/* Compare a 1x1 convolution with the same sums in double. */
static gboolean
compare_product(const float *x, const float *w, const float *y)
{
  for (guint p = 0; p < PIXELS; p++)
    for (guint n = 0; n < CHANNELS; n++) {
      double sum = 0;
      for (guint c = 0; c < CHANNELS; c++)
        sum += (double)x[p * CHANNELS + c] * w[n * CHANNELS + c];
      if (!(fabs(y[p * CHANNELS + n] - sum) < 1e-3))
        return FALSE;
    }
  return TRUE;
}

static gboolean
product_is_right(DdimContext *context)
{
  g_autofree float *x = g_new(float, PIXELS *CHANNELS);
  g_autofree float *y = g_new0(float, PIXELS *CHANNELS);
  g_autofree float *w = g_new(float, CHANNELS *CHANNELS);
  for (guint i = 0; i < PIXELS * CHANNELS; i++)
    x[i] = sample(i);
  for (guint i = 0; i < CHANNELS * CHANNELS; i++)
    w[i] = sample(i + 100000);
  g_autoptr(DdimClMatrix) matrix = ddim_cl_matrix_new(context, DDIM_CL_PACK_AMX, DDIM_GEMM_PACKED,
                                                      FALSE, w, CHANNELS, CHANNELS, 1, NULL);
  if (!matrix)
    return FALSE;
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(context);
  const DdimClTensor in = ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 1, 1, PIXELS, CHANNELS);
  const DdimClTensor out = ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 1, 1, PIXELS, CHANNELS);
  const DdimClEpilogue epilogue = {.bias = ddim_cl_plan_alloc_floats(plan, CHANNELS)};
  const DdimConvShape shape = {CHANNELS, CHANNELS, 1, 1, FALSE, 1, 1, PIXELS};
  ddim_cl_conv_amx(plan, &shape, matrix, &in, NULL, &out, &epilogue);
  return ddim_cl_plan_seal(plan, NULL) &&
         ddim_cl_plan_write(plan, epilogue.bias, CHANNELS, y, NULL) &&
         ddim_cl_plan_write(plan, in.mem, PIXELS * CHANNELS, x, NULL) &&
         ddim_cl_plan_run(plan, NULL) &&
         ddim_cl_plan_read(plan, out.mem, PIXELS * CHANNELS, y, NULL) && compare_product(x, w, y);
}

/* Besides the tiles the kernels use 512-bit vectors and their instructions. */
static gboolean
processor_can_emulate(void)
{
  return __builtin_cpu_supports("avx512f") != 0;
}

gboolean
ddim_cl_expects_amx(DdimContext *context)
{
  return context->profile.amx_allowed && driver_takes_assembly(context->info) &&
         (context->profile.amx_emulated ? processor_can_emulate() : processor_has_amx());
}

gboolean
ddim_cl_try_amx(DdimContext *context)
{
  return ddim_cl_expects_amx(context) && computes_in_host_memory(context) &&
         product_is_right(context);
}

#else

gboolean
ddim_cl_expects_amx(DdimContext *context)
{
  return FALSE;
}

gboolean
ddim_cl_try_amx(DdimContext *context)
{
  return FALSE;
}

#endif
