/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "tests/fuzz/fuzz.h"

/** Correct the checksums in a mutated input; each format has its own. */
void fuzz_mend(uint8_t *data, size_t size);

/** libFuzzer's names: what it calls instead of its own mutation, and that. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
