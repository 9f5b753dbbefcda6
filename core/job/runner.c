/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/runner.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/memory.h"
#include "core/diffusion/noise-private.h"
#include "core/model/config-details.h"
#include "core/network/windows.h"

/* The shortest time between two previews that are read from the device. */
#define PREVIEW_INTERVAL (G_USEC_PER_SEC / 10)
/* The most hooks of a loop: those of a caller, and the runner's own. */
#define MAX_HOOKS 4

void
ddim_runner_clear(DdimRunner *runner)
{
  g_clear_pointer(&runner->state, ddim_sampler_state_free);
  g_clear_pointer(&runner->evaluator, ddim_evaluator_unref);
  g_clear_pointer(&runner->images, ddim_array_free);
  g_clear_pointer(&runner->labels, g_free);
  g_clear_pointer(&runner->wanted, g_free);
}

gboolean
ddim_runner_wants(const DdimRunner *runner, guint first, guint n)
{
  return !runner->wanted || memchr(runner->wanted + first, TRUE, n) != NULL;
}

static gboolean
ask(DdimRunner *runner, GError **error)
{
  const DdimJob *job = runner->job;

  if (!(runner->wanted = ddim_try_alloc(job->count, 1, error)))
    return FALSE;
  for (guint i = 0; i < job->count; i++) {
    gboolean wanted = TRUE;
    if (g_cancellable_set_error_if_cancelled(runner->cancellable, error) ||
        !runner->callbacks->select(job->resolved, i, &wanted, runner->user_data, error))
      return FALSE;
    runner->wanted[i] = wanted != FALSE;
  }
  return TRUE;
}

gboolean
ddim_runner_select(DdimRunner *runner, GError **error)
{
  const DdimJob *job = runner->job;

  if (runner->callbacks->select && !ask(runner, error))
    return FALSE;
  runner->before = runner->total = 0;
  for (guint first = 0; first < job->count; first += MIN(job->batch, job->count - first)) {
    const guint n = MIN(job->batch, job->count - first);
    runner->total += ddim_runner_wants(runner, first, n) ? n : 0;
  }
  return TRUE;
}

DdimNetworkParams
ddim_runner_get_network_params(const DdimRunner *runner)
{
  return (DdimNetworkParams){.status = runner->callbacks->status,
                             .status_data = runner->user_data,
                             .message = runner->callbacks->message,
                             .message_data = runner->user_data,
                             .cancellable = runner->cancellable};
}

gboolean
ddim_runner_have_images(DdimRunner *runner, GError **error)
{
  const DdimJob *job = runner->job;
  const gsize shape[4] = {job->batch, job->channels, job->height, job->width};

  if (!runner->labels)
    runner->labels = g_new0(gint64, job->batch);
  return runner->images ||
         (runner->images = ddim_array_new(DDIM_DTYPE_F32, 4, shape, error)) != NULL;
}

/* Seconds left; negative while that is unknown. The first step tells little about it, because
 * drivers build kernels then. */
static double
estimate(DdimRunner *runner, double done, double total)
{
  gint64 now = g_get_monotonic_time();

  if (done >= total)
    return 0;
  if (done > 0 && !runner->warm) {
    runner->warm = now;
    runner->warm_done = done;
  }
  if (!runner->warm || done <= runner->warm_done)
    return -1;
  return (now - runner->warm) / (double)G_USEC_PER_SEC * (total - done) /
         (done - runner->warm_done);
}

/* @part  of the coming step that is done */
static void
report_progress(DdimRunner *runner, double part)
{
  const guint n_of_loop = ddim_step_table_get_n_steps(runner->steps);
  const guint n_steps = runner->n_loops * n_of_loop;
  const guint step = runner->done + runner->loop * n_of_loop;
  const guint before = runner->before + runner->skip;
  double total = (double)runner->total * n_steps, done;
  DdimProgress progress = {.n_images = runner->total, .batch = runner->n, .n_steps = n_steps};

  done = (double)before * n_steps + runner->n * (step + part);
  progress.image = step == n_steps ? before + runner->n : before;
  progress.step = step;
  progress.fraction = total > 0 ? done / total : 1;
  progress.elapsed = (g_get_monotonic_time() - runner->started) / (double)G_USEC_PER_SEC;
  progress.remaining = estimate(runner, done, total);
  if (runner->callbacks->progress)
    runner->callbacks->progress(&progress, runner->user_data);
}

/* Between the windows of a step. */
static gboolean
on_window(double fraction, gpointer data, GError **error)
{
  DdimRunner *runner = data;

  if (g_cancellable_set_error_if_cancelled(runner->cancellable, error))
    return FALSE;
  if (fraction < 1)
    report_progress(runner, fraction);
  return TRUE;
}

void
ddim_runner_set_job(DdimRunner *runner, DdimSession *session, const DdimJob *job)
{
  runner->session = session;
  runner->job = job;
  runner->windows = job->windows;
}

