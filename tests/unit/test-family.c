/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A family of models that the program does not have. Its whole description is in this file, before
 * the tests. It differs from the other families in everything in which descriptions can differ. */
#include <string.h>

#include "core/checkpoint/checkpoint-tensors.h"
#include "core/data/error.h"
#include "core/model/config-details.h"
#include "core/model/config-private.h"
#include "core/model/unetmodel.h"
#include "check-architecture.h"
#include "fake-checkpoint.h"

/* The toy: levels of one residual block, q, k and v apart, its own names, norms and embedding. */

#define GROUPS 8
#define EPS 1e-6f

static gboolean
toy_recognise(DdimCheckpoint *checkpoint, const char *const *stated)
{
  return ddim_checkpoint_lookup(checkpoint, "toy.enter.weight") != NULL;
}

static gboolean
toy_infer_levels(DdimCheckpoint *checkpoint, DdimInference *inference, GError **error)
{
  for (guint level = 0; level < 2; level++) {
    g_autofree char *name = g_strdup_printf("toy.down.%u.res.conv_a.weight", level);
    g_autofree char *query = g_strdup_printf("toy.down.%u.look.q.weight", level);
    const DdimTensor *tensor = ddim_inference_find(checkpoint, name, 4, error);
    if (!tensor)
      return FALSE;
    if (tensor->shape[0] % GROUPS || tensor->shape[0] > DDIM_MAX_CHANNELS) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, "%s: odd number of channels", name);
      return FALSE;
    }
    inference->levels[level] =
        (DdimLevel){.channels = tensor->shape[0],
                    .attention = ddim_checkpoint_lookup(checkpoint, query) != NULL,
                    .blocks = 1};
  }
  inference->n_levels = 2;
  ddim_inference_set(inference, DDIM_KEY_ATTENTION_RESOLUTIONS, NULL, g_strdup("toy.down.N.look"));
  return TRUE;
}

static DdimInference *
toy_infer(DdimCheckpoint *checkpoint, const char *const *stated, GError **error)
{
  g_autoptr(DdimInference) inference = ddim_inference_new();
  const DdimTensor *time = ddim_inference_find(checkpoint, "toy.time.0.weight", 2, error);
  const DdimTensor *first =
      time ? ddim_inference_find(checkpoint, "toy.enter.weight", 4, error) : NULL;
  const DdimTensor *last =
      first ? ddim_inference_find(checkpoint, "toy.leave.conv.weight", 4, error) : NULL;

  if (!last || !toy_infer_levels(checkpoint, inference, error) ||
      !ddim_inference_set_channels(inference, first, last, FALSE, error))
    return NULL;
  inference->base_channels = time->shape[1];
  ddim_inference_set_number(inference, DDIM_KEY_NUM_CHANNELS, time->shape[1],
                            ddim_inference_describe(time));
  ddim_inference_set_number(inference, DDIM_KEY_NUM_RES_BLOCKS, 1, g_strdup("there is one"));
  ddim_inference_set_channel_mult(inference);
  ddim_inference_set_classes(inference, NULL, "toy.labels.weight");
  return g_steal_pointer(&inference);
}

/* Heads do not show in the shapes. */
static gboolean
toy_check(const DdimInference *inference, const DdimValues *values, DdimKey *key, char **reason)
{
  *key = DDIM_KEY_NUM_HEADS;
  if (inference->levels[1].channels % ddim_values_get_uint(values, *key) == 0)
    return TRUE;
  *reason = g_strdup("it does not divide the channels of toy.middle.look");
  return FALSE;
}

static DdimNorm
toy_norm(const char *prefix, const char *part, guint channels)
{
  return ddim_norm(prefix, part, channels, GROUPS, EPS);
}

static void
toy_add_res(DdimStage *stage, const char *prefix, guint in, guint out, guint width)
{
  DdimModule *module = ddim_stage_add_module(stage, DDIM_MODULE_RES, prefix, in, out);

  module->norm1 = toy_norm(prefix, "norm_a", in);
  module->conv1 = ddim_layer(prefix, "conv_a", in, out, 3);
  module->emb = ddim_layer(prefix, "time", width, out, 1);
  module->emb_kind = DDIM_EMB_ADD;
  module->norm2 = toy_norm(prefix, "norm_b", out);
  module->conv2 = ddim_layer(prefix, "conv_b", out, out, 3);
  if (in != out)
    module->skip = ddim_layer(prefix, "side", in, out, 1);
}

