/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/network/unet.h"
#include "core/network/unet-structure.h"
#include "opencl/tune/choice.h"
#include "opencl/ops/update.h"

/** GroupNorm32 of improved_diffusion.nn. */
#define DDIM_NORM_GROUPS 32
#define DDIM_NORM_EPS 1e-5f

/** A convolution (or linear layer) of a module. Its matrix is for the plan in use. */
typedef struct {
  char *prefix;        /**< NULL: the module has none */
  DdimConvShape shape; /**< n, h, w are of the plan in use */
  guint64 bias;        /**< place in DdimUNet.vectors, in floats */
  DdimClMatrix *matrix;
  gboolean loaded; /**< the matrix holds the weights */
  DdimClChoice choice;
} DdimConvLayer;

typedef struct {
  guint64 gamma, beta; /**< places in DdimUNet.vectors */
} DdimNormLayer;

/** Weights of one module. CONV_IN, DOWN, UP: conv1. RES: all. ATTENTION: norm1, conv1 = qkv, conv2
 * = proj_out. */
typedef struct {
  const DdimModule *module;
  DdimNormLayer norm1, norm2;
  DdimConvLayer conv1, conv2, skip;
  guint emb_at; /**< first column of this block's emb_layers in the rows of all of them */
} DdimModuleWeights;

struct _DdimUNet {
  DdimContext *context;
  DdimCheckpoint *checkpoint;
  DdimUNetConfig config;
  gboolean half;
  GPtrArray *stages;   /**< DdimStage */
  GHashTable *weights; /**< DdimModule -> DdimModuleWeights */
  GPtrArray *convs;    /**< every used DdimConvLayer, in order of evaluation */
  DdimNormLayer out_norm;
  DdimConvLayer out_conv;
  DdimClBuffer *vectors; /**< all biases, norms' gammas and betas, and zeros */
  guint64 zeros;
  guint64 time_bias1, time_bias2, emb_bias;
  DdimClMatrix *time1, *time2; /**< time_embed.0, time_embed.2 */
  DdimClMatrix *emb;           /**< every block's emb_layers.1, side by side */
  guint emb_columns;
  guint64 weight_bytes; /**< of the checkpoint's tensors as float32 */
};

/** The weights of @module. */
DdimModuleWeights *ddim_unet_get_weights(const DdimUNet *unet, const DdimModule *module);
/** A place in DdimUNet.vectors. */
DdimClMem ddim_unet_vector(const DdimUNet *unet, guint64 at);

/** Fill everything but the convolutions' matrices. */
gboolean ddim_unet_load_vectors(DdimUNet *unet, const DdimUNetParams *params, GError **error);
/** Whether an evaluation can have this size. */
gboolean ddim_unet_check_size(DdimUNet *unet, guint batch, guint height, guint width,
                              GError **error);
/** Fix every convolution's size for a batch of @n inputs of @h x @w; the shapes, in the order of
 * DdimUNet.convs. (transfer full) */
DdimConvShape *ddim_unet_get_shapes(DdimUNet *unet, guint n, guint h, guint w);
/** How each of @shapes is computed, within the memory that weights may take. (transfer full)
 * @tuning  (nullable) NULL: as it would be without measurements */
DdimClChoice *ddim_unet_choose(DdimUNet *unet, const DdimClTuning *tuning,
                               const DdimConvShape *shapes);
/** Choose how each convolution is computed at this size, with memory for its weights as that wants
 * them, reusing what is there. */
gboolean ddim_unet_prepare(DdimUNet *unet, guint n, guint h, guint w, GError **error);
/** Lay out all weights that are not there yet. */
gboolean ddim_unet_load_convs(DdimUNet *unet, const DdimUNetParams *params, GError **error);

/** Where the parts of an evaluation meet. */
typedef struct {
  DdimClTensor x;      /**< NHWC input, padded channels */
  DdimClTensor output; /**< NHWC output, padded channels */
  DdimClMem emb;       /**< [n][emb_columns], conditioning of the current step */
} DdimUNetPorts;

/** Record the torso: ports->x -> ports->output (allocated here). Returns its floating-point
 * operations. */
double ddim_unet_record(DdimUNet *unet, DdimClPlan *plan, DdimUNetPorts *ports);

/** Conditioning: rows of every block's emb_layers for the coming steps. */
typedef struct _DdimUNetEmbedding DdimUNetEmbedding;

/** @timesteps [n_steps][batch]; @labels [batch] or NULL. */
DdimUNetEmbedding *ddim_unet_embedding_new(DdimUNet *unet, const double *timesteps, guint n_steps,
                                           const gint64 *labels, guint batch, GError **error);
void ddim_unet_embedding_free(DdimUNetEmbedding *embedding);
/** Enqueue the copy of step @step's rows to @to of @plan, computing a piece of the table first
 * where needed. */
gboolean ddim_unet_embedding_load(DdimUNetEmbedding *embedding, guint step, DdimClPlan *plan,
                                  DdimClMem to, GError **error);
