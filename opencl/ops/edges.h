/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/wrap.h"
#include "opencl/plan/plan.h"

/** The edges between the outside's planar NCHW images and the inside's NHWC tensors, and
 * resampling. */

/** Record y = x's channels, then cond's, then zeros. @x [n][x_c][h][w], @cond [n][cond_c][h][w]
 * (cond_c may be 0). */
void ddim_cl_from_planar(DdimClPlan *plan, DdimClMem x, guint x_c, DdimClMem cond, guint cond_c,
                         const DdimClTensor *y);
/** Record y [n][channels][h][w] = the first @channels of x. */
void ddim_cl_to_planar(DdimClPlan *plan, const DdimClTensor *x, guint channels, DdimClMem y);
/** Record the bilinear resize (align_corners false) of @planes planes. Pixels beyond an edge are
 * those of the other side along the axes of @wrap, and else those of the edge. */
void ddim_cl_resize_bilinear(DdimClPlan *plan, DdimClMem x, guint in_h, guint in_w, DdimClMem y,
                             guint out_h, guint out_w, guint planes, DdimWrap wrap);
/** Record y = the mean of 2x2 pixels of x; y has half of x's height and width. */
void ddim_cl_average_pool(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *y);
/** Record y = x with every pixel doubled in both directions. */
void ddim_cl_upsample(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *y);
/** Record y = x, which is of the same size; either may be a slice of channels. */
void ddim_cl_copy_tensor(DdimClPlan *plan, const DdimClTensor *x, const DdimClTensor *y);
/** Record x = 2 x - 1; @count a multiple of 16. */
void ddim_cl_center(DdimClPlan *plan, DdimClMem x, guint64 count);
/** Record x = silu(x); @count a multiple of 16. */
void ddim_cl_silu(DdimClPlan *plan, DdimClMem x, guint64 count);
