/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One row for each key: its name, type, default and range. The keys are those of
 * model_and_diffusion_defaults() and sr_model_and_diffusion_defaults() in
 * improved_diffusion.script_util, the other arguments of UNetModel, those that guided-diffusion
 * added, and what a model's maker may recommend: eta, an argument of ddim_sample_loop(), a sampler
 * and its steps. */

#include "core/model/keys.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <string.h>
#include "core/data/similar.h"
#include "core/diffusion/sampler.h"
#include "core/diffusion/schedule.h"

typedef enum {
  TYPE_INT,
  TYPE_BOOL,
  TYPE_INT_LIST,
  TYPE_FLOAT_LIST,
  TYPE_ETA,
  TYPE_SCHEDULE,
  TYPE_SAMPLER,
  TYPE_POOL,
  TYPE_TEXT
} Type;

typedef struct {
  const char *name;
  Type type;
  const char *fallback; /* (nullable) the default, as ddim_key_parse() returns it */
  gint64 min, max;
} Key;

#define MAX_SIZE (1 << 16)

static const Key keys[DDIM_N_KEYS] = {
    [DDIM_KEY_IMAGE_SIZE] = {"image_size", TYPE_INT, "64", 1, MAX_SIZE},
    [DDIM_KEY_LARGE_SIZE] = {"large_size", TYPE_INT, "256", 1, MAX_SIZE},
    [DDIM_KEY_SMALL_SIZE] = {"small_size", TYPE_INT, "64", 1, MAX_SIZE},
    [DDIM_KEY_IN_CHANNELS] = {"in_channels", TYPE_INT, "3", 1, 64},
    [DDIM_KEY_OUT_CHANNELS] = {"out_channels", TYPE_INT, "3", 1, 64},
    [DDIM_KEY_NUM_CHANNELS] = {"num_channels", TYPE_INT, "128", 1, MAX_SIZE},
    [DDIM_KEY_CHANNEL_MULT] = {"channel_mult", TYPE_FLOAT_LIST, ""},
    [DDIM_KEY_NUM_RES_BLOCKS] = {"num_res_blocks", TYPE_INT, "2", 1, MAX_SIZE},
    [DDIM_KEY_ATTENTION_RESOLUTIONS] = {"attention_resolutions", TYPE_INT_LIST, "16,8", 1,
                                        MAX_SIZE},
    [DDIM_KEY_NUM_HEADS] = {"num_heads", TYPE_INT, "4", 1, MAX_SIZE},
    [DDIM_KEY_NUM_HEADS_UPSAMPLE] = {"num_heads_upsample", TYPE_INT, "-1", -1, MAX_SIZE},
    [DDIM_KEY_NUM_HEAD_CHANNELS] = {"num_head_channels", TYPE_INT, "-1", -1, MAX_SIZE},
    [DDIM_KEY_USE_SCALE_SHIFT_NORM] = {"use_scale_shift_norm", TYPE_BOOL, "True"},
    [DDIM_KEY_CONV_RESAMPLE] = {"conv_resample", TYPE_BOOL, "True"},
    [DDIM_KEY_RESBLOCK_UPDOWN] = {"resblock_updown", TYPE_BOOL, "False"},
    [DDIM_KEY_USE_NEW_ATTENTION_ORDER] = {"use_new_attention_order", TYPE_BOOL, "False"},
    [DDIM_KEY_POOL] = {"pool", TYPE_POOL, "attention"},
    [DDIM_KEY_CLASS_COND] = {"class_cond", TYPE_BOOL, "False"},
    [DDIM_KEY_NUM_CLASSES] = {"num_classes", TYPE_INT, "0", 0, G_MAXINT32},
    [DDIM_KEY_LEARN_SIGMA] = {"learn_sigma", TYPE_BOOL, "False"},
    [DDIM_KEY_SIGMA_SMALL] = {"sigma_small", TYPE_BOOL, "False"},
    [DDIM_KEY_DIFFUSION_STEPS] = {"diffusion_steps", TYPE_INT, "1000", 1, 1000000},
    [DDIM_KEY_NOISE_SCHEDULE] = {"noise_schedule", TYPE_SCHEDULE, "linear"},
    [DDIM_KEY_TIMESTEP_RESPACING] = {"timestep_respacing", TYPE_TEXT, ""},
    [DDIM_KEY_PREDICT_XSTART] = {"predict_xstart", TYPE_BOOL, "False"},
    [DDIM_KEY_RESCALE_TIMESTEPS] = {"rescale_timesteps", TYPE_BOOL, "True"},
    [DDIM_KEY_ETA] = {"eta", TYPE_ETA, "0"},
    [DDIM_KEY_RECOMMENDED_SAMPLER] = {"recommended_sampler", TYPE_SAMPLER},
    [DDIM_KEY_RECOMMENDED_STEPS] = {"recommended_steps", TYPE_INT, NULL, 1, 1000000},
};

