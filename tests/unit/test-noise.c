/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "core/diffusion/box-muller.h"
#include "core/data/error.h"
#include "core/diffusion/mt19937.h"
#include "core/diffusion/noise-private.h"
#include "core/diffusion/philox.h"
#include "golden.h"

static DdimRng *
new_rng(const char *kind, guint64 seed)
{
  g_autoptr(GError) error = NULL;
  DdimRng *rng = ddim_rng_new(kind, seed, &error);
  g_assert_no_error(error);
  return rng;
}

static void
assert_close(const float *values, const float *expected, gsize n, double tolerance,
             const char *what)
{
  for (gsize i = 0; i < n; i++)
    if (!(fabs((double)values[i] - expected[i]) <= tolerance))
      g_error("%s[%" G_GSIZE_FORMAT "]: %.9g, expected %.9g", what, i, values[i], expected[i]);
}

/* Sixteen and more numbers follow PyTorch's own arithmetic to the bit; fewer go through the C
 * library's double functions, whose last bit seldom survives the rounding to float. */
static double
tolerance_of(gsize n)
{
  return n >= 16 ? 0 : 3e-7;
}

static void
check_draw(DdimRng *rng, const DdimArray *array, const char *what)
{
  const gsize n = ddim_tensor_count(&array->tensor);
  g_autofree float *values = g_new(float, n);

  ddim_rng_normal(rng, values, n);
  assert_close(values, golden_data(array, DDIM_DTYPE_F32, n), n, tolerance_of(n), what);
}

static void
test_golden(void)
{
  static const guint64 seeds[] = {0, 42, 123456789, G_MAXINT64};
  static const guint sizes[] = {1, 5, 15, 16, 17, 48, 100, 3072};

  for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
    for (guint j = 0; j < G_N_ELEMENTS(sizes); j++) {
      g_autofree char *name = g_strdup_printf("seed%" G_GUINT64_FORMAT "_n%u", seeds[i], sizes[j]);
      g_autoptr(DdimArray) array = golden_array("torch_cpu_randn.npz", "%s", name);
      g_autoptr(DdimRng) rng = new_rng(j % 2 ? "torch" : NULL, seeds[i]);
      check_draw(rng, array, name);
    }
    g_autoptr(DdimRng) rng = new_rng("torch", seeds[i]);
    for (const char *part = "ab"; *part; part++) {
      g_autoptr(DdimArray) array =
          golden_array("torch_cpu_randn.npz", "seed%" G_GUINT64_FORMAT "_then_%c", seeds[i], *part);
      check_draw(rng, array, "then");
    }
  }
}

/* Sequences that mix long and short draws and labels: the cached second number outlives them all.
 */
static void
check_sequence(JsonObject *sequence)
{
  const char *key = json_object_get_string_member(sequence, "key");
  JsonArray *draws = json_object_get_array_member(sequence, "draws");
  g_autoptr(DdimRng) rng = new_rng("torch", (guint64)json_object_get_int_member(sequence, "seed"));

  for (guint i = 0; i < json_array_get_length(draws); i++) {
    JsonArray *draw = json_array_get_array_element(draws, i);
    g_autofree char *name = g_strdup_printf("%s_%u", key, i);
    g_autoptr(DdimArray) array = golden_array("diffusion.npz", "%s", name);
    const gsize n = ddim_tensor_count(&array->tensor);
    if (strcmp(json_array_get_string_element(draw, 0), "randn") == 0) {
      check_draw(rng, array, name);
      continue;
    }
    g_autofree gint64 *values = g_new(gint64, n);
    const gint64 *expected = golden_data(array, DDIM_DTYPE_I64, n);
    ddim_rng_randint(rng, json_array_get_int_element(draw, 1), json_array_get_int_element(draw, 2),
                     values, n);
    for (gsize j = 0; j < n; j++)
      g_assert_cmpint(values[j], ==, expected[j]);
  }
}

static void
test_sequences(void)
{
  g_autoptr(JsonNode) root = golden_json("diffusion.json");
  JsonArray *sequences = json_object_get_array_member(json_node_get_object(root), "draws");

  g_assert_cmpuint(json_array_get_length(sequences), >=, 3);
  for (guint i = 0; i < json_array_get_length(sequences); i++)
    check_sequence(json_array_get_object_element(sequences, i));
}

/* The C++ standard, [rand.predef]: the 10000th number of a default mt19937 (seed 5489) is
 * 4123659995. */
