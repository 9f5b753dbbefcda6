/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/data/npy.h"
#include "core/model/config.h"
#include "opencl/device/context.h"

G_BEGIN_DECLS

/** What the commands that evaluate a network once are given with its input, what they say
 * meanwhile, and a look at what it gives. */

/** Read "3,871.5" as @n numbers; a single number is used for all of them. DDIM_ERROR_ARGUMENT. */
gboolean ddim_inputs_parse_timesteps(const char *text, gsize n, double *timesteps, GError **error);
/** Read "3,dog" as @n classes of @config; a single class is used for all of them.
 * DDIM_ERROR_ARGUMENT. */
gboolean ddim_inputs_parse_labels(DdimConfig *config, const char *text, gsize n, gint64 *labels,
                                  GError **error);
/** Whether pictures of @shape are of @channels channels and not too many. @path  what messages call
 * them. DDIM_ERROR_ARGUMENT. */
gboolean ddim_inputs_check_shape(const gsize *shape, guint channels, const char *path,
                                 GError **error);
/** A DdimMessageFunc: a warning. @data is not read. */
void ddim_inputs_on_message(const char *message, gpointer data);
/** Warn when what is remembered of @context's device cannot be used. */
void ddim_inputs_warn_of_tuning(DdimContext *context);
/** Whether all numbers of @result, float32, are finite. DDIM_ERROR_UNSUPPORTED names the model. */
gboolean ddim_inputs_check_result(DdimConfig *config, const DdimArray *result, GError **error);

G_END_DECLS