static void
toy_add_attention(DdimStage *stage, const char *prefix, guint heads)
{
  static const char *const parts[] = {"q", "k", "v"};
  const guint channels = stage->out;
  DdimModule *module =
      ddim_stage_add_module(stage, DDIM_MODULE_ATTENTION, prefix, channels, channels);

  module->norm1 = toy_norm(prefix, "norm", channels);
  for (guint i = 0; i < 3; i++)
    module->qkv[i] = ddim_layer(prefix, parts[i], channels, channels, 1);
  module->qkv_order = DDIM_QKV_APART;
  module->proj = ddim_layer(prefix, "out", channels, channels, 1);
  module->heads = heads;
}

static void
toy_add_inputs(DdimArchitecture *architecture, const DdimInference *inference, guint heads)
{
  const guint outer = inference->levels[0].channels, inner = inference->levels[1].channels;
  const guint width = architecture->embedding.second.out;
  DdimStage *enter =
      ddim_architecture_add_stage(architecture, DDIM_STAGE_INPUT, architecture->in_channels);
  DdimModule *first = ddim_stage_add_module(enter, DDIM_MODULE_CONV_IN, "toy.enter",
                                            architecture->in_channels, outer);
  first->conv1 = ddim_layer("toy.enter", NULL, architecture->in_channels, outer, 3);
  toy_add_res(ddim_architecture_add_stage(architecture, DDIM_STAGE_INPUT, outer), "toy.down.0.res",
              outer, outer, width);
  DdimStage *shrink = ddim_architecture_add_stage(architecture, DDIM_STAGE_INPUT, outer);
  DdimModule *down =
      ddim_stage_add_module(shrink, DDIM_MODULE_DOWN, "toy.down.0.shrink", outer, outer);
  down->conv1 = ddim_layer("toy.down.0.shrink", NULL, outer, outer, 3);
  down->padding = DDIM_PADDING_RIGHT_BOTTOM;
  DdimStage *last = ddim_architecture_add_stage(architecture, DDIM_STAGE_INPUT, outer);
  toy_add_res(last, "toy.down.1.res", outer, inner, width);
  if (inference->levels[1].attention)
    toy_add_attention(last, "toy.down.1.look", heads);
}

static void
toy_add_outputs(DdimArchitecture *architecture, const DdimInference *inference)
{
  const guint outer = inference->levels[0].channels, inner = inference->levels[1].channels;
  const guint width = architecture->embedding.second.out;
  guint channels = inner;

  for (guint i = 0; i < 4; i++) {
    g_autofree char *prefix = g_strdup_printf("toy.up.%u", i);
    DdimStage *stage = ddim_architecture_add_stage(architecture, DDIM_STAGE_OUTPUT, channels);
    stage->skip = 3 - i;
    const DdimStage *from = architecture->stages->pdata[stage->skip];
    toy_add_res(stage, prefix, channels + from->out, i < 2 ? inner : outer, width);
    if (i == 1) /* nearest, without a convolution */
      ddim_stage_add_module(stage, DDIM_MODULE_UP, "toy.up.1.grow", inner, inner);
    channels = stage->out;
  }
}

static DdimArchitecture *
toy_architecture_new(const DdimInference *inference, const DdimValues *values)
{
  const guint outer = inference->levels[0].channels, inner = inference->levels[1].channels;
  const guint base = inference->base_channels, width = 4 * base;
  const guint heads = ddim_values_get_uint(values, DDIM_KEY_NUM_HEADS);
  DdimArchitecture *architecture = ddim_architecture_new();

  architecture->in_channels = ddim_values_get_uint(values, DDIM_KEY_IN_CHANNELS);
  architecture->out_channels = ddim_values_get_uint(values, DDIM_KEY_OUT_CHANNELS);
  architecture->embedding =
      (DdimEmbedding){.channels = base,
                      .max_period = 1000,
                      .frequency_shift = 1,
                      .sine_first = TRUE,
                      .first = ddim_layer("toy.time.0", NULL, base, width, 1),
                      .second = ddim_layer("toy.time.1", NULL, width, width, 1)};
  toy_add_inputs(architecture, inference, heads);
  DdimStage *middle = ddim_architecture_add_stage(architecture, DDIM_STAGE_MIDDLE, inner);
  toy_add_res(middle, "toy.middle.res", inner, inner, width);
  toy_add_attention(middle, "toy.middle.look", heads);
  toy_add_outputs(architecture, inference);
  architecture->out_norm = toy_norm("toy.leave.norm", NULL, outer);
  architecture->out_conv = ddim_layer("toy.leave.conv", NULL, outer, architecture->out_channels, 3);
  return architecture;
}

