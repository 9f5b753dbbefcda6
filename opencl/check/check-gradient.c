/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/check/check-gradient.h"

#include <math.h>

#include "opencl/ops/gradient/gradient.h"
#include "opencl/ops/gradient/pool.h"

#define EPS 1e-5

/* What an operation reads beside x, on the host. */
typedef struct {
  const DdimCheckGradient *g;
  const float *gamma, *beta, *emb; /* [c], [c], [n][2][c] */
  const float *labels;             /* [n] */
} Case;

/* The operation and its gradient in double, for tensors without gaps. */
typedef struct {
  void (*forward)(const Case *c, const double *x, double *y);
  void (*gradient)(const Case *c, const double *x, const double *dy, double *dx);
} Reference;

static guint
x_channels(const DdimCheckGradient *g)
{
  return g->kind == DDIM_CHECK_GRADIENT_ATTENTION ? 3 * g->c : g->c;
}

static void
y_shape(const DdimCheckGradient *g, guint *h, guint *w, guint *c)
{
  const gboolean half =
      g->kind == DDIM_CHECK_GRADIENT_AVERAGE_POOL || g->kind == DDIM_CHECK_GRADIENT_STRIDE;
  const gboolean flat =
      g->kind == DDIM_CHECK_GRADIENT_MEAN || g->kind == DDIM_CHECK_GRADIENT_TOKENS;
  *h = half ? g->h / 2 : flat ? 1 : g->h;
  *w = half ? g->w / 2 : g->w;
  if (flat)
    *w = g->kind == DDIM_CHECK_GRADIENT_TOKENS ? 1 + g->h * g->w : 1;
  *c = g->kind == DDIM_CHECK_GRADIENT_LOG_SOFTMAX ? 1 : g->c;
}

/* Group normalisation. */

/* The index of pixel @i, channel @k of a group, counted among its own. */
static gsize
group_at(const DdimCheckGradient *g, guint n, guint group, gsize i)
{
  const guint width = g->c / g->parts;
  return ((gsize)n * g->h * g->w + i / width) * g->c + group * width + i % width;
}

static void
group_moments(const DdimCheckGradient *g, const double *x, guint n, guint group, double *mean,
              double *scale)
{
  const gsize count = (gsize)g->h * g->w * (g->c / g->parts);
  double sum = 0, squares = 0;
  for (gsize i = 0; i < count; i++)
    sum += x[group_at(g, n, group, i)];
  *mean = sum / count;
  for (gsize i = 0; i < count; i++) {
    const double d = x[group_at(g, n, group, i)] - *mean;
    squares += d * d;
  }
  *scale = 1 / sqrt(squares / count + EPS);
}

/* u = @xhat * factor + offset, of channel @k. */
static void
affine(const Case *c, guint n, guint k, double *factor, double *offset)
{
  const float *emb = c->emb + (gsize)n * 2 * c->g->c;
  *factor = c->gamma[k];
  *offset = c->beta[k];
  if (!c->g->emb)
    return;
  *factor *= 1 + (double)emb[k];
  *offset = *offset * (1 + (double)emb[k]) + emb[c->g->c + k];
}

static void
norm_forward(const Case *c, const double *x, double *y)
{
  const DdimCheckGradient *g = c->g;
  const gsize count = (gsize)g->h * g->w * (g->c / g->parts);
  for (guint n = 0; n < g->n; n++)
    for (guint group = 0; group < g->parts; group++) {
      double mean, scale, factor, offset;
      group_moments(g, x, n, group, &mean, &scale);
      for (gsize i = 0; i < count; i++) {
        const gsize at = group_at(g, n, group, i);
        affine(c, n, at % g->c, &factor, &offset);
        const double u = (x[at] - mean) * scale * factor + offset;
        y[at] = g->silu ? u / (1 + exp(-u)) : u;
      }
    }
}

/* d of kernels/norm-gradient.cl. */
static double
before(const Case *c, guint n, guint k, double xhat, double dy)
{
  double factor, offset;
  affine(c, n, k, &factor, &offset);
  const double u = xhat * factor + offset, s = 1 / (1 + exp(-u));
  return dy * factor * (c->g->silu ? s * (1 + u * (1 - s)) : 1);
}