/* Flags of the original's scripts that say nothing about the model. People paste them along with
 * the others. */
static const struct {
  const char *name, *reason;
} ignored[] = {
    {"dropout", N_("it only matters in training")},
    {"use_kl", N_("it only matters in training")},
    {"rescale_learned_sigmas", N_("it only matters in training")},
    {"use_checkpoint", N_("it only matters in training")},
    {"data_dir", N_("it only matters in training")},
    {"val_data_dir", N_("it only matters in training")},
    {"schedule_sampler", N_("it only matters in training")},
    {"lr", N_("it only matters in training")},
    {"weight_decay", N_("it only matters in training")},
    {"lr_anneal_steps", N_("it only matters in training")},
    {"anneal_lr", N_("it only matters in training")},
    {"iterations", N_("it only matters in training")},
    {"noised", N_("it only matters in training")},
    {"microbatch", N_("it only matters in training")},
    {"ema_rate", N_("it only matters in training")},
    {"log_interval", N_("it only matters in training")},
    {"eval_interval", N_("it only matters in training")},
    {"save_interval", N_("it only matters in training")},
    {"resume_checkpoint", N_("it only matters in training")},
    {"fp16_scale_growth", N_("it only matters in training")},
    {"use_fp16", N_("the precision is an option of its own")},
    {"batch_size", N_("the batch size is an option of its own")},
    {"num_samples", N_("the number of images is an option of its own")},
    {"use_ddim", N_("the sampler is an option of its own")},
    {"clip_denoised", N_("clipping is an option of its own")},
    {"model_path", N_("the model is an option of its own")},
    {"base_samples", N_("the low-resolution input is an option of its own")},
    {"classifier_path", N_("the classifier is an option of its own")},
    {"classifier_scale", N_("the scale of a classifier is an option of its own")},
    {"classifier_use_fp16", N_("the precision is an option of its own")},
    {"classifier_width", N_("a classifier's flags are an option of their own")},
    {"classifier_depth", N_("a classifier's flags are an option of their own")},
    {"classifier_attention_resolutions", N_("a classifier's flags are an option of their own")},
    {"classifier_use_scale_shift_norm", N_("a classifier's flags are an option of their own")},
    {"classifier_resblock_updown", N_("a classifier's flags are an option of their own")},
    {"classifier_pool", N_("a classifier's flags are an option of their own")},
};

/* guided_diffusion.script_util.classifier_defaults() */
static const struct {
  const char *name;
  DdimKey key;
} of_classifiers[] = {
    {"classifier_width", DDIM_KEY_NUM_CHANNELS},
    {"classifier_depth", DDIM_KEY_NUM_RES_BLOCKS},
    {"classifier_attention_resolutions", DDIM_KEY_ATTENTION_RESOLUTIONS},
    {"classifier_use_scale_shift_norm", DDIM_KEY_USE_SCALE_SHIFT_NORM},
    {"classifier_resblock_updown", DDIM_KEY_RESBLOCK_UPDOWN},
    {"classifier_pool", DDIM_KEY_POOL},
};

const char *
ddim_key_classifier_name(DdimKey key)
{
  for (gsize i = 0; i < G_N_ELEMENTS(of_classifiers); i++)
    if (of_classifiers[i].key == key)
      return of_classifiers[i].name;
  return ddim_key_name(key);
}

gboolean
ddim_key_find_classifier(const char *name, DdimKey *key)
{
  for (gsize i = 0; i < G_N_ELEMENTS(of_classifiers); i++)
    if (g_str_equal(of_classifiers[i].name, name)) {
      *key = of_classifiers[i].key;
      return TRUE;
    }
  return ddim_key_find(name, key);
}

const char *
ddim_key_name(DdimKey key)
{
  return keys[key].name;
}

const char *
ddim_key_default(DdimKey key)
{
  return keys[key].fallback;
}

gboolean
ddim_key_find(const char *name, DdimKey *key)
{
  for (guint i = 0; i < DDIM_N_KEYS; i++) {
    if (g_str_equal(keys[i].name, name)) {
      *key = i;
      return TRUE;
    }
  }
  return FALSE;
}

const char *
ddim_key_ignored(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(ignored); i++)
    if (g_str_equal(ignored[i].name, name))
      return _(ignored[i].reason);
  return NULL;
}

char *
ddim_key_proposal(const char *name)
{
  const char *names[DDIM_N_KEYS + G_N_ELEMENTS(ignored) + 1] = {NULL};
  g_autofree char *similar = NULL;

  for (guint i = 0; i < DDIM_N_KEYS; i++)
    names[i] = keys[i].name;
  for (gsize i = 0; i < G_N_ELEMENTS(ignored); i++)
    names[DDIM_N_KEYS + i] = ignored[i].name;
  similar = ddim_similar(name, names);
  return similar ? g_strdup_printf(_(" (did you mean %s?)"), similar) : g_strdup("");
}

