/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Arrays in a zip archive, as numpy.savez writes them: the layout is judged before numbers are
 * read.
 */
#include "core/data/npy.h"
#include "tests/fuzz/touch.h"

/* What a caller of this size asks for. */
#define MAX_BYTES ((gsize)16 << 20)

static void
read_member(DdimFile *file, const char *name)
{
  g_autoptr(GError) error = NULL, array_error = NULL;
  g_autoptr(DdimArray) array = NULL;
  DdimTensor layout = {0};
  const gboolean has_layout = ddim_npz_read_layout(file, name, &layout, &error);

  fuzz_check_result(has_layout ? file : NULL, error);
  if (has_layout && ddim_tensor_count(&layout) > MAX_BYTES / ddim_dtype_size(layout.dtype))
    return;
  array = ddim_npz_read_file(file, name, &array_error);
  fuzz_check_result(array, array_error);
  if (!array)
    return;
  g_assert_true(has_layout);
  g_assert_cmpuint(ddim_tensor_count(&array->tensor), ==, ddim_tensor_count(&layout));
  fuzz_touch_numbers(&array->tensor);
}

void
fuzz_input(const uint8_t *data, size_t size)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
  g_autoptr(DdimFile) file = ddim_file_new_from_bytes(bytes, "fuzz");

  read_member(file, "c");
  read_member(file, "arr_0");
}
