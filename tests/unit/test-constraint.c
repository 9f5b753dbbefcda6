/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Constraints, time travel and starts from a picture, against plain float64 code that is written
 * from the papers: A as a dense matrix, its pseudo-inverse by elimination, loops without tables. */
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "core/diffusion/constraint.h"
#include "core/diffusion/host-sampling.h"
#include "core/diffusion/inversion.h"
#include "core/diffusion/slerp.h"
#include "core/diffusion/travel.h"

enum { CHANNELS = 3, HEIGHT = 4, WIDTH = 6, PIXELS = HEIGHT * WIDTH, COUNT = CHANNELS * PIXELS };
enum { N_STEPS = 10 };

/* A region of some pixels: some cells lie in it fully, some in part, some not at all. */
static const guint8 region[PIXELS] = {1, 1, 0, 0, 1, 0, /**/ 1, 1, 0, 0, 1, 1,
                                      0, 1, 0, 0, 0, 0, /**/ 1, 1, 0, 1, 0, 1};

/* ---- A as a matrix ---- */

typedef struct {
  guint cell_width, cell_height;
  gboolean gray, with_region;
} Shape;

static const Shape shapes[] = {
    {1, 1, FALSE, TRUE},          /* a mask */
    {1, 1, TRUE, FALSE},          /* gray */
    {2, 2, FALSE, FALSE},         /* pooling */
    {WIDTH, HEIGHT, FALSE, TRUE}, /* the mean of a region */
    {2, 2, TRUE, TRUE},           /* all together */
    {4, 3, TRUE, FALSE},          /* cells that are cut off */
};

typedef struct {
  guint rows;
  double a[COUNT][COUNT], y[COUNT];
} Dense;

/* One row of A for each mean, from its definition. */
static void
make_dense(const Shape *shape, GRand *rand, Dense *dense, double *y)
{
  const guint columns = (WIDTH + shape->cell_width - 1) / shape->cell_width;
  const guint n_rows = (HEIGHT + shape->cell_height - 1) / shape->cell_height;
  guint index = 0;

  memset(dense, 0, sizeof *dense);
  for (guint c = 0; c < (shape->gray ? 1 : CHANNELS); c++)
    for (guint j = 0; j < n_rows; j++)
      for (guint i = 0; i < columns; i++, index++) {
        double *row = dense->a[dense->rows], sum = 0;
        for (guint k = 0; k < COUNT; k++) {
          const guint x = k % WIDTH, at = k % PIXELS, line = at / WIDTH;
          row[k] = x / shape->cell_width == i && line / shape->cell_height == j &&
                   (shape->gray || k / PIXELS == c) && (!shape->with_region || region[at]);
          sum += row[k];
        }
        y[index] = g_rand_double_range(rand, -1, 1);
        for (guint k = 0; sum > 0 && k < COUNT; k++)
          row[k] /= sum;
        if (sum > 0)
          dense->y[dense->rows++] = y[index];
      }
}

/* Solve @m z = @b by elimination, in place. */
static void
solve(guint n, double (*m)[COUNT], double *b)
{
  for (guint i = 0; i < n; i++) {
    guint pivot = i;
    for (guint r = i + 1; r < n; r++)
      if (fabs(m[r][i]) > fabs(m[pivot][i]))
        pivot = r;
    for (guint k = 0; k < n; k++) {
      const double t = m[i][k];
      m[i][k] = m[pivot][k];
      m[pivot][k] = t;
    }
    const double t = b[i];
    b[i] = b[pivot];
    b[pivot] = t;
    for (guint r = 0; r < n; r++) {
      const double f = m[r][i] / m[i][i];
      if (r == i)
        continue;
      for (guint k = 0; k < n; k++)
        m[r][k] -= f * m[i][k];
      b[r] -= f * b[i];
    }
  }
  for (guint i = 0; i < n; i++)
    b[i] /= m[i][i];
}

