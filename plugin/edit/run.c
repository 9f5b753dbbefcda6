/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/edit/run.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"
#include "core/data/image-private.h"
#include "core/job/session.h"
#include "plugin/image/resample.h"
#include "plugin/layers/layers.h"
#include "plugin/layers/run.h"
#include "plugin/work/devices.h"

static const char *const end_options[2] = {"from", "to"};

struct _EditRun {
  Task task;

  /* The thread's own until it is joined. */
  DdimRequest *request;
  DdimImage *ends[2]; /* (nullable) */
  EditResult *result;
  gint64 begun;
  char *command; /* that makes the same */
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
on_status(const char *what, double fraction, gpointer user_data)
{
  task_tell(&((EditRun *)user_data)->task, what, -1, 0, 0);
}

/* Lines to be shown when the run is over. */
static void
on_message(const char *text, gpointer user_data)
{
  worker_result_warn(((EditRun *)user_data)->result->made, text);
}

static void
on_started(DdimRequest *resolved, DdimConfig *config, gpointer user_data)
{
  EditRun *run = user_data;
  WorkerResult *made = run->result->made;

  made->settings = ddim_request_copy(resolved);
  run->command = ddim_request_to_command(resolved);
  made->model = g_strdup(ddim_config_get_name(config));
  worker_result_warn(made, ddim_generator_get_tuning_problem(run->task.generator));
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
  task_tell(&((EditRun *)user_data)->task, status->str, progress->fraction, 0, 0);
}

static void
on_preview(const DdimSample *x0, gpointer user_data)
{
  task_show(&((EditRun *)user_data)->task, x0, 0);
}

/* The finished picture: whole where one was changed, else cut out of what was sampled. */
static DdimImage *
get_picture(const DdimSample *sample, const SizePlan *size, GError **error)
{
  g_autofree float *samples = NULL;

  if (sample->picture || !size->width)
    return ddim_sample_to_image(sample, error);
  samples = resample(size, sample->samples, sample->channels, error);
  return samples ? ddim_image_new_from_samples_as(samples, sample->channels, size->height,
                                                  size->width, (DdimBytes)sample->bytes, error)
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
  worker_image_set_label(image, sample);
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
    ddim_generator_set_picture(run->task.generator, end_options[i], whole);
  }
  return TRUE;
}

static void
work(gpointer data, GError **error)
{
  static const DdimGeneratorCallbacks callbacks = {
      .status = on_status,
      .started = on_started,
      .progress = on_progress,
      .preview = on_preview,
      .image = on_image,
      .message = on_message,
  };
  EditRun *run = data;
  const Task *task = &run->task;

  if (devices_check(task->cancellable, error) && fit_size(run, error) &&
      ddim_generator_run(task->generator, run->request, &callbacks, run, task->cancellable, error))
    run->result->seconds = (g_get_monotonic_time() - run->begun) / (double)G_USEC_PER_SEC;
}

/* ---- the main thread ---- */

EditRun *
edit_run_new(void)
{
  EditRun *run = g_new0(EditRun, 1);

  task_init(&run->task);
  return run;
}

void
edit_run_free(EditRun *run)
{
  if (run->task.thread) {
    g_autoptr(EditResult) result = NULL;
    task_cancel(&run->task);
    result = edit_run_finish(run, NULL);
  }
  task_clear(&run->task);
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

  g_return_if_fail(!run->task.thread);

  run->request = ddim_request_copy(input->request);
  g_object_get(run->request, "seed", &seed, NULL);
  if (seed < 0) /* every GIMP can take it again */
    g_object_set(run->request, "seed", (gint64)(g_random_int() & G_MAXINT32), NULL);
  ddim_generator_set_picture(run->task.generator, "input", copy(input->picture));
  ddim_generator_set_picture(run->task.generator, "mask", copy(input->mask));
  for (guint i = 0; i < 2; i++)
    run->ends[i] = copy(input->ends[i]);
  run->result = result_new();
  run->result->made->frames = input->command->traits & EDIT_GOES_BETWEEN;
  task_start(&run->task, work, run);
}

Task *
edit_run_get_task(EditRun *run)
{
  return &run->task;
}

EditResult *
edit_run_finish(EditRun *run, GError **error)
{
  g_autoptr(EditResult) result = NULL;
  gboolean good;

  g_return_val_if_fail(run->task.thread, NULL);
  good = task_join(&run->task, error);
  g_clear_object(&run->request);
  g_clear_pointer(&run->command, g_free);
  for (guint i = 0; i < 2; i++)
    g_clear_pointer(&run->ends[i], ddim_image_free);
  result = g_steal_pointer(&run->result);
  return good ? g_steal_pointer(&result) : NULL;
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
  run_watch(&run->task);
  if ((result = edit_run_finish(run, error)))
    layer = edit_result_insert(input, result, error);
  gimp_progress_end();
  return layer;
}
