/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The JSON gate in front of json-glib: what RFC 8259 allows passes, everything else is an error
 * with a line. */
#include <string.h>
#include "core/data/error.h"
#include "core/data/json.h"

static void
refused(const char *text, const char *expected)
{
  g_autoptr(GError) error = NULL;
  JsonNode *node = ddim_json_parse(text, strlen(text), "a.json", &error);

  if (node)
    g_error("accepted: %s", text);
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
  if (!g_str_has_prefix(error->message, "a.json, line ") || !strstr(error->message, expected))
    g_error("%s: unexpected message '%s'", text, error->message);
}

static void
test_valid(void)
{
  const char *texts[] = {"null",
                         " true ",
                         "false",
                         "0",
                         "-0.5e+10",
                         "12",
                         "9223372036854775807",
                         "-9223372036854775808",
                         "1E3",
                         "\"\"",
                         "[]",
                         "{}",
                         "[ ]",
                         "{ }",
                         "[1,2,[3,{\"a\":[]}],\"x\"]\n",
                         "{\"a\" : {\"b\":1 , \"c\" :[{}]} }",
                         "\"\\ud83d\\ude00 \\u00e9 \\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                         "{\"a\":1,\"a\":2}"};

  for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GError) error = NULL;
    JsonNode *node = ddim_json_parse(texts[i], strlen(texts[i]), "a.json", &error);
    g_assert_no_error(error);
    g_assert_nonnull(node);
    json_node_unref(node);
  }
}

static void
test_values(void)
{
  const char *text =
      "{\"name\": \"caf\\u00e9 \\ud83d\\ude00\", \"n\": 9007199254740993, \"list\": [1, 2.5]}";
  g_autoptr(GError) error = NULL;
  g_autoptr(JsonNode) node = ddim_json_parse(text, strlen(text), "a.json", &error);
  g_assert_no_error(error);
  JsonObject *object = json_node_get_object(node);

  g_assert_cmpstr(json_object_get_string_member(object, "name"), ==, "café 😀");
  g_assert_cmpint(json_object_get_int_member(object, "n"), ==, 9007199254740993);
  g_assert_cmpfloat(json_array_get_double_element(json_object_get_array_member(object, "list"), 1),
                    ==, 2.5);
}

static void
test_refused(void)
{
  refused("", "ends where a value");
  refused("   ", "ends where a value");
  refused("{", "double quotes");
  refused("[1", "expected ','");
  refused("[1,]", "expected a value");
  refused("[9223372036854775808]", "64 bits");
  refused("-9223372036854775809", "64 bits");
  refused("[1 2]", "expected ','");
  refused("{\"a\"}", "':'");
  refused("{\"a\":}", "expected a value");
  refused("{\"a\":1,}", "double quotes");
  refused("{'a':1}", "double quotes");
  refused("{\"a\":1]", "'}'");
  refused("[1}", "']'");
  refused("[]]", "after the end");
  refused("1 2", "after the end");
  refused("nul", "expected a value");
  refused("01", "after the end");
  refused("1.", "expected a value");
  refused("1e", "expected a value");
  refused("-", "expected a value");
  refused("/* c */ 1", "expected a value");
  refused("\"a", "inside a string");
  refused("\"a\\", "inside a string");
  refused("\"\\x\"", "escape");
  refused("\"\\u12\"", "hexadecimal");
  refused("\"\\u0000\"", "0000");
  refused("\"\\ud800\"", "surrogate");
  refused("\"\\ud800\\ud800\"", "surrogate");
  refused("\"\\udc00\\ud800\"", "surrogate");
  refused("\"\t\"", "control character");
  refused("\"\xff\"", "UTF-8");
  refused("{\n\"a\": 1,\n\"b\" 2}", "line 3");
}

static void
test_nesting(void)
{
  for (guint depth = DDIM_JSON_MAX_DEPTH - 1; depth < DDIM_JSON_MAX_DEPTH + 3; depth++) {
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < depth; i++)
      g_string_append(text, i % 2 ? "{\"a\":" : "[");
    g_string_append(text, "1");
    for (guint i = depth; i-- > 0;)
      g_string_append(text, i % 2 ? "}" : "]");
    g_autoptr(GError) error = NULL;
    JsonNode *node = ddim_json_parse(text->str, text->len, "a.json", &error);
    g_assert_cmpint(node != NULL, ==, depth <= DDIM_JSON_MAX_DEPTH);
    g_clear_pointer(&node, json_node_unref);
  }

  g_autofree char *deep = g_strnfill(10 * 1000 * 1000, '[');
  refused(deep, "nested too deeply");
}

static void
test_embedded_nul(void)
{
  g_autoptr(GError) error = NULL;

  g_assert_null(ddim_json_parse("[1,\0 2]", 7, "a.json", &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/json/valid", test_valid);
  g_test_add_func("/json/values", test_values);
  g_test_add_func("/json/refused", test_refused);
  g_test_add_func("/json/nesting", test_nesting);
  g_test_add_func("/json/embedded-nul", test_embedded_nul);
  return g_test_run();
}
