/* SPDX-License-Identifier: LGPL-3.0-or-later
 * What ThreadSanitizer must know about GLib. GLib's locks are its own (futexes on Linux), and
 * distributions build it without the sanitizer, so that everything which a GMutex protects would be
 * reported as a race. Programs built with -Db_sanitize=thread are linked with these functions. They
 * stand before GLib's of the same names, call them, and tell the sanitizer. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_NEXT */
#endif
#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

/* GLib's own function of this name. */
#define REAL(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

void
g_mutex_lock(GMutex *mutex)
{
  __tsan_mutex_pre_lock(mutex, 0);
  REAL(g_mutex_lock)(mutex);
  __tsan_mutex_post_lock(mutex, 0, 0);
}

gboolean
g_mutex_trylock(GMutex *mutex)
{
  __tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock);
  gboolean locked = REAL(g_mutex_trylock)(mutex);
  __tsan_mutex_post_lock(
      mutex, locked ? __tsan_mutex_try_lock : __tsan_mutex_try_lock | __tsan_mutex_try_lock_failed,
      0);
  return locked;
}

void
g_mutex_unlock(GMutex *mutex)
{
  __tsan_mutex_pre_unlock(mutex, 0);
  REAL(g_mutex_unlock)(mutex);
  __tsan_mutex_post_unlock(mutex, 0);
}

void
g_mutex_clear(GMutex *mutex)
{
  REAL(g_mutex_clear)(mutex);
  __tsan_mutex_destroy(mutex, 0);
}

/* Waiting unlocks the mutex and locks it again. No other thread can lock it before the real
 * function has unlocked it, so both may be told around that. */
static void
before_wait(GMutex *mutex)
{
  __tsan_mutex_pre_unlock(mutex, 0);
  __tsan_mutex_post_unlock(mutex, 0);
  __tsan_mutex_pre_lock(mutex, 0);
}

void
g_cond_wait(GCond *cond, GMutex *mutex)
{
  before_wait(mutex);
  REAL(g_cond_wait)(cond, mutex);
  __tsan_mutex_post_lock(mutex, 0, 0);
}

gboolean
g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
  before_wait(mutex);
  gboolean signalled = REAL(g_cond_wait_until)(cond, mutex, end_time);
  __tsan_mutex_post_lock(mutex, 0, 0);
  return signalled;
}

/* Pools: pushing a task comes before the task, and every task comes before the end of the pool.
 * GLib's threads free the pool itself, at a time that the sanitizer does not see, so reading it
 * here is not judged. */
#define UNJUDGED __attribute__((no_sanitize("thread")))

typedef struct {
  GFunc func;
  gpointer user_data;
} Pool;

static void
run_task(gpointer task, gpointer user_data)
{
  Pool *pool = user_data;
  __tsan_acquire(pool);
  pool->func(task, pool->user_data);
  __tsan_release(pool);
}

GThreadPool *
g_thread_pool_new(GFunc func, gpointer user_data, gint max_threads, gboolean exclusive,
                  GError **error)
{
  Pool *pool = g_new(Pool, 1);
  *pool = (Pool){func, user_data};
  return REAL(g_thread_pool_new)(run_task, pool, max_threads, exclusive, error);
}

UNJUDGED gboolean
g_thread_pool_push(GThreadPool *thread_pool, gpointer task, GError **error)
{
  __tsan_release(thread_pool->user_data);
  return REAL(g_thread_pool_push)(thread_pool, task, error);
}

UNJUDGED void
g_thread_pool_free(GThreadPool *thread_pool, gboolean immediate, gboolean wait)
{
  g_assert(wait); /* else tasks may run on, and need what would be freed here */
  g_autofree Pool *pool = thread_pool->user_data;
  REAL(g_thread_pool_free)(thread_pool, immediate, wait);
  __tsan_acquire(pool);
}
