/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/check.h"

#include <math.h>

#include "core/data/npy.h"
#include "core/diffusion/noise.h"
#include "core/job/check-values.h"
#include "core/job/request-private.h"
#include "core/model/config-details.h"
#include "core/model/models.h"

/* Of what the stored numbers are. */
#define SIZE 32
#define TIMESTEP 500
#define LABEL 3

/* The README promises 2e-4 of a float64 evaluation in float32. In half precision a model whose
 * weights are stored so errs by up to 1e-3, and where numbers are compared the model is one. */
#define BOUND_F32 2e-4
#define BOUND_F16 1e-3

static gboolean
is_default_model(DdimRequest *request)
{
  g_autofree char *model = NULL;

  g_object_get(request, "model", &model, NULL);
  return !model || !*model || g_str_equal(model, DDIM_DEFAULT_MODEL);
}

static gboolean
set_inputs(DdimSession *session, DdimEvaluator *evaluator, guint size, GError **error)
{
  const gsize shape[4] = {1, ddim_session_get_channels(session), size, size};
  const double timestep = TIMESTEP;
  const guint classes = ddim_config_get_n_classes(session->config);
  const gint64 label = MIN(LABEL, MAX(classes, 1) - 1);
  g_autoptr(DdimRng) rng = ddim_rng_new(NULL, 1, NULL);
  g_autoptr(DdimArray) x = ddim_array_new(DDIM_DTYPE_F32, 4, shape, error);
  float *values;

  if (!x)
    return FALSE;
  values = ddim_array_get_data(x);
  ddim_rng_normal(rng, values, ddim_tensor_count(&x->tensor));
  /* Noise serves as the picture that a super-resolution model enlarges. */
  if (ddim_config_is_super_res(session->config) &&
      !ddim_evaluator_set_low_res(evaluator, values, 1, 1, error))
    return FALSE;
  return ddim_evaluator_set_conditions(evaluator, &timestep, 1, classes ? &label : NULL, error) &&
         ddim_evaluator_set_x(evaluator, values, error);
}

static void
compare(const float *output, gsize count, DdimEvaluationCheck *result)
{
  result->finite = ddim_is_finite(output, count);
  for (gsize i = 0; result->compared && i < DDIM_CHECK_N_VALUES; i++)
    result->error = MAX(result->error, fabs(output[i * DDIM_CHECK_STEP] - ddim_check_values[i]));
}

static gboolean
evaluate(DdimEvaluator *evaluator, DdimEvaluationCheck *result, GError **error)
{
  const gsize count = ddim_evaluator_get_output_count(evaluator);
  g_autofree float *output = g_new(float, count);
  gint64 start;

  if (!ddim_evaluator_evaluate(evaluator, 0, error) ||
      !ddim_evaluator_get_output(evaluator, output, error))
    return FALSE;
  compare(output, count, result);
  start = g_get_monotonic_time();
  if (!ddim_evaluator_evaluate(evaluator, 0, error) || !ddim_evaluator_wait(evaluator, error))
    return FALSE;
  result->seconds = (g_get_monotonic_time() - start) / (double)G_USEC_PER_SEC;
  return TRUE;
}

gboolean
ddim_check_evaluation(DdimSession *session, DdimRequest *request, const DdimNetworkParams *params,
                      DdimEvaluationCheck *result, GError **error)
{
  const guint own = ddim_config_get_image_size(session->config);
  const gboolean half = ddim_request_get_precision(request) == DDIM_PRECISION_F16;
  g_autoptr(DdimEvaluator) evaluator = NULL;

  *result = (DdimEvaluationCheck){.compared = is_default_model(request),
                                  .bound = half ? BOUND_F16 : BOUND_F32};
  const guint size = result->compared ? SIZE : own ? own : 64;
  const DdimEvaluatorSize wanted = {.batch = 1, .height = size, .width = size};
  if (!ddim_session_start(session, request, params, error) ||
      !(evaluator = ddim_evaluator_new(session->network, &wanted, params, error)))
    return FALSE;
  return set_inputs(session, evaluator, size, error) && evaluate(evaluator, result, error);
}
