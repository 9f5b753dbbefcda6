/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/recorder.h"

/** The pool of a classifier while it is recorded: what it has read, kept for the gradient. */
typedef struct {
  DdimClTensor features; /**< of the spatial pools: [n][all stages' channels], their means */
  guint taken;           /**< channels that are there */
  DdimClTensor x;        /**< of the others: the last stage's result */
  DdimClTensor inner; /**< of an attention pool: q, k and v; of a spatial one: what first gives */
} DdimPoolRecord;

void ddim_record_pool_begin(DdimRecorder *recorder, DdimPoolRecord *pool);
/** Take what a spatial pool needs of the result of stage @index. */
void ddim_record_pool_take(DdimRecorder *recorder, DdimPoolRecord *pool, guint index,
                           const DdimClTensor *result);
/** Record the logits, ports->y. @x  the last stage's result; is released, unless there will be a
 * gradient */
void ddim_record_pool_finish(DdimRecorder *recorder, DdimPoolRecord *pool, const DdimClTensor *x);
