/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/network/vectors.h"

#include "opencl/ops/matrix/matrix.h"

struct _DdimVectors {
  DdimContext *context;
  DdimCheckpoint *checkpoint;
  GArray *floats; /* what was gathered; NULL once uploaded */
  GError *error;
  DdimClBuffer *buffer;
};

DdimVectors *
ddim_vectors_new(DdimContext *context, DdimCheckpoint *checkpoint)
{
  DdimVectors *vectors = g_new0(DdimVectors, 1);
  vectors->context = context;
  vectors->checkpoint = checkpoint;
  vectors->floats = g_array_new(FALSE, TRUE, sizeof(float));
  return vectors;
}

void
ddim_vectors_free(DdimVectors *vectors)
{
  if (!vectors)
    return;
  g_clear_pointer(&vectors->floats, g_array_unref);
  g_clear_error(&vectors->error);
  ddim_cl_buffer_free(vectors->buffer);
  g_free(vectors);
}

guint64
ddim_vectors_append_zeros(DdimVectors *vectors, guint count)
{
  const guint place = vectors->floats->len;
  g_array_set_size(vectors->floats, place + count);
  return place;
}

guint64
ddim_vectors_append_ones(DdimVectors *vectors, guint count)
{
  const guint64 place = ddim_vectors_append_zeros(vectors, count);
  for (guint i = 0; i < count; i++)
    g_array_index(vectors->floats, float, place + i) = 1;
  return place;
}

guint64
ddim_vectors_append_table(DdimVectors *vectors, const char *name, guint rows, guint columns)
{
  const gsize shape[] = {rows, columns};
  const guint count = rows * columns;
  const DdimTensor *tensor = vectors->error ? NULL
                                            : ddim_checkpoint_require(vectors->checkpoint, name, 2,
                                                                      shape, &vectors->error);
  if (!tensor)
    return 0;
  const guint64 place = ddim_vectors_append_zeros(vectors, count);
  ddim_checkpoint_read(vectors->checkpoint, tensor, 0, count, DDIM_DTYPE_F32,
                       &g_array_index(vectors->floats, float, place), &vectors->error);
  return place;
}

/* The tensor @name.@part of @count values. With @map they are spread over its channels. */
static guint64
append(DdimVectors *vectors, const char *name, const char *part, guint count,
       const DdimChannelMap *map, float scale)
{
  g_autofree char *full = g_strdup_printf("%s.%s", name, part);
  const gsize stored = map ? map->stored : count;
  const DdimTensor *tensor = vectors->error ? NULL
                                            : ddim_checkpoint_require(vectors->checkpoint, full, 1,
                                                                      &stored, &vectors->error);
  g_autofree float *values = tensor ? g_new(float, stored) : NULL;
  if (!tensor || !ddim_checkpoint_read(vectors->checkpoint, tensor, 0, stored, DDIM_DTYPE_F32,
                                       values, &vectors->error))
    return 0;
  const guint64 place = ddim_vectors_append_zeros(vectors, count);
  for (guint i = 0; i < count; i++) {
    const guint from = map ? map->at[i] : i;
    if (from != DDIM_NO_CHANNEL)
      g_array_index(vectors->floats, float, place + i) = values[from] * (scale ? scale : 1);
  }
  return place;
}

guint64
ddim_vectors_append_norm(DdimVectors *vectors, const DdimNorm *norm, const char *part)
{
  return append(vectors, norm->name, part, norm->channels, norm->map, 0);
}

guint64
ddim_vectors_append_bias(DdimVectors *vectors, const DdimLayer *layer)
{
  return layer->no_bias
             ? ddim_vectors_append_zeros(vectors, layer->out)
             : append(vectors, layer->name, "bias", layer->out, layer->out_map, layer->scale);
}

void
ddim_vectors_pad(DdimVectors *vectors)
{
  const guint rest = vectors->floats->len % DDIM_CL_COLUMN_PADDING;
  ddim_vectors_append_zeros(vectors, rest ? DDIM_CL_COLUMN_PADDING - rest : 0);
}

gboolean
ddim_vectors_upload(DdimVectors *vectors, GError **error)
{
  if (vectors->error) {
    g_propagate_error(error, g_steal_pointer(&vectors->error));
    return FALSE;
  }
  g_autoptr(GArray) floats = g_steal_pointer(&vectors->floats);
  const guint64 size = floats->len * sizeof(float);
  vectors->buffer = ddim_cl_buffer_new(vectors->context, size, error);
  return vectors->buffer && ddim_cl_buffer_write(vectors->buffer, 0, size, floats->data, error);
}

DdimClMem
ddim_vectors_get(const DdimVectors *vectors, guint64 place)
{
  return ddim_cl_buffer_floats(vectors->buffer, place);
}
