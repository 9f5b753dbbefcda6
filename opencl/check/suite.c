/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/check/suite.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "opencl/check/check-conv.h"
#include "opencl/check/check-gradient.h"
#include "opencl/check/check-parts.h"
#include "opencl/check/check-update.h"
#include "opencl/device/ways.h"
#include "opencl/ops/units/units.h"
#include "opencl/tune/choice.h"

/* One way, before it is checked. */
typedef struct {
  enum { CONV, NORM, ATTENTION, OTHER } kind;
  char *way;
  gboolean half, usual;
  DdimConvMethod method;
  DdimGemmProvider provider;
  DdimCheckResult (*other)(DdimCheck *check, DdimClType type);
  const char *hide; /* (nullable) a way that would be taken instead */
} Way;

static void
way_clear(gpointer data)
{
  g_free(((Way *)data)->way);
}

/* A way that has taken so many seconds is given no more cases, so that a check of a device that a
 * program imitates slowly (Oclgrind) ends, too. Processors and graphics cards take milliseconds. */
#define MAX_SECONDS 20

/* All cases of one way: the worst error, compared with its bound. */
typedef struct {
  DdimCheck check;
  DdimCheckResult worst;
  double max_seconds;
  guint n, left_out;
} Cases;

static void
cases_clear(Cases *cases)
{
  g_clear_error(&cases->check.error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cases, cases_clear)

static void
add(Cases *cases, DdimCheckResult result)
{
  DdimCheckResult *worst = &cases->worst;
  const double before = worst->bound > 0 ? worst->error / worst->bound : worst->error;
  const double now = result.bound > 0 ? result.error / result.bound : result.error;
  const double seconds = worst->seconds + result.seconds;
  if (!(now <= before))
    *worst = result;
  worst->seconds = seconds;
  cases->n++;
}

static gboolean
has_time(Cases *cases)
{
  if (!cases->n || cases->worst.seconds <= cases->max_seconds)
    return TRUE;
  cases->left_out++;
  return FALSE;
}

/* DDIM_CHECK_SECONDS is for tests. */
static double
get_max_seconds(void)
{
  const char *seconds = g_getenv("DDIM_CHECK_SECONDS");
  return seconds ? g_ascii_strtod(seconds, NULL) : MAX_SECONDS;
}

/* Of activations. */
static DdimClType
type_of(const Way *way)
{
  return way->half ? DDIM_CL_F16 : DDIM_CL_F32;
}

/* Sizes of the input: an odd one, and whole tiles. */
static const guint sizes[][3] = {{3, 7, 9}, {2, 16, 16}};

/* Those come first that take the least time, for devices that do not come to the end. */
static void
check_conv(Cases *cases, const Way *way)
{
  static const DdimCheckConv all[] = {
      {3, 48, 3, 1},
      {40, 32, 1, 1, .residual = DDIM_CHECK_RESIDUAL_OTHER, .sliced = TRUE},
      {48, 6, 3, 1, .norm = TRUE},
      {32, 32, 3, 2, .emb = TRUE},
      {32, 32, 3, 2, .right_bottom = TRUE},
      {64, 96, 1, 1, .norm = TRUE, .no_silu = TRUE},
      {32, 32, 3, 1, .wrap = DDIM_WRAP_XY},
      {64, 32, 3, 1, .norm = TRUE, .residual = DDIM_CHECK_RESIDUAL_IN_PLACE},
      {32, 64, 3, 1, .up = TRUE, .emb = TRUE},
  };
  for (guint s = 0; s < G_N_ELEMENTS(sizes); s++)
    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
      DdimCheckConv conv = all[i];
      const DdimConvShape shape = {.taps = conv.taps, .stride = conv.stride};
      conv.half = way->half;
      /* Only the image that comes in, and what goes out, are always float32. */
      conv.x_type = conv.in == 3 ? DDIM_CL_F32 : type_of(way);
      conv.y_type = conv.out == 6 ? DDIM_CL_F32 : type_of(way);
      if (ddim_cl_can_use(cases->check.context, &shape, way->half,
                          (DdimClChoice){way->method, way->provider}) &&
          has_time(cases))
        add(cases, ddim_check_conv(&cases->check, &conv, sizes[s][0], sizes[s][1], sizes[s][2], 1,
                                   way->method, way->provider));
    }
  if (way->method == DDIM_CONV_DIRECT && has_time(cases))
    add(cases, ddim_check_product(&cases->check, way->provider, way->half, 21, 100, 96));
}