static const char *const toy_prefixes[] = {"toy.", NULL};
static const DdimDefault toy_defaults[] = {
    {DDIM_KEY_NUM_HEADS, "1"}, {DDIM_KEY_IMAGE_SIZE, "48"}, {0}};
static const DdimFamily toy = {
    .name = "toy-diffusion",
    .prefixes = toy_prefixes,
    .defaults = toy_defaults,
    .recognise = toy_recognise,
    .infer = toy_infer,
    .check = toy_check,
    .architecture_new = toy_architecture_new,
};

/* The tests. */

typedef struct {
  const DdimFamily *families[4]; /* two of the built-in ones and the toy */
  GPtrArray *tensors;            /* of a good model: 16 and 32 channels, written out by hand */
  char *folder;
} Fixture;

static void
add(GPtrArray *tensors, const char *name, guint out, guint in, guint taps)
{
  const gsize shape[] = {out, in, taps, taps};
  g_autofree char *weight = g_strconcat(name, ".weight", NULL);
  g_autofree char *bias = g_strconcat(name, ".bias", NULL);

  fake_tensors_add(tensors, weight, in == 0 ? 1 : taps ? 4 : 2, shape);
  fake_tensors_add(tensors, bias, 1, shape);
}

static void
add_all(GPtrArray *tensors)
{
  static const struct {
    const char *name;
    guint out, in, taps; /* in 0: a norm; taps 0: a linear layer */
  } layers[] = {
      {"toy.time.0", 64, 16, 0},
      {"toy.time.1", 64, 64, 0},
      {"toy.enter", 16, 3, 3},
      {"toy.down.0.res.norm_a", 16, 0, 0},
      {"toy.down.0.res.conv_a", 16, 16, 3},
      {"toy.down.0.res.time", 16, 64, 0},
      {"toy.down.0.res.norm_b", 16, 0, 0},
      {"toy.down.0.res.conv_b", 16, 16, 3},
      {"toy.down.0.shrink", 16, 16, 3},
      {"toy.down.1.res.norm_a", 16, 0, 0},
      {"toy.down.1.res.conv_a", 32, 16, 3},
      {"toy.down.1.res.time", 32, 64, 0},
      {"toy.down.1.res.norm_b", 32, 0, 0},
      {"toy.down.1.res.conv_b", 32, 32, 3},
      {"toy.down.1.res.side", 32, 16, 1},
      {"toy.down.1.look.norm", 32, 0, 0},
      {"toy.down.1.look.q", 32, 32, 1},
      {"toy.down.1.look.k", 32, 32, 1},
      {"toy.down.1.look.v", 32, 32, 1},
      {"toy.down.1.look.out", 32, 32, 1},
      {"toy.middle.res.norm_a", 32, 0, 0},
      {"toy.middle.res.conv_a", 32, 32, 3},
      {"toy.middle.res.time", 32, 64, 0},
      {"toy.middle.res.norm_b", 32, 0, 0},
      {"toy.middle.res.conv_b", 32, 32, 3},
      {"toy.middle.look.norm", 32, 0, 0},
      {"toy.middle.look.q", 32, 32, 1},
      {"toy.middle.look.k", 32, 32, 1},
      {"toy.middle.look.v", 32, 32, 1},
      {"toy.middle.look.out", 32, 32, 1},
      {"toy.leave.norm", 16, 0, 0},
      {"toy.leave.conv", 3, 16, 3},
  };
  static const guint outputs[4][2] = {{64, 32}, {48, 32}, {48, 16}, {32, 16}};

  for (gsize i = 0; i < G_N_ELEMENTS(layers); i++)
    add(tensors, layers[i].name, layers[i].out, layers[i].in, layers[i].taps);
  for (guint i = 0; i < 4; i++) {
    static const char *const parts[] = {"norm_a", "conv_a", "time", "norm_b", "conv_b", "side"};
    const guint in = outputs[i][0], out = outputs[i][1];
    const guint shapes[][3] = {{in, 0, 0},  {out, in, 3},  {out, 64, 0},
                               {out, 0, 0}, {out, out, 3}, {out, in, 1}};
    for (guint j = 0; j < G_N_ELEMENTS(parts); j++) {
      g_autofree char *name = g_strdup_printf("toy.up.%u.%s", i, parts[j]);
      add(tensors, name, shapes[j][0], shapes[j][1], shapes[j][2]);
    }
  }
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
  fixture->families[0] = &ddim_family_guided_diffusion;
  fixture->families[1] = &ddim_family_improved_diffusion;
  fixture->families[2] = &toy;
  fixture->tensors = fake_tensors_new();
  add_all(fixture->tensors);
  fixture->folder = fake_folder_new();
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
  g_ptr_array_unref(fixture->tensors);
  fake_folder_remove(fixture->folder);
}

