/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/worker.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"
#include "core/model/models.h"
#include "plugin/image/resample.h"
#include "plugin/work/devices.h"
#include "plugin/work/enlarge.h"
#include "plugin/work/progress.h"
#include "plugin/work/sizing.h"

struct _Job {
  Task task;

  /* The thread's own until it is joined. */
  DdimRequest *request;
  WorkerResult *result;
  WorkerImage *image;  /* (nullable) being made */
  guint width, height; /* asked for; 0: the model's own */
  guint scale;         /* at least 1 */
  gboolean enlarging;  /* the image is sampled and now made larger by the model */
  WorkerProgress progress;
};

/* ---- callbacks of the generator, in the worker thread ---- */

static void
on_status(const char *what, double fraction, gpointer user_data)
{
  task_tell(&((Worker *)user_data)->task, what, -1, 0, 0);
}

static void
set_size(Worker *worker, DdimRequest *settings)
{
  g_object_set(settings, "width", (int)worker->width, "height", (int)worker->height, "scale",
               worker->scale > 1 ? (int)worker->scale : 0, NULL);
}

static void
copy_property(DdimRequest *from, DdimRequest *to, const char *name)
{
  g_auto(GValue) value = G_VALUE_INIT;

  g_object_get_property(G_OBJECT(from), name, &value);
  g_object_set_property(G_OBJECT(to), name, &value);
}

/* Lines to be shown when the run is over. */
static void
on_message(const char *text, gpointer user_data)
{
  worker_result_warn(((Worker *)user_data)->result, text);
}

static void
on_started(DdimRequest *resolved, DdimConfig *config, gpointer user_data)
{
  Worker *worker = user_data;
  WorkerResult *result = worker->result;
  WorkerImage *image = worker->image;

  if (worker->enlarging) {
    g_autofree char *first = g_steal_pointer(&image->command);
    image->command = enlarge_get_command(first, resolved);
    return;
  }
  if (!result->settings)
    worker_result_warn(result, ddim_generator_get_tuning_problem(worker->task.generator));
  image->command = ddim_request_to_command(resolved);
  image->settings = ddim_request_copy(resolved);
  if (worker->width)
    set_size(worker, image->settings);
  if (!result->settings) {
    result->settings = ddim_request_copy(image->settings);
    copy_property(worker->request, result->settings, "count");
    copy_property(worker->request, result->settings, "class");
  }
}

static void
on_progress(const DdimProgress *progress, gpointer user_data)
{
  Worker *worker = user_data;
  WorkerMoment moment = worker_progress_update(&worker->progress, progress);

  task_tell(&worker->task, moment.text, moment.fraction, moment.rate, moment.gain);
  g_free(moment.text);
}

static void
on_preview(const DdimSample *x0, gpointer user_data)
{
  Worker *worker = user_data;

  task_show(&worker->task, x0, worker->result->images->len);
}