/* A whole number as int() in Python reads it, but without underscores. */
static char *
parse_int(const Key *key, const char *text, char **expected)
{
  const char *digits = *text == '+' ? text + 1 : text;
  gint64 value;

  /* Where -1 means "not set", 0 means nothing. */
  if (g_ascii_string_to_signed(digits, 10, key->min, key->max, &value, NULL) &&
      !(key->min == -1 && value == 0))
    return g_strdup_printf("%" G_GINT64_FORMAT, value);
  if (key->min == -1)
    *expected = g_strdup_printf(_("-1 or a whole number from 1 to %" PRId64), key->max);
  else
    *expected =
        g_strdup_printf(_("a whole number from %" PRId64 " to %" PRId64), key->min, key->max);
  return NULL;
}

/* improved_diffusion.script_util.str2bool */
static char *
parse_bool(const char *text, char **expected)
{
  static const char *const yes[] = {"yes", "true", "t", "y", "1", NULL};
  static const char *const no[] = {"no", "false", "f", "n", "0", NULL};
  g_autofree char *lower = g_ascii_strdown(text, -1);

  if (g_strv_contains(yes, lower))
    return g_strdup("True");
  if (g_strv_contains(no, lower))
    return g_strdup("False");
  *expected = g_strdup(_("True or False"));
  return NULL;
}

static char *
parse_factor(const char *text)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  char *end = NULL;
  double value = g_ascii_strtod(text, &end);

  if (end == text || *end || !(value > 0 && value < 65536))
    return NULL;
  return g_strdup(g_ascii_formatd(buffer, sizeof buffer, "%.9g", value));
}

static char *
parse_list(const Key *key, const char *text, char **expected)
{
  g_auto(GStrv) items = g_strsplit(text, ",", -1);
  gboolean whole = key->type == TYPE_INT_LIST;

  for (guint i = 0; items[i]; i++) {
    g_autofree char *ignored_text = NULL;
    g_strstrip(items[i]);
    char *item = whole ? parse_int(key, items[i], &ignored_text) : parse_factor(items[i]);
    if (!item) {
      *expected = g_strdup(whole ? _("whole numbers with commas between, such as 16,8")
                                 : _("positive numbers with commas between, such as 1,2,3,4"));
      return NULL;
    }
    g_free(items[i]);
    items[i] = item;
  }
  return g_strjoinv(",", items);
}

static char *
parse_eta(const char *text, char **expected)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  char *end = NULL;
  double value = g_ascii_strtod(text, &end);

  if (end != text && *end == '\0' && value >= 0 && value <= DDIM_MAX_ETA)
    return g_strdup(g_ascii_formatd(buffer, sizeof buffer, "%.9g", value));
  *expected = g_strdup_printf(_("a number from 0 to %d"), DDIM_MAX_ETA);
  return NULL;
}

static char *
parse_schedule(const char *text, char **expected)
{
  if (ddim_noise_schedule_is_known(text) || g_str_equal(text, DDIM_SCHEDULE_CONSISTENCY) ||
      g_str_equal(text, DDIM_SCHEDULE_EDM))
    return g_strdup(text);
  *expected = g_strdup_printf(_("one of: %s"), DDIM_NOISE_SCHEDULES ", " DDIM_SCHEDULE_CONSISTENCY
                                                                    ", " DDIM_SCHEDULE_EDM);
  return NULL;
}

static char *
parse_sampler(const char *text, char **expected)
{
  static const char *const names[] = {DDIM_SAMPLER_NAMES, NULL};
  g_autofree char *list = NULL;

  if (g_strv_contains(names, text))
    return g_strdup(text);
  list = g_strjoinv(", ", (char **)names);
  *expected = g_strdup_printf(_("one of: %s"), list);
  return NULL;
}

/* EncoderUNetModel's pool */
static char *
parse_pool(const char *text, char **expected)
{
  static const char *const pools[] = {"adaptive", "attention", "spatial", "spatial_v2", NULL};

  if (g_strv_contains(pools, text))
    return g_strdup(text);
  *expected = g_strdup_printf(_("one of: %s"), "adaptive, attention, spatial, spatial_v2");
  return NULL;
}

char *
ddim_key_parse(DdimKey key, const char *text, char **expected)
{
  const Key *info = &keys[key];
  g_autofree char *stripped = g_strstrip(g_strdup(text));

  switch (info->type) {
  case TYPE_INT:
    return parse_int(info, stripped, expected);
  case TYPE_BOOL:
    return parse_bool(stripped, expected);
  case TYPE_INT_LIST:
  case TYPE_FLOAT_LIST:
    return parse_list(info, stripped, expected);
  case TYPE_ETA:
    return parse_eta(stripped, expected);
  case TYPE_POOL:
    return parse_pool(stripped, expected);
  case TYPE_SCHEDULE:
    return parse_schedule(stripped, expected);
  case TYPE_SAMPLER:
    return parse_sampler(stripped, expected);
  case TYPE_TEXT:
  default:
    return g_steal_pointer(&stripped);
  }
}