/* @out = A+ @v = A^T (A A^T)^-1 @v: A has full rank. */
static void
apply_inverse(const Dense *dense, const double *v, double *out)
{
  static double product[COUNT][COUNT];
  double b[COUNT];

  for (guint i = 0; i < dense->rows; i++) {
    b[i] = v[i];
    for (guint j = 0; j < dense->rows; j++) {
      product[i][j] = 0;
      for (guint k = 0; k < COUNT; k++)
        product[i][j] += dense->a[i][k] * dense->a[j][k];
    }
  }
  solve(dense->rows, product, b);
  for (guint k = 0; k < COUNT; k++) {
    out[k] = 0;
    for (guint i = 0; i < dense->rows; i++)
      out[k] += dense->a[i][k] * b[i];
  }
}

static void
apply(const Dense *dense, const double *x, double *out)
{
  for (guint i = 0; i < dense->rows; i++) {
    out[i] = 0;
    for (guint k = 0; k < COUNT; k++)
      out[i] += dense->a[i][k] * x[k];
  }
}

static DdimConstraint *
make_constraint(const Shape *shape, const double *y, double noise)
{
  const DdimConstraintParams params = {.channels = CHANNELS,
                                       .height = HEIGHT,
                                       .width = WIDTH,
                                       .region = shape->with_region ? region : NULL,
                                       .cell_width = shape->cell_width,
                                       .cell_height = shape->cell_height,
                                       .gray = shape->gray,
                                       .y = y,
                                       .noise = noise};

  return ddim_constraint_new(&params);
}

static void
test_correction(void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(3);

  for (guint s = 0; s < G_N_ELEMENTS(shapes); s++) {
    static Dense dense;
    double y[COUNT], x[2 * COUNT], expected[2 * COUNT], ax[COUNT], change[COUNT];
    make_dense(&shapes[s], rand, &dense, y);
    g_autoptr(DdimConstraint) constraint = make_constraint(&shapes[s], y, 0);

    for (guint k = 0; k < 2 * COUNT; k++)
      x[k] = expected[k] = g_rand_double_range(rand, -2, 2);
    for (guint image = 0; image < 2; image++) {
      apply(&dense, expected + image * COUNT, ax);
      for (guint i = 0; i < dense.rows; i++)
        ax[i] = dense.y[i] - ax[i];
      apply_inverse(&dense, ax, change);
      for (guint k = 0; k < COUNT; k++)
        expected[image * COUNT + k] += change[k];
    }
    g_assert_cmpfloat(ddim_constraint_get_distance(constraint, 2, x), >, 0.1);
    ddim_constraint_correct(constraint, 2, x);
    for (guint k = 0; k < 2 * COUNT; k++)
      g_assert_cmpfloat_with_epsilon(x[k], expected[k], 1e-12);
    g_assert_cmpfloat(ddim_constraint_get_distance(constraint, 2, x), <, 1e-12);
  }
}

/* Each image its own y. */
static void
test_own_values(void)
{
  double y[2 * COUNT], x[2 * COUNT] = {0};
  const DdimConstraintParams params = {.channels = CHANNELS,
                                       .height = HEIGHT,
                                       .width = WIDTH,
                                       .cell_width = 1,
                                       .cell_height = 1,
                                       .n_y = 2,
                                       .y = y};

  for (guint k = 0; k < 2 * COUNT; k++)
    y[k] = k;
  g_autoptr(DdimConstraint) constraint = ddim_constraint_new(&params);
  ddim_constraint_correct(constraint, 2, x);
  for (guint k = 0; k < 2 * COUNT; k++)
    g_assert_cmpfloat(x[k], ==, k);
}

/* ---- loops ---- */

/* The exact model of independent normal data with mean 0.2 and deviation 0.5:
 * eps = sqrt(1 - abar) (x - sqrt(abar) mu) / (abar s^2 + 1 - abar). */
#define MEAN 0.2
#define DEVIATION 0.5

typedef struct {
  DdimDiffusion *diffusion;
  const double *abar;
  GRand *rand;
  double x[COUNT];
} Fixture;

static guint
find_t(const Fixture *f, double timestep)
{
  for (guint t = 0; t < N_STEPS; t++)
    if (ddim_diffusion_get_model_timestep(f->diffusion, t) == timestep)
      return t;
  g_assert_not_reached();
}

static double
exact_eps(double x, double abar)
{
  return sqrt(1 - abar) * (x - sqrt(abar) * MEAN) / (abar * DEVIATION * DEVIATION + 1 - abar);
}

