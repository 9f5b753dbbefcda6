/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/job/generator.h"

#include <glib/gi18n-lib.h>

#include "core/data/error.h"
#include "core/data/npy.h"
#include "core/job/job.h"
#include "core/job/low-res.h"
#include "core/network/device-sampling.h"

/* At most so often a preview is read from the device. */
#define PREVIEW_INTERVAL (G_USEC_PER_SEC / 10)

struct _DdimGenerator {
  DdimSession *session;
};

/* One run of the loop. */
typedef struct {
  DdimGenerator *generator;
  const DdimJob *job;
  const DdimGeneratorCallbacks *callbacks;
  gpointer user_data;
  GCancellable *cancellable;
  DdimEvaluator *evaluator;  /* of the current batch */
  DdimSamplerState *state;   /* of the current batch */
  DdimArray *noise;          /* [batch][C][H][W]: one draw */
  DdimArray *images;         /* [batch][C][H][W]: what is read back */
  gint64 *labels;            /* [batch] of the current batch */
  guint first, n;            /* the current batch: its first image, and how many it has */
  gint64 started, previewed; /* monotonic microseconds */
  gint64 warm;               /* when the first step was over, which may build kernels */
  double warm_done;          /* image-steps done then */
} Run;

DdimGenerator *
ddim_generator_new(void)
{
  return g_new0(DdimGenerator, 1);
}

void
ddim_generator_free(DdimGenerator *generator)
{
  if (!generator)
    return;
  g_clear_pointer(&generator->session, ddim_session_free);
  g_free(generator);
}

const DdimDeviceInfo *
ddim_generator_get_device(DdimGenerator *generator)
{
  if (!generator->session || !generator->session->context)
    return NULL;
  return ddim_context_get_device(generator->session->context);
}

const char *
ddim_generator_get_tuning_problem(DdimGenerator *generator)
{
  if (!generator->session || !generator->session->context)
    return NULL;
  return ddim_context_get_tuning_problem(generator->session->context);
}

static gboolean
open_session(DdimGenerator *generator, DdimRequest *request, GError **error)
{
  if (generator->session && ddim_session_matches(generator->session, request))
    return TRUE;
  g_clear_pointer(&generator->session, ddim_session_free);
  generator->session = ddim_session_new(request, error);
  return generator->session != NULL;
}

static DdimNetworkParams
network_params(const Run *run)
{
  return (DdimNetworkParams){.status = run->callbacks->status,
                             .status_data = run->user_data,
                             .cancellable = run->cancellable};
}

/* What computes @n images, and what it computes from step to step. A last batch that is shorter
 * is computed in the way of the others. */
static gboolean
prepare_batch(Run *run, guint n, GError **error)
{
  const DdimJob *job = run->job;
  const DdimEvaluatorSize size = {.batch = n,
                                  .height = job->height,
                                  .width = job->width,
                                  .usual_batch = MIN(job->batch, job->count)};
  DdimNetworkParams params = network_params(run);

  if (run->state && ddim_evaluator_get_size(run->evaluator)->batch == n)
    return TRUE;
  g_clear_pointer(&run->state, ddim_sampler_state_free);
  g_clear_pointer(&run->evaluator, ddim_evaluator_unref);
  run->evaluator =
      ddim_evaluator_cache_get(run->generator->session->evaluators, &size, &params, error);
  if (run->evaluator)
    run->state = ddim_sampler_state_new(run->evaluator, error);
  return run->state != NULL;
}

static gsize
image_size(const DdimJob *job)
{
  return (gsize)job->channels * job->height * job->width;
}

/* In the original's order: labels first, when they are random. */
static void
choose_labels(Run *run)
{
  const GArray *given = run->job->labels;

  if (run->job->n_classes == 0)
    return;
  if (given->len == 0)
    ddim_rng_randint(run->job->rng, 0, run->job->n_classes, run->labels, run->job->batch);
  for (guint i = 0; given->len && i < run->job->batch; i++)
    run->labels[i] = g_array_index(given, gint64, (run->first + i) % given->len);
}

/* One torch.randn of the whole batch's shape, also when fewer images are computed. */
static gboolean
set_start(Run *run, GError **error)
{
  const DdimJob *job = run->job;
  float *x = ddim_array_get_data(run->images);

  if (!job->init_noise)
    ddim_rng_normal(job->rng, x, job->batch * image_size(job));
  else if (!ddim_samples_read(job->init_noise, run->first, run->n, x, error))
    return FALSE;
  return ddim_sampler_state_set_x(run->state, x, error);
}

/* Seconds left; negative while nothing tells. The first step says little: drivers build kernels in
 * it. */
static double
estimate(Run *run, double done, double total)
{
  gint64 now = g_get_monotonic_time();

  if (done >= total)
    return 0;
  if (done > 0 && !run->warm) {
    run->warm = now;
    run->warm_done = done;
  }
  if (!run->warm || done <= run->warm_done)
    return -1;
  return (now - run->warm) / (double)G_USEC_PER_SEC * (total - done) / (done - run->warm_done);
}

static void
report_progress(Run *run, guint step)
{
  const DdimJob *job = run->job;
  const guint n_steps = ddim_step_table_get_n_steps(job->steps);
  double total = (double)job->count * n_steps;
  double done = (double)run->first * n_steps + (double)run->n * step;
  DdimProgress progress = {.image = step == n_steps ? run->first + run->n : run->first,
                           .n_images = job->count,
                           .batch = run->n,
                           .step = step,
                           .n_steps = n_steps,
                           .fraction = done / total};

  progress.elapsed = (g_get_monotonic_time() - run->started) / (double)G_USEC_PER_SEC;
  progress.remaining = estimate(run, done, total);
  if (run->callbacks->progress)
    run->callbacks->progress(&progress, run->user_data);
}

