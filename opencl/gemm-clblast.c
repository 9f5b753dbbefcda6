/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/gemm-private.h"

#include <clblast_c.h>

#include "opencl/status.h"

typedef struct {
  guint rows, columns, depth, batch;
  DdimClMem a, b, c;
  guint64 lda, ldc, a_batch, c_batch;
} Product;

static gboolean
enqueue_product(gpointer data, DdimClPlan *plan, GError **error)
{
  const Product *p = data;
  cl_command_queue queue = ddim_cl_plan_get_context(plan)->queue;
  const cl_mem a = ddim_cl_plan_get_cl_mem(plan, p->a), b = ddim_cl_plan_get_cl_mem(plan, p->b);
  const cl_mem c = ddim_cl_plan_get_cl_mem(plan, p->c);
  CLBlastStatusCode status;
  if (p->batch == 1)
    status = CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeNo, p->rows,
                          p->columns, p->depth, 1.0f, a, p->a.offset, p->lda, b, p->b.offset,
                          p->columns, 0.0f, c, p->c.offset, p->ldc, &queue, NULL);
  else
    status = CLBlastSgemmStridedBatched(CLBlastLayoutRowMajor, CLBlastTransposeNo,
                                        CLBlastTransposeNo, p->rows, p->columns, p->depth, 1.0f, a,
                                        p->a.offset, p->lda, p->a_batch, b, p->b.offset, p->columns,
                                        (gsize)p->depth * p->columns, 0.0f, c, p->c.offset, p->ldc,
                                        p->c_batch, p->batch, &queue, NULL);
  return ddim_cl_check((cl_int)status, "CLBlastSgemm", error);
}

static void
record_epilogue(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  g_autofree char *options = ddim_cl_epilogue_options(gemm->epilogue);
  ddim_cl_plan_kernel(plan, "epilogue", options, "epilogue", "epilogue", 0);
  ddim_cl_plan_arg_mem(plan, gemm->c);
  ddim_cl_plan_arg_u32(plan, gemm->ldc);
  ddim_cl_epilogue_args(plan, gemm->epilogue, MAX(gemm->rows_per_image, 1));
  ddim_cl_plan_range(plan, b->columns / ddim_cl_plan_get_context(plan)->profile.vec, gemm->rows, 1);
}

/* CLBlast has no product of float32 by half: such weights are widened into the arena first. */
static DdimClMem
widen(DdimClPlan *plan, const DdimClMatrix *b)
{
  const guint64 count = (guint64)b->batch * b->depth * b->columns;
  DdimClMem wide = ddim_cl_plan_alloc(plan, count);
  ddim_cl_plan_kernel(plan, "pack", "-DHALF_WEIGHTS", "widen", "widen", 0);
  ddim_cl_plan_arg_buffer(plan, b->buffer);
  ddim_cl_plan_arg_mem(plan, wide);
  ddim_cl_plan_range(plan, count / 16, 1, 1);
  return wide;
}

void
ddim_cl_gemm_clblast(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  const DdimClEpilogue *epilogue = gemm->epilogue;
  const DdimClTensor *residual = epilogue ? epilogue->residual : NULL;
  /* The product overwrites its output, so a residual kept there must move away. Callers give such a
   * residual as a tensor of the same memory; the product then goes to memory of its own. */
  const gboolean in_place =
      residual && residual->mem.buffer == gemm->c.buffer && residual->mem.offset == gemm->c.offset;
  DdimClMem b_mem = b->half ? widen(plan, b) : (DdimClMem){.buffer = b->buffer};
  Product *product = g_new(Product, 1);
  *product = (Product){.rows = gemm->rows,
                       .columns = b->columns,
                       .depth = b->depth,
                       .batch = b->batch,
                       .a = gemm->a,
                       .b = b_mem,
                       .c = gemm->c,
                       .lda = gemm->lda,
                       .ldc = gemm->ldc,
                       .a_batch = gemm->a_batch,
                       .c_batch = gemm->c_batch};
  DdimClTensor kept;
  DdimClEpilogue moved;
  if (in_place) {
    kept = ddim_cl_plan_alloc_tensor(plan, 1, 1, gemm->rows, b->columns);
    ddim_cl_plan_kernel(plan, "epilogue", NULL, "copy_rows", "copy", 0);
    ddim_cl_plan_arg_mem(plan, gemm->c);
    ddim_cl_plan_arg_u32(plan, gemm->ldc);
    ddim_cl_plan_arg_mem(plan, kept.mem);
    ddim_cl_plan_arg_u32(plan, kept.ld);
    ddim_cl_plan_range(plan, b->columns / ddim_cl_plan_get_context(plan)->profile.vec, gemm->rows,
                       1);
    moved = *epilogue;
    moved.residual = &kept;
  }
  ddim_cl_plan_call(plan, enqueue_product, product, g_free, gemm->label,
                    2.0 * b->batch * gemm->rows * b->depth * b->columns);
  if (epilogue) {
    DdimClGemm with = *gemm;
    with.epilogue = in_place ? &moved : epilogue;
    record_epilogue(plan, b, &with);
  }
  if (in_place)
    ddim_cl_plan_release(plan, kept.mem);
  if (b->half)
    ddim_cl_plan_release(plan, b_mem);
}
