/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Where values come from: flags, sidecar, metadata, presets and defaults, and what happens when
 * they contradict each other or the weights. */
#include <string.h>

#include "core/model/architecture.h"
#include "core/model/config-details.h"
#include "core/data/error.h"
#include "fake-checkpoint.h"

typedef struct {
  const char *architecture;
  const char *flags, *sidecar; /* nullable */
  const char *const *metadata; /* nullable: key, value, …, NULL */
  const char *file;            /* nullable */
} Case;

static DdimConfig *
load(FakeModels *fixture, const Case *c, GError **error)
{
  g_autoptr(GHashTable) metadata = g_hash_table_new(g_str_hash, g_str_equal);
  g_autofree char *json = g_build_filename(fixture->folder, "m.json", NULL);
  GPtrArray *tensors = fake_models_get(fixture, c->architecture);

  g_assert_nonnull(tensors);
  for (guint i = 0; c->metadata && c->metadata[i]; i += 2)
    g_hash_table_insert(metadata, (gpointer)c->metadata[i], (gpointer)c->metadata[i + 1]);
  g_assert_true(g_file_set_contents(json, c->sidecar ? c->sidecar : "{}", -1, NULL));
  g_autoptr(DdimCheckpoint) checkpoint =
      fake_checkpoint_new(fixture->folder, c->file ? c->file : "m.safetensors", tensors, metadata);
  return ddim_config_load(checkpoint, c->flags, error);
}

static DdimConfig *
load_good(FakeModels *fixture, const Case *c)
{
  g_autoptr(GError) error = NULL;
  DdimConfig *config = load(fixture, c, &error);

  g_assert_no_error(error);
  return config;
}

/* @words: all must be in the message. */
static void
assert_refused(FakeModels *fixture, const Case *c, DdimError code, const char *const *words)
{
  g_autoptr(GError) error = NULL;
  DdimConfig *config = load(fixture, c, &error);

  if (config)
    g_error("accepted: flags %s, sidecar %s", c->flags, c->sidecar);
  g_assert_error(error, DDIM_ERROR, (int)code);
  for (guint i = 0; i < 4 && words[i]; i++)
    if (!strstr(error->message, words[i]))
      g_error("expected “%s” in: %s", words[i], error->message);
  g_assert_null(strchr(error->message, '\n'));
}

static void
collect(const char *key, const char *value, DdimSource source, gpointer user_data)
{
  g_hash_table_insert(user_data, g_strdup(key),
                      g_strdup_printf("%s (%s)", value, ddim_source_get_name(source)));
}

static GHashTable *
values_of(DdimConfig *config)
{
  GHashTable *values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

  ddim_config_foreach(config, collect, values);
  return values;
}

static void
assert_value(DdimConfig *config, const char *key, const char *expected)
{
  g_autoptr(GHashTable) values = values_of(config);

  g_assert_cmpstr(g_hash_table_lookup(values, key), ==, expected);
}

/* The order of sources, told apart by a value that no shape tells. Each column adds a more binding
 * source. */
static void
test_order(FakeModels *fixture, gconstpointer data)
{
  const char *metadata[] = {"diffusion_steps", "2000", "num_heads", "2", NULL};
  const char *sidecar = "{\"diffusion_steps\": 3000}";
  Case c = {.architecture = "cifar10_uncond_50M_500K"};
  g_autoptr(DdimConfig) plain = load_good(fixture, &(Case){.architecture = "gray"});
  g_autoptr(DdimConfig) preset = load_good(fixture, &c);
  c.metadata = metadata;
  g_autoptr(DdimConfig) with_metadata = load_good(fixture, &c);
  c.sidecar = sidecar;
  g_autoptr(DdimConfig) with_sidecar = load_good(fixture, &c);
  c.flags = "--diffusion_steps 500";
  g_autoptr(DdimConfig) with_flags = load_good(fixture, &c);

  assert_value(plain, "diffusion_steps", "1000 (default)");
  assert_value(preset, "diffusion_steps", "4000 (preset)");
  assert_value(with_metadata, "diffusion_steps", "2000 (metadata)");
  assert_value(with_sidecar, "diffusion_steps", "3000 (sidecar)");
  assert_value(with_flags, "diffusion_steps", "500 (flags)");
  assert_value(with_flags, "num_heads", "2 (metadata)");
  assert_value(with_flags, "noise_schedule", "cosine (preset)");
  assert_value(with_flags, "num_channels", "128 (shapes)");
  assert_value(with_flags, "sigma_small", "False (preset)");
}

