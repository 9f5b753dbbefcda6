/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

/** Places for memory whose lifetime is known while a plan is recorded. A place is taken from what
 * was released before: the first hole that is large enough, in the order of blocks and addresses.
 * Where there is none, a block grows, or a new block begins where it would grow too large. All
 * sizes are bytes. Places begin at multiples of 512 bytes, which is what the strictest known
 * devices ask of sub-buffers. */
typedef struct {
  GArray *blocks;
  guint64 limit; /**< of one block */
} DdimClArena;

/** A part of a block. */
typedef struct {
  guint block;
  guint64 at, bytes;
} DdimClSpan;

/** @limit  what one block holds at most; only a place that is larger than that has a larger block,
 * of its own */
void ddim_cl_arena_init(DdimClArena *arena, guint64 limit);
void ddim_cl_arena_clear(DdimClArena *arena);
/** @bytes, at most G_MAXINT64, are rounded up. */
DdimClSpan ddim_cl_arena_alloc(DdimClArena *arena, guint64 bytes);
/** @span  exactly as ddim_cl_arena_alloc() gave it */
void ddim_cl_arena_release(DdimClArena *arena, DdimClSpan span);

guint ddim_cl_arena_get_n_blocks(const DdimClArena *arena);
/** The most bytes of @block that were ever in use. */
guint64 ddim_cl_arena_get_block_bytes(const DdimClArena *arena, guint block);
/** The same of all blocks together. */
guint64 ddim_cl_arena_get_bytes(const DdimClArena *arena);
