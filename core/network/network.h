/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <gio/gio.h>
#include "core/checkpoint/checkpoint.h"
#include "core/model/config.h"
#include "opencl/device/context.h"

G_BEGIN_DECLS

/** How weights and activations are kept. What is summed up is float32 either way. */
typedef enum { DDIM_PRECISION_F32, DDIM_PRECISION_F16 } DdimPrecision;

/** Called now and then while something takes long. @fraction is in [0, 1], or negative when it is
 * not known. */
typedef void (*DdimStatusFunc)(const char *what, double fraction, gpointer user_data);

/** Called with a line to show to the user. */
typedef void (*DdimMessageFunc)(const char *message, gpointer user_data);

typedef struct {
  DdimPrecision precision;
  DdimStatusFunc status; /**< (nullable) */
  gpointer status_data;
  DdimMessageFunc message; /**< (nullable) is told what is done otherwise than usual, and why */
  gpointer message_data;
  GCancellable *cancellable; /**< (nullable) */
} DdimNetworkParams;

/** The network of one model on one device: what it is made of, and its weights, which never change.
 * It computes nothing by itself; evaluators do (core/network/evaluator.h), any number of them at
 * the same time, each for one size. A layer's weights are laid out on the device when the first
 * evaluator needs them, shared by all evaluators that need them in the same layout, and freed with
 * the last of those. The weights of one evaluator's
 * convolutions take at most 1.4 times the size of the network's tensors, or, where that is
 * more, 1.75 times but at most 350 MiB; in half precision at most 1.1 times; with a classifier's
 * gradient twice as much. Reference counted. A network and everything made from it is used by one
 * thread at a time. */
typedef struct _DdimNetwork DdimNetwork;

/** Read the small vectors of @checkpoint, a model of the configuration @config, and the layers that
 * tell the blocks about timestep and label, onto @context's device. The other weights are read when
 * evaluators are made. Keeps references to all three.
 * @params  (nullable); its precision holds for the whole network
 * Errors: DDIM_ERROR_NOT_FOUND, DDIM_ERROR_FORMAT naming the tensor; DDIM_ERROR_UNSUPPORTED for an
 * architecture that cannot be computed; DDIM_CL_ERROR_*. */
DdimNetwork *ddim_network_new(DdimContext *context, DdimCheckpoint *checkpoint, DdimConfig *config,
                              const DdimNetworkParams *params, GError **error);
DdimNetwork *ddim_network_ref(DdimNetwork *network);
void ddim_network_unref(DdimNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimNetwork, ddim_network_unref)

/** Height and width of an input must be multiples of this. */
guint ddim_network_get_stride(const DdimNetwork *network);

G_END_DECLS
