/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/conditioning.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/checkpoint/checkpoint-tensors.h"
#include "core/data/error.h"
#include "opencl/ops/edges.h"
#include "opencl/ops/matrix/gemm.h"

/* Floats of the table that is kept at once. What many steps of a large batch need is computed piece
 * by piece. */
#define TABLE_FLOATS (4 * 1024 * 1024)

struct _DdimConditioning {
  const DdimNetwork *network;
  guint batch, n_steps;
  guint piece;       /* steps in the table */
  guint first;       /* step of the table's first rows; n_steps when there are none yet */
  guint depth;       /* floats of a row of sines and cosines, its padding included */
  guint width;       /* floats of a row of the embedding */
  guint per_step;    /* batch, or 1: a step's timestep is that of all images */
  double *timesteps; /* [n_steps][per_step] */
  float *labels;     /* [batch][width] what the labels add, or NULL */
  DdimClPlan *plan;
  DdimClMem sinusoid, label_rows, table;
};

/* Sines and cosines of @timestep, see DdimEmbedding. As timestep_embedding of improved_diffusion.nn
 * does it, frequencies and arguments are float32. */
static void
timestep_embedding(const DdimEmbedding *embedding, double timestep, float *out)
{
  const guint half = embedding->channels / 2;
  const float divisor = (float)(half - embedding->frequency_shift);
  float *sines = embedding->sine_first ? out : out + half;
  float *cosines = embedding->sine_first ? out + half : out;
  for (guint i = 0; i < half; i++) {
    const float exponent = (float)(-log(embedding->max_period) * i) / divisor;
    const float argument = (float)timestep * (float)exp(exponent);
    cosines[i] = (float)cos(argument);
    sines[i] = (float)sin(argument);
  }
}

static void
record_linear(DdimConditioning *c, const DdimLayout *layer, guint64 bias, DdimClMem in,
              DdimClMem out, const DdimClTensor *residual)
{
  const DdimClMatrix *matrix = layer->matrix;
  const DdimClEpilogue epilogue = {.bias = ddim_vectors_get(c->network->vectors, bias),
                                   .residual = residual};
  const DdimClGemm gemm = {.a = in,
                           .c = out,
                           .lda = matrix->depth,
                           .ldc = matrix->columns,
                           .rows = c->piece * c->batch,
                           .rows_per_image = 1,
                           .epilogue = &epilogue,
                           .label = "embedding"};
  ddim_cl_gemm(c->plan, matrix, &gemm);
}

static gboolean
record(DdimConditioning *c, GError **error)
{
  const DdimNetworkEmbedding *embedding = &c->network->embedding;
  const guint64 rows = (guint64)c->piece * c->batch;
  c->plan = ddim_cl_plan_new(c->network->context);
  c->sinusoid = ddim_cl_plan_alloc_floats(c->plan, rows * c->depth);
  c->table = ddim_cl_plan_alloc_floats(c->plan, rows * embedding->columns);
  DdimClTensor labels =
      ddim_cl_plan_alloc_tensor(c->plan, DDIM_CL_F32, 1, 1, (guint)rows, c->width);
  c->label_rows = labels.mem;
  DdimClMem hidden = ddim_cl_plan_alloc_floats(c->plan, rows * c->width);
  DdimClMem emb = ddim_cl_plan_alloc_floats(c->plan, rows * c->width);
  record_linear(c, embedding->first, embedding->first_bias, c->sinusoid, hidden, NULL);
  ddim_cl_silu(c->plan, hidden, rows * c->width);
  record_linear(c, embedding->second, embedding->second_bias, hidden, emb,
                c->labels ? &labels : NULL);
  ddim_cl_silu(c->plan, emb, rows * c->width);
  record_linear(c, embedding->blocks, embedding->bias, emb, c->table, NULL);
  return ddim_cl_plan_seal(c->plan, error);
}

