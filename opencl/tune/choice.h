/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/tune/tuning.h"

/** Choose for every convolution of a network the way that costs least time, within a budget of
 * bytes for all weights together (Winograd's transformed weights are 1.8, 2 and 4 times larger):
 * the choices that save most time per byte win.
 * @tuning  (nullable) what was measured on this device; shapes that were not are estimated
 * @shapes, @choices  @n entries */
void ddim_cl_choose(DdimContext *context, const DdimClTuning *tuning, const DdimConvShape *shapes,
                    guint n, gboolean half, guint64 budget, DdimClChoice *choices);
/** Whether @shape can be computed as @choice at all, and well enough: F(4x4)'s transformed weights
 * lose some 8 times more than the weights themselves when they are rounded to @half, F(2x2)'s no
 * more. */
gboolean ddim_cl_can_use(DdimContext *context, const DdimConvShape *shape, gboolean half,
                         DdimClChoice choice);
/** Estimated seconds of @shape computed as @choice. */
double ddim_cl_estimate(DdimContext *context, const DdimConvShape *shape, gboolean half,
                        DdimClChoice choice);
/** Whether @provider is worth measuring: it is made for this kind of device, and it works there. A
 * provider that uses special units is tried once per context, see ddim_cl_has_mma(). */
gboolean ddim_cl_provider_suits(DdimContext *context, DdimGemmProvider provider, gboolean half);
/** The provider that multiplies on this device when nothing was measured.
 * @half  weights and activations are kept as half */
DdimGemmProvider ddim_cl_default_provider(DdimContext *context, gboolean half);
