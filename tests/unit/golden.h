/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/* Reference data in tests/data: a JSON description and the arrays it names, in an .npz beside it.
 */

#include <json-glib/json-glib.h>

#include "core/data/npy.h"

static inline char *
golden_path(const char *name)
{
  return g_build_filename(g_getenv("DDIM_TEST_DATA"), name, NULL);
}

static inline JsonNode *
golden_json(const char *name)
{
  g_autoptr(JsonParser) parser = json_parser_new();
  g_autofree char *path = golden_path(name);
  g_autoptr(GError) error = NULL;

  json_parser_load_from_file(parser, path, &error);
  g_assert_no_error(error);
  return json_parser_steal_root(parser);
}

/* Member FORMAT of the .npz @file. */
G_GNUC_PRINTF(2, 3)
static inline DdimArray *
golden_array(const char *file, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *member = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_autofree char *path = golden_path(file);
  g_autoptr(GError) error = NULL;
  DdimArray *array = ddim_npz_read(path, member, &error);

  g_assert_no_error(error);
  g_assert_true(ddim_tensor_is_contiguous(&array->tensor));
  return array;
}

/* The elements, checked to be @count of type @dtype. They lie aligned in the array's own buffer. */
static inline gconstpointer
golden_data(const DdimArray *array, DdimDType dtype, gsize count)
{
  g_assert_cmpint(array->tensor.dtype, ==, dtype);
  g_assert_cmpuint(ddim_tensor_count(&array->tensor), ==, count);
  g_assert_cmpuint(GPOINTER_TO_SIZE(array->tensor.data) % ddim_dtype_size(dtype), ==, 0);
  return array->tensor.data;
}
