/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "cli/terminal/command.h"
#include "core/data/out-file.h"

/* The signals that are not ignored already; nohup ignores SIGHUP, for example. */
static void
fill_set(sigset_t *set)
{
  static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};

  sigemptyset(set);
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
    struct sigaction now;
    if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
      sigaddset(set, numbers[i]);
  }
}

static GMutex lock;
static GCancellable *to_cancel; /* NULL while the command does not listen */
static gboolean signaled;

/* End the program as the signal @number would have. */
static void
end_by(int number)
{
  sigset_t set;

  ddim_out_file_end_all();
  signal(number, SIG_DFL);
  sigemptyset(&set);
  sigaddset(&set, number);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  raise(number);
}

/* The first signal asks the command to stop, if it listens. After that only SIGINT and SIGTERM end
 * the program at once. SIGHUP does not: a terminal that is closed may send it more than once, and
 * then nobody is in a hurry. */
static void
on_signal(int number)
{
  g_autoptr(GCancellable) cancellable = NULL;
  gboolean first;

  g_mutex_lock(&lock);
  cancellable = to_cancel ? g_object_ref(to_cancel) : NULL;
  first = !signaled;
  signaled = TRUE;
  g_mutex_unlock(&lock);
  if (!cancellable)
    end_by(number);
  else if (first)
    g_cancellable_cancel(cancellable);
  else if (number != SIGHUP) {
    ddim_out_file_end_all();
    _exit(DDIM_EXIT_CANCELLED);
  }
}

/* A signal handler could not call g_cancellable_cancel() or take a lock, which is not safe there; a
 * thread that waits for signals can. */
static gpointer
wait_for_signals(gpointer data)
{
  sigset_t set;
  int number;

  fill_set(&set);
  while (sigwait(&set, &number) == 0)
    on_signal(number);
  return NULL;
}

void
ddim_interrupt_begin(void)
{
  sigset_t set;

  fill_set(&set);
  pthread_sigmask(SIG_BLOCK, &set, NULL); /* inherited by every thread started from here on */
  g_thread_unref(g_thread_new("signals", wait_for_signals, NULL));
}

GCancellable *
ddim_interrupt_new(void)
{
  GCancellable *cancellable = g_cancellable_new();

  g_mutex_lock(&lock);
  g_set_object(&to_cancel, cancellable);
  g_mutex_unlock(&lock);
  return cancellable;
}
