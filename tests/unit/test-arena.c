/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Memory shared by lifetime: whatever the order of taking and giving back, no two places in use
 * overlap, what was given back is used again, and no block is larger than its limit. */
#include "opencl/plan/arena.h"

#include <glib.h>

#define UNLIMITED ((guint64)1 << 60)

static DdimClSpan
take(DdimClArena *arena, guint64 bytes)
{
  const DdimClSpan span = ddim_cl_arena_alloc(arena, bytes);
  g_assert_cmpuint(span.bytes, >=, bytes);
  g_assert_cmpuint(span.bytes, <, bytes + 512 + (bytes == 0));
  g_assert_cmpuint(span.at % 512, ==, 0);
  g_assert_cmpuint(span.block, <, ddim_cl_arena_get_n_blocks(arena));
  g_assert_cmpuint(span.at + span.bytes, <=, ddim_cl_arena_get_block_bytes(arena, span.block));
  return span;
}

static void
assert_apart(const GArray *spans, const DdimClSpan *span)
{
  for (guint i = 0; i < spans->len; i++) {
    const DdimClSpan *other = &g_array_index(spans, DdimClSpan, i);
    g_assert_true(span->block != other->block || span->at + span->bytes <= other->at ||
                  other->at + other->bytes <= span->at);
  }
}

static guint64
largest_block(const DdimClArena *arena)
{
  guint64 largest = 0;
  for (guint i = 0; i < ddim_cl_arena_get_n_blocks(arena); i++)
    largest = MAX(largest, ddim_cl_arena_get_block_bytes(arena, i));
  return largest;
}

/* All free again: each block is one hole, which is taken whole. */
static void
assert_empty(DdimClArena *arena)
{
  const guint n = ddim_cl_arena_get_n_blocks(arena);
  const guint64 bytes = ddim_cl_arena_get_bytes(arena);
  g_autofree guint64 *before = g_new(guint64, n);
  for (guint i = 0; i < n; i++)
    before[i] = ddim_cl_arena_get_block_bytes(arena, i);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint(take(arena, before[i]).at, ==, 0);
  g_assert_cmpuint(ddim_cl_arena_get_bytes(arena), ==, bytes);
}

/* @n steps of taking and giving back at random, about @live places at once. */
static void
exercise(guint32 seed, guint n, guint live, gint32 largest, guint64 limit)
{
  GRand *rand = g_rand_new_with_seed(seed);
  g_autoptr(GArray) spans = g_array_new(FALSE, FALSE, sizeof(DdimClSpan));
  DdimClArena arena;
  guint64 used = 0, most_used = 0;
  ddim_cl_arena_init(&arena, limit);
  for (guint i = 0; i < n; i++) {
    if (spans->len < 2 * live &&
        (!spans->len || g_rand_int_range(rand, 0, 2 * live) >= (gint32)spans->len)) {
      const DdimClSpan span = take(&arena, g_rand_int_range(rand, 0, largest));
      assert_apart(spans, &span);
      g_array_append_val(spans, span);
      used += span.bytes;
    } else {
      const guint at = g_rand_int_range(rand, 0, spans->len);
      const DdimClSpan span = g_array_index(spans, DdimClSpan, at);
      ddim_cl_arena_release(&arena, span);
      g_array_remove_index_fast(spans, at);
      used -= span.bytes;
    }
    most_used = MAX(most_used, used);
    g_assert_cmpuint(ddim_cl_arena_get_bytes(&arena), >=, used);
  }
  /* First fit wastes some; holes that never closed would waste ever more. */
  g_assert_cmpuint(ddim_cl_arena_get_bytes(&arena), <=, 4 * most_used);
  g_assert_cmpuint(largest_block(&arena), <=, limit);
  for (guint i = 0; i < spans->len; i++)
    ddim_cl_arena_release(&arena, g_array_index(spans, DdimClSpan, i));
  assert_empty(&arena);
  ddim_cl_arena_clear(&arena);
  g_rand_free(rand);
}

