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

/* What is left of @gemm when @product is there. */
static void
record_epilogue(DdimClPlan *plan, const DdimClMatrix *b, const DdimClTensor *product,
                const DdimClGemm *gemm)
{
  g_autofree char *own = ddim_cl_epilogue_options(gemm->epilogue);
  g_autofree char *options =
      g_strconcat(own, ddim_cl_type_options(DDIM_CL_F32, gemm->c_type), NULL);
  ddim_cl_plan_kernel(plan, "epilogue", options, "epilogue", "epilogue", 0);
  ddim_cl_plan_arg_tensor(plan, product, DDIM_CL_F32);
  ddim_cl_plan_arg_elements(plan, gemm->c, gemm->c_type);
  ddim_cl_plan_arg_u32(plan, gemm->ldc);
  ddim_cl_epilogue_args(plan, gemm->epilogue, gemm->c_type);
  ddim_cl_plan_arg_u32(plan, MAX(gemm->rows_per_image, 1));
  ddim_cl_plan_range(plan, b->columns / ddim_cl_plan_get_context(plan)->profile.vec, gemm->rows, 1);
}

/* CLBlast adds in the type of the numbers that it multiplies, and half is not enough for that. So
 * weights and activations that are kept as half are widened into the arena first. */
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

/* Rows of floats, and what is at @from copied into them. */
static DdimClTensor
copy_rows(DdimClPlan *plan, DdimClMem from, DdimClType type, guint ld, guint rows, guint columns)
{
  const DdimClTensor to = ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 1, 1, rows, columns);
  ddim_cl_plan_kernel(plan, "epilogue", ddim_cl_type_options(type, DDIM_CL_F32), "copy_rows",
                      "copy", 0);
  ddim_cl_plan_arg_elements(plan, from, type);
  ddim_cl_plan_arg_u32(plan, ld);
  ddim_cl_plan_arg_tensor(plan, &to, DDIM_CL_F32);
  ddim_cl_plan_range(plan, columns / ddim_cl_plan_get_context(plan)->profile.vec, rows, 1);
  return to;
}

/* Products and results are floats. A residual that lies where they go is copied, as the product
 * would overwrite it. */
static void
record_floats(DdimClPlan *plan, const DdimClMatrix *b, DdimClMem b_mem, const DdimClGemm *gemm)
{
  const DdimClEpilogue *epilogue = gemm->epilogue;
  const DdimClTensor *residual = epilogue ? epilogue->residual : NULL;
  const gboolean in_place = residual && residual->mem.buffer == gemm->c.buffer &&
                            residual->mem.block == gemm->c.block && residual->mem.at == gemm->c.at;
  const DdimClTensor product = {.mem = gemm->c, .ld = gemm->ldc};
  DdimClTensor kept;
  DdimClEpilogue moved;
  DdimClGemm with = *gemm;
  if (in_place) {
    kept = copy_rows(plan, gemm->c, DDIM_CL_F32, gemm->ldc, gemm->rows, b->columns);
    moved = *epilogue;
    moved.residual = &kept;
    with.epilogue = &moved;
  }
  record_product(plan, b, b_mem, gemm);
  if (epilogue)
    record_epilogue(plan, b, &product, &with);
  if (in_place)
    ddim_cl_plan_release(plan, kept.mem);
}

/* The product goes to memory of its own, and from there to the result, which is kept as half. */
static void
record_halves(DdimClPlan *plan, const DdimClMatrix *b, DdimClMem b_mem, const DdimClGemm *gemm)
{
  const DdimClTensor product =
      ddim_cl_plan_alloc_tensor(plan, DDIM_CL_F32, 1, 1, gemm->rows, b->columns);
  DdimClGemm wide = *gemm;
  g_return_if_fail(gemm->epilogue);
  wide.c = product.mem;
  wide.ldc = product.ld;
  record_product(plan, b, b_mem, &wide);
  record_epilogue(plan, b, &product, gemm);
  ddim_cl_plan_release(plan, product.mem);
}

void
ddim_cl_gemm_clblast(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm)
{
  DdimClMem b_mem = b->half ? widen(plan, b) : (DdimClMem){.buffer = b->buffer};
  DdimClGemm from_floats = *gemm;
  g_return_if_fail(b->batch == 1 || gemm->a_type == DDIM_CL_F32);
  if (gemm->a_type == DDIM_CL_F16) {
    const DdimClTensor a = copy_rows(plan, gemm->a, DDIM_CL_F16, gemm->lda, gemm->rows, b->depth);
    from_floats.a = a.mem;
    from_floats.lda = a.ld;
  }
  if (gemm->c_type == DDIM_CL_F16)
    record_halves(plan, b, b_mem, &from_floats);
  else
    record_floats(plan, b, b_mem, &from_floats);
  if (gemm->a_type == DDIM_CL_F16)
    ddim_cl_plan_release(plan, from_floats.a);
  if (b->half)
    ddim_cl_plan_release(plan, b_mem);
}