/* improved_diffusion.script_util's defaults. */
static void
test_defaults(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(DdimConfig) config = load_good(fixture, &(Case){.architecture = "gray"});
  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;

  assert_value(config, "image_size", "64 (default)");
  assert_value(config, "num_heads", "4 (default)");
  assert_value(config, "num_heads_upsample", "-1 (default)");
  assert_value(config, "sigma_small", "False (default)");
  assert_value(config, "noise_schedule", "linear (default)");
  assert_value(config, "timestep_respacing", " (default)");
  assert_value(config, "predict_xstart", "False (default)");
  assert_value(config, "rescale_timesteps", "True (default)");
  assert_value(config, "num_classes", NULL);
  g_assert_cmpstr(ddim_config_get_name(config), ==, "m");
  g_assert_null(ddim_config_get_license(config));
  g_assert_cmpuint(ddim_config_get_small_size(config), ==, 0);
  ddim_config_get_diffusion(config, &params);
  g_assert_cmpint(params.var_type, ==, DDIM_VAR_FIXED_LARGE);
  g_assert_cmpint(params.mean_type, ==, DDIM_MEAN_EPSILON);
  g_assert_true(params.rescale_timesteps);
}

/* The original's scripts derive channel_mult from the image size, so it reveals the size. */
static void
test_size_from_channel_mult(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(DdimConfig) config =
      load_good(fixture, &(Case){.architecture = "imagenet64_cond_270M_250K",
                                 .flags = "--noise_schedule linear"});
  g_autoptr(DdimConfig) deep =
      load_good(fixture, &(Case){.architecture = "deep", .flags = "--image_size 128"});

  g_assert_cmpuint(ddim_config_get_image_size(config), ==, 64);
  g_assert_cmpuint(ddim_config_get_image_size(deep), ==, 128);
  assert_value(deep, "attention_resolutions", "2 (shapes)");
}

static void
test_variances(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(DdimConfig) small = load_good(
      fixture, &(Case){.architecture = "gray",
                       .flags = "--sigma_small True --predict_xstart 1 --rescale_timesteps no"});
  g_autoptr(DdimConfig) learned =
      load_good(fixture, &(Case){.architecture = "gray-sigma",
                                 .flags = "--sigma_small y --timestep_respacing ddim50"});
  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;

  ddim_config_get_diffusion(small, &params);
  g_assert_cmpint(params.var_type, ==, DDIM_VAR_FIXED_SMALL);
  g_assert_cmpint(params.mean_type, ==, DDIM_MEAN_START_X);
  g_assert_false(params.rescale_timesteps);
  ddim_config_get_diffusion(learned, &params);
  g_assert_cmpint(params.var_type, ==, DDIM_VAR_LEARNED_RANGE);
  g_assert_cmpstr(params.timestep_respacing, ==, "ddim50");
}

