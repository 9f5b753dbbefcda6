/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What shapes tell: state dicts as the originals make them, whole, damaged and of other kinds. */
#include <string.h>

#include "core/data/error.h"
#include "check-architecture.h"
#include "check-config.h"
#include "fake-checkpoint.h"

static DdimConfig *
load(FakeModels *fixture, const char *file, GPtrArray *tensors, const char *flags, GError **error)
{
  g_autoptr(DdimCheckpoint) checkpoint = fake_checkpoint_new(fixture->folder, file, tensors, NULL);

  return ddim_config_load(checkpoint, flags, error);
}

static void
assert_value(DdimConfig *config, const char *key, const char *value, DdimSource source)
{
  DdimSource found;
  g_autofree char *text = config_find_value(config, key, &found);

  if (g_strcmp0(text, value) != 0 || (value && found != source))
    g_error("%s of %s is %s (%s), expected %s (%s)", key, ddim_config_get_name(config), text,
            ddim_source_get_name(found), value, ddim_source_get_name(source));
}

static void
assert_levels(DdimConfig *config, const char *expected, guint blocks)
{
  g_autoptr(GArray) levels = ddim_architecture_get_levels(ddim_config_get_architecture(config));
  g_autofree char *text = config_levels_to_string(config);

  for (guint i = 0; i < levels->len; i++)
    g_assert_cmpuint(g_array_index(levels, DdimLevel, i).blocks, ==, blocks);
  g_assert_cmpstr(text, ==, expected);
  g_assert_cmpuint(ddim_config_get_stride(config), ==, 1 << (levels->len - 1));
}

/* Every attention has @heads, or as many as there are @head_channels in its channels. */
static void
assert_heads(const DdimArchitecture *architecture, guint heads, int head_channels,
             DdimQkvOrder order)
{
  for (guint s = 0; s < architecture->stages->len; s++) {
    const DdimStage *stage = architecture->stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++) {
      const DdimModule *module = stage->modules->pdata[m];
      if (module->type != DDIM_MODULE_ATTENTION)
        continue;
      g_assert_cmpuint(module->heads, ==,
                       head_channels > 0 ? module->in / (guint)head_channels : heads);
      g_assert_cmpint(module->qkv_order, ==, order);
    }
  }
}

typedef struct {
  const char *name, *levels, *size, *steps, *schedule, *heads, *head_channels, *rescale, *order,
      *attention;
  guint res_blocks, classes;
  gboolean scale_shift, updown, super_res;
} Published;

static const Published published[] = {
    {"imagenet64_uncond_100M_1500K", "128 256 384+ 512+", "64", "4000", "cosine", "4", "-1", "True",
     "False", "16,8", 3, 0, TRUE, FALSE, FALSE},
    {"cifar10_uncond_50M_500K", "128 256+ 256+ 256", "32", "4000", "cosine", "4", "-1", "True",
     "False", "16,8", 3, 0, TRUE, FALSE, FALSE},
    {"imagenet64_cond_270M_250K", "192 384 576+ 768+", "64", "4000", "cosine", "4", "-1", "False",
     "False", "16,8", 3, 1000, TRUE, FALSE, FALSE},
    {"upsample_cond_500K", "192 192 384 384 768+ 768+", "256", "4000", "linear", "4", "-1", "False",
     "False", "16,8", 2, 1000, TRUE, FALSE, TRUE},
    {"lsun_uncond_100M_1200K_bs128", "128 128 256 256 512+ 512", "256", "1000", "linear", "1", "-1",
     "False", "False", "16", 2, 0, FALSE, FALSE, FALSE},
    {"64x64_diffusion", "192 384+ 576+ 768+", "64", "1000", "cosine", "4", "64", "False", "True",
     "32,16,8", 3, 1000, TRUE, TRUE, FALSE},
    {"128x128_diffusion", "256 256 512+ 768+ 1024+", "128", "1000", "linear", "4", "-1", "False",
     "False", "32,16,8", 2, 1000, TRUE, TRUE, FALSE},
    {"256x256_diffusion", "256 256 512 512+ 1024+ 1024+", "256", "1000", "linear", "4", "64",
     "False", "False", "32,16,8", 2, 1000, TRUE, TRUE, FALSE},
    {"256x256_diffusion_uncond", "256 256 512 512+ 1024+ 1024+", "256", "1000", "linear", "4", "64",
     "False", "False", "32,16,8", 2, 0, TRUE, TRUE, FALSE},
    {"512x512_diffusion", "128 256 256 512 512+ 1024+ 1024+", "512", "1000", "linear", "4", "64",
     "False", "False", "32,16,8", 2, 1000, TRUE, TRUE, FALSE},
    {"64_256_upsampler", "192 192 384 384+ 768+ 768+", "256", "1000", "linear", "4", "-1", "False",
     "False", "32,16,8", 2, 1000, TRUE, TRUE, TRUE},
    {"128_512_upsampler", "192 192 384 384 768+ 768+", "512", "1000", "linear", "4", "64", "False",
     "False", "32,16", 2, 1000, TRUE, TRUE, TRUE},
    {"ffhq_10m", "128 128 256 256 512+ 512", "256", "1000", "linear", "4", "64", "False", "False",
     "16", 1, 0, TRUE, TRUE, FALSE},
};

