/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Every way to compute a convolution, measured with cold weights: conv-methods [N SIZE IN OUT
 * [METHOD]].
 * Milliseconds, GFLOP/s counted as direct convolution, and what the built-in estimate says. Without
 * arguments: shapes of the published models. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/device/context-private.h"
#include "opencl/tune/choice.h"
#include "opencl/tune/measure.h"

static gboolean
measure(DdimContext *context, DdimClBuffer *cold, guint n, guint size, guint in, guint out,
        const char *only, GError **error)
{
  const DdimConvShape shape = {
      .in = in, .out = out, .taps = 3, .stride = 1, .n = n, .h = size, .w = size};
  printf("%2u x %3ux%-3u %4u -> %4u ", n, size, size, in, out);
  for (DdimConvMethod m = 0; m < DDIM_N_CONV_METHODS; m++) {
    const DdimClChoice choice = {m, ddim_cl_default_provider(context, FALSE)};
    if ((only && strcmp(only, ddim_conv_method_name(m)) != 0) ||
        !ddim_cl_can_use(context, &shape, FALSE, choice))
      continue;
    const double seconds = ddim_cl_measure_conv(context, cold, &shape, FALSE, choice, error);
    if (seconds < 0)
      return FALSE;
    printf("| %s %7.3f ms %6.0f (est. %7.3f) ", ddim_conv_method_name(m), seconds * 1e3,
           ddim_conv_flops(&shape) / seconds * 1e-9,
           ddim_cl_estimate(context, &shape, FALSE, choice) * 1e3);
  }
  printf("\n");
  fflush(stdout);
  return TRUE;
}

int
main(int argc, char **argv)
{
  static const guint shapes[][4] = {
      {1, 64, 128, 128},  {1, 64, 256, 128},  {1, 32, 128, 128}, {1, 32, 256, 256},
      {1, 32, 512, 256},  {1, 16, 256, 256},  {1, 16, 384, 384}, {1, 16, 768, 384},
      {1, 8, 256, 256},   {1, 8, 512, 512},   {1, 8, 1024, 512}, {1, 4, 256, 256},
      {16, 32, 128, 128}, {16, 16, 256, 256}, {16, 8, 256, 256}, {16, 4, 256, 256},
  };
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimContext) context = ddim_context_new(NULL, &error);
  g_autoptr(DdimClBuffer) cold = context ? ddim_cl_cold_memory_new(context, &error) : NULL;
  gboolean ok = cold != NULL;
  if (ok && argc >= 5)
    ok = measure(context, cold, atoi(argv[1]), atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), argv[5],
                 &error);
  else
    for (guint i = 0; ok && i < G_N_ELEMENTS(shapes); i++)
      ok = measure(context, cold, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3], NULL,
                   &error);
  if (!ok)
    fprintf(stderr, "%s\n", error->message);
  return ok ? 0 : 1;
}