static gboolean
predict(gpointer data, const double *x, double timestep, gsize n, gsize plane, double *output,
        GError **error)
{
  const Fixture *f = data;
  const double abar = f->abar[find_t(f, timestep)];

  for (gsize i = 0; i < n * plane; i++)
    output[i] = exact_eps(x[i], abar);
  return TRUE;
}

static void
draw(gpointer data, double *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = g_rand_double_range(((Fixture *)data)->rand, -1.7, 1.7);
}

static void
set_up(Fixture *f, gconstpointer data)
{
  const DdimDiffusionParams params = {
      .noise_schedule = "linear", .diffusion_steps = 1000, .timestep_respacing = "10"};

  f->diffusion = ddim_diffusion_new(&params, NULL);
  f->abar = ddim_diffusion_get_table(f->diffusion, DDIM_TABLE_ALPHAS_CUMPROD);
  f->rand = g_rand_new_with_seed(5);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
  ddim_diffusion_free(f->diffusion);
  g_rand_free(f->rand);
}

/* What a loop does, written down plainly. */
typedef struct {
  double eta, noise;   /* of y */
  guint length, count; /* of RePaint's jumps */
  guint first;
  gboolean clip;
} Plan;

/* RePaint's get_schedule_jump: the indices that x goes through, -1 for the image. */
static GArray *
schedule_jumps(const Plan *plan)
{
  GArray *times = g_array_new(FALSE, FALSE, sizeof(int));
  const int n = (int)plan->first + 1;
  int jumps[N_STEPS + 1] = {0}, t = n;

  for (int j = 0; j < n - (int)plan->length; j += plan->length)
    jumps[j] = plan->count - 1;
  while (t >= 1) {
    t--;
    g_array_append_val(times, t);
    if (jumps[t] > 0) {
      jumps[t]--;
      t += plan->length;
      g_array_append_val(times, t);
    }
  }
  t = -1;
  g_array_append_val(times, t);
  return times;
}

static double
get_abar(const Fixture *f, int t)
{
  return t < 0 ? 1 : f->abar[t];
}

/* x0 and z as DDNM+ wants them, in A's dense form: the step x' = c x0 + ... + sigma z. All singular
 * values of a shape's A are equal here, so the correction is one factor. */
static void
correct(const Dense *dense, const Plan *plan, double c, double sigma, double *x0, double *z)
{
  double ax[COUNT] = {0}, change[COUNT], in_range[COUNT], s2 = 0;
  double weight = 1, rest = 1;

  for (guint k = 0; k < COUNT; k++)
    s2 += dense->a[0][k] * dense->a[0][k];
  if (plan->noise > 0) {
    const double brought = fabs(c) * plan->noise / sqrt(s2);
    weight = sigma >= brought ? 1 : sigma / brought;
    rest = sigma > 0 ? sqrt(fmax(0, sigma * sigma - pow(weight * brought, 2))) / sigma : 1;
  }
  apply(dense, x0, ax);
  for (guint i = 0; i < dense->rows; i++)
    ax[i] = dense->y[i] - ax[i];
  apply_inverse(dense, ax, change);
  apply(dense, z, ax);
  apply_inverse(dense, ax, in_range);
  for (guint k = 0; k < COUNT; k++) {
    x0[k] += weight * change[k];
    z[k] += (rest - 1) * in_range[k];
    if (plan->clip)
      x0[k] = CLAMP(x0[k], -1, 1);
  }
}

static void
step_down(Fixture *f, const Dense *dense, const Plan *plan, int t, double *x)
{
  const double a = get_abar(f, t), b = get_abar(f, t - 1);
  const double sigma = plan->eta * sqrt((1 - b) / (1 - a)) * sqrt(1 - a / b);
  const double direction = sqrt(1 - b - sigma * sigma);
  const double c = sqrt(b) - direction * sqrt(a) / sqrt(1 - a);
  double x0[COUNT], z[COUNT];

  draw(f, z, COUNT);
  for (guint k = 0; k < COUNT; k++) {
    x0[k] = (x[k] - sqrt(1 - a) * exact_eps(x[k], a)) / sqrt(a);
    if (plan->clip)
      x0[k] = CLAMP(x0[k], -1, 1);
  }
  if (dense)
    correct(dense, plan, c, sigma, x0, z);
  for (guint k = 0; k < COUNT; k++) {
    const double eps = (x[k] - sqrt(a) * x0[k]) / sqrt(1 - a);
    x[k] = sqrt(b) * x0[k] + direction * eps + sigma * z[k];
  }
}