static void
check_published(FakeModels *fixture, const Published *expected, const char *file)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimConfig) config =
      load(fixture, file, fake_models_get(fixture, expected->name), NULL, &error);
  const DdimSource preset = DDIM_SOURCE_PRESET;

  g_assert_no_error(error);
  const DdimArchitecture *architecture_found = ddim_config_get_architecture(config);
  check_architecture(architecture_found);
  assert_levels(config, expected->levels, expected->res_blocks);
  g_assert_cmpstr(ddim_config_get_family(config), ==,
                  expected->updown ? "guided-diffusion" : "improved-diffusion");
  assert_value(config, expected->super_res ? "large_size" : "image_size", expected->size, preset);
  assert_value(config, expected->super_res ? "image_size" : "large_size", NULL, preset);
  assert_value(config, "diffusion_steps", expected->steps, preset);
  assert_value(config, "noise_schedule", expected->schedule, preset);
  assert_value(config, "rescale_timesteps", expected->rescale, preset);
  assert_value(config, "attention_resolutions", expected->attention, DDIM_SOURCE_SHAPES);
  assert_value(config, "learn_sigma", "True", DDIM_SOURCE_SHAPES);
  assert_value(config, "use_scale_shift_norm", expected->scale_shift ? "True" : "False",
               DDIM_SOURCE_SHAPES);
  assert_value(config, "resblock_updown", expected->updown ? "True" : "False", DDIM_SOURCE_SHAPES);
  g_assert_cmpuint(ddim_config_get_n_classes(config), ==, expected->classes);
  g_assert_cmpint(ddim_config_is_super_res(config), ==, expected->super_res);
  assert_heads(architecture_found, atoi(expected->heads), atoi(expected->head_channels),
               g_str_equal(expected->order, "True") ? DDIM_QKV_BY_KIND : DDIM_QKV_BY_HEAD);
  g_assert_cmpuint(architecture_found->in_channels, ==, expected->super_res ? 6 : 3);
  g_assert_cmpuint(ddim_config_get_image_channels(config), ==, 3);
  g_assert_cmpuint(ddim_config_get_out_channels(config), ==, 6);
  g_assert_cmpuint(ddim_config_get_image_size(config), ==, atoi(expected->size));
  g_assert_null(ddim_config_get_notes(config)[0]);
  if (ddim_config_get_n_classes(config) > 0) {
    gint64 label = -1;
    g_assert_cmpstr(ddim_config_get_class_name(config, 0), ==, "tench");
    g_assert_cmpstr(ddim_config_get_class_name(config, 999), ==, "toilet tissue");
    g_assert_true(ddim_config_parse_class(config, "Golden Retriever", &label, NULL));
    g_assert_cmpint(label, ==, 207);
  }

  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;
  ddim_config_get_diffusion(config, &params);
  g_assert_cmpstr(params.noise_schedule, ==, expected->schedule);
  g_assert_cmpuint(params.diffusion_steps, ==, atoi(expected->steps));
  g_assert_cmpint(params.rescale_timesteps, ==, g_str_equal(expected->rescale, "True"));
  g_assert_cmpint(params.var_type, ==, DDIM_VAR_LEARNED_RANGE);
  g_assert_cmpint(params.mean_type, ==, DDIM_MEAN_EPSILON);
}

