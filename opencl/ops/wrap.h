/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/** Axes along which images are rings, so that what lies beyond an edge is the other side. Without
 * any, zeros lie there. */
typedef enum {
  DDIM_WRAP_NONE = 0,
  DDIM_WRAP_X = 1,
  DDIM_WRAP_Y = 2,
  DDIM_WRAP_XY = DDIM_WRAP_X | DDIM_WRAP_Y
} DdimWrap;

/** The option WRAP of kernels (kernels/common.cl), with a space in front; "" for none. */
const char *ddim_cl_wrap_option(DdimWrap wrap);