/* @out = @layer of @in, in double. */
static gboolean
apply_layer(DdimCheckpoint *checkpoint, const DdimLayer *layer, const float *in, float *out,
            GError **error)
{
  const gsize shape[] = {layer->out, layer->in};
  g_autofree char *weight = g_strconcat(layer->name, ".weight", NULL);
  g_autofree char *bias = g_strconcat(layer->name, ".bias", NULL);
  g_autofree float *row = g_new(float, layer->in);
  const DdimTensor *w = ddim_checkpoint_require(checkpoint, weight, 2, shape, error);
  const DdimTensor *b = w ? ddim_checkpoint_require(checkpoint, bias, 1, shape, error) : NULL;
  if (!b || !ddim_checkpoint_read(checkpoint, b, 0, layer->out, DDIM_DTYPE_F32, out, error))
    return FALSE;
  for (guint o = 0; o < layer->out; o++) {
    double sum = out[o];
    if (!ddim_checkpoint_read(checkpoint, w, (gsize)o * layer->in, layer->in, DDIM_DTYPE_F32, row,
                              error))
      return FALSE;
    for (guint i = 0; i < layer->in; i++)
      sum += (double)row[i] * in[i];
    out[o] = (float)sum;
  }
  return TRUE;
}

/* What the layers of its own make of @label. */
static gboolean
embed_label(const DdimConditioning *c, gint64 label, float *out, GError **error)
{
  const DdimEmbedding *embedding = &c->network->architecture->embedding;
  g_autofree float *sinusoid = g_new0(float, embedding->channels);
  g_autofree float *hidden = g_new(float, embedding->label_first.out);
  timestep_embedding(embedding, (double)label, sinusoid);
  if (!apply_layer(c->network->checkpoint, &embedding->label_first, sinusoid, hidden, error))
    return FALSE;
  for (guint i = 0; i < embedding->label_first.out; i++)
    hidden[i] = (float)(hidden[i] / (1 + exp(-hidden[i])));
  return apply_layer(c->network->checkpoint, &embedding->label_second, hidden, out, error);
}

/* The row of the label table that @label chooses. */
static gboolean
read_label(const DdimConditioning *c, gint64 label, float *out, GError **error)
{
  const DdimEmbedding *embedding = &c->network->architecture->embedding;
  const DdimChannelMap *map = embedding->second.out_map;
  const gsize shape[] = {embedding->n_classes, map ? map->stored : c->width};
  if (!embedding->label_table)
    return embed_label(c, label, out, error);
  g_autofree char *name = g_strdup_printf("%s.weight", embedding->label_table);
  const DdimTensor *all = ddim_checkpoint_require(c->network->checkpoint, name, 2, shape, error);
  return all && ddim_checkpoint_read(c->network->checkpoint, all, (gsize)label * shape[1], shape[1],
                                     DDIM_DTYPE_F32, out, error);
}

/* What one image's classes add to the embedding: the weighted sum of what each of them does. */
static gboolean
read_mix(const DdimConditioning *c, const DdimClassMix *mix, float *out, GError **error)
{
  const guint classes = c->network->architecture->embedding.n_classes;
  g_autofree double *sum = g_new0(double, c->width);
  g_autofree float *row = g_new0(float, c->width); /* what no label fills stays zeros */
  for (guint k = 0; k < mix->n; k++) {
    if (mix->labels[k] < 0 || mix->labels[k] >= classes) {
      g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                  _("label %" PRId64 " is not one of the model's classes, 0 to %u"), mix->labels[k],
                  classes - 1);
      return FALSE;
    }
    if (!read_label(c, mix->labels[k], row, error))
      return FALSE;
    for (guint i = 0; i < c->width; i++)
      sum[i] += mix->weights[k] * row[i];
  }
  for (guint i = 0; i < c->width; i++)
    out[i] = (float)sum[i];
  return TRUE;
}