static void
norm_gradient(const Case *c, const double *x, const double *dy, double *dx)
{
  const DdimCheckGradient *g = c->g;
  const gsize count = (gsize)g->h * g->w * (g->c / g->parts);
  for (guint n = 0; n < g->n; n++)
    for (guint group = 0; group < g->parts; group++) {
      double mean, scale, sum = 0, with_x = 0;
      group_moments(g, x, n, group, &mean, &scale);
      for (gsize i = 0; i < count; i++) {
        const gsize at = group_at(g, n, group, i);
        const double xhat = (x[at] - mean) * scale;
        const double d = before(c, n, at % g->c, xhat, dy[at]);
        sum += d;
        with_x += d * xhat;
      }
      for (gsize i = 0; i < count; i++) {
        const gsize at = group_at(g, n, group, i);
        const double xhat = (x[at] - mean) * scale;
        const double d = before(c, n, at % g->c, xhat, dy[at]);
        dx[at] = scale * (d - sum / count - xhat * with_x / count);
      }
    }
}

/* Attention. */

typedef struct {
  guint T, ch, ld;
  gsize q, k, v, o; /* where the head of an image begins; o in the result */
} Head;

static Head
get_head(const DdimCheckGradient *g, guint n, guint head)
{
  const guint T = g->h * g->w, ch = g->c / g->parts, own = g->interleaved ? 3 * ch : ch;
  const guint step = g->interleaved ? ch : g->c;
  const gsize begin = (gsize)n * T * 3 * g->c + (gsize)head * own;
  return (Head){T,
                ch,
                3 * g->c,
                begin,
                begin + step,
                begin + 2 * step,
                (gsize)n * T * g->c + (gsize)head * ch};
}

/* The weights of query @t. */
static void
soften(const Head *h, const double *x, guint t, double *p)
{
  double sum = 0, top = -INFINITY;
  for (guint s = 0; s < h->T; s++) {
    p[s] = 0;
    for (guint i = 0; i < h->ch; i++)
      p[s] += x[h->q + (gsize)t * h->ld + i] * x[h->k + (gsize)s * h->ld + i];
    p[s] /= sqrt(h->ch);
    top = MAX(top, p[s]);
  }
  for (guint s = 0; s < h->T; s++)
    sum += p[s] = exp(p[s] - top);
  for (guint s = 0; s < h->T; s++)
    p[s] /= sum;
}

static void
attention_forward(const Case *c, const double *x, double *y)
{
  const DdimCheckGradient *g = c->g;
  g_autofree double *p = g_new(double, g->h * g->w);
  for (guint n = 0; n < g->n; n++)
    for (guint head = 0; head < g->parts; head++) {
      const Head h = get_head(g, n, head);
      for (guint t = 0; t < h.T; t++) {
        soften(&h, x, t, p);
        for (guint i = 0; i < h.ch; i++) {
          double sum = 0;
          for (guint s = 0; s < h.T; s++)
            sum += p[s] * x[h.v + (gsize)s * h.ld + i];
          y[h.o + (gsize)t * g->c + i] = sum;
        }
      }
    }
}

/* What query @t adds, in the way of the chain rule: through V, and through the softmax's Jacobian.
 */
static void
query_gradient(const DdimCheckGradient *g, const Head *h, const double *x, const double *dy,
               guint t, double *p, double *dp, double *dx)
{
  double mean = 0;
  soften(h, x, t, p);
  for (guint s = 0; s < h->T; s++) {
    dp[s] = 0;
    for (guint i = 0; i < h->ch; i++) {
      const double d = dy[h->o + (gsize)t * g->c + i];
      dp[s] += d * x[h->v + (gsize)s * h->ld + i];
      dx[h->v + (gsize)s * h->ld + i] += p[s] * d;
    }
    mean += p[s] * dp[s];
  }
  for (guint s = 0; s < h->T; s++) {
    const double ds = p[s] * (dp[s] - mean) / sqrt(h->ch);
    for (guint i = 0; i < h->ch; i++) {
      dx[h->q + (gsize)t * h->ld + i] += ds * x[h->k + (gsize)s * h->ld + i];
      dx[h->k + (gsize)s * h->ld + i] += ds * x[h->q + (gsize)t * h->ld + i];
    }
  }
}

