/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "opencl/ops/windows.h"

#include "opencl/device/program.h"
#include "opencl/ops/launch.h"

enum { GATHER, MIX, ADD_TO_ROW, ADD_ROW, CLEAR, N_KERNELS };

/* An axis whose places are on the host too. */
typedef struct {
  guint length, window, n;
  guint *places;
  DdimClBuffer *weights;
} Axis;

struct _DdimClWindows {
  DdimClPlan *plan;
  Axis columns, rows;
  guint channels;
  DdimClBuffer *lefts; /* the columns' places */
  DdimClBuffer *sums;  /* of one row: [window height][width][channels] */
  cl_kernel kernels[N_KERNELS];
};

void
ddim_cl_windows_announce(DdimContext *context)
{
  ddim_cl_program_announce(context, "windows", NULL);
}

static DdimClBuffer *
upload(DdimContext *context, const void *data, gsize size, GError **error)
{
  g_autoptr(DdimClBuffer) buffer = ddim_cl_buffer_new(context, size, error);

  return buffer && ddim_cl_buffer_write(buffer, 0, size, data, error) ? g_steal_pointer(&buffer)
                                                                      : NULL;
}

static gboolean
copy_axis(Axis *copy, DdimContext *context, const DdimClWindowAxis *axis, GError **error)
{
  copy->length = axis->length;
  copy->window = axis->window;
  copy->n = axis->n;
  copy->places = g_memdup2(axis->places, axis->n * sizeof *axis->places);
  copy->weights =
      upload(context, axis->weights, (gsize)axis->n * axis->window * sizeof *axis->weights, error);
  return copy->weights != NULL;
}

DdimClWindows *
ddim_cl_windows_new(DdimClPlan *plan, const DdimClWindowAxis *columns, const DdimClWindowAxis *rows,
                    guint channels, GError **error)
{
  static const char *const names[N_KERNELS] = {"gather_windows", "add_class", "add_to_row",
                                               "add_row", "clear"};
  g_autoptr(DdimClWindows) windows = g_new0(DdimClWindows, 1);
  DdimContext *context = ddim_cl_plan_get_context(plan);
  const guint64 sums = (guint64)rows->window * columns->length * channels;

  windows->plan = plan;
  windows->channels = channels;
  if (!copy_axis(&windows->columns, context, columns, error) ||
      !copy_axis(&windows->rows, context, rows, error) ||
      !(windows->lefts = upload(context, columns->places, columns->n * sizeof(guint), error)) ||
      !(windows->sums = ddim_cl_buffer_new(context, sums * sizeof(float), error)))
    return NULL;
  for (guint i = 0; i < N_KERNELS; i++)
    if (!(windows->kernels[i] = ddim_cl_kernel_new(context, "windows", NULL, names[i], error)))
      return NULL;
  return g_steal_pointer(&windows);
}

void
ddim_cl_windows_free(DdimClWindows *windows)
{
  if (!windows)
    return;
  for (guint i = 0; i < N_KERNELS; i++)
    if (windows->kernels[i])
      clReleaseKernel(windows->kernels[i]);
  ddim_cl_buffer_free(windows->lefts);
  ddim_cl_buffer_free(windows->sums);
  ddim_cl_buffer_free(windows->columns.weights);
  ddim_cl_buffer_free(windows->rows.weights);
  g_free(windows->columns.places);
  g_free(windows->rows.places);
  g_free(windows);
}

static DdimClLaunch
begin(DdimClWindows *windows, guint kernel)
{
  return ddim_cl_launch_begin(windows->plan, windows->kernels[kernel]);
}

/* The arguments H, W, top, lefts, first and w. */
static void
set_batch(DdimClLaunch *args, const DdimClWindows *windows, const DdimClWindowBatch *batch)
{
  ddim_cl_launch_u32(args, windows->rows.length);
  ddim_cl_launch_u32(args, windows->columns.length);
  ddim_cl_launch_u32(args, windows->rows.places[batch->row]);
  ddim_cl_launch_buffer(args, windows->lefts);
  ddim_cl_launch_u32(args, batch->first);
  ddim_cl_launch_u32(args, windows->columns.window);
}