static void
jump_up(Fixture *f, int from, int to, double *x)
{
  const double ratio = f->abar[to] / f->abar[from];
  double z[COUNT];

  draw(f, z, COUNT);
  for (guint k = 0; k < COUNT; k++)
    x[k] = sqrt(ratio) * x[k] + sqrt(1 - ratio) * z[k];
}

static void
run_plainly(Fixture *f, const Dense *dense, const Plan *plan, double *x)
{
  g_autoptr(GArray) times = schedule_jumps(plan);

  for (guint i = 0; i + 1 < times->len; i++) {
    const int t = g_array_index(times, int, i), next = g_array_index(times, int, i + 1);
    if (next < t) {
      g_assert_cmpint(next, ==, t - 1);
      step_down(f, dense, plan, t, x);
    } else {
      jump_up(f, t, next, x);
    }
  }
}

static void
run_loop(Fixture *f, const Shape *shape, const double *y, const Plan *plan)
{
  const DdimModel model = {predict, f};
  const DdimHostSamplingParams host = {
      .model = &model, .n = 1, .plane = COUNT, .x = f->x, .noise = draw, .noise_data = f};
  const DdimSampleParams params = {
      .sampler = DDIM_SAMPLER_DDIM, .eta = plan->eta, .clip = plan->clip};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimStepTable) table = ddim_step_table_new(f->diffusion, &error);
  g_autoptr(DdimHostSampling) sampling = ddim_host_sampling_new(&host, &error);
  g_autoptr(DdimConstraints) constraints = ddim_constraints_new();
  DdimSamplingHooks hooks = ddim_constraints_get_hooks(constraints);

  ddim_step_table_append_travel(table, &params, plan->first, plan->length, plan->count, &error);
  g_assert_no_error(error);
  if (shape)
    ddim_constraints_add(constraints, make_constraint(shape, y, plan->noise));
  ddim_sampling_run(table, ddim_host_sampling_get_backend(sampling), &hooks, 1, NULL, &error);
  g_assert_no_error(error);
}

/* The same start and the same noise for the loop and for the plain code. */
static void
compare(Fixture *f, const Shape *shape, const Plan *plan)
{
  static Dense dense;
  g_autoptr(GRand) rand = g_rand_new_with_seed(11);
  double y[COUNT], expected[COUNT];

  if (shape)
    make_dense(shape, rand, &dense, y);
  /* Colors stay within their range, so that the last step has nothing to correct. */
  for (guint i = 0; shape && i < COUNT; i++)
    y[i] *= 0.5;
  for (guint i = 0; shape && i < dense.rows; i++)
    dense.y[i] *= 0.5;
  for (guint k = 0; k < COUNT; k++)
    f->x[k] = expected[k] = g_rand_double_range(rand, -1.7, 1.7);
  g_rand_set_seed(f->rand, 21);
  run_loop(f, shape, y, plan);
  g_rand_set_seed(f->rand, 21);
  run_plainly(f, shape ? &dense : NULL, plan, expected);
  for (guint k = 0; k < COUNT; k++)
    g_assert_cmpfloat_with_epsilon(f->x[k], expected[k], 1e-6);
}

/* DDNM, algorithm 1, for every kind of A. */
static void
test_ddnm(Fixture *f, gconstpointer data)
{
  static const double etas[] = {0, 0.85, 1};

  for (guint s = 0; s < G_N_ELEMENTS(shapes); s++)
    for (guint e = 0; e < G_N_ELEMENTS(etas); e++) {
      const Plan plan = {
          .eta = etas[e], .length = N_STEPS, .count = 1, .first = N_STEPS - 1, .clip = FALSE};
      compare(f, &shapes[s], &plan);
    }
}

/* DDNM+: cells that have equally many pixels. */
static void
test_noise(Fixture *f, gconstpointer data)
{
  static const double noises[] = {0.01, 0.2, 1};

  for (guint s = 0; s < 4; s++)
    for (guint i = 0; i < G_N_ELEMENTS(noises); i++) {
      const Plan plan = {
          .eta = 1, .noise = noises[i], .length = N_STEPS, .count = 1, .first = N_STEPS - 1};
      compare(f, &shapes[s], &plan);
    }
}

