/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"
#include "opencl/plan/arena.h"

/** Device memory for the intermediates of plans: the blocks of their arenas. Several plans of one
 * context may share it: as the queue runs one plan after another, no intermediate has to outlive
 * the run of its plan. Reference counted. */
typedef struct {
  guint refs;
  GPtrArray *blocks; /**< DdimClBuffer */
} DdimClScratch;

/** Have *@scratch (NULL: none yet) hold the blocks of @arena. Where it is too small, new memory
 * replaces it, which is large enough for the old use as well. Errors: DDIM_CL_ERROR_MEMORY when a
 * block is more than the device allocates at once, or when all blocks are more than it has;
 * DDIM_CL_ERROR_*. */
gboolean ddim_cl_scratch_reserve(DdimClScratch **scratch, DdimContext *context,
                                 const DdimClArena *arena, GError **error);
/** Of all blocks together. */
guint64 ddim_cl_scratch_get_bytes(const DdimClScratch *scratch);
DdimClScratch *ddim_cl_scratch_ref(DdimClScratch *scratch);
void ddim_cl_scratch_unref(DdimClScratch *scratch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClScratch, ddim_cl_scratch_unref)