/* The README's lines, pasted whole. */
static void
test_readme_flags(FakeModels *fixture, gconstpointer data)
{
  static const Case cases[] = {
      {"imagenet64_uncond_100M_1500K",
       "--image_size 64 --num_channels 128 --num_res_blocks 3 --learn_sigma True "
       "--diffusion_steps 4000 --noise_schedule cosine --lr 1e-4 --batch_size 128"},
      {"cifar10_uncond_50M_500K",
       "--image_size 32 --num_channels 128 --num_res_blocks 3 --learn_sigma True --dropout 0.3\n"
       "--diffusion_steps 4000 --noise_schedule cosine --use_kl True\n"
       "--lr 1e-4 --batch_size 128 --schedule_sampler loss-second-moment\n"},
      {"imagenet64_cond_270M_250K",
       "MODEL_FLAGS=\"--image_size 64 --num_channels 192 --num_res_blocks 3 --learn_sigma True "
       "--class_cond True\"\n"
       "DIFFUSION_FLAGS=\"--diffusion_steps 4000 --noise_schedule cosine --rescale_learned_sigmas "
       "False "
       "--rescale_timesteps False\"\nTRAIN_FLAGS=\"--lr 3e-4 --batch_size 2048\""},
      {"upsample_cond_500K",
       "--num_channels 192 --num_res_blocks 2 --learn_sigma True --class_cond True "
       "--diffusion_steps 4000 --noise_schedule linear --rescale_learned_sigmas False "
       "--rescale_timesteps False --large_size 256 --small_size 64"},
      {"lsun_uncond_100M_1200K_bs128",
       "--image_size 256 --num_channels 128 --num_res_blocks 2 --num_heads 1 --learn_sigma True "
       "--use_scale_shift_norm False --attention_resolutions 16 --diffusion_steps 1000 "
       "--noise_schedule linear "
       "--rescale_learned_sigmas False --rescale_timesteps False --use_scale_shift_norm False"},
      {"128_512_upsampler", "--attention_resolutions 32,16 --class_cond True --diffusion_steps "
                            "1000 --large_size 512 --small_size 128 "
                            "--learn_sigma True --noise_schedule linear --num_channels 192 "
                            "--num_head_channels 64 --num_res_blocks 2 "
                            "--resblock_updown True --use_fp16 True --use_scale_shift_norm True"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(DdimConfig) config = load_good(fixture, &cases[i]);
    assert_value(config, "noise_schedule",
                 strstr(cases[i].flags, "cosine") ? "cosine (flags)" : "linear (flags)");
    assert_value(config, "diffusion_steps",
                 strstr(cases[i].flags, "4000") ? "4000 (flags)" : "1000 (flags)");
  }
}

static void
test_contradictions(FakeModels *fixture, gconstpointer data)
{
  static const struct {
    const char *architecture, *flags, *words[4];
  } cases[] = {
      {"gray",
       "--num_channels 64",
       {"--num_channels 64", "time_embed.0.weight is [128, 32]", "num_channels is 32"}},
      {"gray", "--num_res_blocks=3", {"--num_res_blocks 3", "num_res_blocks is 1"}},
      {"gray",
       "--learn_sigma True --in_channels 1",
       {"--learn_sigma True", "out.2.weight is [1, 32, 3, 3]"}},
      {"gray-sigma", "--learn_sigma f", {"--learn_sigma False", "out.2.weight is [2, 32, 3, 3]"}},
      {"gray", "--class_cond True", {"--class_cond True", "no label_emb.weight"}},
      {"pooled", "--class_cond no", {"--class_cond False", "label_emb.weight is [7, 128]"}},
      {"pooled", "--num_classes 1000", {"--num_classes 1000", "label_emb.weight is [7, 128]"}},
      {"pooled",
       "--use_scale_shift_norm False",
       {"--use_scale_shift_norm False", "emb_layers.1.weight is [64, 128]"}},
      {"gray",
       "--use_scale_shift_norm True",
       {"--use_scale_shift_norm True", "emb_layers.1.weight is [32, 128]"}},
      {"pooled", "--conv_resample True", {"--conv_resample True", "input_blocks.3"}},
      {"gray", "--conv_resample False", {"--conv_resample False", "input_blocks.2"}},
      {"gray",
       "--resblock_updown True",
       {"--resblock_updown True", "input_blocks.2 is a convolution"}},
      {"gray", "--channel_mult 1,2,2", {"--channel_mult 1,2,2", "32, 64", "channel_mult is 1,2"}},
      {"gray", "--in_channels 3", {"--in_channels 3", "input_blocks.0.0.weight is [32, 1, 3, 3]"}},
      {"superres-rgb",
       "--in_channels 4",
       {"--in_channels 4", "input_blocks.0.0.weight is [32, 6, 3, 3]"}},
      {"gray",
       "--large_size 64",
       {"--large_size 64", "input_blocks.0.0.weight is [32, 1, 3, 3]", "no super-resolution"}},
      {"gray",
       "--image_size 16 --attention_resolutions 16",
       {"--attention_resolutions 16", "qkv", "1/2", "8"}},
      {"gray", "--image_size 16 --attention_resolutions 8,4", {NULL}},
      {"no-attention",
       "--image_size 16 --attention_resolutions 8",
       {"--attention_resolutions 8", "qkv"}},
      {"gray", "--num_heads 3", {"--num_heads 3", "64 channels", "input_blocks.3"}},
      {"gray", "--num_heads_upsample 5", {"--num_heads_upsample 5", "64 channels"}},
      {"gray", "--num_head_channels 48", {"--num_head_channels 48", "64 channels"}},
      {"no-attention", "--num_heads 128", {"--num_heads 128", "64 channels", "middle_block"}},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Case c = {.architecture = cases[i].architecture, .flags = cases[i].flags};
    if (cases[i].words[0])
      assert_refused(fixture, &c, DDIM_ERROR_MISMATCH, cases[i].words);
    else
      ddim_config_unref(
          load_good(fixture, &c)); /* 4 is below the lowest level: it asks for nothing */
  }
}

/* With the same contradiction in a sidecar or in metadata, the message names the file or the
 * metadata; a flag corrects it. */
static void
test_contradicting_files(FakeModels *fixture, gconstpointer data)
{
  const char *const words[] = {"m.json", "num_channels 64", "time_embed.0.weight is [128, 32]",
                               NULL};
  const char *const metadata_words[] = {"metadata", "num_channels 64", "time_embed.0.weight", NULL};
  const char *metadata[] = {"num_channels", "64", NULL};
  Case c = {.architecture = "gray", .sidecar = "{\"num_channels\": 64}"};

  assert_refused(fixture, &c, DDIM_ERROR_MISMATCH, words);
  c.flags = "--num_channels 32";
  g_autoptr(DdimConfig) mended = load_good(fixture, &c);
  assert_value(mended, "num_channels", "32 (shapes)");
  c = (Case){.architecture = "gray", .metadata = metadata};
  assert_refused(fixture, &c, DDIM_ERROR_MISMATCH, metadata_words);
}

static void
test_consistent_flags(FakeModels *fixture, gconstpointer data)
{
  static const Case cases[] = {
      {"superres-rgb", "--in_channels 3 --large_size 32 --small_size 8 --attention_resolutions 16"},
      {"superres-rgb", "--in_channels 6 --image_size 32 --num_classes 5 --out_channels 3"},
      {"pooled", "--image_size 30 --attention_resolutions 15,7 --channel_mult 1,2,3"},
      {"pooled", "--attention_resolutions 8 --channel_mult ''"}, /* no image size: nothing to hold
                                                                    it against */
      {"512x512_diffusion",
       "--image_size 512 --attention_resolutions 32,16,8 --channel_mult 0.5,1,1,2,2,4,4"},
      {"gray", "--image_size 16 --attention_resolutions 8,999"},
      {"one-level", "--conv_resample False --resblock_updown True"}, /* nothing is resampled */
      {"no-attention", "--image_size 16 --attention_resolutions ''"},
      {"gray", ""},
      {"gray", "  \n "},
      {"gray", "# only a comment"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(DdimConfig) config = load_good(fixture, &cases[i]);
    if (strstr(cases[i].architecture, "superres"))
      g_assert_cmpuint(ddim_config_get_image_size(config), ==, 32);
  }
}

static void
test_bad_flags(FakeModels *fixture, gconstpointer data)
{
  static const struct {
    const char *flags, *words[4];
  } cases[] = {
      {"--num_chanels 64", {"--num_chanels", "num_channels"}},
      {"--image-size 64", {"--image-size", "did you mean image_size"}},
      {"--quux 1", {"unknown flag --quux"}},
      {"--num_heads", {"--num_heads has no value"}},
      {"--num_heads --class_cond True", {"--num_heads has no value"}},
      {"--num_heads four", {"--num_heads four", "whole number"}},
      {"--num_heads 0", {"--num_heads 0", "from 1"}},
      {"--num_heads -4", {"--num_heads -4", "from 1"}},
      {"--num_heads 99999999999999999999", {"--num_heads 99999999999999999999"}},
      {"--num_heads_upsample 0", {"--num_heads_upsample 0", "-1 or"}},
      {"--num_heads 4.0", {"--num_heads 4.0", "whole number"}},
      {"--class_cond maybe", {"--class_cond maybe", "True or False"}},
      {"--class_cond ''", {"True or False"}},
      {"--noise_schedule quadratic", {"--noise_schedule quadratic", "linear, cosine"}},
      {"--diffusion_steps 0", {"--diffusion_steps 0"}},
      {"--diffusion_steps 2000000000", {"--diffusion_steps", "1000000"}},
      {"--attention_resolutions 16,,8", {"--attention_resolutions 16,,8", "16,8"}},
      {"--attention_resolutions 0", {"--attention_resolutions 0"}},
      {"--channel_mult 1,-2", {"--channel_mult 1,-2"}},
      {"--channel_mult 1,nan", {"--channel_mult 1,nan"}},
      {"image_size 64", {"image_size"}},
      {"-n 4", {"-n"}},
      {"--image_size 64 extra", {"extra"}},
      {"--image_size '64", {"flags:"}},
      {"A_FLAGS='B_FLAGS=\"C_FLAGS=--x\"'", {"C_FLAGS"}},
      {"--image_size 64 \xff", {"UTF-8"}},
      {"--", {"has no value"}},
      {"--=5", {"unknown flag"}},
  };
  const char *const words[] = {"too long", NULL};
  g_autofree char *endless = g_strnfill(100 * 1000, ' ');

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    Case c = {.architecture = "gray", .flags = cases[i].flags};
    assert_refused(fixture, &c, DDIM_ERROR_ARGUMENT, cases[i].words);
  }
  assert_refused(fixture, &(Case){.architecture = "gray", .flags = endless}, DDIM_ERROR_ARGUMENT,
                 words);
}

/* argparse: the last of a repeated flag counts; quotes; "=" or a space; negative numbers are
 * values. */
/* Of the last attention in the output blocks. */
static guint
last_heads(DdimConfig *config)
{
  const DdimArchitecture *architecture = ddim_config_get_architecture(config);
  guint heads = 0;

  for (guint s = 0; s < architecture->stages->len; s++) {
    const DdimStage *stage = architecture->stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++) {
      const DdimModule *module = stage->modules->pdata[m];
      if (module->type == DDIM_MODULE_ATTENTION && stage->type == DDIM_STAGE_OUTPUT)
        heads = module->heads;
    }
  }
  return heads;
}

