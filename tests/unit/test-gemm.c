/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Matrix products by every provider, and the layouts of weights, against sums in double. */
#include <string.h>

#include "opencl/ops/units/verify.h"
#include "ops.h"

/* Sums of up to 600 products in float32, relative to the largest. */
#define TOLERANCE 2e-6

typedef struct {
  DdimGemmProvider provider;
  gboolean half;
  DdimClMatrixUnit unit; /* of those providers that use one */
} Case;

typedef struct {
  guint rows, in, out;
  guint rows_per_image; /* 0: no epilogue */
  gboolean emb, residual, in_place;
  guint lda_more, ldc_more; /* further apart than the matrix is wide */
} Shape;

/* c [rows][out] by the definition. */
static double *
reference(const Shape *s, const Case *k, const float *a, guint lda, const float *weights,
          const float *bias, const float *emb, guint emb_ld, const float *residual, guint ldc)
{
  double *c = g_new0(double, (gsize)s->rows * s->out);
  for (guint r = 0; r < s->rows; r++)
    for (guint o = 0; o < s->out; o++) {
      double sum = 0;
      for (guint i = 0; i < s->in; i++) {
        const double w = weights[(gsize)o * s->in + i];
        const double x = a[(gsize)r * lda + i];
        sum += (ops_uses_matrix_unit(k->provider) ? ops_round_to_half(x) : x) *
               (k->half ? ops_round_to_half(w) : w);
      }
      if (s->rows_per_image)
        sum += bias[o];
      if (s->emb)
        sum += emb[(gsize)(r / s->rows_per_image) * emb_ld + o];
      if (s->residual)
        sum += residual[(gsize)r * ldc + o];
      c[(gsize)r * s->out + o] = sum;
    }
  return c;
}

static double
run(const Case *k, const Shape *s)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(!k->unit || ops_use_unit(k->unit));
  g_autofree float *weights = ops_random(7, (gsize)s->out * s->in, -0.5, 0.5);
  g_autoptr(DdimClMatrix) b = ddim_cl_matrix_new(ops_context(), DDIM_CL_PACK_PLAIN, k->provider,
                                                 k->half, weights, s->out, s->in, 1, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(b->depth % DDIM_CL_DEPTH_PADDING, ==, 0);
  g_assert_cmpuint(b->columns % DDIM_CL_COLUMN_PADDING, ==, 0);
  const guint lda = b->depth + s->lda_more, ldc = b->columns + s->ldc_more;
  const guint emb_ld = b->columns + 64;
  OpsTensor a = ops_tensor(1, 1, 1, s->rows, lda, FALSE, 1);
  OpsTensor c = ops_tensor(2, 1, 1, s->rows, ldc, FALSE, 1);
  c.tensor.c = b->columns;
  OpsTensor residual = ops_tensor(3, 1, 1, s->rows, ldc, FALSE, 1);
  residual.tensor.c = b->columns;
  OpsArray bias = ops_array_random(4, b->columns, 1);
  OpsArray emb = ops_array_random(5, (gsize)s->rows * emb_ld, 1);
  const OpsTensor *added = s->in_place ? &c : &residual;
  const DdimClEpilogue epilogue = {.bias = ops_array_mem(&bias),
                                   .has_emb = s->emb,
                                   .emb = ops_array_mem(&emb),
                                   .emb_ld = emb_ld,
                                   .residual = s->residual ? &added->tensor : NULL};
  const DdimClGemm gemm = {.a = a.tensor.mem,
                           .c = c.tensor.mem,
                           .lda = lda,
                           .ldc = ldc,
                           .rows = s->rows,
                           .rows_per_image = s->rows_per_image,
                           .epilogue = s->rows_per_image ? &epilogue : NULL,
                           .label = "test"};
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  ddim_cl_gemm(plan, b, &gemm);
  ops_plan_run(plan);
  g_autofree double *expected =
      reference(s, k, a.array.host + ops_tensor_first(&a), lda, weights, bias.host, emb.host,
                emb_ld, added->array.host + ops_tensor_first(added), ldc);
  const double result = ops_tensor_error(&c, expected, s->out);
  ops_tensor_clear(&a);
  ops_tensor_clear(&c);
  ops_tensor_clear(&residual);
  ops_array_clear(&bias);
  ops_array_clear(&emb);
  return result;
}

static void
check(const Case *k, const Shape *s)
{
  ops_check(run(k, s), TOLERANCE, "%u rows of %u to %u", s->rows, s->in, s->out);
}

