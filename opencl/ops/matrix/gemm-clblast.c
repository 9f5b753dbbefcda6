/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/matrix/gemm-clblast.h"

#include <clblast_c.h>

#include "opencl/ops/matrix/clblast-use.h"
#include "opencl/device/status.h"

/* One matrix, or a batch of them, as CLBlast is given it. */
typedef struct {
  DdimClMem mem;
  guint64 ld, stride;  /* floats from row to row, from matrix to matrix */
  guint64 rows, width; /* of one matrix */
  cl_mem view;         /* the memory from the matrix on; made when the plan has its memory */
  gsize offset;        /* of the matrix in the view */
} Operand;

typedef struct {
  guint batch;
  Operand a, b, c;
  Operand temp; /* for copies of a single product; no rows: none */
} Product;

static void
product_free(gpointer data)
{
  Product *product = data;
  Operand *operands[] = {&product->a, &product->b, &product->c, &product->temp};
  for (guint i = 0; i < G_N_ELEMENTS(operands); i++)
    if (operands[i]->view)
      clReleaseMemObject(operands[i]->view);
  g_free(product);
}

/* CLBlast counts offsets in 32 bits, and it copies a matrix that does not begin at offset 0. Of
 * strided batches that it need not copy it ignores offset and stride (all versions up to 1.7.0). So
 * it is given a view of the memory that begins where the matrix does, or as near to it as the
 * device allows. */
static gboolean
make_view(Operand *operand, guint batch, DdimClPlan *plan, GError **error)
{
  if (operand->view || !operand->rows)
    return TRUE;
  const guint64 align = MAX(ddim_cl_plan_get_context(plan)->base_align, sizeof(float));
  const guint64 at = operand->mem.at, origin = at / align * align;
  const guint64 floats =
      (batch - 1) * operand->stride + (operand->rows - 1) * operand->ld + operand->width;
  const cl_buffer_region region = {origin, at - origin + floats * sizeof(float)};
  cl_int status = CL_SUCCESS;
  operand->view = clCreateSubBuffer(ddim_cl_plan_get_cl_mem(plan, operand->mem), 0,
                                    CL_BUFFER_CREATE_TYPE_REGION, &region, &status);
  operand->offset = (at - origin) / sizeof(float);
  return ddim_cl_check(status, "clCreateSubBuffer", error);
}

/* Whether CLBlast finds the matrices of a batch without offset and stride. */
static gboolean
is_exact(const Operand *operand)
{
  return operand->offset == 0 && operand->ld == operand->width &&
         operand->stride == operand->rows * operand->ld;
}

/* The row-major product C = A B is computed as the column-major product C^T = B^T A^T. CLBlast's
 * kernel wants its first operand and its result as columns, and its second operand as rows. So it
 * copies only the activations, neither the weights nor the result. */
static CLBlastStatusCode
enqueue_single(const Product *p, guint i, cl_mem temp, cl_command_queue *queue)
{
  const Operand *a = &p->a, *b = &p->b, *c = &p->c;
  const gsize a_at = a->offset + i * a->stride, b_at = b->offset + i * b->stride;
  const gsize c_at = c->offset + i * c->stride;
  CLBlastStatusCode status = CLBlastInsufficientMemoryTemp;
  if (temp)
    status =
        CLBlastSgemmWithTempBuffer(CLBlastLayoutColMajor, CLBlastTransposeNo, CLBlastTransposeNo,
                                   b->width, a->rows, b->rows, 1.0f, b->view, b_at, b->ld, a->view,
                                   a_at, a->ld, 0.0f, c->view, c_at, c->ld, queue, NULL, temp);
  /* Parameters that are used since then may ask for more memory than was planned. */
  if (status == CLBlastInsufficientMemoryTemp)
    status = CLBlastSgemm(CLBlastLayoutColMajor, CLBlastTransposeNo, CLBlastTransposeNo, b->width,
                          a->rows, b->rows, 1.0f, b->view, b_at, b->ld, a->view, a_at, a->ld, 0.0f,
                          c->view, c_at, c->ld, queue, NULL);
  return status;
}

static CLBlastStatusCode
enqueue_batch(const Product *p, cl_command_queue *queue)
{
  const Operand *a = &p->a, *b = &p->b, *c = &p->c;
  return CLBlastSgemmStridedBatched(CLBlastLayoutColMajor, CLBlastTransposeNo, CLBlastTransposeNo,
                                    b->width, a->rows, b->rows, 1.0f, b->view, 0, b->ld, b->stride,
                                    a->view, 0, a->ld, a->stride, 0.0f, c->view, 0, c->ld,
                                    c->stride, p->batch, queue, NULL);
}

static gboolean
enqueue_product(gpointer data, DdimClPlan *plan, GError **error)
{
  Product *p = data;
  cl_command_queue *queue = &ddim_cl_plan_get_context(plan)->queue;
  if (!make_view(&p->a, p->batch, plan, error) || !make_view(&p->b, p->batch, plan, error) ||
      !make_view(&p->c, p->batch, plan, error) || !make_view(&p->temp, 1, plan, error))
    return FALSE;
  if (!ddim_clblast_enter(ddim_cl_plan_get_context(plan), error))
    return FALSE;
  CLBlastStatusCode status = CLBlastSuccess;
  if (p->batch > 1 && is_exact(&p->a) && is_exact(&p->b) && is_exact(&p->c))
    status = enqueue_batch(p, queue);
  else
    for (guint i = 0; i < p->batch && status == CLBlastSuccess; i++)
      status = enqueue_single(p, i, p->temp.offset ? NULL : p->temp.view, queue);
  ddim_clblast_leave();
  return ddim_cl_check((cl_int)status, "CLBlastSgemm", error);
}

