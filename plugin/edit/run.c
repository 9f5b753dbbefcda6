/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/edit/run.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"
#include "core/data/image-private.h"
#include "core/job/session.h"
#include "plugin/image/resample.h"
#include "plugin/layers/layers.h"
#include "plugin/work/devices.h"

/* Milliseconds between two reports to GIMP. */
#define REPORT_INTERVAL 100

static const char *const end_options[2] = {"from", "to"};

struct _EditRun {
  DdimGenerator *generator;
  GThread *thread; /* NULL: nothing was started, or it was finished */
  GCancellable *cancellable;

  /* The thread's own until it is joined. */
  DdimRequest *request;
  DdimImage *ends[2]; /* (nullable) */
  EditResult *result;
  gint64 begun;
  char *command; /* that makes the same */
  GError *error;

  GMutex mutex; /* guards what follows */
  GCond changed;
  gboolean news, ended;
  char *status;
  double fraction;
  DdimImage *preview;
};

void
edit_result_free(EditResult *result)
{
  worker_result_free(result->made);
  g_ptr_array_unref(result->pictures);
  g_free(result);
}

/* ---- callbacks of the generator, in the thread ---- */

static void
tell(EditRun *run, const char *status, double fraction)
{
  g_mutex_lock(&run->mutex);
  g_free(run->status);
  run->status = g_strdup(status);
  run->fraction = fraction;
  run->news = TRUE;
  g_cond_signal(&run->changed);
  g_mutex_unlock(&run->mutex);
}

static void
on_status(const char *what, double fraction, gpointer user_data)
{
  tell(user_data, what, -1);
}

static void
on_started(DdimRequest *resolved, DdimConfig *config, gpointer user_data)
{
  EditRun *run = user_data;
  WorkerResult *made = run->result->made;

  made->settings = ddim_request_copy(resolved);
  run->command = ddim_request_to_command(resolved);
  made->model = g_strdup(ddim_config_get_name(config));
  made->warning = g_strdup(ddim_generator_get_tuning_problem(run->generator));
  if (made->size.width)
    g_object_set(made->settings, "width", (int)made->size.width, "height", (int)made->size.height,
                 NULL);
  run->begun = g_get_monotonic_time();
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
    const double left = progress->remaining;
    g_autofree char *text = left < 90 ? g_strdup_printf(_("%d s left"), (int)(left + 0.5))
                                      : g_strdup_printf(_("%d min left"), (int)(left / 60 + 0.5));
    g_string_append_printf(status, " · %s", text);
  }
  tell(user_data, status->str, progress->fraction);
}

static void
on_preview(const DdimSample *x0, gpointer user_data)
{
  EditRun *run = user_data;
  DdimImage *image = ddim_sample_to_image(x0, NULL);

  g_mutex_lock(&run->mutex);
  g_clear_pointer(&run->preview, ddim_image_free);
  run->preview = image;
  run->news = TRUE;
  g_cond_signal(&run->changed);
  g_mutex_unlock(&run->mutex);
}

/* The finished picture: whole where one was changed, else cut out of what was sampled. */
static DdimImage *
get_picture(const DdimSample *sample, const SizePlan *size, GError **error)
{
  g_autofree float *samples = NULL;

  if (sample->picture || !size->width)
    return ddim_sample_to_image(sample, error);
  samples = resample(size, sample->samples, sample->channels, error);
  return samples ? ddim_image_new_from_samples(samples, sample->channels, size->height, size->width,
                                               error)
                 : NULL;
}

static gboolean
on_image(const DdimSample *sample, gpointer user_data, GError **error)
{
  EditRun *run = user_data;
  DdimImage *picture = get_picture(sample, &run->result->made->size, error);
  WorkerImage *image;

  if (!picture)
    return FALSE;
  g_ptr_array_add(run->result->pictures, picture);
  image = g_new0(WorkerImage, 1);
  image->settings = ddim_request_copy(run->result->made->settings);
  image->command = g_strdup(run->command);
  if (sample->label_name)
    image->label = g_strdup(sample->label_name);
  else if (sample->label >= 0)
    image->label = g_strdup_printf("%" G_GINT64_FORMAT, sample->label);
  g_ptr_array_add(run->result->made->images, image);
  return TRUE;
}

/* ---- the thread ---- */

