/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "tests/fuzz/mutate.h"

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
  size = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 8)
    fuzz_mend(data, size);
  return size;
}
