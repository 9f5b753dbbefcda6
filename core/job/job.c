/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/job.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/diffusion/noise-private.h"
#include "core/job/low-res.h"
#include "core/job/steps.h"
#include "core/job/request-private.h"
#include "core/model/config-details.h"
#include "core/model/models.h"

/* How many images are computed together unless the request says so: at most MAX_BATCH, with at most
 * MAX_BATCH_PIXELS pixels in all. The number must not depend on the device, because the batch is
 * part of what a seed means. 16 is the original's batch_size. Where each image has its own numbers,
 * there are SHARED_BATCHES of them if possible, so that several processes find work in a small job
 * too. */
#define MAX_BATCH 16
#define SHARED_BATCHES 16
#define MAX_BATCH_PIXELS (16 * 64 * 64)

void
ddim_job_free(DdimJob *job)
{
  if (!job)
    return;
  g_clear_object(&job->resolved);
  g_clear_pointer(&job->steps, ddim_step_table_free);
  g_clear_pointer(&job->diffusion, ddim_diffusion_free);
  ddim_classes_clear(&job->classes);
  g_clear_pointer(&job->class_map, ddim_class_map_free);
  g_clear_pointer(&job->init_noise, ddim_samples_free);
  g_clear_pointer(&job->low_res, ddim_samples_free);
  g_clear_pointer(&job->rng, ddim_rng_free);
  g_free(job);
}

/* A model and its classifier must mean the same classes; where the model has none, the classifier's
 * are chosen from. */
static gboolean
resolve_naming(DdimJob *job, DdimSession *session, GError **error)
{
  const guint own = ddim_config_get_n_classes(session->config);
  DdimConfig *classifier = session->classifier ? session->classifier->config : NULL;

  job->naming = classifier && own == 0 ? classifier : session->config;
  if (!classifier || own == 0 || own == ddim_config_get_n_classes(classifier))
    return TRUE;
  g_set_error(
      error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
      _("classifier: %s tells %u classes apart, but the model %s has %u; they must have been "
        "trained on the same classes"),
      ddim_config_get_name(classifier), ddim_config_get_n_classes(classifier),
      ddim_config_get_name(session->config), own);
  return FALSE;
}

static gboolean
resolve_classes(DdimJob *job, DdimSession *session, GError **error)
{
  g_autofree char *text = NULL;

  g_object_get(job->resolved, "class", &text, NULL);
  if (session->classifier)
    g_object_get(job->resolved, "classifier-scale", &job->classifier_scale, NULL);
  if (!resolve_naming(job, session, error))
    return FALSE;
  job->n_classes = ddim_config_get_n_classes(job->naming);
  return ddim_classes_read(&job->classes, job->naming, text, error);
}

static gboolean
resolve_steps(DdimJob *job, DdimConfig *config, double eta, GError **error)
{
  DdimSteps steps;
  const gboolean done = ddim_steps_init(&steps, job->resolved, config, eta, job->channels, error);

  job->sample = steps.sample;
  job->diffusion = g_steal_pointer(&steps.diffusion);
  job->steps = g_steal_pointer(&steps.table);
  return done;
}

static gboolean
resolve_noise(DdimJob *job, GError **error)
{
  g_autofree char *rng = NULL;

  g_object_get(job->resolved, "rng", &rng, "seed", &job->seed, NULL);
  if (job->seed < 0) {
    /* torch keeps 32 bits of a CPU seed, so there are no more to choose from. */
    job->seed = g_random_int();
    g_object_set(job->resolved, "seed", job->seed, NULL);
  }
  job->rng = ddim_rng_new(rng, job->seed, error);
  return job->rng != NULL;
}

static gboolean
check_stride(guint width, guint height, guint stride, GError **error)
{
  guint w = MAX(width / stride, 1) * stride, h = MAX(height / stride, 1) * stride;

  if (width % stride == 0 && height % stride == 0)
    return TRUE;
  g_set_error(
      error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
      _("size: %ux%u is not possible, width and height must be multiples of %u; the nearest "
        "are %ux%u and %ux%u"),
      width, height, stride, w, h, w < width ? w + stride : w, h < height ? h + stride : h);
  return FALSE;
}

