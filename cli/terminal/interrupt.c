/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "cli/terminal/command.h"

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

/* A signal handler could not call g_cancellable_cancel(), which is not safe there; a thread that
 * waits for signals can. After the first signal only SIGINT and SIGTERM end the program at once.
 * SIGHUP does not: a terminal that is closed may send it more than once, and then nobody is in a
 * hurry. */
static gpointer
wait_for_signals(gpointer data)
{
  g_autoptr(GCancellable) cancellable = data;
  sigset_t set;
  int number;

  fill_set(&set);
  if (sigwait(&set, &number) == 0)
    g_cancellable_cancel(cancellable);
  while (sigwait(&set, &number) == 0)
    if (number != SIGHUP)
      _exit(DDIM_EXIT_CANCELLED);
  return NULL;
}

GCancellable *
ddim_interrupt_new(void)
{
  GCancellable *cancellable = g_cancellable_new();
  sigset_t set;

  fill_set(&set);
  pthread_sigmask(SIG_BLOCK, &set, NULL); /* inherited by every thread started from here on */
  g_thread_unref(g_thread_new("signals", wait_for_signals, g_object_ref(cancellable)));
  return cancellable;
}
