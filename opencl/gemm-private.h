/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/gemm.h"

/* The providers behind ddim_cl_gemm(). */
void ddim_cl_gemm_packed(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm);
void ddim_cl_gemm_clblast(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm);
