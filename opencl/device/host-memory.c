/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/device/host-memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((gsize)2 << 20)
/* Blocks smaller than this would leave most of a huge page unused. */
#define HUGE_FROM ((gsize)1 << 20)
/* At least what any type of OpenCL needs, and a multiple of a cache line. */
#define ALIGNMENT 256

/* GLib's aligned memory would end the program where there is none. */
static gpointer
alloc_small(gsize size)
{
  gpointer memory;

  if (posix_memalign(&memory, ALIGNMENT, size) != 0)
    return NULL;
  return memset(memory, 0, size);
}

gpointer
ddim_cl_host_alloc(gsize size)
{
  if (size < HUGE_FROM)
    return alloc_small((size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
  const gsize page = (gsize)sysconf(_SC_PAGESIZE);
  size = (size + page - 1) / page * page;
  /* Only a block that begins at a huge page's boundary is made of them: map more and give the rest
   * back. */
  guint8 *all =
      mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED)
    return NULL;
  const gsize before = (HUGE_PAGE - (guintptr)all % HUGE_PAGE) % HUGE_PAGE;
  guint8 *memory = all + before;
  if (before)
    munmap(all, before);
  if (before < HUGE_PAGE)
    munmap(memory + size, HUGE_PAGE - before);
#ifdef MADV_HUGEPAGE
  madvise(memory, size, MADV_HUGEPAGE);
#endif
  return memory;
}

void
ddim_cl_host_free(gpointer memory, gsize size)
{
  if (size < HUGE_FROM)
    free(memory);
  else if (memory)
    munmap(memory, size);
}
