/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/network.h"
#include "core/network/vectors.h"
#include "core/network/weights.h"
#include "opencl/ops/conv/conv.h"
#include "opencl/plan/scratch.h"

/** Places of a norm's scales and shifts among the vectors. */
typedef struct {
  guint64 gamma, beta;
} DdimNetworkNorm;

/** A layer that is a convolution: all but those of the embedding. */
typedef struct {
  const char *prefix;     /**< what messages call it */
  DdimConvShape geometry; /**< n, h and w are 0: evaluators fill them in */
  guint64 bias;           /**< its place among the vectors */
} DdimNetworkConv;

/** There is no such layer. */
#define DDIM_NO_CONV G_MAXUINT

/** What the network has of one module. The convolutions are indices into DdimNetwork.convs. */
typedef struct {
  const DdimModule *module;
  DdimNetworkNorm norm1, norm2;
  guint conv1, conv2, skip; /**< of an ATTENTION: conv1 makes q, k and v, conv2 is `proj` */
  guint emb_at;             /**< of a RES: its first column in the conditioning's rows */
} DdimNetworkModule;

/** What the network has of a classifier's pool. */
typedef struct {
  DdimNetworkNorm norm;
  guint first, last; /**< indices into DdimNetwork.convs */
  guint64 table;     /**< place among the vectors */
} DdimNetworkPool;

/** The layers in front of the blocks: what a timestep and a label tell them. */
typedef struct {
  DdimLayout *first, *second;
  DdimLayout *blocks;                    /**< every block's `emb`, side by side */
  guint64 first_bias, second_bias, bias; /**< places among the vectors */
  guint columns;                         /**< of all blocks together */
} DdimNetworkEmbedding;

struct _DdimNetwork {
  gatomicrefcount refs;
  DdimContext *context;
  DdimCheckpoint *checkpoint;
  DdimConfig *config; /**< (nullable) keeps the architecture */
  const DdimArchitecture *architecture;
  DdimArchitecture *padded; /**< (nullable) `architecture`, where it is not the model's own */
  gboolean half;
  DdimWeights *weights; /**< its first layers are `convs`, with the same indices */
  DdimVectors *vectors;
  GArray *convs; /**< DdimNetworkConv: n_forward in the order of evaluation; behind them, of a
                    classifier, for each the one that takes a gradient back through it */
  guint n_forward;
  GHashTable *modules; /**< DdimModule -> DdimNetworkModule */
  DdimNetworkNorm out_norm;
  guint out_conv;
  DdimNetworkPool pool;
  DdimNetworkEmbedding embedding;
  guint64 zeros;        /**< place of as many zeros as an input or an output has channels at most */
  guint64 ones;         /**< of a classifier: as many ones */
  guint64 tensor_bytes; /**< of all weights in the network's precision */
  guint n_evaluators;
  DdimClScratch *scratch; /**< what evaluators compute in; NULL while there are none */
};

/** The same as ddim_network_new(), without a configuration. @architecture must outlive the
 * network. DdimNetwork.architecture is another one where its channels are no multiples of 32. */
DdimNetwork *ddim_network_new_of(DdimContext *context, DdimCheckpoint *checkpoint,
                                 const DdimArchitecture *architecture,
                                 const DdimNetworkParams *params, GError **error);
/** Lay the layers of the embedding out for the provider that is the default one now, if that is
 * another than before. After an error the network is of no use any more. */
gboolean ddim_network_reload_embedding(DdimNetwork *network, GError **error);
const DdimNetworkModule *ddim_network_get_module(const DdimNetwork *network,
                                                 const DdimModule *module);
const DdimNetworkConv *ddim_network_get_conv(const DdimNetwork *network, guint index);
/** Turn the height and width of @module's input into those of its result. */
void ddim_network_follow_size(const DdimModule *module, guint *height, guint *width);
