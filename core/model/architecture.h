/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint.h"

G_BEGIN_DECLS

/** What a network is made of. This is the only description: verification, loading of the weights,
 * recording and `ddim info` all walk the same list of modules. A family (core/model/family.h) makes
 * the list.
 *
 * A network is a list of stages in the order of evaluation, and each stage is a list of modules.
 * The result of every INPUT stage is kept. An OUTPUT stage reads the result of the stage before it
 * and, behind that along the channels, the kept result of the INPUT stage `skip`.
 *
 * An architecture is plain data, constant once it is made. It owns its names. The name of a layer
 * is what stands in front of ".weight" and ".bias" in the state dict; NULL means that there is no
 * such layer. */

/** Which channels of the state dict the `n` channels are that are computed with, where there are
 * more of these: core/network/padding.h. The others are zeros. */
typedef struct {
  guint n, stored;
  guint at[]; /**< index among the stored channels, or DDIM_NO_CHANNEL */
} DdimChannelMap;

#define DDIM_NO_CHANNEL G_MAXUINT

/** A convolution or a linear layer: `name`.weight is [out][in][taps][taps], `name`.bias is [out].
 * With taps 1 the weight may also be [out][in] or [out][in][1]. */
typedef struct {
  char *name; /**< NULL: none */
  guint in, out;
  guint taps; /**< along an edge: 1 or 3 */
  gboolean no_bias;
  DdimChannelMap *in_map, *out_map; /**< (nullable) owned; where they are, the tensors are
                                       [out_map->stored][in_map->stored] … */
  float scale;                      /**< of weights and bias; 0: as they are stored */
} DdimLayer;

/** A group normalisation: `name`.weight and `name`.bias are [channels]. */
typedef struct {
  char *name;
  guint channels;
  guint groups; /**< divides the channels */
  float eps;
  DdimChannelMap *map; /**< (nullable) owned; the groups divide its stored channels then */
} DdimNorm;

typedef enum {
  DDIM_MODULE_CONV_IN,   /**< conv1 */
  DDIM_MODULE_RES,       /**< norm1, conv1, emb, norm2, conv2, skip */
  DDIM_MODULE_ATTENTION, /**< norm1 (or none), qkv[], proj */
  DDIM_MODULE_DOWN,      /**< half the height and width: conv1, or average pooling */
  DDIM_MODULE_UP         /**< twice the height and width, nearest: then conv1, or nothing */
} DdimModuleType;

typedef enum { DDIM_RESAMPLE_NONE, DDIM_RESAMPLE_DOWN, DDIM_RESAMPLE_UP } DdimResample;

/** Where zeros are put around the input of a 3x3 convolution of stride 2. */
typedef enum {
  DDIM_PADDING_SAME,        /**< one pixel on every side */
  DDIM_PADDING_RIGHT_BOTTOM /**< one pixel on the right and below only (ermongroup/ddim) */
} DdimPadding;

/** How a block takes the conditioning, the row that `emb` makes of it. */
typedef enum {
  DDIM_EMB_ADD,        /**< h + row, in front of norm2; the row has `out` values */
  DDIM_EMB_SCALE_SHIFT /**< norm2(h) * (1 + scale) + shift; the row is [scale][shift] */
} DdimEmbKind;

/** In which order the channels of `qkv` come. */
typedef enum {
  DDIM_QKV_BY_HEAD, /**< one layer: of each head its q, k and v (QKVAttentionLegacy) */
  DDIM_QKV_BY_KIND, /**< one layer: q of all heads, then k, then v (QKVAttention) */
  DDIM_QKV_APART    /**< three layers: q, k, v */
} DdimQkvOrder;

typedef struct {
  DdimModuleType type;
  char *prefix;  /**< what messages call it: "input_blocks.1.0" */
  guint in, out; /**< channels */
  DdimNorm norm1, norm2;
  DdimLayer conv1, conv2, skip; /**< skip.name NULL: the identity */
  DdimResample resample;        /**< of a RES: its input and h are resampled in front of conv1 */
  DdimPadding padding;          /**< of a DOWN with conv1 */
  DdimLayer emb;                /**< of a RES: the projection of the conditioning */
  DdimEmbKind emb_kind;
  DdimLayer qkv[3]; /**< of an ATTENTION: all three with DDIM_QKV_APART, else only the first */
  DdimQkvOrder qkv_order;
  DdimLayer proj;
  guint heads;
} DdimModule;

typedef enum { DDIM_STAGE_INPUT, DDIM_STAGE_MIDDLE, DDIM_STAGE_OUTPUT } DdimStageType;

typedef struct {
  DdimStageType type;
  GPtrArray *modules; /**< DdimModule */
  guint skip;         /**< of an OUTPUT stage: the index of the INPUT stage that it reads as well */
  guint in, out;      /**< channels; `in` of an OUTPUT stage is without the skip's */
} DdimStage;

/** How a timestep becomes the vector that `first` reads: sines and cosines of
 * timestep * exp(-ln(max_period) * i / (channels / 2 - frequency_shift)), i < channels / 2. */
