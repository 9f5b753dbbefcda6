/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/plan/plan.h"

/** Attention over the positions of an image. */
typedef struct {
  guint heads;
  gboolean interleaved; /**< TRUE: channels are [q, k, v] of head 0, then of head 1 …; FALSE: all q,
                           all k, all v */
} DdimClAttention;

/** What ddim_cl_attention() notes of itself (ddim_cl_plan_note()), as DDIM_CL_NOTE_ATTENTION. */
typedef struct {
  guint positions, heads, channels; /**< channels of a head */
  gboolean interleaved;
  DdimClType type;
} DdimClAttentionNote;

#define DDIM_CL_NOTE_ATTENTION "attention"

/** Where the heads' queries, keys and values lie in a pixel's channels: those of head h at
 * h * head_ld + {0, k_at, v_at}. */
typedef struct {
  guint T;  /**< positions of an image */
  guint C;  /**< channels of all heads */
  guint ch; /**< of one head */
  guint head_ld, k_at, v_at;
  double flops; /**< floating-point operations of all images */
} DdimClHeads;

/** @qkv, @out  as ddim_cl_attention() has them */
DdimClHeads ddim_cl_attention_heads(const DdimClTensor *qkv, const DdimClAttention *attention,
                                    const DdimClTensor *out);
