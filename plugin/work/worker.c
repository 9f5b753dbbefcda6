/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/worker.h"

#include <glib/gi18n-lib.h>
#include "core/data/error.h"
#include "core/model/models.h"
#include "plugin/image/resample.h"

struct _Job {
  DdimGenerator *generator;
  GThread *thread; /* NULL: nothing was started, or it was finished */
  GCancellable *cancellable;

  /* The worker's own until the thread is joined. */
  DdimRequest *request;
  WorkerResult *result;
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
worker_image_free(WorkerImage *image)
{
  g_free(image->samples);
  g_free(image->label);
  g_free(image);
}

void
worker_result_free(WorkerResult *result)
{
  g_clear_object(&result->settings);
  g_free(result->command);
  g_free(result->model);
  g_free(result->warning);
  g_ptr_array_unref(result->images);
  g_free(result);
}

void
worker_report_clear(WorkerReport *report)
{
  g_clear_pointer(&report->status, g_free);
  g_clear_pointer(&report->preview, ddim_image_free);
}

static void
set_status(Worker *worker, const char *status, double fraction)
{
  g_mutex_lock(&worker->mutex);
  g_free(worker->status);
  worker->status = g_strdup(status);
  worker->fraction = fraction;
  worker->news = TRUE;
  g_cond_signal(&worker->changed);
  g_mutex_unlock(&worker->mutex);
}

/* ---- callbacks of the generator, in the worker thread ---- */

static void
on_status(const char *what, double fraction, gpointer user_data)
{
  set_status(user_data, what, -1);
}

static void
on_started(DdimRequest *resolved, DdimConfig *config, gpointer user_data)
{
  Worker *worker = user_data;
  WorkerResult *result = worker->result;

  result->settings = ddim_request_copy(resolved);
  result->command = ddim_request_to_command(resolved);
  result->warning = g_strdup(ddim_generator_get_tuning_problem(worker->generator));
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
  set_status(user_data, status->str, progress->fraction);
}

static void
on_preview(const DdimSample *x0, gpointer user_data)
{
  Worker *worker = user_data;
  DdimImage *image = ddim_sample_to_image(x0, NULL);

  g_mutex_lock(&worker->mutex);
  g_clear_pointer(&worker->preview, ddim_image_free);
  worker->preview = image;
  worker->news = TRUE;
  g_cond_signal(&worker->changed);
  g_mutex_unlock(&worker->mutex);
}

static gboolean
on_image(const DdimSample *sample, gpointer user_data, GError **error)
{
  Worker *worker = user_data;
  SizePlan size = worker->result->size;
  WorkerImage *image;
  float *samples;

  if (size.scaled)
    set_status(worker, _("Enlarging"), -1);
  if (!size.width)
    size = size_plan(sample->width, sample->height, 1);
  samples = resample(&size, sample->samples, sample->channels, error);
  if (!samples)
    return FALSE;
  image = g_new0(WorkerImage, 1);
  image->channels = sample->channels;
  image->width = size.width;
  image->height = size.height;
  image->samples = samples;
  if (sample->label_name)
    image->label = g_strdup(sample->label_name);
  else if (sample->label >= 0)
    image->label = g_strdup_printf("%" G_GINT64_FORMAT, sample->label);
  g_ptr_array_add(worker->result->images, image);
  return TRUE;
}

/* ---- the worker thread ---- */

/* The size to sample depends on the model's stride; so look at its configuration first, which loads
 * no weights. */
static gboolean
fit_request(Worker *worker, GError **error)
{
  g_autofree char *model = NULL, *model_path = NULL, *flags = NULL, *path = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = NULL;
  g_autoptr(DdimConfig) config = NULL;
  gint64 seed;
  int width, height;

  g_object_get(worker->request, "model", &model, "model-path", &model_path, "flags", &flags, "seed",
               &seed, "width", &width, "height", &height, NULL);
  path = ddim_models_find(model, model_path, error);
  checkpoint = path ? ddim_checkpoint_open(path, error) : NULL;
  config = checkpoint ? ddim_config_load(checkpoint, flags, error) : NULL;
  if (!config)
    return FALSE;
  if (ddim_config_is_super_res(config)) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                _("%s enlarges a small image, which the plug-in does not offer; "
                  "use “ddim generate --low-res” in a terminal"),
                ddim_config_get_name(config));
    return FALSE;
  }
  worker->result->model = g_strdup(ddim_config_get_name(config));
  if (width > 0 && height > 0) {
    worker->result->size = size_plan(width, height, ddim_config_get_stride(config));
    g_object_set(worker->request, "width", (int)worker->result->size.sampled_width, "height",
                 (int)worker->result->size.sampled_height, NULL);
  }
  if (seed < 0)
    g_object_set(worker->request, "seed", (gint64)(g_random_int() & G_MAXINT32), NULL);
  return TRUE;
}

