/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/low-res.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/npy.h"

static gboolean
check_wanted(DdimSession *session, const char *path, GError **error)
{
  const gboolean super_res = ddim_config_is_super_res(session->config);

  if (!path == !super_res)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              super_res ? _("low-res: %s enlarges pictures and needs one")
                        : _("low-res: %s is no super-resolution model"),
              ddim_config_get_name(session->config));
  return FALSE;
}

static gboolean
check_shape(const gsize *shape, const char *path, gsize count, gsize height, gsize width,
            GError **error)
{
  if (shape[0] != 1 && shape[0] != count) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("low-res: %s holds %zu pictures; expected 1 or %zu, one for each"), path,
                shape[0], count);
    return FALSE;
  }
  if (shape[2] <= height && shape[3] <= width)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("low-res: %s is %zux%zu pixels; expected at most %zux%zu, which it is enlarged to"),
              path, shape[3], shape[2], width, height);
  return FALSE;
}

gboolean
ddim_low_res_open(DdimSession *session, DdimRequest *request, gsize count, gsize height,
                  gsize width, DdimSamples **low_res, GError **error)
{
  g_autofree char *path = NULL;
  g_autoptr(DdimSamples) samples = NULL;

  *low_res = NULL;
  g_object_get(request, "low-res", &path, NULL);
  if (!check_wanted(session, path, error))
    return FALSE;
  if (!path)
    return TRUE;
  samples = ddim_samples_open_images(path, ddim_session_get_channels(session), error);
  if (!samples ||
      !check_shape(ddim_samples_get_shape(samples), path, count, height, width, error) ||
      !ddim_samples_load(samples, error))
    return FALSE;
  *low_res = g_steal_pointer(&samples);
  return TRUE;
}

gboolean
ddim_low_res_set(DdimEvaluator *evaluator, DdimSamples *low_res, gsize first, gsize n,
                 GError **error)
{
  g_autoptr(DdimArray) batch = NULL;
  gsize shape[4];

  if (!low_res)
    return TRUE;
  memcpy(shape, ddim_samples_get_shape(low_res), sizeof shape);
  shape[0] = n;
  return (batch = ddim_array_new(DDIM_DTYPE_F32, 4, shape, error)) &&
         ddim_samples_read(low_res, first, n, ddim_array_get_data(batch), error) &&
         ddim_evaluator_set_low_res(evaluator, ddim_array_get_data(batch), shape[2], shape[3],
                                    error);
}