static void
attention_gradient(const Case *c, const double *x, const double *dy, double *dx)
{
  const DdimCheckGradient *g = c->g;
  g_autofree double *p = g_new(double, g->h * g->w);
  g_autofree double *dp = g_new(double, g->h * g->w);
  for (gsize i = 0; i < (gsize)g->n * g->h * g->w * 3 * g->c; i++)
    dx[i] = 0;
  for (guint n = 0; n < g->n; n++)
    for (guint head = 0; head < g->parts; head++) {
      const Head h = get_head(g, n, head);
      for (guint t = 0; t < h.T; t++)
        query_gradient(g, &h, x, dy, t, p, dp, dx);
    }
}

/* Everything that is linear: y_j = sum of factor * x_i over the pairs (i, j), called for each. */

typedef void (*PairFunc)(gsize i, gsize j, double factor, gpointer data);

static void
foreach_pixel_pair(const DdimCheckGradient *g, gsize n, guint row, guint column, guint k,
                   PairFunc func, gpointer data)
{
  const gsize pixels = (gsize)g->h * g->w, pixel = (gsize)row * g->w + column;
  const gsize i = (n * pixels + pixel) * g->c + k;
  const gsize half = ((n * (g->h / 2) + row / 2) * (g->w / 2) + column / 2) * g->c + k;
  switch (g->kind) {
  case DDIM_CHECK_GRADIENT_AVERAGE_POOL:
    func(i, half, 0.25, data);
    break;
  case DDIM_CHECK_GRADIENT_STRIDE:
    if (row % 2 == 0 && column % 2 == 0)
      func(i, half, 1, data);
    break;
  case DDIM_CHECK_GRADIENT_MEAN:
    func(i, n * g->c + k, 1.0 / pixels, data);
    break;
  default:
    func(i, n * (pixels + 1) * g->c + k, 1.0 / pixels, data);
    func(i, (n * (pixels + 1) + pixel + 1) * g->c + k, 1, data);
  }
}

static void
foreach_pair(const DdimCheckGradient *g, PairFunc func, gpointer data)
{
  for (guint n = 0; n < g->n; n++)
    for (guint row = 0; row < g->h; row++)
      for (guint column = 0; column < g->w; column++)
        for (guint k = 0; k < g->c; k++)
          foreach_pixel_pair(g, n, row, column, k, func, data);
}

typedef struct {
  const double *from;
  double *to;
} Sums;

static void
add_forward(gsize i, gsize j, double factor, gpointer data)
{
  const Sums *sums = data;
  sums->to[j] += factor * sums->from[i];
}

static void
add_back(gsize i, gsize j, double factor, gpointer data)
{
  const Sums *sums = data;
  sums->to[i] += factor * sums->from[j];
}

static gsize
count_y(const DdimCheckGradient *g)
{
  guint h, w, c;
  y_shape(g, &h, &w, &c);
  return (gsize)g->n * h * w * c;
}

static gsize
count_x(const DdimCheckGradient *g)
{
  return (gsize)g->n * g->h * g->w * x_channels(g);
}

static void
linear_forward(const Case *c, const double *x, double *y)
{
  for (gsize j = 0; j < count_y(c->g); j++)
    y[j] = 0;
  foreach_pair(c->g, add_forward, &(Sums){x, y});
}

static void
linear_gradient(const Case *c, const double *x, const double *dy, double *dx)
{
  for (gsize i = 0; i < count_x(c->g); i++)
    dx[i] = 0;
  foreach_pair(c->g, add_back, &(Sums){dy, dx});
}

static void
relu_forward(const Case *c, const double *x, double *y)
{
  for (gsize i = 0; i < count_x(c->g); i++)
    y[i] = MAX(x[i], 0);
}

static void
relu_gradient(const Case *c, const double *x, const double *dy, double *dx)
{
  for (gsize i = 0; i < count_x(c->g); i++)
    dx[i] = x[i] > 0 ? dy[i] : 0;
}

static double
log_sum(const double *x, guint classes)
{
  double sum = 0;
  for (guint k = 0; k < classes; k++)
    sum += exp(x[k]);
  return log(sum);
}

static void
log_softmax_forward(const Case *c, const double *x, double *y)
{
  const DdimCheckGradient *g = c->g;
  for (guint n = 0; n < g->n; n++) {
    const double *own = x + (gsize)n * g->c;
    y[n] = own[(guint)c->labels[n]] - log_sum(own, g->parts);
  }
}