/* What the batch's labels, or @mix, add to the embedding. */
static gboolean
read_labels(DdimConditioning *c, const gint64 *labels, const DdimClassMix *mix, GError **error)
{
  const guint classes = c->network->architecture->embedding.n_classes;
  if (!classes)
    return TRUE;
  if (!labels && !mix) {
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                _("this model is class-conditional: it needs labels from 0 to %u"), classes - 1);
    return FALSE;
  }
  c->labels = g_new(float, (gsize)c->batch * c->width);
  for (guint i = 0; i < c->batch; i++) {
    gint64 label = mix ? 0 : labels[i];
    double whole = 1;
    const DdimClassMix own = {.n = 1, .labels = &label, .weights = &whole};
    if (!read_mix(c, mix ? mix : &own, c->labels + (gsize)i * c->width, error))
      return FALSE;
  }
  return TRUE;
}

DdimConditioning *
ddim_conditioning_new(const DdimNetwork *network, const double *timesteps, guint n_steps,
                      guint per_step, const gint64 *labels, const DdimClassMix *mix, guint batch,
                      GError **error)
{
  const DdimNetworkEmbedding *embedding = &network->embedding;
  DdimConditioning *c = g_new0(DdimConditioning, 1);
  c->network = network;
  c->batch = batch;
  c->n_steps = c->first = n_steps;
  c->piece = (guint)MIN(n_steps, MAX(TABLE_FLOATS / ((guint64)batch * embedding->columns), 1));
  c->depth = embedding->first->matrix->depth;
  c->width = embedding->second->matrix->out;
  c->per_step = per_step;
  c->timesteps = g_memdup2(timesteps, sizeof(double) * n_steps * per_step);
  if (read_labels(c, labels, mix, error) && record(c, error))
    return c;
  ddim_conditioning_free(c);
  return NULL;
}

void
ddim_conditioning_free(DdimConditioning *c)
{
  if (!c)
    return;
  ddim_cl_plan_free(c->plan);
  g_free(c->timesteps);
  g_free(c->labels);
  g_free(c);
}

guint
ddim_conditioning_get_n_steps(const DdimConditioning *c)
{
  return c->n_steps;
}

/* The timestep of a row of the whole table, [n_steps][batch]. */
static double
get_timestep(const DdimConditioning *c, gsize row)
{
  return c->timesteps[c->per_step == 1 ? row / c->batch : row];
}

/* Fill the table with the piece that begins at step @first. */
static gboolean
compute(DdimConditioning *c, guint first, GError **error)
{
  const gsize rows = (gsize)c->piece * c->batch, last = (gsize)c->n_steps * c->batch - 1;
  g_autofree float *sinusoid = g_new0(float, rows * c->depth);
  g_autofree float *labels = c->labels ? g_new(float, rows * c->width) : NULL;
  for (gsize row = 0; row < rows; row++) {
    const gsize at = MIN((gsize)first * c->batch + row, last);
    timestep_embedding(&c->network->architecture->embedding, get_timestep(c, at),
                       sinusoid + row * c->depth);
    if (labels)
      memcpy(labels + row * c->width, c->labels + row % c->batch * c->width,
             c->width * sizeof(float));
  }
  if (!ddim_cl_plan_write(c->plan, c->sinusoid, rows * c->depth, sinusoid, error) ||
      (labels && !ddim_cl_plan_write(c->plan, c->label_rows, rows * c->width, labels, error)))
    return FALSE;
  c->first = first;
  return ddim_cl_plan_run(c->plan, error);
}

gboolean
ddim_conditioning_load(DdimConditioning *c, guint step, DdimClPlan *plan, DdimClMem to,
                       GError **error)
{
  const guint first = step / c->piece * c->piece;
  if (c->first != first && !compute(c, first, error))
    return FALSE;
  const guint64 row_floats = (guint64)c->batch * c->network->embedding.columns;
  const DdimClMem from = ddim_cl_mem_skip_floats(c->table, (step - first) * row_floats);
  return ddim_cl_plan_copy_bytes(c->plan, from, plan, to, row_floats * sizeof(float), error);
}