/* Every remainder of the micro-kernels' rows. */
static void
test_rows(gconstpointer data)
{
  for (guint rows = 1; rows <= 17; rows++)
    check(data, &(Shape){.rows = rows, .in = 48, .out = 64, .rows_per_image = 1});
}

static void
test_shapes(gconstpointer data)
{
  static const Shape shapes[] = {
      {.rows = 1, .in = 1, .out = 1, .rows_per_image = 1},
      {.rows = 5, .in = 16, .out = 1000, .rows_per_image = 1},
      {.rows = 3, .in = 600, .out = 33, .rows_per_image = 1, .lda_more = 16, .ldc_more = 32},
      {.rows = 130, .in = 100, .out = 96, .rows_per_image = 1},
      {.rows = 600, .in = 17, .out = 31, .rows_per_image = 1, .lda_more = 48},
  };
  for (guint i = 0; i < G_N_ELEMENTS(shapes); i++)
    check(data, &shapes[i]);
}

static void
test_epilogues(gconstpointer data)
{
  static const Shape shapes[] = {
      {.rows = 21, .in = 32, .out = 32},
      {.rows = 21, .in = 32, .out = 32, .rows_per_image = 7, .emb = TRUE},
      {.rows = 20, .in = 32, .out = 40, .rows_per_image = 10, .residual = TRUE, .ldc_more = 32},
      {.rows = 19, .in = 32, .out = 64, .rows_per_image = 19, .residual = TRUE, .in_place = TRUE},
      {.rows = 33,
       .in = 40,
       .out = 64,
       .rows_per_image = 11,
       .emb = TRUE,
       .residual = TRUE,
       .in_place = TRUE,
       .lda_more = 16,
       .ldc_more = 16},
  };
  for (guint i = 0; i < G_N_ELEMENTS(shapes); i++)
    check(data, &shapes[i]);
}

