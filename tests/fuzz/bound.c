/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Runs a target's input and asserts how much memory that took. Every block counts with its size
 * from the moment when it is allocated, whether it is touched or not. A sanitizer tells of each
 * block by a hook; without one, malloc() and its like are replaced here. Only the thread that runs
 * the input is counted. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "fuzz.h"

static _Thread_local gboolean counting;
static _Thread_local gssize now,
    most; /* bytes; blocks of before may be freed, so `now` may be < 0 */

static void
count_block(gsize size)
{
  if (!counting)
    return;
  now += (gssize)size;
  most = MAX(most, now);
}

static void
count_free(gsize size)
{
  if (counting)
    now -= (gssize)size;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_HOOKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_HOOKS 1
#endif
#endif

#ifdef HAS_HOOKS
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *block);

static void
on_malloc(const volatile void *block, size_t size)
{
  count_block(size);
}

static void
on_free(const volatile void *block)
{
  if (counting && block)
    count_free(__sanitizer_get_allocated_size(block));
}

static void
set_up(void)
{
  static gsize done;

  if (g_once_init_enter(&done)) {
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
    g_once_init_leave(&done, 1);
  }
}

#else
/* glibc's own names of its functions. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static void
set_up(void)
{
}

static void *
counted(void *block)
{
  if (block)
    count_block(malloc_usable_size(block));
  return block;
}

void *
malloc(size_t size)
{
  return counted(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
  return counted(__libc_calloc(n, size));
}

void *
realloc(void *block, size_t size)
{
  const gsize before = block ? malloc_usable_size(block) : 0;
  void *after = __libc_realloc(block, size);

  /* While it is copied both are there. */
  if (after)
    counted(after);
  if (after || size == 0)
    count_free(before);
  return after;
}

int
posix_memalign(void **block, size_t alignment, size_t size)
{
  *block = counted(__libc_memalign(alignment, size));
  return *block ? 0 : ENOMEM;
}

void *
aligned_alloc(size_t alignment, size_t size)
{
  return counted(__libc_memalign(alignment, size));
}

void
free(void *block)
{
  if (block)
    count_free(malloc_usable_size(block));
  __libc_free(block);
}
#endif

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const gsize bound = FUZZ_SPARE + FUZZ_FACTOR * size;

  set_up();
  now = most = 0;
  counting = TRUE;
  fuzz_input(data, size);
  counting = FALSE;
  if (g_getenv("FUZZ_MEMORY"))
    g_printerr("%zu bytes of input took %zd\n", size, most);
  if (most > (gssize)bound)
    g_error("%zu bytes of input took %zd bytes of memory; the bound is %zu", size, most, bound);
  return 0;
}
