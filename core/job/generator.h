/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>

#include "opencl/since.h"
#include "core/data/image.h"
#include "core/job/callbacks.h"
#include "opencl/device/device.h"

G_BEGIN_DECLS

/** Generation jobs: a request in, images out. A generator keeps the device, the model and the last
 * plan, so a second job of the same kind starts at once. Create it in any thread; run one job at a
 * time, and free it when none runs. Several generators may run at the same time. All callbacks are
 * called in the thread that runs the job; front ends with a main loop run the job in a worker
 * thread and hand over. */
typedef struct _DdimGenerator DdimGenerator;

/** Make a generator. No device is used yet. (transfer full) */
DDIM_AVAILABLE_IN_0_1
DdimGenerator *ddim_generator_new(void);
/** @generator  (nullable) */
DDIM_AVAILABLE_IN_0_1
void ddim_generator_free(DdimGenerator *generator);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimGenerator, ddim_generator_free)

/** Run the job; returns when it is over. Cancelling, from any thread, stops within a step with
 * G_IO_ERROR_CANCELLED; images handed out before stay valid, and the generator can run other jobs.
 * Batches and seed: all batches share one stream of random numbers. x_T of a batch is drawn as one
 * tensor, then follows one draw per step, as in the original's image_sample.py. Random classes are
 * drawn before x_T; x_T is not drawn when init-noise is given. The last batch draws the numbers of
 * a full batch, but computes only the images that are wanted.
 * @request      is left as it is; nobody else may use it meanwhile
 * @callbacks    (nullable) used until this returns
 * @cancellable  (nullable)
 * Errors: those of ddim_request_check(), ddim_models_find(), ddim_checkpoint_open(),
 * ddim_config_load() and ddim_device_choose(); DDIM_ERROR_ARGUMENT for what the model does not
 * offer; DDIM_ERROR_UNSUPPORTED for numbers that are not finite; DDIM_CL_ERROR of the device; the
 * error of the callback image(); and G_IO_ERROR_CANCELLED. */
DDIM_AVAILABLE_IN_0_1
gboolean ddim_generator_run(DdimGenerator *generator, DdimRequest *request,
                            const DdimGeneratorCallbacks *callbacks, gpointer user_data,
                            GCancellable *cancellable, GError **error);

/** Give a picture in memory. Later jobs whose request sets @option take it in place of the file
 * that the option names; the option's value is then only how messages and the command call it.
 * @option   "input", "mask", "from" or "to"
 * @picture  (transfer full) (nullable) NULL: the file again */
DDIM_AVAILABLE_IN_0_1
void ddim_generator_set_picture(DdimGenerator *generator, const char *option, DdimImage *picture);

/** The device of the last job; NULL before the first. (transfer none) (nullable), valid until the
 * next job. */
DDIM_AVAILABLE_IN_0_1
const DdimDeviceInfo *ddim_generator_get_device(DdimGenerator *generator);
/** The most memory that this generator's jobs ever took on that device, in bytes; 0 before the
 * first.
 */
DDIM_AVAILABLE_IN_0_1
guint64 ddim_generator_get_device_bytes(DdimGenerator *generator);
/** Why the measurements that `ddim tune` stored for the device of the last job are not used, as one
 * line to show to the user; NULL when they are, when there are none, and before the first job.
 * (transfer none) (nullable), valid until the next job. */
DDIM_AVAILABLE_IN_0_1
const char *ddim_generator_get_tuning_problem(DdimGenerator *generator);

G_END_DECLS