static void
record_epilogue(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  g_autofree char *options = ddim_cl_epilogue_options(gemm->epilogue);
  ddim_cl_plan_kernel(plan, "epilogue", options, "epilogue", "epilogue", 0);
  ddim_cl_plan_arg_floats(plan, gemm->c);
  ddim_cl_plan_arg_u32(plan, gemm->ldc);
  ddim_cl_epilogue_args(plan, gemm->epilogue);
  ddim_cl_plan_arg_u32(plan, MAX(gemm->rows_per_image, 1));
  ddim_cl_plan_range(plan, b->columns / ddim_cl_plan_get_context(plan)->profile.vec, gemm->rows, 1);
}

/* CLBlast cannot multiply float32 by half, so such weights are widened into the arena first. */
static DdimClMem
widen(DdimClPlan *plan, const DdimClMatrix *b)
{
  const guint64 count = (guint64)b->batch * b->depth * b->columns;
  DdimClMem wide = ddim_cl_plan_alloc_floats(plan, count);
  ddim_cl_plan_kernel(plan, "pack", "-DHALF_WEIGHTS", "widen", "widen", 0);
  ddim_cl_plan_arg_buffer(plan, b->buffer);
  ddim_cl_plan_arg_floats(plan, wide);
  ddim_cl_plan_range(plan, count / 16, 1, 1);
  return wide;
}

/* Bytes that CLBlast wants for the copies of a single product when no matrix lies as it should. */
static gsize
copy_bytes(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  DdimContext *context = ddim_cl_plan_get_context(plan);
  const gsize far = 1 + MAX(MAX(gemm->lda, gemm->ldc), MAX(b->columns, b->depth));
  gsize bytes = 0;
  GError *error = NULL;
  if (!ddim_clblast_enter(context, &error)) {
    ddim_cl_plan_fail(plan, error);
    return 0;
  }
  const CLBlastStatusCode status = CLBlastSGemmTempBufferSize(
      CLBlastLayoutColMajor, CLBlastTransposeNo, CLBlastTransposeNo, b->columns, gemm->rows,
      b->depth, 1, far, 1, far, 1, far, &context->queue, &bytes);
  ddim_clblast_leave();
  return status == CLBlastSuccess ? bytes : 0;
}

/* Memory for these copies. Without it CLBlast would allocate some in each call. For batches it
 * takes none. */
static Operand
plan_copies(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  const gsize bytes = b->batch > 1 ? 0 : copy_bytes(plan, b, gemm);
  if (!bytes)
    return (Operand){0};
  const guint64 floats = (bytes + sizeof(float) - 1) / sizeof(float);
  return (Operand){.mem = ddim_cl_plan_alloc_bytes(plan, bytes), .rows = 1, .width = floats};
}

static void
record_product(DdimClPlan *plan, const DdimClMatrix *b, DdimClMem b_mem, const DdimClGemm *gemm)
{
  Product *product = g_new0(Product, 1);
  product->batch = b->batch;
  product->a = (Operand){.mem = gemm->a,
                         .ld = gemm->lda,
                         .stride = gemm->a_batch,
                         .rows = gemm->rows,
                         .width = b->depth};
  product->b = (Operand){.mem = b_mem,
                         .ld = b->columns,
                         .stride = (guint64)b->depth * b->columns,
                         .rows = b->depth,
                         .width = b->columns};
  product->c = (Operand){.mem = gemm->c,
                         .ld = gemm->ldc,
                         .stride = gemm->c_batch,
                         .rows = gemm->rows,
                         .width = b->columns};
  product->temp = plan_copies(plan, b, gemm);
  ddim_cl_plan_call(plan, enqueue_product, product, product_free, gemm->label,
                    2.0 * b->batch * gemm->rows * b->depth * b->columns);
  ddim_cl_plan_release(plan, product->temp.mem);
}

/* A copy of the residual, which the product would overwrite. */
static DdimClTensor
keep_residual(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  DdimClTensor kept = ddim_cl_plan_alloc_tensor(plan, 1, 1, gemm->rows, b->columns);
  ddim_cl_plan_kernel(plan, "epilogue", NULL, "copy_rows", "copy", 0);
  ddim_cl_plan_arg_floats(plan, gemm->c);
  ddim_cl_plan_arg_u32(plan, gemm->ldc);
  ddim_cl_plan_arg_tensor(plan, &kept, DDIM_CL_F32);
  ddim_cl_plan_range(plan, b->columns / ddim_cl_plan_get_context(plan)->profile.vec, gemm->rows, 1);
  return kept;
}

void
ddim_cl_gemm_clblast(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  const DdimClEpilogue *epilogue = gemm->epilogue;
  const DdimClTensor *residual = epilogue ? epilogue->residual : NULL;
  const gboolean in_place = residual && residual->mem.buffer == gemm->c.buffer &&
                            residual->mem.block == gemm->c.block && residual->mem.at == gemm->c.at;
  DdimClMem b_mem = b->half ? widen(plan, b) : (DdimClMem){.buffer = b->buffer};
  DdimClTensor kept;
  DdimClEpilogue moved;
  if (in_place) {
    kept = keep_residual(plan, b, gemm);
    moved = *epilogue;
    moved.residual = &kept;
  }
  record_product(plan, b, b_mem, gemm);
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