static void
test_flag_syntax(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(DdimConfig) config = load_good(
      fixture,
      &(Case){
          .architecture = "gray",
          .flags =
              "--num_heads 2 --num_heads=\"8\" --num_heads_upsample -1 --noise_schedule 'cosine'"
              " --microbatch -1 --lr 1e-4 --sigma_small=TRUE --diffusion_steps +50"});

  assert_value(config, "num_heads", "8 (flags)");
  assert_value(config, "num_heads_upsample", "-1 (flags)");
  assert_value(config, "noise_schedule", "cosine (flags)");
  assert_value(config, "sigma_small", "True (flags)");
  assert_value(config, "diffusion_steps", "50 (flags)");
  g_assert_cmpuint(last_heads(config), ==, 8);
  g_assert_nonnull(strstr(ddim_config_get_notes(config)[0], "--microbatch is ignored"));
  g_assert_nonnull(strstr(ddim_config_get_notes(config)[1], "--lr is ignored"));
}

/* A converted guided-diffusion file says num_head_channels; a flag for num_heads must not be lost
 * to it. */
static void
test_heads_from_different_sources(FakeModels *fixture, gconstpointer data)
{
  const char *metadata[] = {"num_head_channels", "32", "num_heads", "4", NULL};
  Case c = {.architecture = "gray", .metadata = metadata};
  g_autoptr(DdimConfig) by_channels = load_good(fixture, &c);
  c.flags = "--num_heads 8";
  g_autoptr(DdimConfig) by_heads = load_good(fixture, &c);

  assert_value(by_channels, "num_head_channels", "32 (metadata)");
  g_assert_cmpuint(last_heads(by_channels), ==, 2); /* of 64 channels */
  assert_value(by_heads, "num_head_channels", "-1 (flags)");
  g_assert_cmpuint(last_heads(by_heads), ==, 8);
}

