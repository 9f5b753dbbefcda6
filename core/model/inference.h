/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "core/checkpoint/checkpoint-tensors.h"
#include "core/model/architecture.h"
#include "core/model/config-source.h"
#include "core/model/keys.h"

G_BEGIN_DECLS

#define DDIM_MAX_LEVELS 12
#define DDIM_MAX_CHANNELS 65535

/** What the tensors of a state dict tell about its model, each with the evidence. A family's
 * infer() fills it. */
typedef struct {
  char *values[DDIM_N_KEYS];   /**< as ddim_key_parse() returns them; NULL: no shape tells */
  DdimSource source;           /**< of the values: the shapes, or a file that the shapes confirm */
  char *evidence[DDIM_N_KEYS]; /**< a translated sentence: "time_embed.0.weight is [512, 128]" */
  gboolean super_res;          /**< the input is x and, behind it, low_res */
  guint n_classes;             /**< 0: unconditional */
  guint base_channels;         /**< what channel_mult multiplies */
  guint n_levels;
  DdimLevel levels[DDIM_MAX_LEVELS]; /**< the outermost, which has the size of the image, first */
  gpointer data;                     /**< what else architecture_new() needs; freed by g_free() */
} DdimInference;

DdimInference *ddim_inference_new(void);
void ddim_inference_free(DdimInference *inference);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DdimInference, ddim_inference_free)

/** Record that the tensors tell @value. @value, @evidence  (transfer full) */
void ddim_inference_set(DdimInference *inference, DdimKey key, char *value, char *evidence);
void ddim_inference_set_bool(DdimInference *inference, DdimKey key, gboolean value, char *evidence);
void ddim_inference_set_number(DdimInference *inference, DdimKey key, guint value, char *evidence);
/** Record channel_mult, from the levels and base_channels. */
void ddim_inference_set_channel_mult(DdimInference *inference);
/** Record whether there is a table of classes, n_classes and what follows from it.
 * @table  (nullable) the table: [classes][width] @name  its name */
void ddim_inference_set_classes(DdimInference *inference, const DdimTensor *table,
                                const char *name);
/** Record in_channels, out_channels, learn_sigma and super_res from the first and the last
 * convolution of a model of images with 1 to 4 channels.
 * @prefer_super_res  what equal numbers of channels in and out mean, 2 or 4 of them: a
 * super-resolution model with learned sigma rather than a plain model
 * DDIM_ERROR_UNSUPPORTED. */
gboolean ddim_inference_set_channels(DdimInference *inference, const DdimTensor *first,
                                     const DdimTensor *last, gboolean prefer_super_res,
                                     GError **error);

/** A tensor whose shape tells something. DDIM_ERROR_NOT_FOUND; DDIM_ERROR_FORMAT when it does not
 * have @n_dims dimensions of a sane size, at least 1 each. (transfer none) */
const DdimTensor *ddim_inference_find(DdimCheckpoint *checkpoint, const char *name, guint n_dims,
                                      GError **error);
/** "time_embed.0.weight is [512, 128]". (transfer full) */
char *ddim_inference_describe(const DdimTensor *tensor);

/** Height and width of an image must be multiples of this. */
guint ddim_inference_get_stride(const DdimInference *inference);
/** Whether the tensors and @value of @key exclude each other. @image_size: what
 * attention_resolutions refers to, 0 when unknown. */
gboolean ddim_inference_contradicts(const DdimInference *inference, DdimKey key, const char *value,
                                    guint image_size);
/** "time_embed.0.weight is [512, 128], so num_channels is 128". (transfer full) */
char *ddim_inference_explain(const DdimInference *inference, DdimKey key, guint image_size);
/** The levels that have attention as pixels of an image of @image_size: "16,8". NULL when that
 * cannot be written. (transfer full) */
char *ddim_inference_get_attention_text(const DdimInference *inference, guint image_size);

G_END_DECLS
