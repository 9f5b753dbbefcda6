/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Memory shared by lifetime: whatever the order of taking and giving back, no two blocks in use
 * overlap, and what was given back is used again. */
#include "opencl/plan/arena.h"

#include <glib.h>

typedef struct {
  guint64 offset, size;
} Block;

static Block
take(DdimClArena *arena, guint64 size)
{
  Block block = {.size = size};
  block.offset = ddim_cl_arena_alloc(arena, &block.size);
  g_assert_cmpuint(block.size, >=, size);
  g_assert_cmpuint(block.size, <, size + 128 + (size == 0));
  g_assert_cmpuint(block.offset % 128, ==, 0);
  g_assert_cmpuint(block.offset + block.size, <=, arena->end);
  return block;
}

static void
assert_apart(const GArray *blocks, const Block *block)
{
  for (guint i = 0; i < blocks->len; i++) {
    const Block *other = &g_array_index(blocks, Block, i);
    g_assert_true(block->offset + block->size <= other->offset ||
                  other->offset + other->size <= block->offset);
  }
}

/* @n steps of taking and giving back at random, about @live blocks at once. */
static void
exercise(guint32 seed, guint n, guint live, gint32 largest)
{
  GRand *rand = g_rand_new_with_seed(seed);
  g_autoptr(GArray) blocks = g_array_new(FALSE, FALSE, sizeof(Block));
  DdimClArena arena;
  guint64 used = 0, most_used = 0;
  ddim_cl_arena_init(&arena);
  for (guint i = 0; i < n; i++) {
    if (blocks->len < 2 * live &&
        (!blocks->len || g_rand_int_range(rand, 0, 2 * live) >= (gint32)blocks->len)) {
      const Block block = take(&arena, g_rand_int_range(rand, 0, largest));
      assert_apart(blocks, &block);
      g_array_append_val(blocks, block);
      used += block.size;
    } else {
      const guint at = g_rand_int_range(rand, 0, blocks->len);
      const Block block = g_array_index(blocks, Block, at);
      ddim_cl_arena_release(&arena, block.offset, block.size);
      g_array_remove_index_fast(blocks, at);
      used -= block.size;
    }
    most_used = MAX(most_used, used);
    g_assert_cmpuint(arena.end, >=, used);
  }
  /* First fit wastes some; holes that never closed would waste ever more. */
  g_assert_cmpuint(arena.end, <=, 4 * most_used);
  while (blocks->len) {
    const Block block = g_array_index(blocks, Block, blocks->len - 1);
    ddim_cl_arena_release(&arena, block.offset, block.size);
    g_array_set_size(blocks, blocks->len - 1);
  }
  /* All free again is one hole. */
  const guint64 end = arena.end;
  g_assert_cmpuint(arena.free->len, ==, end > 0);
  const Block all = take(&arena, end);
  g_assert_cmpuint(all.offset, ==, 0);
  g_assert_cmpuint(arena.end, ==, end);
  ddim_cl_arena_clear(&arena);
  g_rand_free(rand);
}

static void
test_random(void)
{
  for (guint32 seed = 1; seed <= 50; seed++)
    exercise(seed, 2000, 1 + seed, seed % 2 ? 10000 : 200);
}

/* The lowest hole that is large enough, not the largest and not the end. */
static void
test_first_fit(void)
{
  DdimClArena arena;
  ddim_cl_arena_init(&arena);
  const Block a = take(&arena, 256), b = take(&arena, 128), c = take(&arena, 512);
  const Block d = take(&arena, 128);
  ddim_cl_arena_release(&arena, a.offset, a.size);
  ddim_cl_arena_release(&arena, c.offset, c.size);
  g_assert_cmpuint(take(&arena, 384).offset, ==, c.offset);
  g_assert_cmpuint(take(&arena, 1).offset, ==, a.offset);
  g_assert_cmpuint(take(&arena, 128).offset, ==, a.offset + 128);
  g_assert_cmpuint(take(&arena, 256).offset, ==, d.offset + d.size);
  g_assert_cmpuint(b.offset, ==, a.size);
  ddim_cl_arena_clear(&arena);
}

/* A hole at the end grows: no more is used than the larger of two that follow each other. */
static void
test_end_grows(void)
{
  DdimClArena arena;
  ddim_cl_arena_init(&arena);
  const Block a = take(&arena, 100), b = take(&arena, 1000);
  ddim_cl_arena_release(&arena, b.offset, b.size);
  const Block c = take(&arena, 5000);
  g_assert_cmpuint(c.offset, ==, b.offset);
  g_assert_cmpuint(arena.end, ==, a.size + c.size);
  ddim_cl_arena_clear(&arena);
}

/* More than 32 bits of floats. */
static void
test_large(void)
{
  DdimClArena arena;
  ddim_cl_arena_init(&arena);
  const Block a = take(&arena, (guint64)5 << 32), b = take(&arena, (guint64)3 << 33);
  g_assert_cmpuint(b.offset, ==, a.size);
  g_assert_cmpuint(arena.end, ==, ((guint64)5 << 32) + ((guint64)3 << 33));
  ddim_cl_arena_clear(&arena);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/arena/random", test_random);
  g_test_add_func("/arena/first-fit", test_first_fit);
  g_test_add_func("/arena/end-grows", test_end_grows);
  g_test_add_func("/arena/large", test_large);
  return g_test_run();
}
