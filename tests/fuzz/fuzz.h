/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <string.h>

/** What a target defines: read @data, and abort where the reader breaks a promise. It is called by
 * LLVMFuzzerTestOneInput() in bound.c, which also asserts the bound of memory: reading takes at
 * most FUZZ_SPARE + FUZZ_FACTOR x @size bytes at any time, what the target itself allocates
 * included. */
void fuzz_input(const uint8_t *data, size_t size);

#define FUZZ_SPARE ((gsize)64 << 20)
#define FUZZ_FACTOR 4

/** What libFuzzer and reproduce.c call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A reader gave a result or an error, and the error is one line that can be shown. */
static inline void
fuzz_check_result(gconstpointer result, const GError *error)
{
  g_assert_true((result != NULL) == (error == NULL));
  if (!error)
    return;
  g_assert_true(g_utf8_validate(error->message, -1, NULL));
  g_assert_null(strpbrk(error->message, "\n\r\033"));
}
