/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/noise-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/diffusion/box-muller.h"
#include "core/data/error.h"
#include "core/diffusion/mt19937.h"
#include "core/diffusion/philox.h"

/* Threads of a block in PyTorch's CUDA kernels for random numbers. */
#define CUDA_BLOCK 256
/* Generous bounds on a card: its multiprocessors and the threads resident on each. */
#define CUDA_MAX_SMS 1024
#define CUDA_MAX_THREADS 4096
/* From this range on torch.randint reduces 64 random bits instead of 32 (older releases: from
 * 2^32 on). Labels never come near either. */
#define RANDINT_WIDE_RANGE (G_GUINT64_CONSTANT(1) << 28)

struct _DdimRng {
  gboolean cuda;
  /* Per image: one generator for each image of the present batch; else NULL. */
  DdimRng *images;
  guint n_images;
  /* CPU: at::CPUGeneratorImpl, engine and cached second normal number */
  DdimMt19937 mt;
  gboolean has_cached;
  double cached;
  /* CUDA: at::CUDAGeneratorImpl, seed and Philox offset, the latter counted in blocks of four words
   */
  guint64 seed;
  guint64 offset;
  guint64 max_blocks; /* blocks of threads resident on the card */
};

static gboolean
parse_cuda(const char *kind, const char *card, guint64 *max_blocks, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(card, ",", 3);
  guint64 sms = 0, threads = 0;

  if (g_strv_length(parts) == 2 &&
      g_ascii_string_to_unsigned(parts[0], 10, 1, CUDA_MAX_SMS, &sms, NULL) &&
      g_ascii_string_to_unsigned(parts[1], 10, CUDA_BLOCK, CUDA_MAX_THREADS, &threads, NULL) &&
      threads % CUDA_BLOCK == 0) {
    *max_blocks = sms * (threads / CUDA_BLOCK);
    return TRUE;
  }
  g_autofree char *shown = g_strescape(kind, NULL);
  g_set_error(
      error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
      _("random generator \"%.60s\": expected \"torch-cuda:SMS,THREADS\", the card's number of "
        "multiprocessors (1 to %d) and of resident threads on each (a multiple of %d up to %d); "
        "an A100 is \"torch-cuda:108,2048\""),
      shown, CUDA_MAX_SMS, CUDA_BLOCK, CUDA_MAX_THREADS);
  return FALSE;
}

DdimRng *
ddim_rng_new(const char *kind, guint64 seed, GError **error)
{
  g_autoptr(DdimRng) rng = g_new0(DdimRng, 1);
  const char *prefix = "torch-cuda";

  rng->seed = seed;
  if (kind == NULL || strcmp(kind, "torch") == 0) {
    /* PyTorch's engine takes the low half of a seed. */
    ddim_mt19937_seed(&rng->mt, (guint32)seed);
    return g_steal_pointer(&rng);
  }
  if (strcmp(kind, prefix) == 0 || g_str_has_prefix(kind, "torch-cuda:")) {
    const char *card = kind + strlen(prefix);
    if (!parse_cuda(kind, *card ? card + 1 : card, &rng->max_blocks, error))
      return NULL;
    rng->cuda = TRUE;
    return g_steal_pointer(&rng);
  }
  if (strcmp(kind, "torch-per-image") == 0) {
    rng->images = g_new0(DdimRng, 1);
    ddim_rng_begin_images(rng, 0, 1);
    return g_steal_pointer(&rng);
  }
  g_autofree char *shown = g_strescape(kind, NULL);
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("unknown random generator \"%.60s\": expected \"torch\", "
                "\"torch-per-image\" or \"torch-cuda:SMS,THREADS\""),
              shown);
  return NULL;
}

DdimRng *
ddim_rng_copy(const DdimRng *rng)
{
  DdimRng *copy = g_memdup2(rng, sizeof *rng);

  copy->images = g_memdup2(rng->images, rng->n_images * sizeof *rng->images);
  return copy;
}