/* Each is recognised by the file's name, and under any other name by the shapes alone. */
static void
test_published(FakeModels *fixture, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS(published); i++) {
    g_autofree char *file = g_strconcat(published[i].name, ".safetensors", NULL);
    check_published(fixture, &published[i], file);
    check_published(fixture, &published[i], "model.safetensors");
  }
}

static void
test_published_sizes(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimConfig) config = load(fixture, "128_512_upsampler.safetensors",
                                      fake_models_get(fixture, "128_512_upsampler"), NULL, &error);

  g_assert_no_error(error);
  g_assert_cmpuint(ddim_config_get_small_size(config), ==, 128);
  g_assert_cmpstr(ddim_config_get_preset(config), ==, "128_512_upsampler");
  g_assert_cmpstr(ddim_config_get_name(config), ==, "128_512_upsampler");
}

/* Who else has published models of these shapes, and what is said of them. */
static void
test_published_names(FakeModels *fixture, gconstpointer data)
{
  static const struct {
    const char *file, *architecture, *preset, *reason;
  } cases[] = {
      {"ffhq_10m", "ffhq_10m", "ffhq_10m", "has its name"},
      {"ffhq_p2", "ffhq_10m", "ffhq_p2", "has its name"},
      {"afhqdog_p2", "ffhq_10m", "afhqdog_p2", "has its name"},
      {"my_faces", "ffhq_10m", "ffhq_10m", "have its shapes"},
      {"celeba256_250000", "256x256_diffusion_uncond", "celeba256_250000", "has its name"},
      {"places256_300000", "256x256_diffusion_uncond", "places256_300000", "has its name"},
      {"imagenet256", "256x256_diffusion_uncond", "256x256_diffusion_uncond", "celeba256_250000"},
      {"lsun_cat", "256x256_diffusion_uncond", "lsun_cat", "has its name"},
      {"64_256_upsampler", "64_256_upsampler", "64_256_upsampler", "has its name"},
      {"up", "64_256_upsampler", "64_256_upsampler", "have its shapes"},
      /* A file of another kind may well be called so. */
      {"plan_p2", "64x64_diffusion", "64x64_diffusion", "have its shapes"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *file = g_strconcat(cases[i].file, ".safetensors", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimConfig) config =
        load(fixture, file, fake_models_get(fixture, cases[i].architecture), NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(ddim_config_get_preset(config), ==, cases[i].preset);
    if (!strstr(ddim_config_get_preset_reason(config), cases[i].reason))
      g_error("%s: expected “%s” in: %s", file, cases[i].reason,
              ddim_config_get_preset_reason(config));
    g_assert_null(ddim_config_get_notes(config)[0]);
  }
}

/* What a preset says is a proposal: a flag takes its place. */
static void
test_published_with_flags(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimConfig) config =
      load(fixture, "afhqdog_p2.safetensors", fake_models_get(fixture, "ffhq_10m"),
           "--noise_schedule cosine --num_heads 8 --diffusion_steps 4000", &error);

  g_assert_no_error(error);
  assert_value(config, "noise_schedule", "cosine", DDIM_SOURCE_FLAGS);
  assert_value(config, "num_heads", "8", DDIM_SOURCE_FLAGS);
  assert_value(config, "num_head_channels", "-1", DDIM_SOURCE_FLAGS);
  assert_value(config, "diffusion_steps", "4000", DDIM_SOURCE_FLAGS);
  assert_value(config, "image_size", "256", DDIM_SOURCE_PRESET);
  assert_heads(ddim_config_get_architecture(config), 8, -1, DDIM_QKV_BY_HEAD);
}

/* A model that was fine-tuned for ten classes and has a published name still gets the values that
 * no shape tells. On another kind of model the name means nothing. */
static void
test_published_name_on_other_weights(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(GPtrArray) tuned =
      fake_tensors_copy(fake_models_get(fixture, "imagenet64_cond_270M_250K"), G_MAXUINT);
  g_autoptr(GError) error = NULL;
  fake_tensors_find(tuned, "label_emb.weight")->shape[0] = 10;
  g_autoptr(DdimConfig) config =
      load(fixture, "imagenet64_cond_270M_250K.safetensors", tuned, NULL, &error);

  g_assert_no_error(error);
  assert_value(config, "noise_schedule", "cosine", DDIM_SOURCE_PRESET);
  assert_value(config, "rescale_timesteps", "False", DDIM_SOURCE_PRESET);
  g_assert_cmpuint(ddim_config_get_n_classes(config), ==, 10);
  g_assert_nonnull(strstr(ddim_config_get_notes(config)[0], "label_emb.weight is [10, 768]"));

  g_autoptr(DdimConfig) other =
      load(fixture, "lsun_cat.safetensors", fake_models_get(fixture, "gray"), NULL, &error);
  g_assert_no_error(error);
  assert_value(other, "num_head_channels", "-1", DDIM_SOURCE_DEFAULT);
  g_assert_null(ddim_config_get_preset(other));
  g_assert_nonnull(strstr(ddim_config_get_notes(other)[0], "another kind"));
}

/* Where the shapes fit both programs, what is stated decides, and each has its own defaults. */
static void
test_families(FakeModels *fixture, gconstpointer data)
{
  static const struct {
    const char *architecture, *flags, *family, *rescale;
  } cases[] = {
      {"gray", NULL, "improved-diffusion", "True"},
      {"gray", "--num_head_channels -1 --use_new_attention_order False", "improved-diffusion",
       "True"},
      {"gray", "--num_head_channels 32", "guided-diffusion", "False"},
      {"gray", "--use_new_attention_order True", "guided-diffusion", "False"},
      {"gray", "--use_new_attention_order True --rescale_timesteps True", "guided-diffusion",
       "True"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimConfig) config =
        load(fixture, "m.safetensors", fake_models_get(fixture, cases[i].architecture), cases[i].flags,
             &error);
    g_assert_no_error(error);
    g_assert_cmpstr(ddim_config_get_family(config), ==, cases[i].family);
    DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;
    ddim_config_get_diffusion(config, &params);
    g_assert_cmpint(params.rescale_timesteps, ==, g_str_equal(cases[i].rescale, "True"));
  }
}

typedef struct {
  const char *name, *levels, *attention_ds;
  guint in, out, res_blocks, classes;
  gboolean learn_sigma, super_res, conv_resample, scale_shift;
} Variant;

static const Variant variants[] = {
    {"one-level", "32+", "1", 3, 3, 2, 0, FALSE, FALSE, TRUE, FALSE},
    {"no-attention", "32 32 64", "", 3, 3, 1, 0, FALSE, FALSE, TRUE, FALSE},
    {"pooled", "32 64+ 96+", "2,4", 3, 3, 2, 7, FALSE, FALSE, FALSE, TRUE},
    {"pooled-one-block", "32+ 32 32 32+", "1,8", 3, 3, 1, 0, FALSE, FALSE, FALSE, FALSE},
    {"deep", "32 32 32 32 32 32 32+", "64", 3, 3, 1, 0, FALSE, FALSE, TRUE, FALSE},
    {"gray", "32 64+", "2", 1, 1, 1, 0, FALSE, FALSE, TRUE, FALSE},
    {"gray-sigma", "32 64+", "2", 1, 2, 1, 0, TRUE, FALSE, TRUE, FALSE},
    {"two", "32 64+", "2", 2, 2, 1, 0, FALSE, FALSE, TRUE, FALSE},
    {"rgba", "32 64+", "2", 4, 4, 1, 0, FALSE, FALSE, TRUE, FALSE},
    {"rgba-sigma", "32 64+", "2", 4, 8, 1, 0, TRUE, FALSE, TRUE, FALSE},
    {"superres-gray", "32 64+", "2", 2, 1, 1, 0, FALSE, TRUE, TRUE, FALSE},
    {"superres-rgb", "32 64+", "2", 6, 3, 1, 5, FALSE, TRUE, TRUE, FALSE},
    {"superres-rgba-sigma", "32 64+", "2", 8, 8, 1, 0, TRUE, TRUE, TRUE, FALSE},
};

static void
test_variants(FakeModels *fixture, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS(variants); i++) {
    const Variant *expected = &variants[i];
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimConfig) config =
        load(fixture, "m.safetensors", fake_models_get(fixture, expected->name), NULL, &error);
    g_assert_no_error(error);
    const DdimArchitecture *found = ddim_config_get_architecture(config);
    g_test_message("%s", expected->name);
    check_architecture(found);
    assert_levels(config, expected->levels, expected->res_blocks);
    g_assert_cmpstr(ddim_config_get_family(config), ==, "improved-diffusion");
    g_assert_cmpuint(found->embedding.channels, ==, 32);
    g_assert_cmpuint(found->in_channels, ==, expected->in);
    g_assert_cmpuint(found->out_channels, ==, expected->out);
    g_assert_cmpuint(ddim_config_get_n_classes(config), ==, expected->classes);
    g_assert_cmpint(ddim_config_is_super_res(config), ==, expected->super_res);
    assert_heads(found, 4, -1, DDIM_QKV_BY_HEAD);
    if (!strchr(expected->levels, ' ')) /* nothing is resampled */
      assert_value(config, "conv_resample", "True", DDIM_SOURCE_DEFAULT);
    else
      assert_value(config, "conv_resample", expected->conv_resample ? "True" : "False",
                   DDIM_SOURCE_SHAPES);
    assert_value(config, "use_scale_shift_norm", expected->scale_shift ? "True" : "False",
                 DDIM_SOURCE_SHAPES);
    assert_value(config, "learn_sigma", expected->learn_sigma ? "True" : "False",
                 DDIM_SOURCE_SHAPES);
    g_assert_cmpuint(ddim_config_get_image_size(config), ==, expected->super_res ? 256 : 64);
  }
}

