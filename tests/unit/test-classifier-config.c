/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the shapes of classifiers tell: those that guided-diffusion makes, damaged ones, and other
 * files in their place. */
#include <string.h>

#include "core/data/error.h"
#include "check-config.h"
#include "fake-checkpoint.h"

static DdimConfig *
load(FakeModels *fixture, const char *file, GPtrArray *tensors, const char *flags, GError **error)
{
  g_autoptr(DdimCheckpoint) checkpoint = fake_checkpoint_new(fixture->folder, file, tensors, NULL);

  return ddim_config_load_classifier(checkpoint, flags, error);
}

static void
assert_value(DdimConfig *config, const char *key, const char *value)
{
  g_autofree char *text = config_find_value(config, key, NULL);

  if (g_strcmp0(text, value) != 0)
    g_error("%s of %s is %s, expected %s", key, ddim_config_get_name(config), text, value);
}

static void
assert_levels(DdimConfig *config, const char *expected)
{
  g_autofree char *text = config_levels_to_string(config);

  g_assert_cmpstr(text, ==, expected);
}

typedef struct {
  const char *name, *levels, *size, *depth, *pool, *updown, *conv, *scale_shift;
  DdimPoolType type;
} Known;

static const Known known[] = {
    {"64x64_classifier", "128 256+ 384+ 512+", "64", "4", "attention", "True", "True", "True",
     DDIM_POOL_ATTENTION},
    {"128x128_classifier", "128 128 256+ 384+ 512+", "128", "2", "attention", "True", "True",
     "True", DDIM_POOL_ATTENTION},
    {"256x256_classifier", "128 128 256 256+ 512+ 512+", "256", "2", "attention", "True", "True",
     "True", DDIM_POOL_ATTENTION},
    {"512x512_classifier", "64 128 128 256 256+ 512+ 512+", "512", "2", "attention", "True", "True",
     "True", DDIM_POOL_ATTENTION},
    {"classifier-conv", "64 128+ 192+ 256", "64", "3", "adaptive", "False", "True", "False",
     DDIM_POOL_ADAPTIVE},
    {"classifier-spatial", "64 128 192+ 256", "64", "1", "spatial", "True", "True", "True",
     DDIM_POOL_SPATIAL},
    {"classifier-spatial2", "64 64 128 192 256+", "128", "2", "spatial_v2", "False", "True", "True",
     DDIM_POOL_SPATIAL_V2},
};

static void
check_known(FakeModels *fixture, const Known *expected, const char *file)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimConfig) config =
      load(fixture, file, fake_models_get(fixture, expected->name), NULL, &error);

  g_assert_no_error(error);
  assert_levels(config, expected->levels);
  assert_value(config, "image_size", expected->size);
  assert_value(config, "classifier_depth", expected->depth);
  assert_value(config, "classifier_pool", expected->pool);
  assert_value(config, "classifier_resblock_updown", expected->updown);
  assert_value(config, "conv_resample", expected->conv);
  assert_value(config, "classifier_use_scale_shift_norm", expected->scale_shift);
  assert_value(config, "num_head_channels", "64");
  assert_value(config, "learn_sigma", NULL);
  assert_value(config, "noise_schedule", NULL);
  g_assert_cmpint(ddim_config_get_pool(config), ==, expected->type);
  g_assert_cmpuint(ddim_config_get_n_classes(config), ==, 1000);
  g_assert_cmpuint(ddim_config_get_image_channels(config), ==, 3);
  g_assert_cmpstr(ddim_config_get_class_name(config, 0), ==, "tench");
  g_assert_cmpuint(ddim_config_get_only_size(config), ==,
                   expected->type == DDIM_POOL_ATTENTION ? atoi(expected->size) : 0);
}

/* By the file's name, and under any other by the shapes alone. */
static void
test_known(FakeModels *fixture, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
    g_autofree char *file = g_strconcat(known[i].name, ".safetensors", NULL);
    check_known(fixture, &known[i], file);
    check_known(fixture, &known[i], "model.safetensors");
  }
}

static void
test_preset(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) tuned =
      fake_tensors_copy(fake_models_get(fixture, "256x256_classifier"), G_MAXUINT);
  g_autoptr(DdimConfig) config =
      load(fixture, "256x256_classifier.safetensors", tuned, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(ddim_config_get_preset(config), ==, "256x256_classifier");
  g_assert_null(ddim_config_get_notes(config)[0]);

  /* Fine-tuned for other classes. */
  fake_tensors_find(tuned, "out.2.c_proj.weight")->shape[0] = 7;
  fake_tensors_find(tuned, "out.2.c_proj.bias")->shape[0] = 7;
  g_autoptr(DdimConfig) other =
      load(fixture, "256x256_classifier.safetensors", tuned, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(ddim_config_get_n_classes(other), ==, 7);
  g_assert_nonnull(strstr(ddim_config_get_notes(other)[0], "c_proj.weight is [7, 512, 1]"));
}

static void
refuse(FakeModels *fixture, GPtrArray *tensors, const char *flags, DdimError code, const char *part)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(load(fixture, "m.safetensors", tensors, flags, &error));
  g_assert_error(error, DDIM_ERROR, (int)code);
  if (!strstr(error->message, part))
    g_error("expected %s in: %s", part, error->message);
}