static void
check_norms(Cases *cases, DdimClType type)
{
  static const DdimCheckNorm all[] = {
      {2, 7, 9, 96, 32, 0.5, 2},
      {3, 8, 8, 64, 32, 0, 1, .emb = TRUE, .silu = TRUE},
      {1, 16, 16, 64, 32, 100, 1},
      {2, 6, 7, 128, 8, 0.5, 1, .emb = TRUE, .gaps = {11, 40, 24}},
      {2, 48, 65, 64, 8, 2, 3, .emb = TRUE, .silu = TRUE},
  };
  for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
    DdimCheckNorm norm = all[i];
    norm.type = type;
    if (has_time(cases))
      add(cases, ddim_check_norm(&cases->check, &norm));
  }
}

static void
check_attentions(Cases *cases, DdimClType type)
{
  static const DdimCheckAttention all[] = {
      {2, 3, 5, 3, 24, TRUE, TRUE, 3},
      {1, 10, 10, 2, 8, FALSE, TRUE, 80},
      {2, 7, 9, 2, 96, FALSE, FALSE, 5},
      {1, 16, 16, 2, 64, TRUE, FALSE, 5},
  };
  for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
    DdimCheckAttention attention = all[i];
    attention.type = type;
    if (has_time(cases))
      add(cases, ddim_check_attention(&cases->check, &attention));
  }
}

/* A way is hidden while it is not trusted, so that the next one is taken. */
static void
check_way(Cases *cases, const Way *way)
{
  DdimContext *context = cases->check.context;
  ddim_cl_ways_trust_all(context);
  if (way->hide)
    ddim_cl_way_distrust(context, way->hide);
  if (way->kind == CONV)
    check_conv(cases, way);
  else if (way->kind == NORM)
    check_norms(cases, type_of(way));
  else if (way->kind == ATTENTION)
    check_attentions(cases, type_of(way));
  else
    add(cases, way->other(&cases->check, type_of(way)));
  ddim_cl_ways_trust_all(context);
}

/* Why convolutions cannot be computed in this way here; NULL when they can. */
static const char *
find_reason(DdimContext *context, DdimConvMethod method, DdimGemmProvider provider)
{
  const gboolean rows = context->profile.row_loop;
  if (method == DDIM_CONV_AMX || method == DDIM_CONV_AMX_WINOGRAD)
    return ddim_cl_has_amx(context) ? NULL
                                    : _("the device has no AMX that its driver lets kernels use");
  if (ddim_gemm_uses_matrix_unit(provider))
    return rows || context->profile.matrix_unit == DDIM_CL_NO_MATRIX_UNIT
               ? _("the device has no matrix units that these kernels know")
               : NULL;
  if (method == DDIM_CONV_WINOGRAD4_LEAN)
    return !rows ? _("it is made for processors") : NULL;
  if (provider >= DDIM_GEMM_TILE32)
    return rows ? _("it is made for graphics cards") : NULL;
  return NULL;
}

