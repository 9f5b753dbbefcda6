/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/conv.h"

/* The providers behind ddim_cl_gemm(). */
void ddim_cl_gemm_packed(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm);
void ddim_cl_gemm_clblast(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm);
void ddim_cl_gemm_tile(DdimClPlan *plan, const DdimClMatrix *b, const DdimClGemm *gemm);

/* A convolution as an implicit product by the tiled kernel of @provider, whatever @weights' own;
 * their layout must be that of a tiled kernel or of CLBlast. */
void ddim_cl_conv_tile(DdimClPlan *plan, DdimGemmProvider provider, const DdimConvShape *shape,
                       const DdimClMatrix *weights, const DdimClTensor *x, const DdimClTensor *y,
                       const DdimClEpilogue *epilogue);
