/* SPDX-License-Identifier: LGPL-3.0-or-later
 * What a timestep and a label tell the blocks: time_embed, label_emb and every block's emb_layers,
 * for many steps in one matrix product before the loop. */
#include "core/network/unet-private.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/data/error.h"
#include "opencl/ops/edges.h"
#include "opencl/ops/matrix/gemm.h"

/* Floats of the table that is kept at once: many steps of a large batch are computed piece by
 * piece. */
#define TABLE_FLOATS (16 * 1024 * 1024)

struct _DdimUNetEmbedding {
  DdimUNet *unet;
  guint batch, n_steps;
  guint piece; /* steps in the table */
  guint first; /* step of the table's first rows; n_steps when there are none yet */
  double *timesteps;
  float *labels; /* [batch][4 * model_channels] rows of label_emb, or NULL */
  DdimClPlan *plan;
  DdimClMem sinusoid, label_rows, table;
};

/* timestep_embedding of improved_diffusion.nn, whose frequencies and arguments are float32: [cos,
 * sin]. */
static void
timestep_embedding(double timestep, guint channels, float *out)
{
  const guint half = channels / 2;
  for (guint i = 0; i < half; i++) {
    const float frequency = (float)exp((float)(-log(10000.0) * i) / half);
    const float argument = (float)timestep * frequency;
    out[i] = (float)cos(argument);
    out[half + i] = (float)sin(argument);
  }
  if (channels % 2)
    out[channels - 1] = 0;
}

static void
record_linear(DdimUNetEmbedding *e, const DdimClMatrix *matrix, guint64 bias, DdimClMem in,
              DdimClMem out, const DdimClTensor *residual)
{
  const DdimClEpilogue epilogue = {.bias = ddim_unet_vector(e->unet, bias), .residual = residual};
  const DdimClGemm gemm = {.a = in,
                           .c = out,
                           .lda = matrix->depth,
                           .ldc = matrix->columns,
                           .rows = e->piece * e->batch,
                           .rows_per_image = 1,
                           .epilogue = &epilogue,
                           .label = "embedding"};
  ddim_cl_gemm(e->plan, matrix, &gemm);
}

static gboolean
record(DdimUNetEmbedding *e, GError **error)
{
  const DdimUNet *unet = e->unet;
  const guint64 rows = (guint64)e->piece * e->batch;
  const guint channels = unet->config.model_channels, width = 4 * channels;
  e->plan = ddim_cl_plan_new(unet->context);
  e->sinusoid = ddim_cl_plan_alloc(e->plan, rows * channels);
  e->table = ddim_cl_plan_alloc(e->plan, rows * unet->emb_columns);
  DdimClTensor labels = ddim_cl_plan_alloc_tensor(e->plan, 1, 1, (guint)rows, width);
  e->label_rows = labels.mem;
  DdimClMem hidden = ddim_cl_plan_alloc(e->plan, rows * width);
  DdimClMem emb = ddim_cl_plan_alloc(e->plan, rows * width);
  record_linear(e, unet->time1, unet->time_bias1, e->sinusoid, hidden, NULL);
  ddim_cl_silu(e->plan, hidden, rows * width);
  record_linear(e, unet->time2, unet->time_bias2, hidden, emb, e->labels ? &labels : NULL);
  ddim_cl_silu(e->plan, emb, rows * width);
  record_linear(e, unet->emb, unet->emb_bias, emb, e->table, NULL);
  return ddim_cl_plan_seal(e->plan, error);
}

/* The rows of label_emb that the batch's labels choose. */
static gboolean
read_labels(DdimUNetEmbedding *e, const gint64 *labels, GError **error)
{
  const guint classes = e->unet->config.num_classes, width = 4 * e->unet->config.model_channels;
  if (!classes)
    return TRUE;
  if (!labels) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("this model is class-conditional: it needs labels from 0 to %u"), classes - 1);
    return FALSE;
  }
  const gsize shape[] = {classes, width};
  const DdimTensor *all =
      ddim_checkpoint_require(e->unet->checkpoint, "label_emb.weight", 2, shape, error);
  if (!all)
    return FALSE;
  e->labels = g_new(float, (gsize)e->batch *width);
  for (guint i = 0; i < e->batch; i++) {
    if (labels[i] < 0 || labels[i] >= classes) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("label %" PRId64 " is not one of the model's classes, 0 to %u"), labels[i],
                  classes - 1);
      return FALSE;
    }
    DdimTensor row = *all;
    row.n_dims = 1;
    row.shape[0] = width;
    row.strides[0] = all->strides[1];
    row.data = all->data + (gsize)labels[i] * all->strides[0] * ddim_dtype_size(all->dtype);
    ddim_tensor_to_f32(&row, e->labels + (gsize)i * width);
  }
  return TRUE;
}

DdimUNetEmbedding *
ddim_unet_embedding_new(DdimUNet *unet, const double *timesteps, guint n_steps,
                        const gint64 *labels, guint batch, GError **error)
{
  DdimUNetEmbedding *e = g_new0(DdimUNetEmbedding, 1);
  e->unet = unet;
  e->batch = batch;
  e->n_steps = e->first = n_steps;
  e->piece = (guint)MIN(n_steps, MAX(TABLE_FLOATS / ((guint64)batch * unet->emb_columns), 1));
  e->timesteps = g_memdup2(timesteps, sizeof(double) * n_steps * batch);
  if (read_labels(e, labels, error) && record(e, error))
    return e;
  ddim_unet_embedding_free(e);
  return NULL;
}

void
ddim_unet_embedding_free(DdimUNetEmbedding *e)
{
  if (!e)
    return;
  ddim_cl_plan_free(e->plan);
  g_free(e->timesteps);
  g_free(e->labels);
  g_free(e);
}

/* Fill the table with the piece that begins at step @first. */
static gboolean
compute(DdimUNetEmbedding *e, guint first, GError **error)
{
  const guint channels = e->unet->config.model_channels, width = 4 * channels;
  const gsize rows = (gsize)e->piece * e->batch, last = (gsize)e->n_steps * e->batch - 1;
  g_autofree float *sinusoid = g_new(float, rows *channels);
  g_autofree float *labels = e->labels ? g_new(float, rows *width) : NULL;
  for (gsize row = 0; row < rows; row++) {
    const gsize at = MIN((gsize)first * e->batch + row, last);
    timestep_embedding(e->timesteps[at], channels, sinusoid + row * channels);
    if (labels)
      memcpy(labels + row * width, e->labels + row % e->batch * width, width * sizeof(float));
  }
  if (!ddim_cl_plan_write(e->plan, e->sinusoid, rows * channels, sinusoid, error) ||
      (labels && !ddim_cl_plan_write(e->plan, e->label_rows, rows * width, labels, error)))
    return FALSE;
  e->first = first;
  return ddim_cl_plan_run(e->plan, error);
}

gboolean
ddim_unet_embedding_load(DdimUNetEmbedding *e, guint step, DdimClPlan *plan, DdimClMem to,
                         GError **error)
{
  const guint first = step / e->piece * e->piece;
  if (e->first != first && !compute(e, first, error))
    return FALSE;
  const guint64 row_floats = (guint64)e->batch * e->unet->emb_columns;
  DdimClMem from = e->table;
  from.offset += (step - first) * row_floats;
  return ddim_cl_plan_copy(e->plan, from, plan, to, row_floats, error);
}