/* Take the size from the request, else from the given noise, else from the model. */
static gboolean
resolve_size(DdimJob *job, DdimConfig *config, GError **error)
{
  const gsize *noise = job->init_noise ? ddim_samples_get_shape(job->init_noise) : NULL;
  guint own_width, own_height;
  int width, height;

  ddim_config_get_shape(config, &own_width, &own_height);
  g_object_get(job->resolved, "width", &width, "height", &height, NULL);
  job->width = width ? (guint)width : noise ? MIN(noise[3], G_MAXINT) : own_width;
  job->height = height ? (guint)height : noise ? MIN(noise[2], G_MAXINT) : own_height;
  if (job->width == 0 || job->height == 0) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("size: nothing tells the size of %s's images; give one, such as 64x64"),
                ddim_config_get_name(config));
    return FALSE;
  }
  g_object_set(job->resolved, "width", (int)job->width, "height", (int)job->height, NULL);
  return check_stride(job->width, job->height, ddim_config_get_stride(config), error);
}

static void
resolve_batch(DdimJob *job)
{
  int count, batch;

  g_object_get(job->resolved, "count", &count, "batch", &batch, NULL);
  if (batch == 0) {
    guint64 fit = MAX_BATCH_PIXELS / ((guint64)job->width * job->height);
    if (ddim_rng_is_per_image(job->rng))
      fit = MIN(fit, (guint64)count / SHARED_BATCHES);
    batch = MIN(count, (int)CLAMP(fit, 1, MAX_BATCH));
    g_object_set(job->resolved, "batch", batch, NULL);
  }
  job->count = count;
  job->batch = batch;
}

static gboolean
check_noise(DdimJob *job, GError **error)
{
  const gsize *found = ddim_samples_get_shape(job->init_noise);
  const gsize expected[4] = {job->count, job->channels, job->height, job->width};

  if (memcmp(found, expected, sizeof expected) == 0)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("init-noise: its shape is [%zu, %zu, %zu, %zu]; expected [%u, %u, %u, %u] (count, "
                "channels, height, width)"),
              found[0], found[1], found[2], found[3], job->count, job->channels, job->height,
              job->width);
  return FALSE;
}

static gboolean
open_noise(DdimJob *job, GError **error)
{
  g_autofree char *path = NULL;

  g_object_get(job->resolved, "init-noise", &path, NULL);
  return !path || (job->init_noise = ddim_samples_open_noise(path, error));
}

DdimJob *
ddim_job_new(DdimSession *session, DdimRequest *request, const DdimJobFrame *frame, GError **error)
{
  g_autoptr(DdimJob) job = g_new0(DdimJob, 1);
  g_autofree char *model = NULL;

  job->resolved = ddim_request_copy(request);
  g_object_get(request, "model", &model, NULL);
  if (!model || !*model)
    g_object_set(job->resolved, "model", DDIM_DEFAULT_MODEL, NULL);
  job->channels = ddim_session_get_channels(session);
  if (frame && frame->width) /* an edit, whose frame knows which windows wrap */
    job->wrap = frame->wrap;
  else
    job->wrap = ddim_request_get_axes(request, "seamless");
  if (!resolve_classes(job, session, error) ||
      !resolve_steps(job, session->config, frame ? frame->eta : -1, error) ||
      !resolve_noise(job, error))
    return NULL;
  if (frame && frame->width) {
    job->width = frame->width;
    job->height = frame->height;
    resolve_batch(job);
    return g_steal_pointer(&job);
  }
  if (!open_noise(job, error) || !resolve_size(job, session->config, error) ||
      !ddim_window_choice_make(&job->windows, session->config, job->resolved, job->width,
                               job->height, error) ||
      (ddim_request_takes(job->resolved, "class-map") &&
       !ddim_class_map_read(&job->class_map, &job->classes, session->config, job->resolved,
                            job->width, job->height, error)))
    return NULL;
  resolve_batch(job);
  if (!ddim_window_choice_check_memory(&job->windows, job->channels, job->batch, job->height,
                                       job->width, error) ||
      (job->init_noise && !check_noise(job, error)) ||
      !ddim_low_res_open(session, job->resolved, job->count, job->height, job->width, &job->low_res,
                         error))
    return NULL;
  return g_steal_pointer(&job);
}

void
ddim_job_set_class(DdimJob *job, gint64 label)
{
  const char *name = ddim_config_get_class_name(job->naming, label);
  g_autofree char *text = name ? g_strdup(name) : g_strdup_printf("%" G_GINT64_FORMAT, label);

  g_array_append_val(job->classes.labels, label);
  g_object_set(job->resolved, "class", text, NULL);
}
