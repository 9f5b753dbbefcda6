/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/device/context-private.h"

/** Device memory for the intermediates of plans. Several plans of one context may share it: as the
 * queue runs one plan after another, no intermediate has to outlive the run of its plan. Reference
 * counted. */
typedef struct {
  guint refs;
  DdimClBuffer *buffer;
} DdimClScratch;

/** @size in bytes. Errors: DDIM_CL_ERROR_*. */
DdimClScratch *ddim_cl_scratch_new(DdimContext *context, guint64 size, GError **error);
DdimClScratch *ddim_cl_scratch_ref(DdimClScratch *scratch);
void ddim_cl_scratch_unref(DdimClScratch *scratch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimClScratch, ddim_cl_scratch_unref)