/* @n pixels come before the first of @size; the picture goes on as in a mirror. */
static guint
mirror(guint at, guint n, guint size)
{
  const int period = 2 * (int)size, inside = (int)at - (int)n;
  const int place = ((inside % period) + period) % period;

  return place < (int)size ? place : period - 1 - place;
}

/* @picture in the middle of the size that is sampled. (transfer full) */
static DdimImage *
surround(const DdimImage *picture, const SizePlan *size, GError **error)
{
  const guint channels = picture->channels;
  DdimImage *out = ddim_image_new(size->sampled_width, size->sampled_height, channels, error);

  for (guint y = 0; out && y < out->height; y++)
    for (guint x = 0; x < out->width; x++)
      memcpy(out->pixels + ((gsize)y * out->width + x) * channels,
             picture->pixels + ((gsize)mirror(y, size->crop_y, picture->height) * picture->width +
                                mirror(x, size->crop_x, picture->width)) *
                                   channels,
             channels);
  return out;
}

/* Pictures that go from one to another are sampled as a whole, in a size that the model takes. */
static gboolean
fit_size(EditRun *run, GError **error)
{
  g_autoptr(DdimSession) session = NULL;
  SizePlan *size = &run->result->made->size;
  int width, height;

  g_object_get(run->request, "width", &width, "height", &height, NULL);
  if (width <= 0 || height <= 0)
    return TRUE;
  if (!(session = ddim_session_new(run->request, error)))
    return FALSE;
  *size = size_plan(width, height, ddim_config_get_stride(session->config),
                    ddim_config_get_image_size(session->config));
  if (size->scaled && (run->ends[0] || run->ends[1])) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("Layers of %d × %d pixels are too large for this; scale them down first"), width,
                height);
    return FALSE;
  }
  g_object_set(run->request, "width", (int)size->sampled_width, "height", (int)size->sampled_height,
               NULL);
  for (guint i = 0; i < 2; i++) {
    DdimImage *whole = NULL;
    if (run->ends[i] && !(whole = surround(run->ends[i], size, error)))
      return FALSE;
    ddim_generator_set_picture(run->generator, end_options[i], whole);
  }
  return TRUE;
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
  EditRun *run = data;

  if (devices_check(run->cancellable, &run->error) && fit_size(run, &run->error) &&
      ddim_generator_run(run->generator, run->request, &callbacks, run, run->cancellable,
                         &run->error))
    run->result->seconds = (g_get_monotonic_time() - run->begun) / (double)G_USEC_PER_SEC;
  g_mutex_lock(&run->mutex);
  run->ended = TRUE;
  run->news = TRUE;
  g_cond_signal(&run->changed);
  g_mutex_unlock(&run->mutex);
  return NULL;
}

/* ---- the main thread ---- */

EditRun *
edit_run_new(void)
{
  EditRun *run = g_new0(EditRun, 1);

  run->generator = ddim_generator_new();
  g_mutex_init(&run->mutex);
  g_cond_init(&run->changed);
  return run;
}

void
edit_run_free(EditRun *run)
{
  if (run->thread) {
    g_autoptr(EditResult) result = NULL;
    edit_run_cancel(run);
    result = edit_run_finish(run, NULL);
  }
  ddim_generator_free(run->generator);
  g_mutex_clear(&run->mutex);
  g_cond_clear(&run->changed);
  g_free(run);
}

static DdimImage *
copy(const DdimImage *picture)
{
  return picture ? ddim_image_copy(picture, NULL) : NULL;
}

static EditResult *
result_new(void)
{
  EditResult *result = g_new0(EditResult, 1);

  result->made = worker_result_new();
  result->pictures = g_ptr_array_new_with_free_func((GDestroyNotify)ddim_image_free);
  return result;
}

void
edit_run_start(EditRun *run, const EditInput *input)
{
  gint64 seed;

  g_return_if_fail(!run->thread);

  run->request = ddim_request_copy(input->request);
  g_object_get(run->request, "seed", &seed, NULL);
  if (seed < 0) /* every GIMP can take it again */
    g_object_set(run->request, "seed", (gint64)(g_random_int() & G_MAXINT32), NULL);
  ddim_generator_set_picture(run->generator, "input", copy(input->picture));
  ddim_generator_set_picture(run->generator, "mask", copy(input->mask));
  for (guint i = 0; i < 2; i++)
    run->ends[i] = copy(input->ends[i]);
  run->cancellable = g_cancellable_new();
  run->result = result_new();
  run->result->made->frames = input->command->traits & EDIT_GOES_BETWEEN;
  run->status = g_strdup(_("Starting"));
  run->fraction = -1;
  run->ended = FALSE;
  run->news = TRUE;
  run->thread = g_thread_new("ddim-worker", work, run);
}