/* Number @i of the batch. */
static DdimSample
make_sample(Run *run, guint i)
{
  const DdimJob *job = run->job;
  const float *images = ddim_array_get_data(run->images);
  DdimSample sample = {.index = run->first + i,
                       .channels = job->channels,
                       .height = job->height,
                       .width = job->width,
                       .samples = images + i * image_size(job),
                       .label = job->n_classes ? run->labels[i] : -1};

  if (sample.label >= 0)
    sample.label_name = ddim_config_get_class_name(run->generator->session->config, sample.label);
  return sample;
}

static gboolean
show_preview(Run *run, GError **error)
{
  gint64 now = g_get_monotonic_time();
  DdimSample sample;

  if (!run->callbacks->preview || now - run->previewed < PREVIEW_INTERVAL)
    return TRUE;
  run->previewed = now;
  if (!ddim_sampler_state_get_x0(run->state, ddim_array_get_data(run->images), error))
    return FALSE;
  sample = make_sample(run, 0);
  run->callbacks->preview(&sample, run->user_data);
  return TRUE;
}

static gboolean
after_step(const DdimSamplingPoint *point, gpointer user_data, GError **error)
{
  report_progress(user_data, point->index + 1);
  return show_preview(user_data, error);
}

/* All steps of the batch. The loop draws the noise of steps that do not use it too, at eta 0 and in
 * the last one: so does the original, and the numbers of later batches depend on it. */
static gboolean
run_steps(Run *run, GError **error)
{
  const DdimJob *job = run->job;
  const DdimDeviceSamplingParams params = {.state = run->state,
                                           .evaluator = run->evaluator,
                                           .labels = job->n_classes ? run->labels : NULL,
                                           .rng = job->rng,
                                           .n_drawn = job->batch * image_size(job)};
  const DdimSamplingHooks hooks = {.after_step = after_step, .user_data = run};
  g_autoptr(DdimDeviceSampling) sampling = ddim_device_sampling_new(&params);

  return ddim_sampling_run(job->steps, ddim_device_sampling_get_backend(sampling), &hooks, 1,
                           run->cancellable, error);
}

/* What is no number would become black. */
static gboolean
read_images(Run *run, GError **error)
{
  float *images = ddim_array_get_data(run->images);
  const gsize size = image_size(run->job);

  if (!ddim_sampler_state_get_x(run->state, images, error))
    return FALSE;
  for (guint i = 0; i < run->n; i++)
    if (!ddim_is_finite(images + i * size, size)) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
                  _("image %u came out with numbers that are infinite or not numbers (NaN); the "
                    "model %s cannot be computed with these settings"),
                  run->first + i, ddim_config_get_name(run->generator->session->config));
      return FALSE;
    }
  return TRUE;
}

/* All is ready for the first step. */
static void
start(Run *run)
{
  if (run->callbacks->started)
    run->callbacks->started(run->job->resolved, run->generator->session->config, run->user_data);
  run->started = g_get_monotonic_time();
}

static gboolean
run_batch(Run *run, GError **error)
{
  if (!prepare_batch(run, run->n, error))
    return FALSE;
  choose_labels(run);
  if (!ddim_low_res_set(run->evaluator, run->job->low_res, run->first, run->n, error) ||
      !set_start(run, error))
    return FALSE;
  if (!run->started)
    start(run);
  report_progress(run, 0);
  if (!run_steps(run, error) || !read_images(run, error))
    return FALSE;
  for (guint i = 0; i < run->n; i++) {
    DdimSample sample = make_sample(run, i);
    if (run->callbacks->image && !run->callbacks->image(&sample, run->user_data, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
run_batches(Run *run, GError **error)
{
  const DdimJob *job = run->job;
  const gsize shape[4] = {job->batch, job->channels, job->height, job->width};
  /* The evaluator first: it knows whether the device has the memory for such a size. */
  g_autoptr(DdimArray) images = prepare_batch(run, MIN(job->batch, job->count), error)
                                    ? ddim_array_new(DDIM_DTYPE_F32, 4, shape, error)
                                    : NULL;
  g_autofree gint64 *labels = g_new0(gint64, job->batch);

  if (!images)
    return FALSE;
  run->images = images;
  run->labels = labels;
  for (run->first = 0; run->first < job->count; run->first += run->n) {
    run->n = MIN(job->batch, job->count - run->first);
    if (!run_batch(run, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
ddim_generator_run(DdimGenerator *generator, DdimRequest *request,
                   const DdimGeneratorCallbacks *callbacks, gpointer user_data,
                   GCancellable *cancellable, GError **error)
{
  static const DdimGeneratorCallbacks none = {0};
  Run run = {.generator = generator,
             .callbacks = callbacks ? callbacks : &none,
             .user_data = user_data,
             .cancellable = cancellable};
  DdimNetworkParams params = network_params(&run);
  g_autoptr(DdimJob) job = NULL;
  gboolean done;

  if (g_cancellable_set_error_if_cancelled(cancellable, error) ||
      !open_session(generator, request, error) ||
      !(job = ddim_job_new(generator->session, request, error)) ||
      !ddim_session_start(generator->session, request, &params, error))
    return FALSE;
  run.job = job;
  done = run_batches(&run, error);
  ddim_sampler_state_free(run.state);
  ddim_evaluator_unref(run.evaluator);
  ddim_session_set_status(generator->session, NULL, NULL);
  if (done)
    return TRUE;
  /* Whatever they were in the middle of. */
  ddim_evaluator_cache_clear(generator->session->evaluators);
  return FALSE;
}
