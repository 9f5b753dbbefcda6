/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One array. */
#include "core/data/npy.h"
#include "tests/fuzz/touch.h"

void
fuzz_input(const uint8_t *data, size_t size)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimArray) array = ddim_npy_read_bytes(bytes, &error);

  g_autoptr(DdimFile) file = ddim_file_new_from_bytes(bytes, "fuzz");
  g_autoptr(GError) layout_error = NULL;
  DdimTensor layout = {0};
  guint64 offset;
  const gboolean has_layout = ddim_npy_read_layout(file, &layout, &offset, &layout_error);

  fuzz_check_result(array, error);
  g_assert_true(has_layout == !layout_error);
  if (!array)
    return;
  g_assert_true(has_layout);
  g_assert_cmpuint(ddim_tensor_count(&layout), ==, ddim_tensor_count(&array->tensor));
  fuzz_touch_numbers(&array->tensor);
}