static gboolean
on_image(const DdimSample *sample, gpointer user_data, GError **error)
{
  Worker *worker = user_data;
  SizePlan size = worker->result->size;
  WorkerImage *image = worker->image;

  if (worker->enlarging)
    return enlarge_fit(sample, worker->request, worker->width, worker->height, &image->samples,
                       error);
  if (size.scaled)
    task_tell(&worker->task, _("Enlarging"), -1, 0, 0);
  if (!size.width)
    size = size_plan(sample->width, sample->height, 1, 0);
  image->samples = resample(&size, sample->samples, sample->channels, error);
  if (!image->samples)
    return FALSE;
  image->channels = sample->channels;
  image->bytes = (DdimBytes)sample->bytes;
  image->width = size.width;
  image->height = size.height;
  worker_image_set_label(image, sample);
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
  worker->width = worker->height = 0;
  worker->scale = 1;
  if (width > 0 && height > 0) {
    SizePlan size;
    worker->width = width;
    worker->height = height;
    worker->scale = sizing_get_scale(worker->request);
    size = sizing_plan(worker->request, ddim_config_get_stride(config),
                       ddim_config_get_image_size(config));
    worker->result->size = size;
    g_object_set(worker->request, "width", (int)size.sampled_width, "height",
                 (int)size.sampled_height, NULL);
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

/* The request for image @index alone. */
static DdimRequest *
make_request(Worker *worker, guint index)
{
  DdimRequest *request = ddim_request_copy(worker->request);
  g_autofree char *class = NULL;
  gint64 seed;

  g_object_get(request, "class", &class, "seed", &seed, NULL);
  g_object_set(request, "count", 1, "scale", 0, "seed",
               (gint64)(((guint64)seed + index) & G_MAXINT64), NULL);
  /* Classes with weights are a blend, which is one. */
  if (class && strchr(class, ',') && !strchr(class, ':')) {
    g_auto(GStrv) classes = g_strsplit(class, ",", -1);
    g_object_set(request, "class", g_strstrip(classes[index % g_strv_length(classes)]), NULL);
  }
  return request;
}

static gboolean
run(Worker *worker, DdimRequest *request, GError **error)
{
  static const DdimGeneratorCallbacks callbacks = {
      .status = on_status,
      .started = on_started,
      .progress = on_progress,
      .preview = on_preview,
      .image = on_image,
      .message = on_message,
  };

  return ddim_generator_run(worker->task.generator, request, &callbacks, worker,
                            worker->task.cancellable, error);
}

/* Let the model make @image larger, which was sampled small with @request. */
static gboolean
enlarge(Worker *worker, WorkerImage *image, DdimRequest *request, guint index, GError **error)
{
  g_autoptr(DdimRequest) larger = enlarge_new_request(request, image, worker->scale);
  DdimImage *small = worker_image_to_picture(image, error);

  if (!small)
    return FALSE;
  ddim_generator_set_picture(worker->task.generator, "input", small);
  worker->enlarging = TRUE;
  worker_progress_next(&worker->progress, index, TRUE);
  g_clear_pointer(&image->samples, g_free);
  image->width = worker->width;
  image->height = worker->height;
  return run(worker, larger, error);
}

/* Sample the image, which is small, then let the model make it larger. */
static gboolean
make_image(Worker *worker, guint index, GError **error)
{
  WorkerImage *image = g_new0(WorkerImage, 1);
  g_autoptr(DdimRequest) request = make_request(worker, index);
  gboolean good;

  worker->image = image;
  worker->enlarging = FALSE;
  worker_progress_next(&worker->progress, index, FALSE);
  good = run(worker, request, error) &&
         (worker->scale == 1 || enlarge(worker, image, request, index, error));
  worker->image = NULL;
  if (good)
    g_ptr_array_add(worker->result->images, image);
  else
    worker_image_free(image);
  return good;
}

static void
make_all(gpointer data, GError **error)
{
  Worker *worker = data;
  int count;

  if (!devices_check(worker->task.cancellable, error) || !fit_request(worker, error))
    return;
  g_object_get(worker->request, "count", &count, NULL);
  worker_progress_init(&worker->progress, worker->request, worker->result->model,
                       &worker->result->size, worker->width, worker->height, worker->scale);
  for (int i = 0; i < count; i++)
    if (!make_image(worker, i, error)) {
      suggest_smaller(&worker->result->size, error);
      return;
    }
}

/* ---- the main thread ---- */

Worker *
worker_new(void)
{
  Worker *worker = g_new0(Worker, 1);

  task_init(&worker->task);
  return worker;
}

void
worker_free(Worker *worker)
{
  if (worker->task.thread) {
    g_autoptr(WorkerResult) result = NULL;
    task_cancel(&worker->task);
    result = worker_finish(worker, NULL);
  }
  task_clear(&worker->task);
  g_free(worker);
}

Task *
worker_get_task(Worker *worker)
{
  return &worker->task;
}

void
worker_start(Worker *worker, DdimRequest *request)
{
  g_return_if_fail(!worker->task.thread);

  worker->request = ddim_request_copy(request);
  worker->result = worker_result_new();
  task_start(&worker->task, make_all, worker);
}

WorkerResult *
worker_finish(Worker *worker, GError **error)
{
  g_autoptr(WorkerResult) result = NULL;
  gboolean good;

  g_return_val_if_fail(worker->task.thread, NULL);
  good = task_join(&worker->task, error);
  worker_progress_remember(&worker->progress);
  g_clear_object(&worker->request);
  result = g_steal_pointer(&worker->result);
  return good ? g_steal_pointer(&result) : NULL;
}