static DdimEvaluator *
make_windows(DdimRunner *runner, const DdimNetworkParams *network_params, GError **error)
{
  const DdimJob *job = runner->job;
  const DdimClassMap *map = job->class_map;
  const guint window = runner->windows.window;
  const DdimWindowsParams params = {.batch = runner->n,
                                    .height = job->height,
                                    .width = job->width,
                                    .window = window ? window : MAX(job->width, job->height),
                                    .overlap = runner->windows.overlap,
                                    .one_by_one = runner->windows.one_by_one,
                                    .wrap = job->wrap,
                                    .regions = map ? map->regions : NULL,
                                    .n_regions = map ? map->n : 0,
                                    .progress = on_window,
                                    .progress_data = runner};

  return ddim_windows_new(runner->session->network, runner->session->evaluators, &params,
                          network_params, error);
}

/* A last batch that is shorter is computed in the same way as the others. */
static gboolean
make_evaluator(DdimRunner *runner, GError **error)
{
  const DdimJob *job = runner->job;
  const DdimEvaluatorSize size = {.batch = runner->n,
                                  .height = job->height,
                                  .width = job->width,
                                  .usual_batch = MIN(job->batch, job->count),
                                  .wrap = job->wrap};
  const DdimNetworkParams params = ddim_runner_get_network_params(runner);

  /* The evaluator first: it knows whether the device has the memory for such a size. */
  runner->evaluator =
      runner->windows.window || job->class_map
          ? make_windows(runner, &params, error)
          : ddim_evaluator_cache_get(runner->session->evaluators, &size, &params, error);
  if (runner->evaluator)
    runner->state = ddim_sampler_state_new(runner->evaluator, error);
  return runner->state != NULL;
}

gboolean
ddim_runner_prepare(DdimRunner *runner, GError **error)
{
  if (runner->state && ddim_evaluator_get_size(runner->evaluator)->batch == runner->n)
    return ddim_runner_have_images(runner, error);
  g_clear_pointer(&runner->state, ddim_sampler_state_free);
  g_clear_pointer(&runner->evaluator, ddim_evaluator_unref);
  return make_evaluator(runner, error) && ddim_runner_have_images(runner, error);
}

gboolean
ddim_runner_use_windows(DdimRunner *runner)
{
  const DdimJob *job = runner->job;

  return !runner->started && ddim_window_choice_give_way(&runner->windows, runner->session->config,
                                                         job->resolved, job->width, job->height);
}

gboolean
ddim_runner_use_windows_one_by_one(DdimRunner *runner)
{
  if (!runner->windows.window || runner->windows.one_by_one)
    return FALSE;
  return runner->windows.one_by_one = TRUE;
}

gsize
ddim_runner_get_image_size(const DdimRunner *runner)
{
  return (gsize)runner->job->channels * runner->job->height * runner->job->width;
}

/* For the whole batch; those of the current images are moved to the front. */
static void
draw_labels(DdimRunner *runner)
{
  const DdimJob *job = runner->job;

  ddim_rng_randint(job->rng, 0, job->n_classes, runner->labels, job->batch);
  memmove(runner->labels, runner->labels + runner->skip, runner->n * sizeof *runner->labels);
}

/* In the original's order: labels first, when they are random. */
void
ddim_runner_begin_batch(DdimRunner *runner)
{
  const DdimJob *job = runner->job;
  const GArray *given = job->classes.labels;

  ddim_rng_begin_images(job->rng, runner->first - runner->skip, job->batch);
  if (job->n_classes == 0)
    return;
  if (given->len == 0)
    draw_labels(runner);
  for (guint i = 0; given->len && i < job->batch; i++)
    runner->labels[i] = g_array_index(given, gint64, (runner->first + i) % given->len);
}

void
ddim_runner_draw(DdimRunner *runner, float *out)
{
  const gsize size = ddim_runner_get_image_size(runner);

  ddim_rng_normal(runner->job->rng, out, runner->job->batch * size);
  memmove(out, out + runner->skip * size, runner->n * size * sizeof *out);
}

DdimSample
ddim_runner_get_sample(const DdimRunner *runner, guint i)
{
  const DdimJob *job = runner->job;
  const float *images = (const float *)runner->images->tensor.data;
  DdimSample sample = {.index = runner->first + i,
                       .channels = job->channels,
                       .height = job->height,
                       .width = job->width,
                       .samples = images + i * ddim_runner_get_image_size(runner),
                       .label = job->n_classes ? runner->labels[i] : -1,
                       .bytes = ddim_config_get_bytes(runner->session->config)};

  if (job->classes.name)
    sample.label_name = job->classes.name;
  else if (sample.label >= 0)
    sample.label_name = ddim_config_get_class_name(job->naming, sample.label);
  return sample;
}

gboolean
ddim_runner_finish_image(DdimRunner *runner, guint i, const DdimImage *picture, GError **error)
{
  DdimSample sample = ddim_runner_get_sample(runner, i);

  if (!ddim_runner_wants(runner, sample.index, 1))
    return TRUE;
  sample.picture = picture;
  return !runner->callbacks->image || runner->callbacks->image(&sample, runner->user_data, error);
}