static void
log_softmax_gradient(const Case *c, const double *x, const double *dy, double *dx)
{
  const DdimCheckGradient *g = c->g;
  for (guint n = 0; n < g->n; n++) {
    const double *own = x + (gsize)n * g->c;
    for (guint k = 0; k < g->c; k++) {
      const double p = k < g->parts ? exp(own[k] - log_sum(own, g->parts)) : 0;
      dx[(gsize)n * g->c + k] = dy[n] * ((k == (guint)c->labels[n]) - p);
    }
  }
}

static const Reference references[] = {
    [DDIM_CHECK_GRADIENT_NORM] = {norm_forward, norm_gradient},
    [DDIM_CHECK_GRADIENT_ATTENTION] = {attention_forward, attention_gradient},
    [DDIM_CHECK_GRADIENT_AVERAGE_POOL] = {linear_forward, linear_gradient},
    [DDIM_CHECK_GRADIENT_STRIDE] = {linear_forward, linear_gradient},
    [DDIM_CHECK_GRADIENT_MEAN] = {linear_forward, linear_gradient},
    [DDIM_CHECK_GRADIENT_TOKENS] = {linear_forward, linear_gradient},
    [DDIM_CHECK_GRADIENT_RELU] = {relu_forward, relu_gradient},
    [DDIM_CHECK_GRADIENT_LOG_SOFTMAX] = {log_softmax_forward, log_softmax_gradient},
};

/* What an operation reads beside x, on the host. */
typedef struct {
  float *gamma, *beta, *emb, *labels;
} Beside;

static Beside
beside_new(const DdimCheckGradient *g)
{
  Beside b = {.gamma = ddim_check_random(31, g->c, -2, 2),
              .beta = ddim_check_random(32, g->c, -1, 1),
              .emb = ddim_check_random(33, (gsize)g->n * 2 * g->c, -1, 1),
              .labels = g_new0(float, g->n)};
  for (guint n = 0; n < g->n && g->kind == DDIM_CHECK_GRADIENT_LOG_SOFTMAX; n++)
    b.labels[n] = (float)((7 * n + 3) % g->parts);
  return b;
}

static void
beside_clear(Beside *b)
{
  g_free(b->gamma);
  g_free(b->beta);
  g_free(b->emb);
  g_free(b->labels);
}

static Case
get_case(const DdimCheckGradient *g, const Beside *b)
{
  return (Case){g, b->gamma, b->beta, b->emb, b->labels};
}

static double *
to_double(const float *values, gsize count)
{
  double *wide = g_new(double, count);
  for (gsize i = 0; i < count; i++)
    wide[i] = values[i];
  return wide;
}

/* The sum of dy * y at x + @step * v. */
static double
sum_at(const Case *c, const double *x, const double *v, const double *dy, double step)
{
  const gsize nx = count_x(c->g), ny = count_y(c->g);
  g_autofree double *moved = g_new(double, nx);
  g_autofree double *y = g_new(double, ny);
  double sum = 0;
  for (gsize i = 0; i < nx; i++)
    moved[i] = x[i] + step * v[i];
  references[c->g->kind].forward(c, moved, y);
  for (gsize j = 0; j < ny; j++)
    sum += dy[j] * y[j];
  return sum;
}

double
ddim_check_gradient_difference(const DdimCheckGradient *g)
{
  const gsize nx = count_x(g), ny = count_y(g);
  const double step = 1e-5, scale = g->scale ? g->scale : 1;
  g_autofree float *random = ddim_check_random(41, nx, -scale, scale);
  g_autofree float *direction = ddim_check_random(42, nx, -1, 1);
  g_autofree float *weights = ddim_check_random(43, ny, -1, 1);
  g_autofree double *x = to_double(random, nx);
  g_autofree double *v = to_double(direction, nx);
  g_autofree double *dy = to_double(weights, ny);
  g_autofree double *dx = g_new(double, nx);
  Beside b = beside_new(g);
  const Case c = get_case(g, &b);
  double told = 0;
  references[g->kind].gradient(&c, x, dy, dx);
  for (gsize i = 0; i < nx; i++)
    told += dx[i] * v[i];
  const double seen = (sum_at(&c, x, v, dy, step) - sum_at(&c, x, v, dy, -step)) / (2 * step);
  beside_clear(&b);
  return fabs(told - seen) / MAX(fabs(seen), 1e-3);
}