/* RePaint's schedule. */
static void
test_travel(Fixture *f, gconstpointer data)
{
  for (guint length = 1; length <= N_STEPS + 1; length++)
    for (guint count = 1; count <= 4; count++)
      for (guint first = 0; first < N_STEPS; first++) {
        const Plan plan = {.eta = 1, .length = length, .count = count, .first = first};
        compare(f, &shapes[0], &plan);
      }
}

/* A loop that is not constrained, from any level on, is SDEdit's second half. */
static void
test_partial(Fixture *f, gconstpointer data)
{
  for (guint first = 0; first < N_STEPS; first++) {
    const Plan plan = {.eta = 0.5, .length = 1, .count = 1, .first = first, .clip = TRUE};
    compare(f, NULL, &plan);
  }
}

/* The finished image keeps to y and to the range of colors, also where clipping takes some away. */
static void
test_settles(Fixture *f, gconstpointer data)
{
  const Shape pooled = {2, 2, FALSE, FALSE};
  const Plan plan = {.eta = 1, .length = 1, .count = 1, .first = N_STEPS - 1, .clip = TRUE};
  double y[COUNT];

  for (guint i = 0; i < COUNT; i++)
    y[i] = i % 2 ? 0.97 : -1;
  draw(f, f->x, COUNT);
  run_loop(f, &pooled, y, &plan);
  g_autoptr(DdimConstraint) constraint = make_constraint(&pooled, y, 0);
  g_assert_cmpfloat(ddim_constraint_get_distance(constraint, 1, f->x), <, 0.1 / 127.5);
  for (guint k = 0; k < COUNT; k++)
    g_assert_cmpfloat(fabs(f->x[k]), <=, 1);
}

static void
test_noise_of_learned_variances(void)
{
  const DdimDiffusionParams params = {.noise_schedule = "linear",
                                      .diffusion_steps = 1000,
                                      .timestep_respacing = "10",
                                      .var_type = DDIM_VAR_LEARNED_RANGE};
  g_autoptr(DdimDiffusion) diffusion = ddim_diffusion_new(&params, NULL);
  Fixture f = {.diffusion = diffusion,
               .abar = ddim_diffusion_get_table(diffusion, DDIM_TABLE_ALPHAS_CUMPROD),
               .rand = g_rand_new_with_seed(1)};
  const DdimSampleParams sample = {.sampler = DDIM_SAMPLER_DDPM};
  const DdimModel model = {predict, &f};
  const DdimHostSamplingParams host = {.model = &model,
                                       .n = 1,
                                       .plane = COUNT,
                                       .learned = TRUE,
                                       .x = f.x,
                                       .noise = draw,
                                       .noise_data = &f};
  const double y[COUNT] = {0};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimStepTable) table = ddim_step_table_new_loop(diffusion, &sample, &error);
  g_autoptr(DdimHostSampling) sampling = ddim_host_sampling_new(&host, &error);
  g_autoptr(DdimConstraints) constraints = ddim_constraints_new();
  DdimSamplingHooks hooks = ddim_constraints_get_hooks(constraints);

  ddim_constraints_add(constraints, make_constraint(&shapes[0], y, 0.1));
  g_assert_false(
      ddim_sampling_run(table, ddim_host_sampling_get_backend(sampling), &hooks, 1, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
  g_rand_free(f.rand);
}

/* ---- the way to the noise ---- */

/* DDIM's step without noise, written down plainly. */
static void
walk_down(const Fixture *f, double *x)
{
  for (int t = N_STEPS - 1; t >= 0; t--)
    for (guint k = 0; k < COUNT; k++) {
      const double a = get_abar(f, t), b = get_abar(f, t - 1), eps = exact_eps(x[k], a);
      const double x0 = CLAMP((x[k] - sqrt(1 - a) * eps) / sqrt(a), -1, 1);
      const double own = (x[k] - sqrt(a) * x0) / sqrt(1 - a);
      x[k] = sqrt(b) * x0 + sqrt(1 - b) * own;
    }
}

/* With each further evaluation the image that comes back is closer to the first one, in the end to
 * the last digits. */
static void
test_inversion(Fixture *f, gconstpointer data)
{
  const DdimModel model = {predict, f};
  const DdimHostSamplingParams host = {.model = &model, .n = 1, .plane = COUNT, .x = f->x};
  double last = G_MAXDOUBLE;

  for (guint evaluations = 1; evaluations <= 32; evaluations *= 2) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimStepTable) table = ddim_step_table_new(f->diffusion, &error);
    g_autoptr(DdimHostSampling) sampling = ddim_host_sampling_new(&host, &error);
    double greatest = 0;

    for (guint k = 0; k < COUNT; k++)
      f->x[k] = 0.9 * sin(k);
    g_assert_true(ddim_step_table_append_inversion(table, f->diffusion, TRUE, evaluations, &error));
    g_assert_cmpuint(ddim_step_table_get_n_steps(table), ==, N_STEPS * evaluations);
    g_assert_false(ddim_step_table_draws_noise(table));
    ddim_sampling_run(table, ddim_host_sampling_get_backend(sampling), NULL, 0, NULL, &error);
    g_assert_no_error(error);
    walk_down(f, f->x);
    for (guint k = 0; k < COUNT; k++)
      greatest = fmax(greatest, fabs(f->x[k] - 0.9 * sin(k)));
    g_assert_cmpfloat(greatest, <, last);
    last = greatest;
  }
  g_assert_cmpfloat(last, <, 1e-8);
}

