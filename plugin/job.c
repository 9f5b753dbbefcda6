/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "job.h"

#include <glib/gi18n-lib.h>
#include "core/error.h"
#include "core/models.h"
#include "resample.h"

struct _Job {
  DdimGenerator *generator;
  GThread *thread; /* NULL: nothing was started, or it was finished */
  GCancellable *cancellable;

  /* The worker's own until the thread is joined. */
  DdimRequest *request;
  JobResult *result;
  GError *error;

  GMutex mutex; /* guards what follows */
  GCond changed;
  gboolean news;
  char *status;
  double fraction;
  DdimImage *preview;
  gboolean ended;
};

static void
job_image_free(JobImage *image)
{
  g_free(image->samples);
  g_free(image->label);
  g_free(image);
}

void
job_result_free(JobResult *result)
{
  g_clear_object(&result->settings);
  g_free(result->command);
  g_free(result->model);
  g_free(result->warning);
  g_ptr_array_unref(result->images);
  g_free(result);
}

void
job_report_clear(JobReport *report)
{
  g_clear_pointer(&report->status, g_free);
  g_clear_pointer(&report->preview, ddim_image_free);
}

static void
tell(Job *job, const char *status, double fraction)
{
  g_mutex_lock(&job->mutex);
  g_free(job->status);
  job->status = g_strdup(status);
  job->fraction = fraction;
  job->news = TRUE;
  g_cond_signal(&job->changed);
  g_mutex_unlock(&job->mutex);
}

/* ---- callbacks of the generator, in the worker thread ---- */

static void
on_status(const char *what, double fraction, gpointer user_data)
{
  tell(user_data, what, -1);
}

static void
on_started(DdimRequest *resolved, DdimConfig *config, gpointer user_data)
{
  Job *job = user_data;
  JobResult *result = job->result;

  result->settings = ddim_request_copy(resolved);
  result->command = ddim_request_to_command(resolved);
  result->warning = g_strdup(ddim_generator_get_tuning_problem(job->generator));
  if (result->size.width)
    g_object_set(result->settings, "width", (int)result->size.width, "height",
                 (int)result->size.height, NULL);
}

static char *
time_left(double seconds)
{
  if (seconds < 90)
    return g_strdup_printf(_("%d s left"), (int)(seconds + 0.5));
  return g_strdup_printf(_("%d min left"), (int)(seconds / 60 + 0.5));
}

static void
on_progress(const DdimProgress *progress, gpointer user_data)
{
  g_autoptr(GString) status = g_string_new(NULL);

  if (progress->n_images > progress->batch)
    g_string_printf(status, _("Image %u of %u, step %u of %u"),
                    MIN(progress->image + 1, progress->n_images), progress->n_images,
                    progress->step, progress->n_steps);
  else
    g_string_printf(status, _("Step %u of %u"), progress->step, progress->n_steps);
  if (progress->remaining >= 0) {
    g_autofree char *left = time_left(progress->remaining);
    g_string_append_printf(status, " · %s", left);
  }
  tell(user_data, status->str, progress->fraction);
}

static void
on_preview(const DdimSample *x0, gpointer user_data)
{
  Job *job = user_data;
  DdimImage *image =
      ddim_image_new_from_samples(x0->samples, x0->channels, x0->height, x0->width, NULL);

  g_mutex_lock(&job->mutex);
  g_clear_pointer(&job->preview, ddim_image_free);
  job->preview = image;
  job->news = TRUE;
  g_cond_signal(&job->changed);
  g_mutex_unlock(&job->mutex);
}

static gboolean
on_image(const DdimSample *sample, gpointer user_data, GError **error)
{
  Job *job = user_data;
  SizePlan size = job->result->size;
  JobImage *image;
  float *samples;

  if (size.scaled)
    tell(job, _("Enlarging"), -1);
  if (!size.width)
    size = size_plan(sample->width, sample->height, 1);
  samples = resample(&size, sample->samples, sample->channels, error);
  if (!samples)
    return FALSE;
  image = g_new0(JobImage, 1);
  image->channels = sample->channels;
  image->width = size.width;
  image->height = size.height;
  image->samples = samples;
  if (sample->label_name)
    image->label = g_strdup(sample->label_name);
  else if (sample->label >= 0)
    image->label = g_strdup_printf("%" G_GINT64_FORMAT, sample->label);
  g_ptr_array_add(job->result->images, image);
  return TRUE;
}

/* ---- the worker thread ---- */

/* The size to sample depends on the model's stride; so look at its configuration first, which loads
 * no weights. */