/* The contents of a tensor, without gaps. */
static double *
get_values(const DdimCheckTensor *t)
{
  const gsize pixels = (gsize)t->tensor.n * t->tensor.h * t->tensor.w;
  double *values = g_new(double, pixels * t->tensor.c);
  for (gsize i = 0; i < pixels; i++)
    for (guint k = 0; k < t->tensor.c; k++)
      values[i * t->tensor.c + k] = ddim_check_tensor_at(t, i, k);
  return values;
}

/* What is on the device. */
typedef struct {
  DdimCheckTensor x, dy, dx, add;
  DdimCheckArray gamma, beta, emb, labels, ones, zeros;
} Device;

static DdimCheckArray
constant(DdimCheck *check, guint count, float value)
{
  g_autofree float *values = g_new(float, count);
  for (guint i = 0; i < count; i++)
    values[i] = value;
  return ddim_check_array(check, values, count);
}

static void
device_init(Device *d, DdimCheck *check, const DdimCheckGradient *g, const Beside *b)
{
  guint h, w, c;
  y_shape(g, &h, &w, &c);
  d->x = ddim_check_tensor(check, 34, g->n, g->h, g->w, x_channels(g), g->sliced,
                           g->scale ? g->scale : 1);
  d->dy = ddim_check_tensor(check, 35, g->n, h, w, g->c, g->sliced, 1);
  d->dx = ddim_check_tensor(check, 36, g->n, g->h, g->w, x_channels(g), g->sliced, 1);
  d->add = ddim_check_tensor(check, 37, g->n, g->h, g->w, x_channels(g), g->sliced, 1);
  d->gamma = ddim_check_array(check, b->gamma, g->c);
  d->beta = ddim_check_array(check, b->beta, g->c);
  d->emb = ddim_check_array(check, b->emb, (gsize)g->n * 2 * g->c);
  d->labels = ddim_check_array(check, b->labels, g->n);
  d->ones = constant(check, g->c, 1);
  d->zeros = constant(check, g->c, 0);
}

static void
device_clear(Device *d)
{
  DdimCheckTensor *tensors[] = {&d->x, &d->dy, &d->dx, &d->add};
  DdimCheckArray *arrays[] = {&d->gamma, &d->beta, &d->emb, &d->labels, &d->ones, &d->zeros};
  for (guint i = 0; i < G_N_ELEMENTS(tensors); i++)
    ddim_check_tensor_clear(tensors[i]);
  for (guint i = 0; i < G_N_ELEMENTS(arrays); i++)
    ddim_check_array_clear(arrays[i]);
}

static void
record_norm(DdimClPlan *plan, const DdimCheckGradient *g, const Device *d)
{
  const DdimClNorm norm = {.groups = g->parts,
                           .eps = (float)EPS,
                           .gamma = ddim_check_array_mem(&d->gamma),
                           .beta = ddim_check_array_mem(&d->beta),
                           .has_emb = g->emb,
                           .emb = ddim_check_array_mem(&d->emb),
                           .emb_ld = 2 * g->c};
  ddim_cl_norm_gradient(plan, &d->x.tensor, &norm, g->silu, ddim_check_array_mem(&d->ones),
                        ddim_check_array_mem(&d->zeros), &d->dy.tensor,
                        g->add ? &d->add.tensor : NULL, &d->dx.tensor);
}

static void
record(DdimClPlan *plan, const DdimCheckGradient *g, const Device *d)
{
  const DdimClAttention attention = {.heads = g->parts, .interleaved = g->interleaved};
  const DdimClTensor *dy = &d->dy.tensor, *dx = &d->dx.tensor;
  switch (g->kind) {
  case DDIM_CHECK_GRADIENT_NORM:
    record_norm(plan, g, d);
    break;
  case DDIM_CHECK_GRADIENT_ATTENTION:
    ddim_cl_attention_gradient(plan, &d->x.tensor, &attention, dy, dx);
    break;
  case DDIM_CHECK_GRADIENT_AVERAGE_POOL:
    ddim_cl_average_pool_gradient(plan, dy, dx);
    break;
  case DDIM_CHECK_GRADIENT_STRIDE:
    ddim_cl_dilate(plan, dy, dx);
    break;
  case DDIM_CHECK_GRADIENT_MEAN:
    ddim_cl_mean_gradient(plan, dy, g->add ? &d->add.tensor : NULL, dx);
    break;
  case DDIM_CHECK_GRADIENT_TOKENS:
    ddim_cl_tokens_gradient(plan, dy, dx);
    break;
  case DDIM_CHECK_GRADIENT_RELU:
    ddim_cl_relu_gradient(plan, &d->x.tensor, dy, dx);
    break;
  case DDIM_CHECK_GRADIENT_LOG_SOFTMAX:
    ddim_cl_log_softmax_gradient(plan, &d->x.tensor, g->parts, ddim_check_array_mem(&d->labels),
                                 dx);
    break;
  }
}

