/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Many runs in one process, as a dialog that stays open makes them: images, edits, runs that are
 * stopped and runs that fail. Memory, descriptors and threads must stay what they were. The number
 * of runs is $DDIM_LONG_RUN, or a small one. Arguments: a small model. */
#include <gegl.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "core/data/error.h"
#include "plugin/edit/run.h"
#include "plugin/work/devices.h"
#include "plugin/work/worker.h"

#define USUAL_RUNS 100
/* Bytes that a run may leave on average. The smallest picture here has 3 kB as samples, so that
 * one that is forgotten each time is found. */
#define MAX_LEFT 1024
/* Bytes by which the allocator's and the driver's heaps may differ between any two moments. */
#define SLACK (1 << 20)
#define SIDE 16

static const char *model;

/* ---- what the process holds ---- */

typedef struct {
  gint64 memory; /* bytes that no file backs */
  guint descriptors, threads;
} Holdings;

static guint
count_entries(const char *path)
{
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  guint n = 0;

  while (g_dir_read_name(dir))
    n++;
  return n;
}

static Holdings
look(void)
{
  g_autofree char *status = NULL;
  const char *line;

  malloc_trim(0);
  g_assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
  g_assert_nonnull(line = strstr(status, "RssAnon:"));
  return (Holdings){.memory = g_ascii_strtoll(line + strlen("RssAnon:"), NULL, 10) * 1024,
                    .descriptors = count_entries("/proc/self/fd"),
                    .threads = count_entries("/proc/self/task")};
}

/* ---- runs ---- */

static DdimRequest *
new_request(guint index)
{
  DdimRequest *request = ddim_request_new();

  g_object_set(request, "model", model, "flags", "--image_size 16 --num_heads 1", "width",
               SIDE + 8 * (int)(index % 2), "height", SIDE, "steps", "2", "seed", (gint64)index,
               NULL);
  return request;
}

static void
watch(Task *task, gboolean stop)
{
  gboolean ended = FALSE;

  while (!ended) {
    g_auto(WorkerReport) report = {0};
    task_poll(task, 100, &report);
    if (stop)
      task_cancel(task);
    ended = report.ended;
  }
}

static void
generate(Worker *worker, guint index)
{
  g_autoptr(DdimRequest) request = new_request(index);
  g_autoptr(GError) error = NULL;
  g_autoptr(WorkerResult) result = NULL;
  const WorkerImage *image;

  worker_start(worker, request);
  watch(worker_get_task(worker), FALSE);
  result = worker_finish(worker, &error);
  g_assert_no_error(error);
  image = g_ptr_array_index(result->images, 0);
  g_assert_cmpuint(image->width, ==, SIDE + 8 * (index % 2));
}

static void
stop(Worker *worker, guint index)
{
  g_autoptr(DdimRequest) request = new_request(index);
  g_autoptr(GError) error = NULL;

  g_object_set(request, "steps", "", NULL);
  worker_start(worker, request);
  watch(worker_get_task(worker), TRUE);
  g_assert_null(worker_finish(worker, &error));
  g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
fail(Worker *worker, guint index)
{
  g_autoptr(DdimRequest) request = new_request(index);
  g_autoptr(GError) error = NULL;

  g_object_set(request, "class", "no such class", NULL);
  worker_start(worker, request);
  watch(worker_get_task(worker), FALSE);
  g_assert_null(worker_finish(worker, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
}

/* Fill a hole in the middle. */
static void
edit(EditRun *run, guint index)
{
  g_autoptr(EditInput) input = g_new0(EditInput, 1);
  g_autoptr(GError) error = NULL;
  g_autoptr(EditResult) result = NULL;
  const DdimImage *made;

  input->command = edit_command_find("plug-in-ddim-fill");
  input->request = new_request(index);
  g_object_set(input->request, "command", "inpaint", "input", "layer.png", "mask", "selection.png",
               "feather", 0, "quality", 1, "width", 0, "height", 0, NULL);
  input->picture = ddim_image_new(2 * SIDE, SIDE, 3, NULL);
  input->mask = ddim_image_new(2 * SIDE, SIDE, 1, NULL);
  memset(input->picture->pixels, 100, 3 * 2 * SIDE * SIDE);
  memset(input->mask->pixels, 0, 2 * SIDE * SIDE);
  for (guint y = 4; y < 8; y++)
    memset(input->mask->pixels + y * 2 * SIDE + SIDE, 255, 4);
  edit_run_start(run, input);
  watch(edit_run_get_task(run), FALSE);
  result = edit_run_finish(run, &error);
  g_assert_no_error(error);
  made = g_ptr_array_index(result->pictures, 0);
  g_assert_cmpuint(made->width, ==, 2 * SIDE);
  g_assert_cmpuint(made->pixels[0], ==, 100);
}

/* ---- the test ---- */

static void
run_many(Worker *worker, EditRun *run, guint from, guint to)
{
  for (guint i = from; i < to; i++)
    switch (i % 8) {
    case 3:
      stop(worker, i);
      break;
    case 5:
      fail(worker, i);
      break;
    case 1:
    case 6:
      edit(run, i);
      break;
    default:
      generate(worker, i);
    }
}

static void
test_many(void)
{
  const char *wanted = g_getenv("DDIM_LONG_RUN");
  const guint n = wanted ? (guint)atoi(wanted) : USUAL_RUNS, warm = MAX(n / 5, 24);
  g_autoptr(Worker) worker = worker_new();
  g_autoptr(EditRun) run = edit_run_new();
  Holdings before, after;

  run_many(worker, run, 0, warm);
  before = look();
  run_many(worker, run, warm, warm + n);
  after = look();
  g_test_message("%u runs, then %u: memory %.1f, then %.1f MiB; descriptors %u, then %u; threads "
                 "%u, then %u",
                 warm, n, before.memory / 1048576.0, after.memory / 1048576.0, before.descriptors,
                 after.descriptors, before.threads, after.threads);
  g_assert_cmpuint(after.descriptors, <=, before.descriptors);
  g_assert_cmpuint(after.threads, <=, before.threads);
  g_assert_cmpint(after.memory - before.memory, <, SLACK + (gint64)n * MAX_LEFT);
}

/* Each time a dialog is opened anew, device and model are loaded again. */
static void
test_again(void)
{
  const char *wanted = g_getenv("DDIM_LONG_RUN");
  const guint n = (wanted ? (guint)atoi(wanted) : USUAL_RUNS) / 20;
  Holdings before = {0}, after;

  for (guint i = 0; i < n + 3; i++) {
    g_autoptr(Worker) worker = worker_new();
    generate(worker, i);
    if (i == 2)
      before = look();
  }
  after = look();
  g_test_message("opened %u times: memory %.1f, then %.1f MiB; descriptors %u, then %u; threads "
                 "%u, then %u",
                 n, before.memory / 1048576.0, after.memory / 1048576.0, before.descriptors,
                 after.descriptors, before.threads, after.threads);
  g_assert_cmpuint(after.descriptors, <=, before.descriptors);
  g_assert_cmpint(after.memory - before.memory, <, SLACK + (gint64)n * 64 * MAX_LEFT);
}

int
main(int argc, char **argv)
{
  int status;

  if (devices_begin(argc, argv, &status))
    return status;
  setlocale(LC_ALL, "C.UTF-8");
  g_test_init(&argc, &argv, NULL);
  gegl_init(NULL, NULL);
  model = argv[1];
  g_test_add_func("/long-run/many", test_many);
  g_test_add_func("/long-run/again", test_again);
  return g_test_run();
}