static void
test_sidecar(FakeModels *fixture, gconstpointer data)
{
  const char *text =
      "{\"name\": \"Little\", \"description\": \"d\", \"license\": \"CC0-1.0\", \"image_size\": 16,"
      " \"num_heads\": \"2\", \"attention_resolutions\": [8, 4], \"channel_mult\": [1, 2, 3],"
      " \"rescale_timesteps\": false, \"sigma_small\": 1, \"noise_schedule\": null, \"dropout\": "
      "0.1,"
      " \"author\": \"nobody\", \"_comment\": [1, {}], \"timestep_respacing\": 50,"
      " \"class_names\": [\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"Größe\"]}";
  Case c = {.architecture = "pooled", .sidecar = text};
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimConfig) config = load(fixture, &c, &error);
  g_assert_no_error(error);
  assert_value(config, "image_size", "16 (sidecar)");
  assert_value(config, "num_heads", "2 (sidecar)");
  assert_value(config, "rescale_timesteps", "False (sidecar)");
  assert_value(config, "sigma_small", "True (sidecar)");
  assert_value(config, "noise_schedule", "linear (default)");
  assert_value(config, "timestep_respacing", "50 (sidecar)");
  assert_value(config, "attention_resolutions", "8,4 (shapes)");
  g_assert_cmpstr(ddim_config_get_name(config), ==, "Little");
  g_assert_cmpstr(ddim_config_get_description(config), ==, "d");
  g_assert_cmpstr(ddim_config_get_license(config), ==, "CC0-1.0");
  g_assert_cmpstr(ddim_config_get_class_name(config, 6), ==, "Größe");
  g_assert_null(ddim_config_get_class_name(config, 7));
  g_assert_nonnull(strstr(ddim_config_get_notes(config)[0], "author"));
}