/* ---- slerp ---- */

static double
norm(const float *x, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (double)x[i] * x[i];
  return sqrt(sum);
}

static void
test_slerp(void)
{
  enum { N = 3072 };
  static float a[N], b[N], out[N];
  g_autoptr(GRand) rand = g_rand_new_with_seed(2);
  double cosine = 0, angle;

  for (guint i = 0; i < N; i++) {
    a[i] = (float)g_rand_double_range(rand, -1.7, 1.7);
    b[i] = (float)g_rand_double_range(rand, -1.9, 1.9);
  }
  for (guint i = 0; i < N; i++)
    cosine += a[i] / norm(a, N) * b[i] / norm(b, N);
  angle = acos(cosine);
  for (guint k = 0; k <= 10; k++) {
    const double place = k / 10.0, expected = (1 - place) * norm(a, N) + place * norm(b, N);
    double along = 0;
    g_assert_true(ddim_slerp(a, b, N, place, out));
    g_assert_cmpfloat_with_epsilon(norm(out, N), expected, 1e-6 * expected);
    for (guint i = 0; i < N; i++)
      along += out[i] / norm(out, N) * a[i] / norm(a, N);
    g_assert_cmpfloat_with_epsilon(along, cos(place * angle), 1e-6);
  }
  ddim_slerp(a, b, N, 0, out);
  g_assert_cmpmem(out, sizeof out, a, sizeof a);
  ddim_slerp(a, b, N, 1, out);
  g_assert_cmpmem(out, sizeof out, b, sizeof b);
  ddim_slerp(a, a, N, 0.3, out);
  for (guint i = 0; i < N; i++)
    g_assert_cmpfloat_with_epsilon(out[i], a[i], 1e-6);
  for (guint i = 0; i < N; i++)
    b[i] = -2 * a[i];
  g_assert_false(ddim_slerp(a, b, N, 0.5, out));
  memset(b, 0, sizeof b);
  g_assert_false(ddim_slerp(a, b, N, 0.5, out));
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/constraint/correction", test_correction);
  g_test_add_func("/constraint/own-values", test_own_values);
  g_test_add("/constraint/ddnm", Fixture, NULL, set_up, test_ddnm, tear_down);
  g_test_add("/constraint/noise", Fixture, NULL, set_up, test_noise, tear_down);
  g_test_add("/constraint/travel", Fixture, NULL, set_up, test_travel, tear_down);
  g_test_add("/constraint/partial", Fixture, NULL, set_up, test_partial, tear_down);
  g_test_add("/constraint/settles", Fixture, NULL, set_up, test_settles, tear_down);
  g_test_add_func("/constraint/learned-variances", test_noise_of_learned_variances);
  g_test_add("/constraint/inversion", Fixture, NULL, set_up, test_inversion, tear_down);
  g_test_add_func("/slerp", test_slerp);
  return g_test_run();
}
