/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/data/npy.h"
#include "touch.h"

static void
check(const DdimArray *array, const GError *error)
{
  fuzz_check_result(array, error);
  if (array)
    fuzz_touch(&array->tensor);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
  g_autoptr(GError) npy_error = NULL, npz_error = NULL;
  g_autoptr(DdimArray) npy = ddim_npy_read_bytes(bytes, &npy_error);
  g_autoptr(DdimArray) npz = ddim_npz_read_bytes(bytes, "c", &npz_error);

  check(npy, npy_error);
  check(npz, npz_error);
  return 0;
}