static void
test_bad_sidecars(FakeModels *fixture, gconstpointer data)
{
  static const struct {
    const char *text, *words[4];
    DdimError code;
  } cases[] = {
      {"", {"m.json"}, DDIM_ERROR_FORMAT},
      {"{\"image_size\": 64", {"m.json, line 1"}, DDIM_ERROR_FORMAT},
      {"[1]", {"m.json", "object"}, DDIM_ERROR_FORMAT},
      {"{\"num_chanels\": 32}", {"m.json", "num_chanels", "num_channels"}, DDIM_ERROR_FORMAT},
      {"{\"noise_schedul\": \"cosine\"}", {"noise_schedul", "noise_schedule"}, DDIM_ERROR_FORMAT},
      {"{\"image_size\": \"big\"}", {"m.json", "image_size", "whole number"}, DDIM_ERROR_FORMAT},
      {"{\"image_size\": {}}", {"m.json", "image_size"}, DDIM_ERROR_FORMAT},
      {"{\"image_size\": 1e300}", {"m.json", "image_size"}, DDIM_ERROR_FORMAT},
      {"{\"image_size\": 64.5}", {"m.json", "image_size"}, DDIM_ERROR_FORMAT},
      {"{\"attention_resolutions\": [[8]]}",
       {"m.json", "attention_resolutions"},
       DDIM_ERROR_FORMAT},
      {"{\"class_names\": \"a\"}", {"m.json", "class_names"}, DDIM_ERROR_FORMAT},
      {"{\"class_names\": [1, 2, 3, 4, 5, 6, 7]}", {"m.json", "class_names"}, DDIM_ERROR_FORMAT},
      {"{\"class_names\": [\"a\"]}",
       {"m.json", "class_names has 1", "label_emb.weight is [7, 128]"},
       DDIM_ERROR_MISMATCH},
      {"{\"name\": 7}", {"m.json", "name"}, DDIM_ERROR_FORMAT},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    assert_refused(fixture, &(Case){.architecture = "pooled", .sidecar = cases[i].text},
                   cases[i].code, cases[i].words);
}

static void
test_bad_metadata(FakeModels *fixture, gconstpointer data)
{
  const char *number[] = {"diffusion_steps", "many", NULL};
  const char *names[] = {"class_names", "[\"a\"", NULL};
  const char *foreign[] = {"format", "pt", "title", "x", NULL};
  const char *const number_words[] = {"metadata", "diffusion_steps", NULL};
  const char *const names_words[] = {"class_names", NULL};

  assert_refused(fixture, &(Case){.architecture = "pooled", .metadata = number}, DDIM_ERROR_FORMAT,
                 number_words);
  assert_refused(fixture, &(Case){.architecture = "pooled", .metadata = names}, DDIM_ERROR_FORMAT,
                 names_words);
  ddim_config_unref(load_good(fixture, &(Case){.architecture = "pooled", .metadata = foreign}));
}

/* The sidecar of folder.d/model is folder.d/model.json, of a.b.pt a.b.json. */
static void
test_sidecar_paths(FakeModels *fixture, gconstpointer data)
{
  g_autofree char *dotted = g_build_filename(fixture->folder, "a.b.json", NULL);
  g_assert_true(g_file_set_contents(dotted, "{\"num_heads\": 2}", -1, NULL));
  g_autoptr(DdimConfig) config =
      load_good(fixture, &(Case){.architecture = "gray", .file = "a.b.safetensors"});
  assert_value(config, "num_heads", "2 (sidecar)");

  g_autofree char *bare = g_build_filename(fixture->folder, "weights.json", NULL);
  g_assert_true(g_file_set_contents(bare, "{\"num_heads\": 1}", -1, NULL));
  g_autoptr(DdimConfig) other =
      load_good(fixture, &(Case){.architecture = "gray", .file = "weights"});
  assert_value(other, "num_heads", "1 (sidecar)");
  g_assert_cmpstr(ddim_config_get_name(other), ==, "weights");
}

static char *
without_source(const char *text)
{
  return g_strndup(text, strrchr(text, '(') - text);
}

static gboolean
append_tensor(const char *name, guint n_dims, const gsize *shape, gpointer user_data)
{
  g_string_append_printf(user_data, "%s %zu %zu\n", name, shape[0], n_dims > 1 ? shape[1] : 0);
  return TRUE;
}

/* All tensors, and what they do not tell of the modules. */
static char *
describe_network(DdimConfig *config)
{
  const DdimArchitecture *architecture = ddim_config_get_architecture(config);
  GString *text = g_string_new(NULL);

  ddim_architecture_foreach_tensor(architecture, append_tensor, text);
  for (guint s = 0; s < architecture->stages->len; s++) {
    const DdimStage *stage = architecture->stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++) {
      const DdimModule *module = stage->modules->pdata[m];
      g_string_append_printf(text, "%s %d %d %d %u\n", module->prefix, (int)module->type,
                             (int)module->resample, (int)module->qkv_order, module->heads);
    }
  }
  return g_string_free(text, FALSE);
}

