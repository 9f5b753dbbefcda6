/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

/** Offsets for blocks whose lifetimes are known as a plan is recorded: first fit into what was
 * released, lowest address first. Units are floats; blocks start at multiples of 128 floats. */
typedef struct {
  GArray *free; /**< (offset, size), sorted, never adjacent */
  guint64 end;  /**< the most ever in use */
} DdimClArena;

void ddim_cl_arena_init(DdimClArena *arena);
void ddim_cl_arena_clear(DdimClArena *arena);
/** @size is rounded up in place. */
guint64 ddim_cl_arena_alloc(DdimClArena *arena, guint64 *size);
void ddim_cl_arena_release(DdimClArena *arena, guint64 offset, guint64 size);
