/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/scratch.h"

#include <glib/gi18n-lib.h>

static void
block_free(gpointer data)
{
  ddim_cl_buffer_free(data);
}

static guint
count_blocks(const DdimClScratch *scratch)
{
  return scratch ? scratch->blocks->len : 0;
}

/* Bytes of @block, 0 when there is none. */
static guint64
block_bytes(const DdimClScratch *scratch, guint block)
{
  return block < count_blocks(scratch) ? ((DdimClBuffer *)scratch->blocks->pdata[block])->size : 0;
}

static gboolean
holds(const DdimClScratch *scratch, const DdimClArena *arena)
{
  for (guint i = 0; i < ddim_cl_arena_get_n_blocks(arena); i++)
    if (block_bytes(scratch, i) < ddim_cl_arena_get_block_bytes(arena, i))
      return FALSE;
  return scratch != NULL;
}

/* For each block the larger of both sizes. (transfer full) */
static guint64 *
join_sizes(const DdimClScratch *scratch, const DdimClArena *arena, guint *n)
{
  const guint in_arena = ddim_cl_arena_get_n_blocks(arena);
  *n = MAX(in_arena, count_blocks(scratch));
  guint64 *sizes = g_new(guint64, *n);
  for (guint i = 0; i < *n; i++)
    sizes[i] =
        MAX(block_bytes(scratch, i), i < in_arena ? ddim_cl_arena_get_block_bytes(arena, i) : 0);
  return sizes;
}

/* Whether the device has as much memory as all blocks take together. Whether it allocates one of
 * them at once is found out when that is made. */
static gboolean
check_sum(DdimContext *context, const guint64 *sizes, guint n, GError **error)
{
  const DdimDeviceInfo *info = context->info;
  guint64 bytes = 0;
  for (guint i = 0; i < n; i++)
    bytes += sizes[i];
  if (n < 2 || bytes <= info->global_memory)
    return TRUE;
  g_set_error(error, DDIM_CL_ERROR, DDIM_CL_ERROR_MEMORY,
              _("this job needs %.1f MiB of memory, but %s has only %.1f MiB; try a smaller size "
                "or batch"),
              bytes / 1048576.0, info->name, info->global_memory / 1048576.0);
  return FALSE;
}

gboolean
ddim_cl_scratch_reserve(DdimClScratch **scratch, DdimContext *context, const DdimClArena *arena,
                        GError **error)
{
  guint n;
  if (holds(*scratch, arena))
    return TRUE;
  g_autofree guint64 *sizes = join_sizes(*scratch, arena, &n);
  if (!check_sum(context, sizes, n, error))
    return FALSE;
  g_autoptr(DdimClScratch) larger = g_new(DdimClScratch, 1);
  *larger = (DdimClScratch){.refs = 1, .blocks = g_ptr_array_new_with_free_func(block_free)};
  for (guint i = 0; i < n; i++) {
    DdimClBuffer *block = ddim_cl_buffer_new(context, sizes[i], error);
    if (!block)
      return FALSE;
    g_ptr_array_add(larger->blocks, block);
  }
  ddim_cl_scratch_unref(*scratch);
  *scratch = g_steal_pointer(&larger);
  return TRUE;
}

guint64
ddim_cl_scratch_get_bytes(const DdimClScratch *scratch)
{
  guint64 bytes = 0;
  for (guint i = 0; i < scratch->blocks->len; i++)
    bytes += block_bytes(scratch, i);
  return bytes;
}

DdimClScratch *
ddim_cl_scratch_ref(DdimClScratch *scratch)
{
  scratch->refs++;
  return scratch;
}

void
ddim_cl_scratch_unref(DdimClScratch *scratch)
{
  if (!scratch || --scratch->refs)
    return;
  g_ptr_array_unref(scratch->blocks);
  g_free(scratch);
}
