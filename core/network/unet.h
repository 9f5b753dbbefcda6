/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include "opencl/device/context.h"
#include "core/checkpoint/checkpoint.h"
#include "core/diffusion/step.h"
#include "core/model/config.h"

G_BEGIN_DECLS

/** How weights are kept (and, where the device computes it, activations). */
typedef enum { DDIM_PRECISION_F32, DDIM_PRECISION_F16 } DdimPrecision;

/** A UNet whose weights are on a device. One thread at a time. */
typedef struct _DdimUNet DdimUNet;

/** Called now and then while something takes long. @fraction in [0, 1], or negative when unknown.
 */
typedef void (*DdimStatusFunc)(const char *what, double fraction, gpointer user_data);

typedef struct {
  DdimPrecision precision;
  DdimStatusFunc status; /**< (nullable) */
  gpointer status_data;
  GCancellable *cancellable; /**< (nullable) */
} DdimUNetParams;

/** Load the weights of @checkpoint, of the architecture @config, onto @context's device.
 * Errors: DDIM_ERROR_NOT_FOUND, DDIM_ERROR_FORMAT naming the tensor; DDIM_CL_ERROR_*;
 * G_IO_ERROR_CANCELLED. */
DdimUNet *ddim_unet_new(DdimContext *context, DdimCheckpoint *checkpoint,
                        const DdimUNetConfig *config, const DdimUNetParams *params, GError **error);
void ddim_unet_free(DdimUNet *unet);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimUNet, ddim_unet_free)

/** Height and width must be multiples of this: 2^(levels - 1). */
guint ddim_unet_get_stride(const DdimUNet *unet);

/** A UNet recorded for one (batch, height, width): every kernel, argument and offset fixed. Holds x
 * on the device. The plan must be freed before its UNet. */
typedef struct _DdimUNetPlan DdimUNetPlan;

/** Errors: DDIM_ERROR_ARGUMENT when height or width is no multiple of the stride (the message names
 * the nearest sizes that are); DDIM_CL_ERROR_MEMORY. */
DdimUNetPlan *ddim_unet_plan_new(DdimUNet *unet, guint batch, guint height, guint width,
                                 const DdimUNetParams *params, GError **error);
void ddim_unet_plan_free(DdimUNetPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimUNetPlan, ddim_unet_plan_free)

/** Fix the conditioning of the coming evaluations.
 * @timesteps [n_steps][batch], as the model receives them
 * @labels    [batch], or NULL for an unconditional model */
gboolean ddim_unet_plan_set_conditions(DdimUNetPlan *plan, const double *timesteps, guint n_steps,
                                       const gint64 *labels, GError **error);
/** Super-resolution: @low_res [batch][C][height][width], upsampled bilinearly (align_corners false)
 * to the plan's size. */
gboolean ddim_unet_plan_set_low_res(DdimUNetPlan *plan, const float *low_res, guint height,
                                    guint width, GError **error);
/** @x [batch][C][H][W], C = in_channels (half of them for super-resolution). */
gboolean ddim_unet_plan_set_x(DdimUNetPlan *plan, const float *x, GError **error);
/** Enqueue output = UNet(x, timesteps[step], labels). Does not wait. */
gboolean ddim_unet_plan_evaluate(DdimUNetPlan *plan, guint step, GError **error);
/** Enqueue x = step(x, output, noise), see DdimStep. @noise [batch][C][H][W] or NULL; copied before
 * return. */
gboolean ddim_unet_plan_update(DdimUNetPlan *plan, const DdimStep *step, const float *noise,
                               GError **error);
/** Wait for everything enqueued. */
gboolean ddim_unet_plan_wait(DdimUNetPlan *plan, GError **error);
/** Wait, then read. @x, @x0 [batch][C][H][W]; @output [batch][out_channels][H][W]. x0 is the last
 * update's prediction. */
gboolean ddim_unet_plan_get_x(DdimUNetPlan *plan, float *x, GError **error);
gboolean ddim_unet_plan_get_x0(DdimUNetPlan *plan, float *x0, GError **error);
gboolean ddim_unet_plan_get_output(DdimUNetPlan *plan, float *output, GError **error);
/** Floating-point operations of one evaluation of the whole batch, convolutions counted as direct
 * ones. */
double ddim_unet_plan_get_flops(const DdimUNetPlan *plan);
/** Evaluate step 0 once, waiting after each operation, and tell what each took. For benchmarks. */
typedef void (*DdimProfileFunc)(const char *operation, double seconds, double flops,
                                gpointer user_data);
gboolean ddim_unet_plan_profile(DdimUNetPlan *plan, DdimProfileFunc func, gpointer user_data,
                                GError **error);

G_END_DECLS