/* 2 channels in and out: two-channel images, or gray super-resolution with learned sigma when
 * something says so. */
static void
test_ambiguous_channels(FakeModels *fixture, gconstpointer data)
{
  const char *hints[] = {"--learn_sigma True", "--large_size 64",
                         "--small_size 16 --learn_sigma True"};
  const char *names[] = {"two", "superres-gray-sigma", "rgba"};

  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    for (gsize j = 0; j < G_N_ELEMENTS(hints); j++) {
      g_autoptr(GError) error = NULL;
      g_autoptr(DdimConfig) config =
          load(fixture, "m.safetensors", fake_models_get(fixture, names[i]), hints[j], &error);
      g_assert_no_error(error);
      g_assert_true(ddim_config_is_super_res(config));
      assert_value(config, "learn_sigma", "True", DDIM_SOURCE_SHAPES);
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimConfig) plain =
        load(fixture, "m.safetensors", fake_models_get(fixture, names[i]), "", &error);
    g_assert_no_error(error);
    g_assert_false(ddim_config_is_super_res(plain));
  }
}

/* Every tensor but label_emb.weight is needed; the message names the one that is gone. */
static void
test_missing(FakeModels *fixture, gconstpointer data)
{
  const char *names[] = {"pooled", "superres-rgb", "one-level", "no-attention"};

  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    GPtrArray *tensors = fake_models_get(fixture, names[i]);
    for (guint skip = 0; skip < tensors->len; skip++) {
      const FakeTensor *missing = tensors->pdata[skip];
      g_autoptr(GPtrArray) rest = fake_tensors_damage(tensors, skip, FAKE_MISSING);
      g_autoptr(GError) error = NULL;
      g_autoptr(DdimConfig) config = load(fixture, "m.safetensors", rest, NULL, &error);
      if (g_str_equal(missing->name, "label_emb.weight")) {
        g_assert_no_error(error);
        g_assert_nonnull(config);
        continue;
      }
      g_assert_null(config);
      g_assert_error(error, DDIM_ERROR, DDIM_ERROR_NOT_FOUND);
      if (!strstr(error->message, missing->name))
        g_error("without %s: %s", missing->name, error->message);
    }
  }
}