/* AMX and the lean way are computed by one provider only. */
static gboolean
exists(DdimConvMethod method, DdimGemmProvider provider, gboolean half)
{
  if (ddim_gemm_uses_matrix_unit(provider))
    return half && (method == DDIM_CONV_DIRECT || method == DDIM_CONV_WINOGRAD2);
  if (half && (method == DDIM_CONV_WINOGRAD4 || method == DDIM_CONV_AMX_WINOGRAD))
    return FALSE;
  return provider == DDIM_GEMM_PACKED ||
         (method != DDIM_CONV_AMX && method != DDIM_CONV_AMX_WINOGRAD &&
          method != DDIM_CONV_WINOGRAD4_LEAN);
}

static void
list_convs(DdimContext *context, GArray *ways)
{
  for (guint half = 0; half < 2; half++)
    for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++)
      for (DdimGemmProvider p = 0; p < DDIM_N_GEMM_PROVIDERS; p++) {
        if (!exists(m, p, half))
          continue;
        const Way way = {.kind = CONV,
                         .way = ddim_conv_way(m, p),
                         .half = half,
                         .usual = p == ddim_cl_default_provider(context, half),
                         .method = m,
                         .provider = p};
        g_array_append_val(ways, way);
      }
}

static DdimCheckResult
check_silu(DdimCheck *check, DdimClType type)
{
  return ddim_check_silu(check);
}

static DdimCheckResult
check_center(DdimCheck *check, DdimClType type)
{
  return ddim_check_center(check);
}

static DdimCheckResult
check_update(DdimCheck *check, DdimClType type)
{
  return ddim_check_update(check);
}

static DdimCheckResult
check_from_planar(DdimCheck *check, DdimClType type)
{
  return ddim_check_from_planar(check, 2, 4, 4, 3, 3, 16, TRUE);
}

static DdimCheckResult
check_to_planar(DdimCheck *check, DdimClType type)
{
  return ddim_check_to_planar(check, 3, 7, 9, 6, 32, TRUE);
}

static DdimCheckResult
check_norm_gradient(DdimCheck *check, DdimClType type)
{
  return ddim_check_gradient(check, &(DdimCheckGradient){DDIM_CHECK_GRADIENT_NORM, 2, 7, 9, 64, 32,
                                                         .emb = TRUE, .silu = TRUE});
}

static DdimCheckResult
check_attention_gradient(DdimCheck *check, DdimClType type)
{
  return ddim_check_gradient(check,
                             &(DdimCheckGradient){DDIM_CHECK_GRADIENT_ATTENTION, 1, 5, 9, 64, 2});
}

static DdimCheckResult
check_mean_gradient(DdimCheck *check, DdimClType type)
{
  return ddim_check_gradient(
      check, &(DdimCheckGradient){DDIM_CHECK_GRADIENT_MEAN, 2, 5, 7, 32, .add = TRUE});
}

static DdimCheckResult
check_resize(DdimCheck *check, DdimClType type)
{
  return ddim_check_resize(check, 9, 33, 4, 64, DDIM_WRAP_X);
}

static DdimCheckResult
check_upsample(DdimCheck *check, DdimClType type)
{
  return ddim_check_resample(check, type, TRUE, TRUE, 3, 4, 7);
}

static DdimCheckResult
check_average_pool(DdimCheck *check, DdimClType type)
{
  return ddim_check_resample(check, type, FALSE, TRUE, 3, 4, 14);
}

static DdimCheckResult
check_copy(DdimCheck *check, DdimClType type)
{
  return ddim_check_copy(check, type, TRUE, 2, 3, 5);
}

static void
append(GArray *ways, Way way, const char *name)
{
  way.way = g_strdup(name);
  g_array_append_val(ways, way);
}

/* What reads and writes activations of either type. */
static void
append_both(GArray *ways, Way way, const char *name)
{
  append(ways, way, name);
  way.half = TRUE;
  append(ways, way, name);
}

