/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/check/data.h"

/** Operations beside convolutions, each compared with its definition in double. */

/** A group normalisation of random numbers of this @mean and @deviation. */
typedef struct {
  guint n, h, w, c, groups;
  double mean, deviation;
  gboolean emb, silu, sliced;
} DdimCheckNorm;

DdimCheckResult ddim_check_norm(DdimCheck *check, const DdimCheckNorm *norm);

/** softmax(q k^T / sqrt(ch)) v of random numbers. */
typedef struct {
  guint n, h, w, heads, ch;
  gboolean interleaved, sliced;
  double logits; /**< about the largest */
} DdimCheckAttention;

DdimCheckResult ddim_check_attention(DdimCheck *check, const DdimCheckAttention *attention);