static DdimConfig *
load(Fixture *fixture, GPtrArray *tensors, const char *flags, GError **error)
{
  g_autoptr(DdimCheckpoint) checkpoint =
      fake_checkpoint_new(fixture->folder, "m.safetensors", tensors, NULL);

  return ddim_config_load_with_families(checkpoint, flags, fixture->families, error);
}

static void
assert_refused(Fixture *fixture, GPtrArray *tensors, const char *flags, DdimError code,
               const char *words)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(load(fixture, tensors, flags, &error));
  g_assert_error(error, DDIM_ERROR, (int)code);
  if (!strstr(error->message, words))
    g_error("expected “%s” in: %s", words, error->message);
}

static void
test_load(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimConfig) config = load(fixture, fixture->tensors, NULL, &error);

  g_assert_no_error(error);
  g_assert_cmpstr(ddim_config_get_family(config), ==, "toy-diffusion");
  g_assert_cmpuint(ddim_config_get_image_size(config), ==, 48);
  g_assert_cmpuint(ddim_config_get_stride(config), ==, 2);
  g_assert_cmpuint(ddim_config_get_image_channels(config), ==, 3);
  g_assert_cmpuint(ddim_config_get_n_classes(config), ==, 0);
  g_assert_false(ddim_config_is_super_res(config));
  g_assert_null(ddim_config_get_preset(config));
  g_assert_nonnull(strstr(ddim_config_get_notes(config)[0], "toy-diffusion's defaults"));

  const DdimArchitecture *architecture = ddim_config_get_architecture(config);
  check_architecture(architecture);
  g_assert_true(architecture->embedding.sine_first);
  g_assert_cmpuint(architecture->out_norm.groups, ==, GROUPS);
  const DdimStage *last_input = architecture->stages->pdata[3];
  const DdimModule *attention = last_input->modules->pdata[1];
  g_assert_cmpint(attention->qkv_order, ==, DDIM_QKV_APART);
  g_assert_cmpuint(attention->heads, ==, 1);
}

static gboolean
take_tensor(const char *name, guint n_dims, const gsize *shape, gpointer user_data)
{
  g_assert_true(g_hash_table_add(user_data, g_strdup(name)));
  return TRUE;
}

/* Each tensor is visited once, and counted once. */
static void
test_walk(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimConfig) config = load(fixture, fixture->tensors, NULL, &error);
  const DdimArchitecture *architecture = ddim_config_get_architecture(config);
  guint64 expected = 0, count = ddim_embedding_count_parameters(&architecture->embedding) +
                                ddim_architecture_count_output_parameters(architecture);

  g_assert_true(ddim_architecture_foreach_tensor(architecture, take_tensor, names));
  g_assert_cmpuint(g_hash_table_size(names), ==, fixture->tensors->len);
  for (guint i = 0; i < fixture->tensors->len; i++) {
    const FakeTensor *tensor = fixture->tensors->pdata[i];
    gsize elements = 1;
    g_assert_true(g_hash_table_contains(names, tensor->name));
    for (guint dim = 0; dim < tensor->n_dims; dim++)
      elements *= tensor->shape[dim];
    expected += elements;
  }
  for (guint s = 0; s < architecture->stages->len; s++) {
    const DdimStage *stage = architecture->stages->pdata[s];
    for (guint m = 0; m < stage->modules->len; m++)
      count += ddim_module_count_parameters(stage->modules->pdata[m]);
  }
  g_assert_cmpuint(count, ==, expected);
}

