/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/error.h"
#include "core/job/options.h"
#include "core/job/request.h"

static void
assert_refused(const char *name, const char *value, const char *named)
{
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autoptr(GError) error = NULL;

  g_assert_false(ddim_request_set_from_string(request, name, value, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  g_assert_nonnull(strstr(error->message, named));
}

static void
test_defaults(void)
{
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autofree char *model = NULL, *steps = NULL, *sampler = NULL, *rng = NULL, *precision = NULL;
  int count, batch, width, height;
  gint64 seed;
  double eta;
  gboolean clip;

  g_object_get(request, "model", &model, "steps", &steps, "sampler", &sampler, "rng", &rng,
               "precision", &precision, "count", &count, "batch", &batch, "width", &width, "height",
               &height, "seed", &seed, "eta", &eta, "clip", &clip, NULL);
  g_assert_null(model);
  g_assert_cmpstr(steps, ==, "auto");
  g_assert_cmpstr(sampler, ==, "own");
  g_assert_cmpstr(rng, ==, "torch");
  g_assert_cmpstr(precision, ==, "f32");
  g_assert_cmpint(count, ==, 1);
  g_assert_cmpint(batch, ==, 0);
  g_assert_cmpint(width, ==, 0);
  g_assert_cmpint(height, ==, 0);
  g_assert_cmpint(seed, ==, -1);
  g_assert_cmpfloat(eta, ==, -1);
  g_assert_true(clip);
}

static void
test_from_string(void)
{
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autoptr(GError) error = NULL;
  int width, height;
  gint64 seed;
  double eta;

  g_assert_true(ddim_request_set_from_string(request, "seed", "9223372036854775807", &error));
  g_assert_no_error(error);
  g_assert_true(ddim_request_set_from_string(request, "size", "64x48", &error));
  g_assert_true(ddim_request_set_from_string(request, "eta", "0.25", &error));
  g_object_get(request, "seed", &seed, "width", &width, "height", &height, "eta", &eta, NULL);
  g_assert_cmpint(seed, ==, G_MAXINT64);
  g_assert_cmpint(width, ==, 64);
  g_assert_cmpint(height, ==, 48);
  g_assert_cmpfloat(eta, ==, 0.25);
  g_assert_true(ddim_request_set_from_string(request, "size", "96", &error));
  g_object_get(request, "width", &width, "height", &height, NULL);
  g_assert_cmpint(width, ==, 96);
  g_assert_cmpint(height, ==, 96);
}

static void
test_refusals(void)
{
  static const char *const sizes[] = {"",    "x",   "64x",   "x64",           "64x64x3",
                                      "-64", "6 4", "64*64", "99999999999x8", "64x70000"};

  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
    assert_refused("size", sizes[i], "WIDTHxHEIGHT");
  assert_refused("count", "0", "from 1 to");
  assert_refused("count", "-1", "from 1 to");
  assert_refused("count", "1.5", "whole number");
  assert_refused("count", "", "whole number");
  assert_refused("count", "3 ", "whole number");
  assert_refused("count", "99999999999999999999", "whole number");
  assert_refused("seed", "-2", "from -1 to");
  assert_refused("seed", "9223372036854775808", "from -1 to");
  assert_refused("eta", "nan", "a number from");
  assert_refused("eta", "inf", "a number from");
  assert_refused("eta", "-0.1", "a number from 0");
  assert_refused("eta", "0,5", "a number from");
  assert_refused("eta", "10.5", "a number from");
  assert_refused("sampler", "euler", "own, ddim, ddpm");
  assert_refused("precision", "f64", "f32, f16");
  assert_refused("clip", "maybe", "true or false");
  assert_refused("colour", "red", "colour");
}

static void
test_check(void)
{
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autoptr(GError) error = NULL;

  g_assert_true(ddim_request_check(request, &error));
  g_object_set(request, "sampler", "euler", NULL);
  g_assert_false(ddim_request_check(request, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
}

static DdimRequest *
make_request(void)
{
  return g_object_new(DDIM_TYPE_REQUEST, "model", "my model.pt", "class", "wood,\xe5\xa4\xa7",
                      "seed", G_GINT64_CONSTANT(9007199254740993), "width", 64, "height", 48,
                      "count", 3, "steps", "", "eta", 0.1, "clip", FALSE, "flags",
                      "--image_size 64", NULL);
}

/* One for each option of the table that has a value of its own. */
static guint
count_properties(void)
{
  guint n, properties = 0;
  const DdimOption *options = ddim_options_get_table(&n);

  for (guint i = 0; i < n; i++)
    properties += options[i].type != 0;
  return properties;
}

static void
assert_equal(DdimRequest *a, DdimRequest *b)
{
  guint n = 0;
  g_autofree GParamSpec **specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(a), &n);

  g_assert_cmpuint(n, ==, count_properties());
  for (guint i = 0; i < n; i++) {
    g_auto(GValue) x = G_VALUE_INIT, y = G_VALUE_INIT;
    g_object_get_property(G_OBJECT(a), specs[i]->name, &x);
    g_object_get_property(G_OBJECT(b), specs[i]->name, &y);
    g_assert_cmpint(g_param_values_cmp(specs[i], &x, &y), ==, 0);
  }
}

static void
test_json(void)
{
  g_autoptr(DdimRequest) request = make_request();
  g_autofree char *json = ddim_request_to_json(request);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimRequest) again = ddim_request_new_from_json(json, &error);
  g_autoptr(DdimRequest) copy = ddim_request_copy(request);

  g_assert_no_error(error);
  assert_equal(request, again);
  assert_equal(request, copy);
  /* every setting with a value is written, also one that is the default */
  g_assert_nonnull(strstr(json, "\"sampler\":\"own\""));
  g_assert_nonnull(strstr(json, "9007199254740993"));
}

/* Whatever a string holds, JSON gives it back. */
static void
test_json_strings(void)
{
  g_autoptr(DdimRequest) request = ddim_request_new();

  for (int c = 1; c < 0x100; c++) {
    char text[] = {'a', (char)c, 'b', '\0'};
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimRequest) again = NULL;
    g_autofree char *json = NULL;
    g_object_set(request, "device", text, NULL);
    json = ddim_request_to_json(request);
    again = ddim_request_new_from_json(json, &error);
    g_assert_no_error(error);
    assert_equal(request, again);
  }
}

static void
test_bad_json(void)
{
  static const char *const texts[] = {
      "",
      "[]",
      "3",
      "{",
      "{\"seed\":1",
      "{\"seed\":\"1\"}",
      "{\"seed\":1.5}",
      "{\"seed\":99999999999999999999}",
      "{\"count\":4294967297}",
      "{\"count\":0}",
      "{\"count\":null}",
      "{\"width\":-1}",
      "{\"eta\":1e999}",
      "{\"clip\":1}",
      "{\"model\":7}",
      "{\"sampler\":\"euler\"}",
      "{\"nothing\":1}",
      "{\"model\":{\"a\":[]}}",
      "{\"model\":{\"bytes\":7}}",
      "{\"model\":{\"bytes\":[]}}",
      "{\"model\":{\"bytes\":\"a\",\"more\":1}}",
      "{\"seed\":{\"bytes\":\"1\"}}",
      "[[[[[[[[[[",
  };

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(DdimRequest) request = ddim_request_new_from_json(texts[i], &error);
    g_test_message("%s", texts[i]);
    g_assert_null(request);
    g_assert_nonnull(error);
  }
}