/* Whole modules missing: an error, whichever. */
static void
test_missing_modules(FakeModels *fixture, gconstpointer data)
{
  const char *modules[] = {
      "time_embed.",      "middle_block.",      "output_blocks.",     "out.",
      "input_blocks.0.",  "input_blocks.1.",    "input_blocks.2.",    "input_blocks.3.",
      "output_blocks.0.", "output_blocks.1.2.", "output_blocks.3.",   "output_blocks.1.1.",
      "middle_block.1.",  "input_blocks.1.0.",  "output_blocks.1.0.", "input_blocks."};

  for (gsize i = 0; i < G_N_ELEMENTS(modules); i++) {
    GPtrArray *tensors = fake_models_get(fixture, "gray");
    g_autoptr(GPtrArray) rest = fake_tensors_new();
    g_autoptr(GError) error = NULL;
    for (guint j = 0; j < tensors->len; j++) {
      const FakeTensor *tensor = tensors->pdata[j];
      if (!g_str_has_prefix(tensor->name, modules[i]))
        fake_tensors_add(rest, tensor->name, tensor->n_dims, tensor->shape);
    }
    g_assert_cmpuint(rest->len, <, tensors->len);
    g_assert_null(load(fixture, "m.safetensors", rest, NULL, &error));
    g_assert_true(error->domain == DDIM_ERROR);
  }
}