static void
test_flags(FakeModels *fixture, gconstpointer data)
{
  GPtrArray *attention = fake_models_get(fixture, "64x64_classifier");
  GPtrArray *spatial = fake_models_get(fixture, "classifier-spatial");
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimConfig) config =
      load(fixture, "m.safetensors", attention,
           "CLASSIFIER_FLAGS=\"--image_size 64 --classifier_width 128 --classifier_depth 4 "
           "--classifier_attention_resolutions 32,16,8 --classifier_pool attention "
           "--classifier_use_fp16 True --classifier_scale 3 --num_head_channels 32 "
           "--use_new_attention_order yes\"",
           &error);

  g_assert_no_error(error);
  assert_value(config, "num_head_channels", "32");
  assert_value(config, "use_new_attention_order", "True");
  assert_value(config, "classifier_attention_resolutions", "32,16,8");
  refuse(fixture, attention, "--classifier_width 64", DDIM_ERROR_MISMATCH, "--classifier_width 64");
  refuse(fixture, attention, "--classifier_depth 3", DDIM_ERROR_MISMATCH, "--classifier_depth 3");
  refuse(fixture, attention, "--classifier_pool spatial", DDIM_ERROR_MISMATCH, "pool");
  refuse(fixture, attention, "--classifier_pool mean", DDIM_ERROR_ARGUMENT, "spatial_v2");
  refuse(fixture, attention, "--image_size 128", DDIM_ERROR_MISMATCH, "positional_embedding");
  refuse(fixture, attention, "--num_head_channels 48", DDIM_ERROR_MISMATCH, "num_head_channels 48");
  refuse(fixture, attention, "--num_head_channels -1", DDIM_ERROR_MISMATCH, "attention pool");
  refuse(fixture, attention, "--classifier_with 128", DDIM_ERROR_ARGUMENT, "classifier_width");
  /* No shape tells the size here. */
  g_autoptr(DdimConfig) larger =
      load(fixture, "m.safetensors", spatial, "--image_size 128", &error);
  g_assert_no_error(error);
  g_assert_cmpuint(ddim_config_get_image_size(larger), ==, 128);
}

/* Residual blocks that downsample look like the others: a depth that fits is taken as stated. */
static void
test_ambiguous_depth(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(GPtrArray) tensors = fake_tensors_new();
  GPtrArray *whole = fake_models_get(fixture, "classifier-spatial");
  g_autoptr(GError) error = NULL;

  /* Without attention and with the same channels, 3 levels of 1 block, or 2 of 2, or 1 of 5. */
  for (guint i = 0; i < whole->len; i++) {
    const FakeTensor *t = whole->pdata[i];
    if (g_str_has_prefix(t->name, "time_embed.") || g_str_has_prefix(t->name, "input_blocks.0."))
      fake_tensors_add(tensors, t->name, t->n_dims, t->shape);
    for (guint block = 1; block < 6; block++)
      if (g_str_has_prefix(t->name, "input_blocks.1.")) {
        g_autofree char *name =
            g_strdup_printf("input_blocks.%u.%s", block, t->name + strlen("input_blocks.1."));
        fake_tensors_add(tensors, name, t->n_dims, t->shape);
      }
    if (g_str_has_prefix(t->name, "middle_block.") || g_str_has_prefix(t->name, "out.")) {
      gsize shape[DDIM_MAX_DIMS];
      for (guint d = 0; d < t->n_dims; d++)
        shape[d] = t->shape[d] == 256 || t->shape[d] == 512 || t->shape[d] == 768 ? t->shape[d] / 4
                                                                                  : t->shape[d];
      if (g_str_equal(t->name, "out.0.weight"))
        shape[1] = 7 * 64;
      if (strstr(t->name, "emb_layers.1.weight"))
        shape[1] = 256;
      fake_tensors_add(tensors, t->name, t->n_dims, shape);
    }
  }
  const struct {
    const char *flags, *levels;
  } cases[] = {
      {NULL, "64 64"}, {"--classifier_depth 1", "64 64 64"}, {"--classifier_depth 5", "64"}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(DdimConfig) config = load(fixture, "m.safetensors", tensors, cases[i].flags, &error);
    g_assert_no_error(error);
    assert_levels(config, cases[i].levels);
  }
  refuse(fixture, tensors, "--classifier_depth 3", DDIM_ERROR_MISMATCH, "classifier_depth 3");
}