static void
test_deep_json(void)
{
  g_autofree char *deep = g_strnfill(1000000, '[');
  g_autoptr(GError) error = NULL;

  g_assert_null(ddim_request_new_from_json(deep, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
}

static void
test_command(void)
{
  g_autoptr(DdimRequest) request = make_request();
  g_autofree char *line = ddim_request_to_command(request);
  g_autoptr(DdimRequest) plain = ddim_request_new();
  g_autofree char *plain_line = ddim_request_to_command(plain);

  g_assert_cmpstr(plain_line, ==, "ddim generate");
  g_assert_cmpstr(
      line, ==,
      "ddim generate --model 'my model.pt' --class 'wood,\xe5\xa4\xa7' --count 3 --steps '' "
      "--eta 0.1 --seed 9007199254740993 --flags '--image_size 64' --no-clip --size 64x48");
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/request/defaults", test_defaults);
  g_test_add_func("/request/from-string", test_from_string);
  g_test_add_func("/request/refusals", test_refusals);
  g_test_add_func("/request/check", test_check);
  g_test_add_func("/request/json", test_json);
  g_test_add_func("/request/json/strings", test_json_strings);
  g_test_add_func("/request/json/bad", test_bad_json);
  g_test_add_func("/request/json/deep", test_deep_json);
  g_test_add_func("/request/command", test_command);
  return g_test_run();
}
