/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/plan/arena.h"

/* What devices ask of sub-buffers: 512 bytes at most on those known. */
#define ALIGNMENT 128

typedef struct {
  guint64 offset, size;
} Span;

void
ddim_cl_arena_init(DdimClArena *arena)
{
  arena->free = g_array_new(FALSE, FALSE, sizeof(Span));
  arena->end = 0;
}

void
ddim_cl_arena_clear(DdimClArena *arena)
{
  g_clear_pointer(&arena->free, g_array_unref);
}

static Span *
span_at(DdimClArena *arena, guint i)
{
  return &g_array_index(arena->free, Span, i);
}

guint64
ddim_cl_arena_alloc(DdimClArena *arena, guint64 *size)
{
  *size = MAX((*size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, ALIGNMENT);
  for (guint i = 0; i < arena->free->len; i++) {
    Span *span = span_at(arena, i);
    if (span->size < *size)
      continue;
    guint64 offset = span->offset;
    span->offset += *size;
    span->size -= *size;
    if (!span->size)
      g_array_remove_index(arena->free, i);
    return offset;
  }
  /* A hole at the very end grows instead of being jumped over. */
  guint64 offset = arena->end;
  if (arena->free->len) {
    Span *last = span_at(arena, arena->free->len - 1);
    if (last->offset + last->size == arena->end) {
      offset = last->offset;
      g_array_set_size(arena->free, arena->free->len - 1);
    }
  }
  arena->end = offset + *size;
  return offset;
}

void
ddim_cl_arena_release(DdimClArena *arena, guint64 offset, guint64 size)
{
  guint i = 0;
  while (i < arena->free->len && span_at(arena, i)->offset < offset)
    i++;
  Span span = {offset, size};
  if (i < arena->free->len && offset + size == span_at(arena, i)->offset) {
    span.size += span_at(arena, i)->size;
    g_array_remove_index(arena->free, i);
  }
  if (i > 0 && span_at(arena, i - 1)->offset + span_at(arena, i - 1)->size == offset)
    span_at(arena, i - 1)->size += span.size;
  else
    g_array_insert_val(arena->free, i, span);
}