static void
assert_same_values(DdimConfig *a, DdimConfig *b)
{
  g_autoptr(GHashTable) first = values_of(a), second = values_of(b);
  GHashTableIter iter;
  gpointer key, value;

  g_assert_cmpuint(g_hash_table_size(first), ==, g_hash_table_size(second));
  g_hash_table_iter_init(&iter, first);
  while (g_hash_table_iter_next(&iter, &key, &value)) {
    const char *other = g_hash_table_lookup(second, key);
    g_assert_nonnull(other);
    g_autofree char *one = without_source(value), *two = without_source(other);
    g_assert_cmpstr(one, ==, two);
  }
  g_autofree char *network = describe_network(a), *other_network = describe_network(b);
  g_assert_cmpstr(network, ==, other_network);
  g_assert_cmpstr(ddim_config_get_family(a), ==, ddim_config_get_family(b));
}

/* Written into a file's metadata and read from there alone, everything is as before. */
static void
test_round_trip(FakeModels *fixture, gconstpointer data)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init(&iter, fixture->architectures);
  while (g_hash_table_iter_next(&iter, &name, NULL)) {
    Case c = {
        .architecture = name,
        .flags =
            "--diffusion_steps 77 --noise_schedule cosine --num_heads 2 --num_heads_upsample 8 "
            "--timestep_respacing 5,5 --predict_xstart True",
        .sidecar = "{\"name\": \"N \\\"ä\\\"\", \"description\": \"D\\n\", \"license\": \"MIT\"}"};
    if (strstr(name, "classifier"))
      continue;
    if (g_str_equal(name, "pooled"))
      c.sidecar = "{\"class_names\": [\"a\", \"b,\", \"\\\"c\\\"\", \"ü\", \"\", \"f\", \"g\"]}";
    g_autoptr(DdimConfig) before = load_good(fixture, &c);
    g_autoptr(GHashTable) metadata = ddim_config_to_metadata(before);
    g_autoptr(DdimCheckpoint) file =
        fake_checkpoint_new(fixture->folder, "converted.safetensors",
                            fake_models_get(fixture, name), metadata);
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimConfig) after = ddim_config_load(file, NULL, &error);
    g_assert_no_error(error);
    assert_same_values(before, after);
    g_assert_cmpstr(ddim_config_get_name(after), ==, ddim_config_get_name(before));
    g_assert_cmpstr(ddim_config_get_description(after), ==, ddim_config_get_description(before));
    g_assert_cmpstr(ddim_config_get_license(after), ==, ddim_config_get_license(before));
    for (guint i = 0; i < ddim_config_get_n_classes(before); i++)
      g_assert_cmpstr(ddim_config_get_class_name(after, i), ==,
                      ddim_config_get_class_name(before, i));

    /* Another size asked for later does not contradict what is written. */
    const char *resized =
        ddim_config_is_super_res(after) ? "--large_size 1024" : "--image_size 1024";
    g_autoptr(DdimConfig) larger = ddim_config_load(file, resized, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(ddim_config_get_image_size(larger), ==, 1024);
  }
}