static gsize
count_pixels(const DdimClWindows *windows)
{
  return (gsize)windows->rows.window * windows->columns.window;
}

gboolean
ddim_cl_windows_gather(DdimClWindows *windows, const DdimClWindowBatch *batch, DdimClMem from,
                       guint channels, DdimClMem to, GError **error)
{
  DdimClLaunch args = begin(windows, GATHER);

  ddim_cl_launch_floats(&args, from);
  set_batch(&args, windows, batch);
  ddim_cl_launch_floats(&args, to);
  return ddim_cl_launch_run(&args, count_pixels(windows), channels, batch->n, error);
}

gboolean
ddim_cl_windows_mix(DdimClWindows *windows, const DdimClWindowBatch *batch, const DdimClBuffer *map,
                    const DdimClTensor *y, gboolean is_first, const DdimClTensor *sum,
                    GError **error)
{
  DdimClLaunch args = begin(windows, MIX);

  g_return_val_if_fail(sum->ld == windows->channels, FALSE);
  ddim_cl_launch_floats(&args, y->mem);
  ddim_cl_launch_u32(&args, y->ld);
  ddim_cl_launch_buffer(&args, map);
  set_batch(&args, windows, batch);
  ddim_cl_launch_floats(&args, sum->mem);
  ddim_cl_launch_u32(&args, windows->channels);
  ddim_cl_launch_u32(&args, is_first);
  return ddim_cl_launch_run(&args, count_pixels(windows), batch->n, 1, error);
}

gboolean
ddim_cl_windows_begin_row(DdimClWindows *windows, GError **error)
{
  const gsize count = (gsize)windows->rows.window * windows->columns.length * windows->channels;

  return ddim_cl_windows_clear(windows, ddim_cl_buffer_floats(windows->sums, 0), count, error);
}

static gboolean
add_window(DdimClWindows *windows, guint column, const DdimClTensor *y, DdimClMem place,
           GError **error)
{
  const Axis *columns = &windows->columns;
  DdimClLaunch args = begin(windows, ADD_TO_ROW);

  ddim_cl_launch_floats(&args, place);
  ddim_cl_launch_u32(&args, y->ld);
  ddim_cl_launch_floats(&args,
                        ddim_cl_buffer_floats(columns->weights, (guint64)column * columns->window));
  ddim_cl_launch_u32(&args, columns->places[column]);
  ddim_cl_launch_u32(&args, columns->length);
  ddim_cl_launch_u32(&args, windows->channels);
  ddim_cl_launch_floats(&args, ddim_cl_buffer_floats(windows->sums, 0));
  return ddim_cl_launch_run(&args, columns->window, windows->rows.window, 1, error);
}

gboolean
ddim_cl_windows_add(DdimClWindows *windows, const DdimClWindowBatch *batch, const DdimClTensor *y,
                    GError **error)
{
  for (guint i = 0; i < batch->n; i++)
    if (!add_window(windows, batch->first + i, y,
                    ddim_cl_mem_skip_floats(y->mem, i * count_pixels(windows) * y->ld), error))
      return FALSE;
  return TRUE;
}

gboolean
ddim_cl_windows_end_row(DdimClWindows *windows, guint row, DdimClMem output, GError **error)
{
  const Axis *rows = &windows->rows;
  DdimClLaunch args = begin(windows, ADD_ROW);

  ddim_cl_launch_floats(&args, ddim_cl_buffer_floats(windows->sums, 0));
  ddim_cl_launch_floats(&args, ddim_cl_buffer_floats(rows->weights, (guint64)row * rows->window));
  ddim_cl_launch_u32(&args, rows->places[row]);
  ddim_cl_launch_u32(&args, rows->length);
  ddim_cl_launch_u32(&args, windows->channels);
  ddim_cl_launch_floats(&args, output);
  return ddim_cl_launch_run(&args, windows->columns.length, rows->window, 1, error);
}

gboolean
ddim_cl_windows_clear(DdimClWindows *windows, DdimClMem mem, gsize count, GError **error)
{
  DdimClLaunch args = begin(windows, CLEAR);

  ddim_cl_launch_floats(&args, mem);
  return ddim_cl_launch_run(&args, count, 1, 1, error);
}