void
ddim_rng_assign(DdimRng *rng, const DdimRng *other)
{
  DdimRng *images = rng->images;

  if (other->images)
    images = g_renew(DdimRng, images, other->n_images);
  *rng = *other;
  rng->images = images;
  if (other->images)
    memcpy(images, other->images, other->n_images * sizeof *images);
}

void
ddim_rng_free(DdimRng *rng)
{
  if (rng)
    g_free(rng->images);
  g_free(rng);
}

gboolean
ddim_rng_is_per_image(const DdimRng *rng)
{
  return rng->images != NULL;
}

void
ddim_rng_begin_images(DdimRng *rng, guint64 first, guint n)
{
  g_return_if_fail(rng != NULL && n > 0);

  if (!rng->images)
    return;
  rng->images = g_renew(DdimRng, rng->images, n);
  rng->n_images = n;
  memset(rng->images, 0, n * sizeof *rng->images);
  for (guint i = 0; i < n; i++)
    ddim_mt19937_seed(&rng->images[i].mt, (guint32)(rng->seed + first + i));
}

/* at::uniform_real_distribution<float>: 24 bits */
static void
fill_uniform(DdimMt19937 *mt, float *out, gsize n)
{
  for (gsize i = 0; i < n; i++)
    out[i] = (ddim_mt19937_next(mt) & 0xffffffu) * 0x1p-24f;
}

/* at::uniform_real_distribution<double>: 53 bits */
static double
next_uniform_double(DdimMt19937 *mt)
{
  return (ddim_mt19937_next64(mt) & ((G_GUINT64_CONSTANT(1) << 53) - 1)) * 0x1p-53;
}

/* at::normal_distribution<double>: the second number of a pair waits in the generator until it is
 * needed, even if larger draws come in between. */
static float
next_normal(DdimRng *rng)
{
  double value;

  if (rng->has_cached) {
    rng->has_cached = FALSE;
    return (float)rng->cached;
  }
  const double u1 = next_uniform_double(&rng->mt);
  const double u2 = next_uniform_double(&rng->mt);
  ddim_box_muller_double(u1, u2, &value, &rng->cached);
  rng->has_cached = TRUE;
  return (float)value;
}

/* ATen's normal_fill for 16 numbers and more, the scalar path for fewer. */
static void
cpu_normal(DdimRng *rng, float *out, gsize n)
{
  for (guint i = 0; i < rng->n_images; i++)
    cpu_normal(&rng->images[i], out + i * (n / rng->n_images), n / rng->n_images);
  if (rng->n_images)
    return;
  if (n < 16) {
    for (gsize i = 0; i < n; i++)
      out[i] = next_normal(rng);
    return;
  }
  fill_uniform(&rng->mt, out, n);
  for (gsize i = 0; i + 16 <= n; i += 16)
    ddim_box_muller_block16(out + i);
  if (n % 16 != 0) {
    /* The last 16 are drawn anew, including those that were made already. */
    fill_uniform(&rng->mt, out + n - 16, 16);
    ddim_box_muller_block16(out + n - 16);
  }
}

/* How ATen's calc_execution_policy divides a tensor: each of @threads threads draws four words at a
 * time and puts @per_draw numbers made of them @threads elements apart. */
typedef struct {
  guint64 threads;
  guint64 stride; /* numbers made by all threads in one round */
  guint64 rounds;
} CudaGrid;

static CudaGrid
cuda_grid(const DdimRng *rng, gsize n, guint per_draw)
{
  CudaGrid grid;
  grid.threads = CUDA_BLOCK * MIN((n - 1) / CUDA_BLOCK + 1, rng->max_blocks);
  grid.stride = grid.threads * per_draw;
  grid.rounds = (n - 1) / grid.stride + 1;
  return grid;
}