static void
test_classes(FakeModels *fixture, gconstpointer data)
{
  Case c = {.architecture = "pooled",
            .sidecar = "{\"class_names\": [\"marble\", \"Brick Wall\", \"GRÜN\", \"6\", \"sand\", "
                       "\"lava\", \"rust\"]}"};
  g_autoptr(DdimConfig) config = load_good(fixture, &c);
  g_autoptr(DdimConfig) unnamed = load_good(fixture, &(Case){.architecture = "pooled"});
  g_autoptr(DdimConfig) none = load_good(fixture, &(Case){.architecture = "gray"});
  static const struct {
    const char *text;
    gint64 label; /* -1: refused */
    const char *hint;
  } cases[] = {{"marble", 0},
               {"MARBLE", 0},
               {"brick wall", 1},
               {"grün", 2},
               {"6", 3}, /* a name goes first */
               {"0", 0},
               {"5", 5},
               {"7", -1, "0 (marble) to 6 (rust)"},
               {"-1", -1, "0 (marble)"},
               {"marbel", -1, "marble"},
               {"", -1, "“”"},
               {"1 ", -1, "1 "},
               {"1e0", -1, "1e0"},
               {"\xff", -1, ""}};
  gint64 label;

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    gboolean good = ddim_config_parse_class(config, cases[i].text, &label, &error);
    g_assert_cmpint(good, ==, cases[i].label >= 0);
    if (good) {
      g_assert_cmpint(label, ==, cases[i].label);
      continue;
    }
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    if (!strstr(error->message, cases[i].hint))
      g_error("expected %s in: %s", cases[i].hint, error->message);
  }
  g_autoptr(GError) error = NULL;
  g_assert_true(ddim_config_parse_class(unnamed, "6", &label, &error));
  g_assert_false(ddim_config_parse_class(unnamed, "7", &label, &error));
  g_assert_nonnull(strstr(error->message, "0 to 6"));
  g_clear_error(&error);
  g_assert_false(ddim_config_parse_class(none, "0", &label, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
}

/* Values that no source gives are reported, because a wrong guess makes wrong pictures. */
static void
test_guesses_are_said(FakeModels *fixture, gconstpointer data)
{
  g_autoptr(DdimConfig) guessed =
      load_good(fixture, &(Case){.architecture = "gray", .flags = "--num_heads 4"});
  g_autoptr(DdimConfig) told = load_good(
      fixture, &(Case){.architecture = "gray",
                       .flags = "--num_heads 4 --diffusion_steps 1000 --noise_schedule linear "
                                "--image_size 64"});
  const char *note = ddim_config_get_notes(guessed)[0];

  g_assert_nonnull(note);
  g_assert_nonnull(strstr(note, "noise_schedule"));
  g_assert_nonnull(strstr(note, "diffusion_steps"));
  g_assert_null(strstr(note, "num_heads"));
  g_assert_null(ddim_config_get_notes(told)[0]);
}

#define ADD(path, function)                                                                        \
  g_test_add("/config/sources/" path, FakeModels, NULL, fake_models_set_up, function,      \
             fake_models_tear_down)

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("order", test_order);
  ADD("defaults", test_defaults);
  ADD("size-from-channel-mult", test_size_from_channel_mult);
  ADD("variances", test_variances);
  ADD("readme-flags", test_readme_flags);
  ADD("contradictions", test_contradictions);
  ADD("contradicting-files", test_contradicting_files);
  ADD("consistent-flags", test_consistent_flags);
  ADD("bad-flags", test_bad_flags);
  ADD("flag-syntax", test_flag_syntax);
  ADD("heads-from-different-sources", test_heads_from_different_sources);
  ADD("sidecar", test_sidecar);
  ADD("bad-sidecars", test_bad_sidecars);
  ADD("bad-metadata", test_bad_metadata);
  ADD("sidecar-paths", test_sidecar_paths);
  ADD("round-trip", test_round_trip);
  ADD("classes", test_classes);
  ADD("guesses-are-said", test_guesses_are_said);
  return g_test_run();
}
