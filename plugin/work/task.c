/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "plugin/work/task.h"

#include <glib/gi18n-lib.h>

void
worker_report_clear(WorkerReport *report)
{
  g_clear_pointer(&report->status, g_free);
  g_clear_pointer(&report->preview, ddim_image_free);
}

/* ---- the thread ---- */

/* What changed is to be polled. With the lock, which is given back. */
static void
unlock_with_news(Task *task)
{
  task->news = TRUE;
  g_cond_signal(&task->changed);
  g_mutex_unlock(&task->mutex);
}

void
task_tell(Task *task, const char *status, double fraction, double rate, double gain)
{
  g_mutex_lock(&task->mutex);
  g_free(task->status);
  task->status = g_strdup(status);
  task->fraction = fraction;
  task->known = g_get_monotonic_time();
  task->rate = rate;
  task->gain = gain;
  unlock_with_news(task);
}

void
task_show(Task *task, const DdimSample *x0, guint index)
{
  DdimImage *image = ddim_sample_to_image(x0, NULL);

  g_mutex_lock(&task->mutex);
  g_clear_pointer(&task->preview, ddim_image_free);
  task->preview = image;
  task->index = index;
  unlock_with_news(task);
}

static gpointer
work(gpointer data)
{
  Task *task = data;

  task->func(task->user_data, &task->error);
  g_mutex_lock(&task->mutex);
  task->ended = TRUE;
  unlock_with_news(task);
  return NULL;
}

/* ---- the main thread ---- */

void
task_init(Task *task)
{
  task->generator = ddim_generator_new();
  g_mutex_init(&task->mutex);
  g_cond_init(&task->changed);
}

void
task_clear(Task *task)
{
  ddim_generator_free(task->generator);
  g_mutex_clear(&task->mutex);
  g_cond_clear(&task->changed);
}

void
task_start(Task *task, void (*func)(gpointer user_data, GError **error), gpointer user_data)
{
  g_return_if_fail(!task->thread);

  task->func = func;
  task->user_data = user_data;
  task->cancellable = g_cancellable_new();
  task->status = g_strdup(_("Starting"));
  task->fraction = -1;
  task->index = 0;
  task->ended = FALSE;
  task->news = TRUE;
  task->thread = g_thread_new("ddim-worker", work, task);
}

void
task_cancel(Task *task)
{
  if (task->thread)
    g_cancellable_cancel(task->cancellable);
}

void
task_poll(Task *task, guint milliseconds, WorkerReport *report)
{
  gint64 until = g_get_monotonic_time() + milliseconds * G_TIME_SPAN_MILLISECOND;

  g_mutex_lock(&task->mutex);
  while (!task->news && milliseconds)
    if (!g_cond_wait_until(&task->changed, &task->mutex, until))
      break;
  task->news = FALSE;
  report->status = g_strdup(task->status);
  report->fraction = task->fraction;
  report->index = task->index;
  if (task->fraction >= 0)
    report->fraction +=
        MIN(task->rate * (g_get_monotonic_time() - task->known) / G_USEC_PER_SEC, task->gain);
  report->preview = g_steal_pointer(&task->preview);
  report->ended = task->ended;
  g_mutex_unlock(&task->mutex);
}

gboolean
task_join(Task *task, GError **error)
{
  GError *failure;

  g_thread_join(task->thread);
  task->thread = NULL;
  g_clear_object(&task->cancellable);
  g_clear_pointer(&task->status, g_free);
  g_clear_pointer(&task->preview, ddim_image_free);
  if (!(failure = g_steal_pointer(&task->error)))
    return TRUE;
  g_propagate_error(error, failure);
  return FALSE;
}