static void
test_flags(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimConfig) config =
      load(fixture, fixture->tensors,
           "--num_heads 4 --image_size 64 --attention_resolutions 32 --channel_mult 1,2", &error);

  g_assert_no_error(error);
  const DdimArchitecture *architecture = ddim_config_get_architecture(config);
  const DdimStage *middle = architecture->stages->pdata[4];
  g_assert_cmpuint(((const DdimModule *)middle->modules->pdata[1])->heads, ==, 4);
  assert_refused(fixture, fixture->tensors, "--num_heads 5", DDIM_ERROR_MISMATCH,
                 "--num_heads 5 contradicts the weights: it does not divide the channels of "
                 "toy.middle.look");
  assert_refused(fixture, fixture->tensors, "--num_channels 32", DDIM_ERROR_MISMATCH,
                 "--num_channels 32 contradicts the weights: toy.time.0.weight is [64, 16], so "
                 "num_channels is 16");
  assert_refused(fixture, fixture->tensors, "--image_size 64 --attention_resolutions 64",
                 DDIM_ERROR_MISMATCH, "toy.down.N.look");
}

/* A tensor that is missing or has another shape is named in the message. Without the attention of
 * the last level it is a different network, which is complete. */
static void
test_missing_and_wrong(Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < fixture->tensors->len; i++) {
    const FakeTensor *tensor = fixture->tensors->pdata[i];
    g_autoptr(GPtrArray) rest = fake_tensors_damage(fixture->tensors, i, FAKE_MISSING);
    g_autoptr(GPtrArray) wrong = fake_tensors_damage(fixture->tensors, i, FAKE_DIMENSION_MORE);
    if (g_str_equal(tensor->name, "toy.enter.weight"))
      assert_refused(fixture, rest, NULL, DDIM_ERROR_UNSUPPORTED, "an unknown model");
    else if (g_str_equal(tensor->name, "toy.down.1.look.q.weight"))
      assert_refused(fixture, rest, NULL, DDIM_ERROR_UNSUPPORTED, "toy.down.1.look");
    else
      assert_refused(fixture, rest, NULL, DDIM_ERROR_NOT_FOUND, tensor->name);

    assert_refused(fixture, wrong, NULL, DDIM_ERROR_FORMAT, tensor->name);
  }
}

static void
test_extra(Fixture *fixture, gconstpointer data)
{
  const gsize shape[] = {3};
  g_autoptr(GError) error = NULL;

  fake_tensors_add(fixture->tensors, "optimizer.step", 1, shape);
  g_autoptr(DdimConfig) config = load(fixture, fixture->tensors, NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(ddim_config_get_extra_tensors(config)[0], ==, "optimizer.step");
  g_assert_null(ddim_config_get_extra_tensors(config)[1]);

  fake_tensors_add(fixture->tensors, "toy.down.2.res.conv_a.weight", 1, shape);
  assert_refused(fixture, fixture->tensors, NULL, DDIM_ERROR_UNSUPPORTED,
                 "the tensor toy.down.2.res.conv_a.weight belongs to no UNet of toy-diffusion with "
                 "2 levels of 1 blocks");
}

/* The program itself does not know the toy, and says so. With it, its other families work as
 * before, and messages name all. */
static void
test_others(Fixture *fixture, gconstpointer data)
{
  const gsize shape[] = {3, 3};
  g_autoptr(GHashTable) architectures = fake_architectures_load();
  g_autoptr(GPtrArray) unknown = fake_tensors_new();
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint =
      fake_checkpoint_new(fixture->folder, "t.safetensors", fixture->tensors, NULL);

  g_assert_null(ddim_config_load(checkpoint, NULL, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED);
  g_assert_nonnull(strstr(error->message, "an unknown model"));
  g_clear_error(&error);

  fake_tensors_add(unknown, "what.weight", 2, shape);
  assert_refused(fixture, unknown, NULL, DDIM_ERROR_UNSUPPORTED,
                 "supported are the UNets of guided-diffusion, improved-diffusion, toy-diffusion");
  g_autoptr(DdimConfig) gray =
      load(fixture, g_hash_table_lookup(architectures, "gray"), NULL, &error);
  g_assert_no_error(error);
  g_assert_cmpstr(ddim_config_get_family(gray), ==, "improved-diffusion");
}

#define ADD(path, function) g_test_add("/family/" path, Fixture, NULL, set_up, function, tear_down)

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("load", test_load);
  ADD("walk", test_walk);
  ADD("flags", test_flags);
  ADD("missing-and-wrong", test_missing_and_wrong);
  ADD("extra", test_extra);
  ADD("others", test_others);
  return g_test_run();
}