/* Every tensor with one row more, one row less, another number of dimensions. */
static void
test_wrong_shapes(FakeModels *fixture, gconstpointer data)
{
  GPtrArray *tensors = fake_models_get(fixture, "superres-rgb");

  for (guint i = 0; i < tensors->len; i++) {
    for (FakeDamage damage = FAKE_ROW_LESS; damage < FAKE_N_DAMAGES; damage++) {
      g_autoptr(GPtrArray) copy = fake_tensors_damage(tensors, i, damage);
      g_autoptr(GError) error = NULL;
      const FakeTensor *tensor = copy->pdata[i];
      g_autoptr(DdimConfig) config = load(fixture, "m.safetensors", copy, NULL, &error);
      if (g_str_equal(tensor->name, "label_emb.weight") && damage != FAKE_DIMENSION_MORE) {
        g_assert_no_error(error);
        continue;
      }
      if (config)
        g_error("%s was accepted with another shape", tensor->name);
      g_assert_true(error->domain == DDIM_ERROR);
    }
  }
}

static void
test_extra_tensors(FakeModels *fixture, gconstpointer data)
{
  const gsize shape[] = {5};
  g_autoptr(GPtrArray) tensors = fake_tensors_copy(fake_models_get(fixture, "gray"), G_MAXUINT);
  g_autoptr(GError) error = NULL;

  fake_tensors_add(tensors, "ema_decay", 0, shape);
  fake_tensors_add(tensors, "notes.history", 1, shape);
  g_autoptr(DdimConfig) config = load(fixture, "m.safetensors", tensors, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(ddim_config_get_extra_tensors(config)[0], ==, "ema_decay");
  g_assert_cmpstr(ddim_config_get_extra_tensors(config)[1], ==, "notes.history");
  g_assert_null(ddim_config_get_extra_tensors(config)[2]);
  g_assert_nonnull(strstr(ddim_config_get_notes(config)[0], "ema_decay"));

  fake_tensors_add(tensors, "input_blocks.1.1.extra.weight", 1, shape);
  g_assert_null(load(fixture, "m.safetensors", tensors, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
  g_assert_nonnull(strstr(error->message, "input_blocks.1.1.extra.weight"));
}

static void
refuse_layout(FakeModels *fixture, const char *const *names, const char *expected)
{
  const gsize shape[] = {32, 3, 3, 3};
  g_autoptr(GPtrArray) tensors = fake_tensors_new();
  g_autoptr(GError) error = NULL;

  for (guint i = 0; names[i]; i++)
    fake_tensors_add(tensors, names[i], 4, shape);
  g_assert_null(load(fixture, "m.safetensors", tensors, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
  if (!strstr(error->message, expected))
    g_error("expected %s in: %s", expected, error->message);
}

static void
test_other_layouts(FakeModels *fixture, gconstpointer data)
{
  const char *latent[] = {"model.diffusion_model.input_blocks.0.0.weight", NULL};
  const char *wrapped[] = {"net.input_blocks.0.0.weight", "net.out.2.weight", NULL};
  const char *other[] = {"features.0.weight", NULL};
  const char *nothing[] = {NULL};
  g_autoptr(GError) error = NULL;

  refuse_layout(fixture, latent, "latent diffusion");
  refuse_layout(fixture, wrapped, "net.");
  refuse_layout(fixture, other, "features.0.weight");
  refuse_layout(fixture, nothing, "no tensors");
  g_assert_null(
      load(fixture, "m.safetensors", fake_models_get(fixture, "64x64_classifier"), NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
  g_assert_nonnull(strstr(error->message, "classifier"));
}

/* Shapes with numbers that would be out of all proportion in what follows. */
static void
test_hostile_shapes(FakeModels *fixture, gconstpointer data)
{
  static const struct {
    const char *tensor;
    guint dim;
    gsize size;
  } changes[] = {
      {"time_embed.0.weight", 1, 0},
      {"time_embed.0.weight", 1, 33},
      {"time_embed.0.weight", 1, 1 << 20},
      {"label_emb.weight", 0, 0},
      {"label_emb.weight", 0, 1 << 25},
      {"input_blocks.0.0.weight", 1, 5},
      {"out.2.weight", 0, 0},
      {"out.2.weight", 0, 1 << 20},
      {"input_blocks.1.0.in_layers.2.weight", 0, 48},
      {"input_blocks.1.0.in_layers.2.weight", 0, 1 << 17},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
    g_autoptr(GPtrArray) tensors =
        fake_tensors_copy(fake_models_get(fixture, "superres-rgb"), G_MAXUINT);
    g_autoptr(GError) error = NULL;
    fake_tensors_find(tensors, changes[i].tensor)->shape[changes[i].dim] = changes[i].size;
    g_assert_null(load(fixture, "m.safetensors", tensors, NULL, &error));
    g_assert_true(error->domain == DDIM_ERROR);
    if (!strstr(error->message, changes[i].tensor))
      g_error("expected %s in: %s", changes[i].tensor, error->message);
  }
}

static void
test_hostile_indices(FakeModels *fixture, gconstpointer data)
{
  const char *names[] = {"input_blocks.999.0.in_layers.0.weight",
                         "input_blocks.4294967296.0.op.weight",
                         "output_blocks.18446744073709551615.0.conv.weight",
                         "input_blocks.-1.0.op.weight",
                         "input_blocks..0.op.weight",
                         "output_blocks.0.1.conv.weight",
                         "output_blocks.",
                         "out."};
  const gsize shape[] = {64};

  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autoptr(GPtrArray) tensors = fake_tensors_copy(fake_models_get(fixture, "gray"), G_MAXUINT);
    g_autoptr(GError) error = NULL;
    fake_tensors_add(tensors, names[i], 1, shape);
    g_assert_null(load(fixture, "m.safetensors", tensors, NULL, &error));
    g_assert_true(error->domain == DDIM_ERROR);
  }
}

#define ADD(path, function)                                                                        \
  g_test_add("/config/shapes/" path, FakeModels, NULL, fake_models_set_up, function,      \
             fake_models_tear_down)

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("published", test_published);
  ADD("published-sizes", test_published_sizes);
  ADD("published-names", test_published_names);
  ADD("published-with-flags", test_published_with_flags);
  ADD("published-name-on-other-weights", test_published_name_on_other_weights);
  ADD("families", test_families);
  ADD("variants", test_variants);
  ADD("ambiguous-channels", test_ambiguous_channels);
  ADD("missing", test_missing);
  ADD("missing-modules", test_missing_modules);
  ADD("wrong-shapes", test_wrong_shapes);
  ADD("extra-tensors", test_extra_tensors);
  ADD("other-layouts", test_other_layouts);
  ADD("hostile-shapes", test_hostile_shapes);
  ADD("hostile-indices", test_hostile_indices);
  return g_test_run();
}