static void
test_random(void)
{
  for (guint32 seed = 1; seed <= 50; seed++)
    exercise(seed, 2000, 1 + seed, seed % 2 ? 40000 : 800, UNLIMITED);
}

/* The same in many blocks. */
static void
test_limit(void)
{
  for (guint32 seed = 1; seed <= 50; seed++)
    exercise(seed, 2000, 1 + seed, seed % 2 ? 40000 : 800, 40960 + 512 * (seed % 3));
}

/* A block begins where the first would grow too large; holes of both are used again. */
static void
test_blocks(void)
{
  DdimClArena arena;
  ddim_cl_arena_init(&arena, 4096);
  const DdimClSpan a = take(&arena, 3072), b = take(&arena, 2048), c = take(&arena, 1024);
  g_assert_cmpuint(a.block, ==, 0);
  g_assert_cmpuint(b.block, ==, 1);
  g_assert_cmpuint(b.at, ==, 0);
  g_assert_cmpuint(c.block, ==, 0);
  g_assert_cmpuint(c.at, ==, 3072);
  g_assert_cmpuint(ddim_cl_arena_get_bytes(&arena), ==, 4096 + 2048);
  ddim_cl_arena_release(&arena, b);
  const DdimClSpan d = take(&arena, 4096);
  g_assert_cmpuint(d.block, ==, 1);
  g_assert_cmpuint(d.at, ==, 0);
  /* what no block may hold has one of its own, which is for the device to refuse */
  const DdimClSpan large = take(&arena, 10000);
  g_assert_cmpuint(large.block, ==, 2);
  g_assert_cmpuint(take(&arena, 512).block, ==, 3);
  ddim_cl_arena_clear(&arena);
}

/* The lowest hole that is large enough, not the largest and not the end. */
static void
test_first_fit(void)
{
  DdimClArena arena;
  ddim_cl_arena_init(&arena, UNLIMITED);
  const DdimClSpan a = take(&arena, 1024), b = take(&arena, 512), c = take(&arena, 2048);
  const DdimClSpan d = take(&arena, 512);
  ddim_cl_arena_release(&arena, a);
  ddim_cl_arena_release(&arena, c);
  g_assert_cmpuint(take(&arena, 1536).at, ==, c.at);
  g_assert_cmpuint(take(&arena, 1).at, ==, a.at);
  g_assert_cmpuint(take(&arena, 512).at, ==, a.at + 512);
  g_assert_cmpuint(take(&arena, 1024).at, ==, d.at + d.bytes);
  g_assert_cmpuint(b.at, ==, a.bytes);
  ddim_cl_arena_clear(&arena);
}

/* A hole at the end grows: no more is used than the larger of two that follow each other. */
static void
test_end_grows(void)
{
  DdimClArena arena;
  ddim_cl_arena_init(&arena, UNLIMITED);
  const DdimClSpan a = take(&arena, 400), b = take(&arena, 4000);
  ddim_cl_arena_release(&arena, b);
  const DdimClSpan c = take(&arena, 20000);
  g_assert_cmpuint(c.at, ==, b.at);
  g_assert_cmpuint(ddim_cl_arena_get_bytes(&arena), ==, a.bytes + c.bytes);
  ddim_cl_arena_clear(&arena);
}

/* More than 32 bits. */
static void
test_large(void)
{
  DdimClArena arena;
  ddim_cl_arena_init(&arena, UNLIMITED);
  const DdimClSpan a = take(&arena, (guint64)5 << 34), b = take(&arena, (guint64)3 << 35);
  g_assert_cmpuint(b.at, ==, a.bytes);
  g_assert_cmpuint(ddim_cl_arena_get_bytes(&arena), ==, ((guint64)5 << 34) + ((guint64)3 << 35));
  ddim_cl_arena_clear(&arena);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/arena/random", test_random);
  g_test_add_func("/arena/limit", test_limit);
  g_test_add_func("/arena/blocks", test_blocks);
  g_test_add_func("/arena/first-fit", test_first_fit);
  g_test_add_func("/arena/end-grows", test_end_grows);
  g_test_add_func("/arena/large", test_large);
  return g_test_run();
}