/* When memory was short, name a size that needs a quarter of it. */
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
work(gpointer data)
{
  static const DdimGeneratorCallbacks callbacks = {
      .status = on_status,
      .started = on_started,
      .progress = on_progress,
      .preview = on_preview,
      .image = on_image,
  };
  Worker *worker = data;

  if (fit_request(worker, &worker->error) &&
      !ddim_generator_run(worker->generator, worker->request, &callbacks, worker,
                          worker->cancellable, &worker->error))
    suggest_smaller(&worker->result->size, &worker->error);
  g_mutex_lock(&worker->mutex);
  worker->ended = TRUE;
  worker->news = TRUE;
  g_cond_signal(&worker->changed);
  g_mutex_unlock(&worker->mutex);
  return NULL;
}

/* ---- the main thread ---- */

Worker *
worker_new(void)
{
  Worker *worker = g_new0(Worker, 1);

  worker->generator = ddim_generator_new();
  g_mutex_init(&worker->mutex);
  g_cond_init(&worker->changed);
  return worker;
}

void
worker_free(Worker *worker)
{
  if (worker->thread) {
    g_autoptr(WorkerResult) result = NULL;
    worker_cancel(worker);
    result = worker_finish(worker, NULL);
  }
  ddim_generator_free(worker->generator);
  g_mutex_clear(&worker->mutex);
  g_cond_clear(&worker->changed);
  g_free(worker);
}

void
worker_start(Worker *worker, DdimRequest *request)
{
  g_return_if_fail(!worker->thread);

  worker->request = ddim_request_copy(request);
  worker->cancellable = g_cancellable_new();
  worker->result = g_new0(WorkerResult, 1);
  worker->result->images = g_ptr_array_new_with_free_func((GDestroyNotify)worker_image_free);
  worker->status = g_strdup(_("Starting"));
  worker->fraction = -1;
  worker->ended = FALSE;
  worker->news = TRUE;
  worker->thread = g_thread_new("ddim-worker", work, worker);
}

gboolean
worker_is_running(Worker *worker)
{
  return worker->thread != NULL;
}

void
worker_cancel(Worker *worker)
{
  if (worker->thread)
    g_cancellable_cancel(worker->cancellable);
}

void
worker_poll(Worker *worker, guint milliseconds, WorkerReport *report)
{
  gint64 until = g_get_monotonic_time() + milliseconds * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock(&worker->mutex);
  while (!worker->news && milliseconds)
    if (!g_cond_wait_until(&worker->changed, &worker->mutex, until))
      break;
  worker->news = FALSE;
  report->status = g_strdup(worker->status);
  report->fraction = worker->fraction;
  report->preview = g_steal_pointer(&worker->preview);
  report->ended = worker->ended;
  g_mutex_unlock(&worker->mutex);
}

WorkerResult *
worker_finish(Worker *worker, GError **error)
{
  g_autoptr(WorkerResult) result = NULL;
  GError *failure;

  g_return_val_if_fail(worker->thread, NULL);
  g_thread_join(worker->thread);
  worker->thread = NULL;
  g_clear_object(&worker->request);
  g_clear_object(&worker->cancellable);
  g_clear_pointer(&worker->status, g_free);
  g_clear_pointer(&worker->preview, ddim_image_free);
  result = g_steal_pointer(&worker->result);
  failure = g_steal_pointer(&worker->error);
  if (failure) {
    g_propagate_error(error, failure);
    return NULL;
  }
  return g_steal_pointer(&result);
}
