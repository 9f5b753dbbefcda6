/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/npy.h"
#include "touch.h"

static void
check(const DdimArray *array, const GError *error)
{
  fuzz_check_result(array, error);
  if (!array)
    return;
  gsize count = ddim_tensor_count(&array->tensor), n = MIN(count, 1 << 20);
  g_autofree float *values = g_new(float, n + 1);
  ddim_tensor_read(&array->tensor, 0, n, DDIM_DTYPE_F32, values);
  ddim_tensor_read(&array->tensor, count - n, n, DDIM_DTYPE_F32, values);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
  g_autoptr(GError) npy_error = NULL, npz_error = NULL;
  g_autoptr(DdimArray) npy = ddim_npy_read_bytes(bytes, &npy_error);
  g_autoptr(DdimFile) file = ddim_file_new_from_bytes(bytes, "fuzz");
  g_autoptr(DdimArray) npz = ddim_npz_read_file(file, "c", &npz_error);

  check(npy, npy_error);
  check(npz, npz_error);
  return 0;
}