/* The four words that @thread draws in @round of the current launch: curand_init(seed, thread,
 * offset). */
static void
cuda_words(const DdimRng *rng, guint64 round, guint64 thread, guint32 words[4])
{
  const guint64 block = rng->offset + round;
  const guint32 counter[4] = {(guint32)block, (guint32)(block >> 32), (guint32)thread,
                              (guint32)(thread >> 32)};
  const guint32 key[2] = {(guint32)rng->seed, (guint32)(rng->seed >> 32)};

  ddim_philox4x32(counter, key, words);
}

static void
cuda_normal(DdimRng *rng, float *out, gsize n)
{
  const CudaGrid grid = cuda_grid(rng, n, 4);

  for (guint64 round = 0; round < grid.rounds; round++) {
    const guint64 base = round * grid.stride;
    for (guint64 thread = 0; thread < grid.threads && base + thread < n; thread++) {
      guint32 words[4];
      cuda_words(rng, round, thread, words);
      for (guint pair = 0; pair < 4; pair += 2) {
        const guint64 i = base + pair * grid.threads + thread;
        float first, second;
        if (i >= n)
          break;
        ddim_box_muller_curand(words[pair], words[pair + 1], &first, &second);
        out[i] = first;
        if (i + grid.threads < n)
          out[i + grid.threads] = second;
      }
    }
  }
  rng->offset += grid.rounds;
}

void
ddim_rng_normal(DdimRng *rng, float *out, gsize n)
{
  g_return_if_fail(rng != NULL && (out != NULL || n == 0));
  g_return_if_fail(!rng->images || n % rng->n_images == 0);

  if (n == 0)
    return;
  if (rng->cuda)
    cuda_normal(rng, out, n);
  else
    cpu_normal(rng, out, n);
}

/* at::transformation::uniform_int_from_to, wrapping like the unsigned arithmetic there */
static gint64
reduce(guint64 random, guint64 range, gint64 low)
{
  return (gint64)(random % range + (guint64)low);
}

/* at::native::templates::cuda::random_from_to_kernel */
static void
cuda_randint(DdimRng *rng, guint64 range, gint64 low, gint64 *out, gsize n)
{
  const gboolean wide = range >= RANDINT_WIDE_RANGE;
  const guint per_draw = wide ? 2 : 4;
  const CudaGrid grid = cuda_grid(rng, n, per_draw);

  for (guint64 round = 0; round < grid.rounds; round++) {
    const guint64 base = round * grid.stride;
    for (guint64 thread = 0; thread < grid.threads && base + thread < n; thread++) {
      guint32 words[4];
      cuda_words(rng, round, thread, words);
      for (guint j = 0; j < per_draw; j++) {
        const guint64 i = base + j * grid.threads + thread;
        if (i < n)
          out[i] =
              reduce(wide ? (guint64)words[2 * j] << 32 | words[2 * j + 1] : words[j], range, low);
      }
    }
  }
  rng->offset += grid.rounds;
}

void
ddim_rng_randint(DdimRng *rng, gint64 low, gint64 high, gint64 *out, gsize n)
{
  g_return_if_fail(rng != NULL && (out != NULL || n == 0));
  g_return_if_fail(low < high);
  g_return_if_fail(!rng->images || n % rng->n_images == 0);

  const guint64 range = (guint64)high - (guint64)low;
  if (n == 0)
    return;
  if (rng->cuda) {
    cuda_randint(rng, range, low, out, n);
    return;
  }
  for (guint i = 0; i < rng->n_images; i++)
    ddim_rng_randint(&rng->images[i], low, high, out + i * (n / rng->n_images), n / rng->n_images);
  if (rng->images)
    return;
  for (gsize i = 0; i < n; i++)
    out[i] = reduce(range >= RANDINT_WIDE_RANGE ? ddim_mt19937_next64(&rng->mt)
                                                : ddim_mt19937_next(&rng->mt),
                    range, low);
}