static gboolean
show_preview(DdimRunner *runner, GError **error)
{
  gint64 now = g_get_monotonic_time();
  DdimSample sample;

  if (!runner->callbacks->preview || now - runner->previewed < PREVIEW_INTERVAL)
    return TRUE;
  runner->previewed = now;
  if (!ddim_runner_have_images(runner, error) ||
      !ddim_sampler_state_get_x0(runner->state, ddim_array_get_data(runner->images), error))
    return FALSE;
  sample = ddim_runner_get_sample(runner, 0);
  runner->callbacks->preview(&sample, runner->user_data);
  return TRUE;
}

static gboolean
after_step(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  DdimRunner *runner = user_data;

  runner->done = point->index + 1;
  report_progress(runner, 0);
  return show_preview(runner, error);
}

/* Say which image is broken, and since which step. */
static gboolean
refuse_broken(DdimRunner *runner, guint image, GError **error)
{
  const guint n_of_loop = ddim_step_table_get_n_steps(runner->steps);
  guint step;

  if (!ddim_sampler_state_find_broken(runner->state, &step, error))
    return FALSE;
  step = runner->loop * n_of_loop + MIN(step + 1, n_of_loop);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
              _("image %u came out with numbers that are infinite or not numbers (NaN), from step "
                "%u of %u on; the model %s cannot be computed with these settings"),
              image, step, runner->n_loops * n_of_loop,
              ddim_config_get_name(runner->session->config));
  return FALSE;
}

/* Read the images. Values that are not finite are an error, because NaN would silently become
 * black. */
static gboolean
read_images(DdimRunner *runner, GError **error)
{
  const gsize size = ddim_runner_get_image_size(runner);

  if (!ddim_runner_have_images(runner, error) ||
      !ddim_sampler_state_get_x(runner->state, ddim_array_get_data(runner->images), error))
    return FALSE;
  const float *images = ddim_array_get_data(runner->images);
  for (guint i = 0; i < runner->n; i++)
    if (!ddim_is_finite(images + i * size, size))
      return refuse_broken(runner, runner->first + i, error);
  return TRUE;
}

/* Called when everything is ready for the first step. */
static void
start(DdimRunner *runner)
{
  if (runner->callbacks->started)
    runner->callbacks->started(runner->job->resolved, runner->session->config, runner->user_data);
  runner->started = g_get_monotonic_time();
}

/* The noise becomes the state that the steps begin with. */
static void
scale_start(DdimRunner *runner, const DdimStepTable *steps)
{
  const double scale = ddim_step_table_get_start_scale(steps);
  float *images = ddim_array_get_data(runner->images);

  for (gsize i = 0; scale != 1 && i < runner->n * ddim_runner_get_image_size(runner); i++)
    images[i] = (float)(scale * images[i]);
}

/* The loop also draws noise for steps that do not use it, which are all steps at eta 0, and the
 * last one. The original does so as well, and the numbers of later batches depend on it. */
gboolean
ddim_runner_run(DdimRunner *runner, const DdimStepTable *steps, const DdimSamplingHooks *hooks,
                guint n_hooks, GError **error)
{
  const DdimJob *job = runner->job;
  const DdimDeviceSamplingParams params = {
      .state = runner->state,
      .evaluator = runner->evaluator,
      .labels = job->n_classes ? runner->labels : NULL,
      .rng = job->rng,
      .n_drawn = job->batch * ddim_runner_get_image_size(runner),
      .n_skipped = runner->skip * ddim_runner_get_image_size(runner)};
  DdimSamplingHooks all[MAX_HOOKS];
  g_autoptr(DdimDeviceSampling) sampling = ddim_device_sampling_new(&params);

  g_return_val_if_fail(n_hooks < MAX_HOOKS, FALSE);
  for (guint i = 0; i < n_hooks; i++)
    all[i] = hooks[i];
  all[n_hooks] = (DdimSamplingHooks){.after_step = after_step, .user_data = runner};
  scale_start(runner, steps);
  ddim_evaluator_set_mix(runner->evaluator, job->classes.mix);
  if (!ddim_sampler_state_set_x(runner->state, ddim_array_get_data(runner->images), error))
    return FALSE;
  runner->steps = steps;
  runner->done = 0;
  if (!runner->started)
    start(runner);
  report_progress(runner, 0);
  /* A large picture is not kept twice: not its start while the loop runs, nor the noise after it.
   */
  if (runner->windows.window)
    g_clear_pointer(&runner->images, ddim_array_free);
  const gboolean done = ddim_sampling_run(steps, ddim_device_sampling_get_backend(sampling), all,
                                          n_hooks + 1, runner->cancellable, error);
  g_clear_pointer(&sampling, ddim_device_sampling_free);
  return done && read_images(runner, error);
}
