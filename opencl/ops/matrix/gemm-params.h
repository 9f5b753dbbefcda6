/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/matrix/epilogue.h"
#include "opencl/ops/matrix/matrix.h"

/** C[b][rows][columns] = A[b][rows][depth] B[b] (+ epilogue, only for batch 1).
 * @lda, @ldc, @a_batch, @c_batch in elements, which are of @a_type and @c_type; @rows_per_image
 * tells the epilogue which row belongs to which image. */
typedef struct {
  DdimClMem a, c;
  DdimClType a_type, c_type;
  guint lda, ldc;
  guint64 a_batch, c_batch;
  guint rows, rows_per_image;
  const DdimClEpilogue *epilogue; /**< (nullable) */
  const char *label;
} DdimClGemm;
