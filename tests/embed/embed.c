/* SPDX-License-Identifier: LGPL-3.0-or-later */
/** A program of someone else's: it makes a picture and knows nothing of ddim's source tree, only
 * <ddim/ddim.h> and libddim.
 *
 *   embed                             list the models and the devices
 *   embed CLASS SEED OUT.png [STEPS]  make a picture; Ctrl-C stops it */
#include <ddim/ddim.h>
#include <glib-unix.h>
#include <stdio.h>

typedef struct {
  DdimRequest *request;
  const char *path;
  GMainLoop *loop;
  GCancellable *cancellable;
  GError *error;
} Job;

static int
fail(const GError *error)
{
  fprintf(stderr, "%s\n", error->message);
  return 1;
}

static int
list(void)
{
  g_autoptr(GPtrArray) models = ddim_models_list(NULL), devices = NULL;
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < models->len; i++)
    printf("model %s\n", ddim_model_file_get_name(models->pdata[i]));
  if (!(devices = ddim_device_list(&error)))
    return fail(error);
  for (guint i = 0; i < devices->len; i++)
    printf("device %u %s\n", ddim_device_info_get_index(devices->pdata[i]),
           ddim_device_info_get_name(devices->pdata[i]));
  return 0;
}

/* ---- in the job's own thread ---- */

static gboolean
write_image(const DdimSample *sample, gpointer user_data, GError **error)
{
  const Job *job = user_data;
  g_autoptr(DdimImage) image = ddim_sample_to_image(sample, error);

  return image && ddim_image_write_png(image, job->path, NULL, error);
}

static void
show_progress(const DdimProgress *progress, gpointer user_data)
{
  printf("step %u of %u\n", progress->step, progress->n_steps);
  fflush(stdout);
}

static gboolean
quit(gpointer loop)
{
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

static gpointer
work(gpointer user_data)
{
  const DdimGeneratorCallbacks callbacks = {.image = write_image, .progress = show_progress};
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  Job *job = user_data;

  ddim_generator_run(generator, job->request, &callbacks, job, job->cancellable, &job->error);
  g_idle_add(quit, job->loop); /* hand over to the main thread */
  return NULL;
}

/* ---- in the main thread, which stays free for a user interface ---- */

static gboolean
on_interrupt(gpointer cancellable)
{
  g_cancellable_cancel(cancellable);
  return G_SOURCE_CONTINUE;
}

int
main(int argc, char **argv)
{
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
  g_autoptr(GCancellable) cancellable = g_cancellable_new();
  Job job = {.request = request, .loop = loop, .cancellable = cancellable};
  g_autoptr(GError) error = NULL;

  if (argc == 1)
    return list();
  if (argc < 4 || argc > 5)
    return 2;
  /* Properties that are not set keep their defaults: the default model, its own size. */
  g_object_set(request, "class", argv[1], "seed", g_ascii_strtoll(argv[2], NULL, 10), "steps",
               argc > 4 ? argv[4] : "3", NULL);
  job.path = argv[3];
  g_unix_signal_add(SIGINT, on_interrupt, cancellable);
  g_autoptr(GThread) thread = g_thread_new("job", work, &job);
  g_main_loop_run(loop);
  g_thread_join(g_steal_pointer(&thread));
  error = g_steal_pointer(&job.error);
  return error ? fail(error) : 0;
}