gboolean
edit_run_is_running(EditRun *run)
{
  return run->thread != NULL;
}

void
edit_run_cancel(EditRun *run)
{
  if (run->thread)
    g_cancellable_cancel(run->cancellable);
}

void
edit_run_poll(EditRun *run, guint milliseconds, WorkerReport *report)
{
  gint64 until = g_get_monotonic_time() + milliseconds * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock(&run->mutex);
  while (!run->news && milliseconds)
    if (!g_cond_wait_until(&run->changed, &run->mutex, until))
      break;
  run->news = FALSE;
  report->status = g_strdup(run->status);
  report->fraction = run->fraction;
  report->preview = g_steal_pointer(&run->preview);
  report->ended = run->ended;
  g_mutex_unlock(&run->mutex);
}

EditResult *
edit_run_finish(EditRun *run, GError **error)
{
  g_autoptr(EditResult) result = NULL;
  GError *failure;

  g_return_val_if_fail(run->thread, NULL);
  g_thread_join(run->thread);
  run->thread = NULL;
  g_clear_object(&run->request);
  g_clear_object(&run->cancellable);
  g_clear_pointer(&run->command, g_free);
  g_clear_pointer(&run->status, g_free);
  g_clear_pointer(&run->preview, ddim_image_free);
  for (guint i = 0; i < 2; i++)
    g_clear_pointer(&run->ends[i], ddim_image_free);
  result = g_steal_pointer(&run->result);
  failure = g_steal_pointer(&run->error);
  if (failure) {
    g_propagate_error(error, failure);
    return NULL;
  }
  return g_steal_pointer(&result);
}

/* ---- putting in ---- */

/* The part of @picture that goes into the layer. (transfer full) */
static DdimImage *
cut_out(const EditInput *input, const DdimImage *picture, GError **error)
{
  const GeglRectangle *cut = &input->cut;
  const guint channels = picture->channels;
  DdimImage *out;

  if (!cut->width)
    return ddim_image_copy(picture, error);
  out = ddim_image_new(cut->width, cut->height, channels, error);
  for (guint y = 0; out && y < out->height; y++)
    memcpy(out->pixels + (gsize)y * out->width * channels,
           picture->pixels + ((gsize)(cut->y + y) * picture->width + cut->x) * channels,
           (gsize)out->width * channels);
  return out;
}

LayerRef
edit_result_insert(const EditInput *input, EditResult *result, GError **error)
{
  for (guint i = 0; i < result->pictures->len; i++) {
    WorkerImage *image = g_ptr_array_index(result->made->images, i);
    g_clear_pointer(&image->picture, ddim_image_free);
    image->picture = cut_out(input, g_ptr_array_index(result->pictures, i), error);
    if (!image->picture)
      return NO_LAYER;
    image->channels = image->picture->channels;
    image->width = image->picture->width;
    image->height = image->picture->height;
  }
  return layers_insert(&input->target, result->made, NULL, error);
}

/* Wait for the end, and tell GIMP how far it is. */
static void
watch(EditRun *run)
{
  gboolean ended = FALSE;

  while (!ended) {
    g_auto(WorkerReport) report = {0};
    edit_run_poll(run, REPORT_INTERVAL, &report);
    gimp_progress_set_text(report.status);
    if (report.fraction >= 0)
      gimp_progress_update(report.fraction);
    else
      gimp_progress_pulse();
    ended = report.ended;
  }
}

LayerRef
edit_run_once(ImageRef image, DrawableRef drawable, const EditSettings *settings, GError **error)
{
  g_autoptr(EditInput) input = edit_input_new(image, drawable, settings, error);
  g_autoptr(EditRun) run = NULL;
  g_autoptr(EditResult) result = NULL;
  LayerRef layer = NO_LAYER;

  if (!input)
    return NO_LAYER;
  run = edit_run_new();
  edit_run_start(run, input);
  gimp_progress_init(_(settings->command->title));
  watch(run);
  if ((result = edit_run_finish(run, error)))
    layer = edit_result_insert(input, result, error);
  gimp_progress_end();
  return layer;
}