/* Whatever is missing or has another shape, an error says so. */
static void
test_damaged(FakeModels *fixture, gconstpointer data)
{
  static const char *const names[] = {"64x64_classifier", "classifier-conv", "classifier-spatial",
                                      "classifier-spatial2"};

  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    GPtrArray *whole = fake_models_get(fixture, names[i]);
    for (guint t = 0; t < whole->len; t += 3)
      for (FakeDamage damage = 0; damage < FAKE_N_DAMAGES; damage++) {
        g_autoptr(GPtrArray) damaged = fake_tensors_damage(whole, t, damage);
        g_autoptr(GError) error = NULL;
        g_autoptr(DdimConfig) config = load(fixture, "m.safetensors", damaged, NULL, &error);
        if (config)
          g_error("%s was accepted with damage %d", ((FakeTensor *)whole->pdata[t])->name, damage);
        g_assert_true(error->domain == DDIM_ERROR);
      }
  }
}

static void
test_hostile_shapes(FakeModels *fixture, gconstpointer data)
{
  static const struct {
    const char *architecture, *tensor;
    guint dim;
    gsize size;
  } changes[] = {
      {"64x64_classifier", "out.2.positional_embedding", 1, 0},
      {"64x64_classifier", "out.2.positional_embedding", 1, 66},
      {"64x64_classifier", "out.2.positional_embedding", 1, (1 << 24) - 1},
      {"64x64_classifier", "out.2.c_proj.weight", 0, 1 << 20},
      {"64x64_classifier", "input_blocks.0.0.weight", 1, 5},
      {"classifier-spatial", "out.0.weight", 0, 2049},
      {"classifier-spatial", "out.0.weight", 0, 1 << 20},
      {"classifier-spatial", "out.2.weight", 0, 0},
      {"classifier-conv", "out.3.weight", 0, 1 << 24},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
    g_autoptr(GPtrArray) tensors =
        fake_tensors_copy(fake_models_get(fixture, changes[i].architecture), G_MAXUINT);
    g_autoptr(GError) error = NULL;
    fake_tensors_find(tensors, changes[i].tensor)->shape[changes[i].dim] = changes[i].size;
    g_assert_null(load(fixture, "m.safetensors", tensors, NULL, &error));
    g_assert_true(error->domain == DDIM_ERROR);
    g_assert_nonnull(strstr(error->message, changes[i].tensor));
  }
}

/* Each file where the other belongs. */
static void
test_wrong_place(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(DdimCheckpoint) classifier = fake_checkpoint_new(
      fixture->folder, "c.safetensors", fake_models_get(fixture, "classifier-spatial"), NULL);
  g_autoptr(DdimCheckpoint) model = fake_checkpoint_new(fixture->folder, "m2.safetensors",
                                                        fake_models_get(fixture, "gray"), NULL);
  g_autoptr(GError) error = NULL, none = NULL;

  g_assert_null(ddim_config_load(classifier, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
  g_assert_nonnull(strstr(error->message, "--classifier"));
  refuse(fixture, fake_models_get(fixture, "gray"), NULL, DDIM_ERROR_UNSUPPORTED, "--model");
  g_autoptr(DdimConfig) one = ddim_config_load_any(classifier, NULL, &none);
  g_autoptr(DdimConfig) two = ddim_config_load_any(model, NULL, &none);
  g_assert_no_error(none);
  g_assert_cmpint(ddim_config_get_pool(one), ==, DDIM_POOL_SPATIAL);
  g_assert_cmpint(ddim_config_get_pool(two), ==, DDIM_POOL_NONE);
}

/* Written into a file's metadata and read from there alone, everything is as before. */
static void
test_round_trip(FakeModels *fixture, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
    GPtrArray *tensors = fake_models_get(fixture, known[i].name);
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimConfig) before =
        load(fixture, "m.safetensors", tensors,
             "--num_head_channels 32 --use_new_attention_order 1", &error);
    g_assert_no_error(error);
    g_autoptr(GHashTable) metadata = ddim_config_to_metadata(before);
    g_autoptr(DdimCheckpoint) file =
        fake_checkpoint_new(fixture->folder, "n.safetensors", tensors, metadata);
    g_autoptr(DdimConfig) after = ddim_config_load_classifier(file, NULL, &error);
    g_assert_no_error(error);
    assert_value(after, "num_head_channels", "32");
    assert_value(after, "use_new_attention_order", "True");
    assert_value(after, "classifier_pool", known[i].pool);
    assert_value(after, "classifier_depth", known[i].depth);
  }
}

#define ADD(path, function)                                                                        \
  g_test_add("/classifier-config/" path, FakeModels, NULL, fake_models_set_up, function,           \
             fake_models_tear_down)

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("known", test_known);
  ADD("preset", test_preset);
  ADD("flags", test_flags);
  ADD("ambiguous-depth", test_ambiguous_depth);
  ADD("damaged", test_damaged);
  ADD("hostile-shapes", test_hostile_shapes);
  ADD("wrong-place", test_wrong_place);
  ADD("round-trip", test_round_trip);
  return g_test_run();
}
