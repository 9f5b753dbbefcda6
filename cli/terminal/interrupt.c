/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "cli/terminal/command.h"

static void
fill_set(sigset_t *set)
{
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
}

/* A handler could not call g_cancellable_cancel(), which is not safe there; a thread that waits for
 * signals can. */
static gpointer
wait_for_signals(gpointer data)
{
  g_autoptr(GCancellable) cancellable = data;
  sigset_t set;
  int number;

  fill_set(&set);
  if (sigwait(&set, &number) == 0)
    g_cancellable_cancel(cancellable);
  if (sigwait(&set, &number) == 0)
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