/* The gradient in double. (transfer full) */
static double *
expect(const Case *c, const Device *d)
{
  const gboolean is_loss = c->g->kind == DDIM_CHECK_GRADIENT_LOG_SOFTMAX;
  g_autofree double *x = get_values(&d->x);
  g_autofree double *dy = get_values(&d->dy);
  double *dx = g_new(double, count_x(c->g));
  for (guint n = 0; is_loss && n < c->g->n; n++)
    dy[n] = 1;
  references[c->g->kind].gradient(c, x, dy, dx);
  if (c->g->add) {
    g_autofree double *add = get_values(&d->add);
    for (gsize i = 0; i < count_x(c->g); i++)
      dx[i] += add[i];
  }
  return dx;
}

/* Some roundings of what is added up; attention's scores are rounded before exp(), as in
 * check-attention.c, and go through two products more. */
static double
tolerance(const DdimCheckGradient *g)
{
  const double scale = g->scale ? g->scale : 1;
  switch (g->kind) {
  case DDIM_CHECK_GRADIENT_NORM:
    return 5e-6;
  case DDIM_CHECK_GRADIENT_ATTENTION:
    return 1e-6 * (1 + scale * scale);
  case DDIM_CHECK_GRADIENT_LOG_SOFTMAX:
    return 2e-7 * (1 + scale);
  default: /* of what is small beside the addends */
    return 2e-6;
  }
}

DdimCheckResult
ddim_check_gradient(DdimCheck *check, const DdimCheckGradient *g)
{
  DdimCheckResult result = {.error = INFINITY, .bound = tolerance(g)};
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  Beside b = beside_new(g);
  const Case c = get_case(g, &b);
  Device d;
  device_init(&d, check, g, &b);
  if (!check->error) {
    record(plan, g, &d);
    ddim_check_run(check, plan);
    g_autofree double *expected = expect(&c, &d);
    result.error = ddim_check_tensor_error(check, &d.dx, expected, x_channels(g));
    result.seconds = ddim_check_time(check, plan);
  }
  device_clear(&d);
  beside_clear(&b);
  return result;
}

DdimCheckResult
ddim_check_pool(DdimCheck *check, const DdimCheckGradient *g)
{
  DdimCheckResult result = {.error = INFINITY, .bound = tolerance(g)};
  const gboolean tokens = g->kind == DDIM_CHECK_GRADIENT_TOKENS;
  const guint positions = 1 + g->h * g->w;
  guint h, w, c;
  y_shape(g, &h, &w, &c);
  DdimCheckTensor x = ddim_check_tensor(check, 51, g->n, g->h, g->w, g->c, g->sliced, 1);
  DdimCheckTensor y = ddim_check_tensor(check, 52, g->n, h, w, c, g->sliced, 1);
  DdimCheckArray table = ddim_check_array_random(check, 53, (gsize)g->c * positions, 1);
  g_autoptr(DdimClPlan) plan = ddim_cl_plan_new(check->context);
  if (!check->error) {
    g_autofree double *values = get_values(&x);
    g_autofree double *expected = g_new(double, count_y(g));
    const Case case_ = {.g = g};
    references[g->kind].forward(&case_, values, expected);
    for (gsize i = 0; tokens && i < count_y(g); i++)
      expected[i] += table.host[i % c * positions + i / c % positions];
    if (tokens)
      ddim_cl_tokens(plan, &x.tensor, ddim_check_array_mem(&table), &y.tensor);
    else if (g->kind == DDIM_CHECK_GRADIENT_MEAN)
      ddim_cl_mean(plan, &x.tensor, &y.tensor);
    else
      ddim_cl_relu(plan, &x.tensor, &y.tensor);
    ddim_check_run(check, plan);
    result.error = ddim_check_tensor_error(check, &y, expected, c);
    result.seconds = ddim_check_time(check, plan);
  }
  ddim_check_tensor_clear(&x);
  ddim_check_tensor_clear(&y);
  ddim_check_array_clear(&table);
  return result;
}