/* The matrices of Winograd's transform, G of Lavin and Gray (2015). */
static const double g2[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
static const double g4[6][3] = {{1.0 / 4, 0, 0},
                                {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                {0, 0, 1}};

/* Element (i, j) of G w G^T. */
static double
transform(const double (*g)[3], const float *w, guint i, guint j)
{
  double sum = 0;
  for (guint m = 0; m < 3; m++)
    for (guint n = 0; n < 3; n++)
      sum += g[i][m] * w[m * 3 + n] * g[j][n];
  return sum;
}

/* Many products at once: those of Winograd's points, each with rows of its own. */
static void
check_batch(const Case *k, DdimClPacking packing, const double (*g)[3], guint edge, guint rows)
{
  enum { IN = 40, OUT = 48 };
  g_autoptr(GError) error = NULL;
  g_autofree float *weights = ops_random(9, OUT * IN * 9, -0.5, 0.5);
  g_autoptr(DdimClMatrix) b =
      ddim_cl_matrix_new(ops_context(), packing, k->provider, FALSE, weights, OUT, IN, 9, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(b->batch, ==, edge * edge);
  OpsTensor a = ops_tensor(1, edge * edge, 1, rows, b->depth, FALSE, 1);
  OpsTensor c = ops_tensor(2, edge * edge, 1, rows, b->columns, FALSE, 1);
  const DdimClGemm gemm = {.a = a.tensor.mem,
                           .c = c.tensor.mem,
                           .lda = b->depth,
                           .ldc = b->columns,
                           .a_batch = (guint64)rows * b->depth,
                           .c_batch = (guint64)rows * b->columns,
                           .rows = rows,
                           .label = "test"};
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(ops_context());
  ddim_cl_gemm(plan, b, &gemm);
  ops_plan_run(plan);
  g_autofree double *expected = g_new0(double, (gsize)edge *edge *rows *OUT);
  for (guint p = 0; p < edge * edge; p++)
    for (guint o = 0; o < OUT; o++)
      for (guint i = 0; i < IN; i++) {
        const double u = transform(g, weights + (o * IN + i) * 9, p / edge, p % edge);
        for (guint r = 0; r < rows; r++)
          expected[(p * rows + r) * OUT + o] += u * ops_tensor_at(&a, p * rows + r, i);
      }
  ops_check(ops_tensor_error(&c, expected, OUT), TOLERANCE, "%u products of %u rows", edge * edge,
            rows);
  ops_tensor_clear(&a);
  ops_tensor_clear(&c);
}

static void
test_batches(gconstpointer data)
{
  static const guint rows[] = {1, 6, 15, 64};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    check_batch(data, DDIM_CL_PACK_WINOGRAD2, g2, 4, rows[i]);
    check_batch(data, DDIM_CL_PACK_WINOGRAD4, g4, 6, rows[i]);
  }
}

/* The check that providers have to pass before they are used. */
static void
test_verify(gconstpointer data)
{
  const Case *k = data;
  g_autoptr(GError) error = NULL;
  g_assert_true(!k->unit || ops_use_unit(k->unit));
  ddim_cl_verify_provider(ops_context(), k->provider, k->half, &error);
  g_assert_no_error(error);
}

/* The error for a provider that fails this check. */
static void
test_verify_fails(void)
{
  for (DdimGemmProvider p = 0; p < DDIM_N_GEMM_PROVIDERS; p++) {
    g_autoptr(GError) error = NULL;
    if (!ops_tests_provider(p) || !ops_uses_matrix_unit(p))
      continue;
    g_assert_false(ddim_cl_verify_provider(ops_context(), p, FALSE, &error));
    g_assert_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_FAILED);
  }
}

/* Padding, and the numbers of bytes with which a method is chosen. */
static void
test_bytes(void)
{
  g_assert_cmpuint(ddim_cl_matrix_bytes(DDIM_CL_PACK_PLAIN, FALSE, 33, 17, 9), ==, 64 * 32 * 9 * 4);
  g_assert_cmpuint(ddim_cl_matrix_bytes(DDIM_CL_PACK_PLAIN, TRUE, 32, 16, 1), ==, 32 * 16 * 2);
  g_assert_cmpuint(ddim_cl_matrix_bytes(DDIM_CL_PACK_WINOGRAD2, FALSE, 1, 1, 9), ==,
                   32 * 16 * 16 * 4);
  g_assert_cmpuint(ddim_cl_matrix_bytes(DDIM_CL_PACK_WINOGRAD4, TRUE, 32, 16, 9), ==,
                   32 * 16 * 36 * 2);
  /* more than 32 bits hold */
  g_assert_cmpuint(ddim_cl_matrix_bytes(DDIM_CL_PACK_WINOGRAD4, FALSE, 1 << 16, 1 << 16, 9), ==,
                   ((guint64)1 << 32) * 36 * 4);
}

/* Every provider with every precision and unit. (transfer full) (element-type Case) */
static GArray *
list_cases(void)
{
  GArray *cases = g_array_new(FALSE, FALSE, sizeof(Case));
  for (DdimGemmProvider p = 0; p < DDIM_N_GEMM_PROVIDERS; p++) {
    const gboolean unit = ops_uses_matrix_unit(p);
    /* Matrix units multiply half-precision weights only. */
    for (gboolean half = unit; ops_tests_provider(p) && half <= TRUE; half++)
      for (DdimClMatrixUnit u = unit; u < (unit ? DDIM_CL_N_MATRIX_UNITS : 1); u++)
        if (!unit || ops_use_unit(u)) {
          const Case one = {.provider = p, .half = half, .unit = u};
          g_array_append_val(cases, one);
        }
  }
  return cases;
}

int
main(int argc, char **argv)
{
  static const char *const units[] = {"", "/ptx", "/intel8", "/intel16"};
  G_STATIC_ASSERT(G_N_ELEMENTS(units) == DDIM_CL_N_MATRIX_UNITS);
  g_autoptr(GArray) list = list_cases();
  const Case *cases = (const Case *)list->data;
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/gemm/bytes", test_bytes);
  g_test_add_func("/gemm/verify/fails", test_verify_fails);
  for (guint i = 0; i < list->len; i++) {
    g_autofree char *path =
        g_strdup_printf("/gemm/%s%s/%s", ddim_gemm_provider_name(cases[i].provider),
                        units[cases[i].unit], cases[i].half ? "half" : "float");
    g_autofree char *rows = g_strconcat(path, "/rows", NULL);
    g_autofree char *shapes = g_strconcat(path, "/shapes", NULL);
    g_autofree char *epilogues = g_strconcat(path, "/epilogues", NULL);
    g_autofree char *batches = g_strconcat(path, "/batches", NULL);
    g_autofree char *verify = g_strconcat(path, "/verify", NULL);
    g_test_add_data_func(rows, &cases[i], test_rows);
    g_test_add_data_func(shapes, &cases[i], test_shapes);
    g_test_add_data_func(epilogues, &cases[i], test_epilogues);
    g_test_add_data_func(verify, &cases[i], test_verify);
    if (!cases[i].half)
      g_test_add_data_func(batches, &cases[i], test_batches);
  }
  return ops_run_tests();
}