static void
test_mt19937(void)
{
  DdimMt19937 mt;
  guint32 last = 0;

  ddim_mt19937_seed(&mt, 5489);
  for (guint i = 0; i < 10000; i++)
    last = ddim_mt19937_next(&mt);
  g_assert_cmpuint(last, ==, 4123659995u);
}

/* kat_vectors of Random123, the library of Philox's authors. */
static void
test_philox(void)
{
  static const guint32 rows[][10] = {
      {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
      {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d,
       0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
      {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09,
       0x94fdcceb, 0x5001e420, 0x24126ea1},
  };

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    guint32 out[4];
    ddim_philox4x32(rows[i], rows[i] + 4, out);
    g_assert_cmpmem(out, sizeof out, rows[i] + 6, sizeof out);
  }
}

/* What torch.randn(…, device="cuda") prints, on any card this large. */
static void
test_cuda_known(void)
{
  static const float seed42[] = {0.1940f, 2.1614f, -0.1721f};
  static const float seed0[] = {-0.9247f, -0.4253f, -2.6438f, 0.1452f,
                                -0.1209f, -0.5797f, -0.6229f, -0.3284f};
  float values[8];
  g_autoptr(DdimRng) rng42 = new_rng("torch-cuda:108,2048", 42);
  g_autoptr(DdimRng) rng0 = new_rng("torch-cuda:46,1024", 0);

  ddim_rng_normal(rng42, values, 3);
  assert_close(values, seed42, 3, 5.1e-5, "seed 42");
  ddim_rng_normal(rng0, values, 8);
  assert_close(values, seed0, 8, 5.1e-5, "seed 0");
}

/* Element @li of a launch over @n elements, straight from the description of PyTorch's kernel:
 * @per_draw results of one Philox block are @threads elements apart. */
typedef struct {
  guint64 seed, offset, blocks;
} CudaOracle;

static guint64
oracle_threads(const CudaOracle *card, guint64 n)
{
  return 256 * MIN((n + 255) / 256, card->blocks);
}

static void
oracle_words(const CudaOracle *card, guint64 li, guint64 n, guint per_draw, guint32 words[4],
             guint *which)
{
  const guint64 threads = oracle_threads(card, n);
  const guint64 counter = card->offset / 4 + li / (per_draw * threads);
  const guint32 full[4] = {(guint32)counter, (guint32)(counter >> 32), (guint32)(li % threads), 0};
  const guint32 key[2] = {(guint32)card->seed, (guint32)(card->seed >> 32)};

  *which = (guint)((li / threads) % per_draw);
  ddim_philox4x32(full, key, words);
}

static void
oracle_advance(CudaOracle *card, guint64 n, guint per_draw)
{
  card->offset += 4 * ((n - 1) / (oracle_threads(card, n) * per_draw) + 1);
}

static void
check_cuda_normal(DdimRng *rng, CudaOracle *card, gsize n)
{
  g_autofree float *values = g_new(float, n);

  ddim_rng_normal(rng, values, n);
  for (gsize li = 0; li < n; li++) {
    guint32 w[4];
    guint which;
    oracle_words(card, li, n, 4, w, &which);
    const float u = (float)w[which & 2] * 0x1p-32f + 0x1p-33f;
    const double v = (w[(which & 2) + 1] * 0x1p-32 + 0x1p-33) * 2 * G_PI;
    const double s = sqrt(-2 * log((double)u));
    const double expected = which % 2 == 0 ? s * sin(v) : s * cos(v);
    /* the angle is a float on the card: up to 2^-22 off, times the radius */
    g_assert_cmpfloat_with_epsilon(values[li], expected, s * 0x1p-21 + 1e-6);
  }
  oracle_advance(card, n, 4);
}

static void
check_cuda_randint(DdimRng *rng, CudaOracle *card, gint64 low, gint64 high, gsize n)
{
  const guint64 range = (guint64)high - (guint64)low;
  const gboolean wide = range >= 1u << 28;
  g_autofree gint64 *values = g_new(gint64, n);

  ddim_rng_randint(rng, low, high, values, n);
  for (gsize li = 0; li < n; li++) {
    guint32 w[4];
    guint which;
    oracle_words(card, li, n, wide ? 2 : 4, w, &which);
    const guint64 random = wide ? (guint64)w[2 * which] << 32 | w[2 * which + 1] : w[which];
    g_assert_cmpint(values[li], ==, (gint64)(random % range + (guint64)low));
  }
  oracle_advance(card, n, wide ? 2 : 4);
}

/* Cards so small that a draw takes several rounds, and one large; sequences of draws of all sizes.
 */
static void
test_cuda_grid(void)
{
  static const struct {
    const char *kind;
    guint64 blocks;
  } cards[] = {{"torch-cuda:1,256", 1}, {"torch-cuda:3,512", 6}, {"torch-cuda:108,2048", 864}};
  static const gsize sizes[] = {1, 15, 16, 255, 256, 257, 1023, 1024, 1025, 3072, 6145, 20000};

  for (guint i = 0; i < G_N_ELEMENTS(cards); i++) {
    const guint64 seed = G_GUINT64_CONSTANT(0x9123456789abcdef) + i;
    CudaOracle card = {.seed = seed, .blocks = cards[i].blocks};
    g_autoptr(DdimRng) rng = new_rng(cards[i].kind, seed);
    for (guint j = 0; j < G_N_ELEMENTS(sizes); j++) {
      check_cuda_randint(rng, &card, 0, 1000, sizes[j] % 500 + 1);
      check_cuda_normal(rng, &card, sizes[j]);
      check_cuda_randint(rng, &card, G_MININT64, G_MAXINT64, sizes[j]);
    }
  }
}

/* Mean, variance and the share beyond two deviations, of all three ways to make a number. */
static void
check_moments(const char *kind, gsize draw, gsize draws)
{
  g_autoptr(DdimRng) rng = new_rng(kind, 2024);
  g_autofree float *values = g_new(float, draw);
  const double n = (double)draw * (double)draws;
  double sum = 0, squares = 0, beyond = 0;

  for (gsize k = 0; k < draws; k++) {
    ddim_rng_normal(rng, values, draw);
    for (gsize i = 0; i < draw; i++) {
      sum += values[i];
      squares += (double)values[i] * values[i];
      beyond += fabs((double)values[i]) > 2;
    }
  }
  g_assert_cmpfloat(fabs(sum / n), <, 5 / sqrt(n));
  g_assert_cmpfloat(fabs(squares / n - 1), <, 5 * sqrt(2 / n));
  g_assert_cmpfloat(fabs(beyond / n - 0.0455), <, 5 * sqrt(0.0455 * 0.9545 / n));
}

static void
test_moments(void)
{
  check_moments("torch", 200003, 1);
  check_moments("torch", 7, 20000);
  check_moments("torch-cuda:2,1024", 200003, 1);
}

static void
test_nothing(void)
{
  g_autoptr(DdimRng) drawn = new_rng("torch", 1), fresh = new_rng("torch", 1);
  g_autoptr(DdimRng) cuda_drawn = new_rng("torch-cuda:8,1024", 1);
  g_autoptr(DdimRng) cuda_fresh = new_rng("torch-cuda:8,1024", 1);
  float a[20], b[20];

  ddim_rng_normal(drawn, NULL, 0);
  ddim_rng_randint(drawn, 0, 5, NULL, 0);
  ddim_rng_normal(drawn, a, 20);
  ddim_rng_normal(fresh, b, 20);
  g_assert_cmpmem(a, sizeof a, b, sizeof b);
  ddim_rng_normal(cuda_drawn, NULL, 0);
  ddim_rng_randint(cuda_drawn, 0, 5, NULL, 0);
  ddim_rng_normal(cuda_drawn, a, 20);
  ddim_rng_normal(cuda_fresh, b, 20);
  g_assert_cmpmem(a, sizeof a, b, sizeof b);
}

/* The radius' ends: u = 0 gives 0, the smallest 1 - u its largest value; neither is infinite. */
static void
test_extremes(void)
{
  float block[16] = {0, 1 - 0x1p-24f};
  float first, second;

  block[9] = 0.25f;
  ddim_box_muller_block16(block);
  g_assert_cmpfloat(block[0], ==, 0);
  g_assert_cmpfloat_with_epsilon(block[1], 0, 1e-6);
  g_assert_cmpfloat_with_epsilon(block[9], sqrt(48 * G_LN2), 1e-6);
  ddim_box_muller_curand(0, 0, &first, &second);
  g_assert_cmpfloat_with_epsilon(second, sqrt(66 * G_LN2), 1e-6);
  ddim_box_muller_curand(G_MAXUINT32, G_MAXUINT32, &first, &second);
  g_assert_cmpfloat(first, ==, 0);
  g_assert_cmpfloat(second, ==, 0);
}

/* Image k has the numbers of torch with the seed + k, however many are drawn for together. */
static void
test_per_image(void)
{
  enum { N = 5, SIZE = 21, FIRST = 3, ROUNDS = 3 };
  g_autoptr(DdimRng) rng = new_rng("torch-per-image", 40);
  float drawn[N * SIZE], expected[SIZE];
  gint64 labels[N * 2], label[2];

  g_assert_true(ddim_rng_is_per_image(rng));
  for (guint n = 1; n <= N; n += N - 1) {
    g_autoptr(GPtrArray) single = g_ptr_array_new_with_free_func((GDestroyNotify)ddim_rng_free);
    ddim_rng_begin_images(rng, FIRST, n);
    ddim_rng_randint(rng, 0, 1000, labels, 2 * n);
    for (guint i = 0; i < n; i++) {
      g_ptr_array_add(single, new_rng("torch", 40 + FIRST + i));
      ddim_rng_randint(single->pdata[i], 0, 1000, label, 2);
      g_assert_cmpmem(labels + 2 * i, sizeof label, label, sizeof label);
    }
    for (guint round = 0; round < ROUNDS; round++) {
      const guint size = round == 1 ? 7 : SIZE; /* short draws are made in another way */
      ddim_rng_normal(rng, drawn, n * size);
      for (guint i = 0; i < n; i++) {
        ddim_rng_normal(single->pdata[i], expected, size);
        g_assert_cmpmem(drawn + i * size, size * sizeof(float), expected, size * sizeof(float));
      }
    }
  }
}

/* A new generator is that of image 0; other kinds do not begin anew. */
static void
test_per_image_alone(void)
{
  g_autoptr(DdimRng) image = new_rng("torch-per-image", 9), torch = new_rng("torch", 9);
  float ours[2 * 16], theirs[2 * 16];

  g_assert_false(ddim_rng_is_per_image(torch));
  ddim_rng_normal(image, ours, 16);
  ddim_rng_normal(torch, theirs, 16);
  ddim_rng_begin_images(torch, 0, 1);
  ddim_rng_normal(image, ours + 16, 16);
  ddim_rng_normal(torch, theirs + 16, 16);
  g_assert_cmpmem(ours, sizeof ours, theirs, sizeof theirs);
}

static void
test_bad_kinds(void)
{
  static const char *const kinds[] = {
      "",
      "numpy",
      "Torch",
      "torch ",
      "torch-",
      "torch-cuda",
      "torch-cuda:",
      "torch-cuda:108",
      "torch-cuda:108,",
      "torch-cuda:,2048",
      "torch-cuda:0,2048",
      "torch-cuda:1025,2048",
      "torch-cuda:108,0",
      "torch-cuda:108,100",
      "torch-cuda:108,2047",
      "torch-cuda:108,4352",
      "torch-cuda:108,2048,1",
      "torch-cuda:108,2048 ",
      "torch-cuda:-1,2048",
      "torch-cuda:+8,2048",
      "torch-cuda:1e2,2048",
      "torch-cuda:99999999999999999999,2048",
      "torch-cuda108,2048",
      "torch-per-image:",
      "torch-per-images",
      "torch-per-",
      "torch\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(ddim_rng_new(kinds[i], 0, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    g_assert_nonnull(strstr(error->message, "\"torch-cuda:SMS,THREADS\""));
    g_assert_null(strchr(error->message, '\n'));
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/noise/golden", test_golden);
  g_test_add_func("/noise/sequences", test_sequences);
  g_test_add_func("/noise/mt19937", test_mt19937);
  g_test_add_func("/noise/philox", test_philox);
  g_test_add_func("/noise/cuda-known", test_cuda_known);
  g_test_add_func("/noise/cuda-grid", test_cuda_grid);
  g_test_add_func("/noise/moments", test_moments);
  g_test_add_func("/noise/nothing", test_nothing);
  g_test_add_func("/noise/extremes", test_extremes);
  g_test_add_func("/noise/per-image", test_per_image);
  g_test_add_func("/noise/per-image-alone", test_per_image_alone);
  g_test_add_func("/noise/bad-kinds", test_bad_kinds);
  return g_test_run();
}