static gboolean
fit_request(Job *job, GError **error)
{
  g_autofree char *model = NULL, *model_path = NULL, *flags = NULL, *path = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = NULL;
  g_autoptr(DdimConfig) config = NULL;
  const DdimUNetConfig *unet;
  gint64 seed;
  int width, height;

  g_object_get(job->request, "model", &model, "model-path", &model_path, "flags", &flags, "seed",
               &seed, "width", &width, "height", &height, NULL);
  path = ddim_models_find(model, model_path, error);
  checkpoint = path ? ddim_checkpoint_open(path, error) : NULL;
  config = checkpoint ? ddim_config_load(checkpoint, flags, error) : NULL;
  if (!config)
    return FALSE;
  unet = ddim_config_get_unet(config);
  if (unet->super_res) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s enlarges a small image, which the plug-in does not offer; "
                  "use “ddim generate --low-res” in a terminal"),
                ddim_config_get_name(config));
    return FALSE;
  }
  job->result->model = g_strdup(ddim_config_get_name(config));
  if (width > 0 && height > 0) {
    job->result->size = size_plan(width, height, 1u << (unet->n_levels - 1));
    g_object_set(job->request, "width", (int)job->result->size.sampled_width, "height",
                 (int)job->result->size.sampled_height, NULL);
  }
  if (seed < 0)
    g_object_set(job->request, "seed", (gint64)(g_random_int() & G_MAXINT32), NULL);
  return TRUE;
}

/* Where memory was short, say which size needs a quarter of it. */
static void
suggest_smaller(const SizePlan *size, GError **error)
{
  GError *better;
  guint width = size->sampled_width / 2, height = size->sampled_height / 2;

  if (g_error_matches(*error, G_IO_ERROR, G_IO_ERROR_NO_SPACE)) {
    width = size->width / 2;
    height = size->height / 2;
  } else if (!g_error_matches(*error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY))
    return;
  if (!width || !height)
    return;
  better = g_error_new((*error)->domain, (*error)->code,
                       _("%s. %u × %u pixels, for instance, need a quarter of the memory"),
                       (*error)->message, width, height);
  g_error_free(*error);
  *error = better;
}

static gpointer
worker(gpointer data)
{
  static const DdimGeneratorCallbacks callbacks = {
      .status = on_status,
      .started = on_started,
      .progress = on_progress,
      .preview = on_preview,
      .image = on_image,
  };
  Job *job = data;

  if (fit_request(job, &job->error) && !ddim_generator_run(job->generator, job->request, &callbacks,
                                                           job, job->cancellable, &job->error))
    suggest_smaller(&job->result->size, &job->error);
  g_mutex_lock(&job->mutex);
  job->ended = TRUE;
  job->news = TRUE;
  g_cond_signal(&job->changed);
  g_mutex_unlock(&job->mutex);
  return NULL;
}

/* ---- the main thread ---- */

Job *
job_new(void)
{
  Job *job = g_new0(Job, 1);

  job->generator = ddim_generator_new();
  g_mutex_init(&job->mutex);
  g_cond_init(&job->changed);
  return job;
}

void
job_free(Job *job)
{
  if (job->thread) {
    g_autoptr(JobResult) result = NULL;
    job_cancel(job);
    result = job_finish(job, NULL);
  }
  ddim_generator_free(job->generator);
  g_mutex_clear(&job->mutex);
  g_cond_clear(&job->changed);
  g_free(job);
}

void
job_start(Job *job, DdimRequest *request)
{
  g_return_if_fail(!job->thread);

  job->request = ddim_request_copy(request);
  job->cancellable = g_cancellable_new();
  job->result = g_new0(JobResult, 1);
  job->result->images = g_ptr_array_new_with_free_func((GDestroyNotify)job_image_free);
  job->status = g_strdup(_("Starting"));
  job->fraction = -1;
  job->ended = FALSE;
  job->news = TRUE;
  job->thread = g_thread_new("ddim-job", worker, job);
}

gboolean
job_is_running(Job *job)
{
  return job->thread != NULL;
}

void
job_cancel(Job *job)
{
  if (job->thread)
    g_cancellable_cancel(job->cancellable);
}

void
job_poll(Job *job, guint milliseconds, JobReport *report)
{
  gint64 until = g_get_monotonic_time() + milliseconds * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock(&job->mutex);
  while (!job->news && milliseconds)
    if (!g_cond_wait_until(&job->changed, &job->mutex, until))
      break;
  job->news = FALSE;
  report->status = g_strdup(job->status);
  report->fraction = job->fraction;
  report->preview = g_steal_pointer(&job->preview);
  report->ended = job->ended;
  g_mutex_unlock(&job->mutex);
}

JobResult *
job_finish(Job *job, GError **error)
{
  g_autoptr(JobResult) result = NULL;
  GError *failure;

  g_return_val_if_fail(job->thread, NULL);
  g_thread_join(job->thread);
  job->thread = NULL;
  g_clear_object(&job->request);
  g_clear_object(&job->cancellable);
  g_clear_pointer(&job->status, g_free);
  g_clear_pointer(&job->preview, ddim_image_free);
  result = g_steal_pointer(&job->result);
  failure = g_steal_pointer(&job->error);
  if (failure) {
    g_propagate_error(error, failure);
    return NULL;
  }
  return g_steal_pointer(&result);
}