typedef struct {
  guint channels; /**< of the sines and cosines together */
  double max_period;
  double frequency_shift;
  gboolean sine_first;     /**< [sin, cos]; else [cos, sin] */
  DdimLayer first, second; /**< SiLU between them, and in front of every block's `emb` */
  char *label_table; /**< (nullable) "label_emb": `label_table`.weight is [classes][second.out] */
  DdimLayer label_first, label_second; /**< in place of a table: a label is embedded as a timestep
                                          is, by layers of its own */
  guint n_classes;                     /**< 0: unconditional */
} DdimEmbedding;

/** How a classifier makes numbers for classes, its logits, of what its stages give. */
typedef enum {
  DDIM_POOL_NONE,      /**< it is no classifier: out_norm, out_conv */
  DDIM_POOL_ADAPTIVE,  /**< norm, SiLU, mean over the pixels, last */
  DDIM_POOL_ATTENTION, /**< norm, SiLU; the mean and the pixels, with a table added, attend to each
                          other through `first`, which is q, k and v by kind; the mean's, last */
  DDIM_POOL_SPATIAL,   /**< means over the pixels of every stage's result, first, ReLU, last */
  DDIM_POOL_SPATIAL_V2 /**< the same means, first, norm, SiLU, last */
} DdimPoolType;

typedef struct {
  DdimPoolType type;
  DdimNorm norm;
  DdimLayer first, last; /**< last.out is the number of classes */
  char *table;           /**< ATTENTION: `table` is [channels][positions], no part is appended */
  guint positions;       /**< ATTENTION: 1 + the pixels of the last stage's result */
  guint heads;           /**< ATTENTION */
} DdimPool;

/** Opaque in the public headers, as its members change with every new kind of network. */
typedef struct _DdimArchitecture DdimArchitecture;
struct _DdimArchitecture {
  guint in_channels, out_channels; /**< of the whole network; classes of a classifier */
  guint low_res_channels; /**< how many of in_channels, the last ones, are a super-resolution
                             model's low_res; 0: it is no such model */
  gboolean centers_input; /**< the network reads 2 x - 1 in place of x */
  DdimEmbedding embedding;
  GPtrArray *stages; /**< DdimStage: all INPUT stages, then the others */
  DdimNorm out_norm;
  DdimLayer out_conv;
  DdimPool pool; /**< of a classifier, in place of out_norm and out_conv */
};

/** Whether the result is one number for each class in place of a picture. */
static inline gboolean
ddim_architecture_is_classifier(const DdimArchitecture *architecture)
{
  return architecture->pool.type != DDIM_POOL_NONE;
}
/** Classes that the network is told, or that a classifier tells apart; 0: none. */
guint ddim_architecture_get_n_classes(const DdimArchitecture *architecture);
/** "attention", as guided-diffusion's classifier_pool names it. */
const char *ddim_pool_get_name(DdimPoolType type);

/** An architecture without stages, to be filled with what follows. */
DdimArchitecture *ddim_architecture_new(void);
void ddim_architecture_free(DdimArchitecture *architecture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimArchitecture, ddim_architecture_free)

/** Append a stage that reads @in channels. (transfer none) */
DdimStage *ddim_architecture_add_stage(DdimArchitecture *architecture, DdimStageType type,
                                       guint in);
/** Append a module named @prefix to @stage, which then gives @out channels. The caller fills in the
 * other members. @in  channels; in the first module of an OUTPUT stage, those of the skip are among
 * them (transfer none) */
DdimModule *ddim_stage_add_module(DdimStage *stage, DdimModuleType type, const char *prefix,
                                  guint in, guint out);
/** How the module changes height and width, whatever its type. */
DdimResample ddim_module_get_resample(const DdimModule *module);
/** A layer or norm named "@prefix.@part", or @prefix when @part is NULL. */
DdimLayer ddim_layer(const char *prefix, const char *part, guint in, guint out, guint taps);
DdimNorm ddim_norm(const char *prefix, const char *part, guint channels, guint groups, float eps);

/** Height and width of an input must be multiples of this. */
guint ddim_architecture_get_stride(const DdimArchitecture *architecture);

/** What the INPUT stages between two halvings of the image have in common. */
typedef struct {
  guint channels;
  gboolean attention;
  guint blocks; /**< residual blocks that keep the size */
} DdimLevel;

/** The levels, the one of the image's own size first. (transfer full) (element-type DdimLevel) */
GArray *ddim_architecture_get_levels(const DdimArchitecture *architecture);

/** Called for a tensor. Returns whether to go on to the next. */
typedef gboolean (*DdimTensorVisitor)(const char *name, guint n_dims, const gsize *shape,
                                      gpointer user_data);
/** Visit every tensor in the order of evaluation. Whether all were visited. */
gboolean ddim_architecture_foreach_tensor(const DdimArchitecture *architecture,
                                          DdimTensorVisitor visitor, gpointer user_data);

/** The number of weights: of one module; of the layers of the embedding, without the table of
 * classes; and of out_norm and out_conv, or the pool. */
guint64 ddim_module_count_parameters(const DdimModule *module);
guint64 ddim_embedding_count_parameters(const DdimEmbedding *embedding);
guint64 ddim_architecture_count_output_parameters(const DdimArchitecture *architecture);

G_END_DECLS