static void
list_others(DdimContext *context, GArray *ways)
{
  static const struct {
    const char *name;
    DdimCheckResult (*check)(DdimCheck *check, DdimClType type);
    gboolean both;
  } others[] = {
      {"silu", check_silu, FALSE},
      {"center", check_center, FALSE},
      {"from-planar", check_from_planar, FALSE},
      {"to-planar", check_to_planar, FALSE},
      {"copy", check_copy, TRUE},
      {"upsample", check_upsample, TRUE},
      {"average-pool", check_average_pool, TRUE},
      {"resize-bilinear", check_resize, FALSE},
      {"norm-gradient", check_norm_gradient, FALSE},
      {"attention-gradient", check_attention_gradient, FALSE},
      {"mean-gradient", check_mean_gradient, FALSE},
      {"update", check_update, FALSE},
  };
  const gboolean gpu = !context->profile.row_loop, amx = ddim_cl_has_amx(context);
  if (gpu)
    append_both(ways, (Way){.kind = NORM, .usual = TRUE}, "norm-gpu");
  append_both(ways, (Way){.kind = NORM, .usual = !gpu, .hide = gpu ? "norm-gpu" : NULL},
              "norm-rows");
  if (amx)
    append_both(ways, (Way){.kind = ATTENTION, .usual = TRUE}, "attention-amx");
  if (gpu)
    append_both(ways, (Way){.kind = ATTENTION, .usual = TRUE}, "attention-gpu");
  append_both(ways,
              (Way){.kind = ATTENTION,
                    .usual = !gpu && !amx,
                    .hide = gpu   ? "attention-gpu"
                            : amx ? "attention-amx"
                                  : NULL},
              "attention-rows");
  for (guint i = 0; i < G_N_ELEMENTS(others); i++)
    (others[i].both ? append_both : append)(
        ways, (Way){.kind = OTHER, .usual = TRUE, .other = others[i].check}, others[i].name);
}

/* A way that cannot be built or started is wrong if the device is to use it. Others are left out
 * of every choice, as `ddim tune` cannot measure them. */
static void
judge(const Way *way, const Cases *cases, DdimCheckRow *row)
{
  row->error = cases->worst.error;
  row->bound = cases->worst.bound;
  row->seconds = cases->worst.seconds;
  /* What ddim_cl_can_use() asks for beyond find_reason(). */
  if (!cases->n) {
    row->reason = _("the device has too little local memory for it");
    row->verdict = DDIM_CHECK_NOT_HERE;
    return;
  }
  if (cases->check.error) {
    row->reason = cases->check.error->message;
    row->verdict =
        way->usual || !isinf(cases->worst.error) ? DDIM_CHECK_WRONG : DDIM_CHECK_NOT_HERE;
    return;
  }
  row->verdict = cases->worst.error <= cases->worst.bound ? DDIM_CHECK_RIGHT : DDIM_CHECK_WRONG;
  row->left_out = cases->left_out;
}

gboolean
ddim_check_suite(DdimContext *context, DdimCheckRowFunc func, gpointer user_data,
                 GCancellable *cancellable, GError **error)
{
  g_autoptr(GArray) ways = g_array_new(FALSE, FALSE, sizeof(Way));
  g_array_set_clear_func(ways, way_clear);
  ddim_cl_ways_trust_all(context);
  list_convs(context, ways);
  list_others(context, ways);
  for (guint i = 0; i < ways->len; i++) {
    const Way *way = &g_array_index(ways, Way, i);
    DdimCheckRow row = {.way = way->way, .half = way->half, .usual = way->usual};
    g_auto(Cases) cases = {.check = {.context = context}, .max_seconds = get_max_seconds()};
    if (g_cancellable_set_error_if_cancelled(cancellable, error))
      return FALSE;
    func(NULL, way->way, (double)i / ways->len, user_data);
    row.reason = way->kind == CONV ? find_reason(context, way->method, way->provider) : NULL;
    if (row.reason) {
      row.verdict = DDIM_CHECK_NOT_HERE;
    } else {
      check_way(&cases, way);
      judge(way, &cases, &row);
    }
    func(&row, way->way, (double)(i + 1) / ways->len, user_data);
  }
  return TRUE;
}
