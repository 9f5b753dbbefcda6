/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/arena.h"

#define ALIGNMENT 512

typedef struct {
  guint64 at, bytes;
} Hole;

typedef struct {
  GArray *holes; /* sorted, never adjacent */
  guint64 end;   /* the most ever in use */
} Block;

static void
block_clear(gpointer data)
{
  Block *block = data;
  g_array_unref(block->holes);
}

void
ddim_cl_arena_init(DdimClArena *arena, guint64 limit)
{
  arena->blocks = g_array_new(FALSE, FALSE, sizeof(Block));
  g_array_set_clear_func(arena->blocks, block_clear);
  arena->limit = limit;
}

void
ddim_cl_arena_clear(DdimClArena *arena)
{
  g_clear_pointer(&arena->blocks, g_array_unref);
}

static Block *
block_at(const DdimClArena *arena, guint i)
{
  return &g_array_index(arena->blocks, Block, i);
}

static Hole *
hole_at(const Block *block, guint i)
{
  return &g_array_index(block->holes, Hole, i);
}

/* The first hole that is large enough. */
static gboolean
take_hole(Block *block, DdimClSpan *span)
{
  for (guint i = 0; i < block->holes->len; i++) {
    Hole *hole = hole_at(block, i);
    if (hole->bytes < span->bytes)
      continue;
    span->at = hole->at;
    hole->at += span->bytes;
    hole->bytes -= span->bytes;
    if (!hole->bytes)
      g_array_remove_index(block->holes, i);
    return TRUE;
  }
  return FALSE;
}

/* Room at the end. A hole at the very end grows instead of being jumped over. */
static gboolean
grow(Block *block, guint64 limit, DdimClSpan *span)
{
  const guint holes = block->holes->len;
  const Hole *last = holes ? hole_at(block, holes - 1) : NULL;
  const gboolean open = last && last->at + last->bytes == block->end;
  span->at = open ? last->at : block->end;
  if (span->at > limit || span->bytes > limit - span->at)
    return FALSE;
  if (open)
    g_array_set_size(block->holes, holes - 1);
  block->end = span->at + span->bytes;
  return TRUE;
}

DdimClSpan
ddim_cl_arena_alloc(DdimClArena *arena, guint64 bytes)
{
  const guint n = arena->blocks->len;
  DdimClSpan span = {.bytes = MAX((bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, ALIGNMENT)};
  for (span.block = 0; span.block < n; span.block++)
    if (take_hole(block_at(arena, span.block), &span))
      return span;
  for (span.block = 0; span.block < n; span.block++)
    if (grow(block_at(arena, span.block), arena->limit, &span))
      return span;
  const Block block = {.holes = g_array_new(FALSE, FALSE, sizeof(Hole)), .end = span.bytes};
  g_array_append_val(arena->blocks, block);
  span.at = 0;
  return span;
}

void
ddim_cl_arena_release(DdimClArena *arena, DdimClSpan span)
{
  Block *block = block_at(arena, span.block);
  guint i = 0;
  while (i < block->holes->len && hole_at(block, i)->at < span.at)
    i++;
  Hole hole = {span.at, span.bytes};
  if (i < block->holes->len && hole.at + hole.bytes == hole_at(block, i)->at) {
    hole.bytes += hole_at(block, i)->bytes;
    g_array_remove_index(block->holes, i);
  }
  if (i > 0 && hole_at(block, i - 1)->at + hole_at(block, i - 1)->bytes == hole.at)
    hole_at(block, i - 1)->bytes += hole.bytes;
  else
    g_array_insert_val(block->holes, i, hole);
}

guint
ddim_cl_arena_get_n_blocks(const DdimClArena *arena)
{
  return arena->blocks->len;
}

guint64
ddim_cl_arena_get_block_bytes(const DdimClArena *arena, guint block)
{
  return block_at(arena, block)->end;
}

guint64
ddim_cl_arena_get_bytes(const DdimClArena *arena)
{
  guint64 bytes = 0;
  for (guint i = 0; i < arena->blocks->len; i++)
    bytes += block_at(arena, i)->end;
  return bytes;
}
