/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Several generators at work at the same time, each in a thread of its own, as core/generator.h
 * allows it, and jobs that another thread cancels. */
#include <string.h>

#include "core/job/generator.h"

enum {
  SIDE = 16,
  WORKERS = 2,
  COUNT = 3,        /* images of a job that is not cancelled */
  ENDLESS = 100000, /* images: cancelled long before */
};

static const char *const models[WORKERS] = {"unet_small_cond.pt", "unet_tiny_uncond.pt"};

/* A point that no thread passes before @n have come. */
typedef struct {
  GMutex mutex;
  GCond changed;
  guint missing;
} Barrier;

static void
barrier_init(Barrier *barrier, guint n)
{
  g_mutex_init(&barrier->mutex);
  g_cond_init(&barrier->changed);
  barrier->missing = n;
}

static void
barrier_clear(Barrier *barrier)
{
  g_mutex_clear(&barrier->mutex);
  g_cond_clear(&barrier->changed);
}

static void
barrier_wait(Barrier *barrier)
{
  g_mutex_lock(&barrier->mutex);
  barrier->missing--;
  g_cond_broadcast(&barrier->changed);
  while (barrier->missing)
    g_cond_wait(&barrier->changed, &barrier->mutex);
  g_mutex_unlock(&barrier->mutex);
}

/* One generator's thread. What it tells is read by others after they joined it. */
typedef struct {
  DdimGenerator *generator;
  DdimRequest *request;
  GCancellable *cancellable;
  Barrier *begin;   /* (nullable) passed before the job */
  Barrier *stepped; /* (nullable) passed in the job, after its second step */
  guint steps;
  guint late;     /* steps that ended when the job was cancelled already */
  GArray *images; /* float */
  gboolean done;
  GError *error;
} Worker;

static void
on_progress(const DdimProgress *progress, gpointer data)
{
  Worker *worker = data;
  if (progress->step == 0)
    return;
  worker->steps++;
  if (g_cancellable_is_cancelled(worker->cancellable))
    worker->late++;
  if (worker->steps == 2 && worker->stepped)
    barrier_wait(worker->stepped);
}

static gboolean
on_image(const DdimSample *sample, gpointer data, GError **error)
{
  Worker *worker = data;
  g_array_append_vals(worker->images, sample->samples,
                      sample->channels * sample->height * sample->width);
  return TRUE;
}

static gpointer
work(gpointer data)
{
  static const DdimGeneratorCallbacks callbacks = {.progress = on_progress, .image = on_image};
  Worker *worker = data;
  if (worker->begin)
    barrier_wait(worker->begin);
  worker->done = ddim_generator_run(worker->generator, worker->request, &callbacks, worker,
                                    worker->cancellable, &worker->error);
  return NULL;
}

static void
worker_init(Worker *worker, const char *model, int count)
{
  g_autofree char *path = g_build_filename(g_getenv("DDIM_TEST_DATA"), model, NULL);
  *worker = (Worker){.generator = ddim_generator_new(),
                     .request = g_object_new(
                         DDIM_TYPE_REQUEST, "model", path, "width", SIDE, "height", SIDE, "steps",
                         "4", "seed", G_GINT64_CONSTANT(7), "count", count, "batch", 1, NULL),
                     .cancellable = g_cancellable_new(),
                     .images = g_array_new(FALSE, FALSE, sizeof(float))};
}

static void
worker_clear(Worker *worker)
{
  ddim_generator_free(worker->generator);
  g_object_unref(worker->request);
  g_object_unref(worker->cancellable);
  g_array_unref(worker->images);
  g_clear_error(&worker->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Worker, worker_clear)

/* The images are those of the same job with nothing beside it. */
static void
check_images(const Worker *worker, const char *model)
{
  g_auto(Worker) alone;
  worker_init(&alone, model, COUNT);
  work(&alone);
  g_assert_no_error(alone.error);
  g_assert_true(alone.done);
  g_assert_no_error(worker->error);
  g_assert_true(worker->done);
  g_assert_cmpuint(alone.images->len, ==, COUNT * 3 * SIDE * SIDE);
  g_assert_cmpmem(worker->images->data, worker->images->len * sizeof(float), alone.images->data,
                  alone.images->len * sizeof(float));
}

/* The first thing of this program that asks for a device, so two threads do it at once. */
static void
test_first_together(void)
{
  Worker workers[WORKERS];
  GThread *threads[WORKERS];
  Barrier begin;

  barrier_init(&begin, WORKERS);
  for (guint i = 0; i < WORKERS; i++) {
    worker_init(&workers[i], models[i], COUNT);
    workers[i].begin = &begin;
  }
  for (guint i = 0; i < WORKERS; i++)
    threads[i] = g_thread_new("generator", work, &workers[i]);
  for (guint i = 0; i < WORKERS; i++)
    g_thread_join(threads[i]);
  for (guint i = 0; i < WORKERS; i++) {
    check_images(&workers[i], models[i]);
    worker_clear(&workers[i]);
  }
  barrier_clear(&begin);
}

/* What the third thread does: wait for the first worker's second step, then cancel that job. */
static gpointer
cancel_first(gpointer data)
{
  Worker *first = data;
  barrier_wait(first->stepped);
  g_cancellable_cancel(first->cancellable);
  return NULL;
}

static void
test_cancel_one(void)
{
  g_auto(Worker) cancelled, other;
  g_auto(Worker) again;
  Barrier stepped;

  barrier_init(&stepped, 2);
  worker_init(&cancelled, models[0], ENDLESS);
  worker_init(&other, models[1], COUNT);
  worker_init(&again, models[0], COUNT);
  cancelled.stepped = &stepped;
  GThread *threads[] = {g_thread_new("cancelled", work, &cancelled),
                        g_thread_new("other", work, &other),
                        g_thread_new("canceller", cancel_first, &cancelled)};
  for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
    g_thread_join(threads[i]);
  g_assert_false(cancelled.done);
  g_assert_error(cancelled.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint(cancelled.late, <=, 1);
  check_images(&other, models[1]);
  /* and the generator is as good as new */
  DdimGenerator *unused = again.generator;
  again.generator = cancelled.generator;
  work(&again);
  again.generator = unused;
  check_images(&again, models[0]);
  barrier_clear(&stepped);
}

/* Cancelled while the device is chosen, the model is loaded, kernels are built or steps are made:
 * whatever the delay meets. */
static void
test_cancel_any_time(void)
{
  static const guint delays[] = {0, 1, 3, 10, 30, 100, 300}; /* ms */
  for (guint k = 0; k < G_N_ELEMENTS(delays); k++) {
    Worker workers[WORKERS];
    GThread *threads[WORKERS];
    for (guint i = 0; i < WORKERS; i++) {
      worker_init(&workers[i], models[i], ENDLESS);
      threads[i] = g_thread_new("generator", work, &workers[i]);
    }
    g_usleep(delays[k] * 1000);
    for (guint i = 0; i < WORKERS; i++)
      g_cancellable_cancel(workers[i].cancellable);
    for (guint i = 0; i < WORKERS; i++) {
      g_thread_join(threads[i]);
      g_assert_false(workers[i].done);
      g_assert_error(workers[i].error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpuint(workers[i].late, <=, 1);
      worker_clear(&workers[i]);
    }
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/threads/first-together", test_first_together);
  g_test_add_func("/threads/cancel-one", test_cancel_one);
  g_test_add_func("/threads/cancel-any-time", test_cancel_any_time);
  return g_test_run();
}
