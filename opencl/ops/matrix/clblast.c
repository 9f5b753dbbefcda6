/* SPDX-License-Identifier: LGPL-3.0-or-later
 * What CLBlast's parameters mean, and which values go together. Names, ranges and constraints are
 * those of CLBlast's own tuner (its src/tuning/kernels/xgemm.hpp and xgemm_direct.hpp). */
#include "opencl/ops/matrix/clblast.h"

/* Indices into the values of a kernel. */
enum { GEMMK, KREG, KWG, KWI, MDIMA, MDIMC, MWG, NDIMB, NDIMC, NWG, SA, SB, STRM, STRN, VWM, VWN };
enum { KWID, MDIMAD, MDIMCD, NDIMBD, NDIMCD, PADA, PADB, VWMD, VWND, WGD };

typedef struct {
  const char *name;
  guint values[8]; /* to choose from, ascending, 0 terminated behind the first */
} Parameter;

typedef struct {
  const char *name;
  guint n;
  Parameter parameters[DDIM_CLBLAST_MAX_VALUES];
} Kernel;

/* The kernel of GEMMK = 1 is left out, see clblast-use.c. */
static const Kernel kernels[DDIM_CLBLAST_N_KERNELS] = {
    {"Xgemm",
     16,
     {{"GEMMK", {0}},
      {"KREG", {1}},
      {"KWG", {16, 32}},
      {"KWI", {2, 8}},
      {"MDIMA", {4, 8, 16, 32}},
      {"MDIMC", {4, 8, 16, 32}},
      {"MWG", {16, 32, 64, 128}},
      {"NDIMB", {4, 8, 16, 32}},
      {"NDIMC", {4, 8, 16, 32}},
      {"NWG", {16, 32, 64, 128}},
      {"SA", {0, 1}},
      {"SB", {0, 1}},
      {"STRM", {0, 1}},
      {"STRN", {0, 1}},
      {"VWM", {1, 2, 4, 8}},
      {"VWN", {1, 2, 4, 8}}}},
    {"XgemmDirect",
     10,
     {{"KWID", {2, 8, 16}},
      {"MDIMAD", {4, 8, 16, 32}},
      {"MDIMCD", {4, 8, 16, 32}},
      {"NDIMBD", {4, 8, 16, 32}},
      {"NDIMCD", {4, 8, 16, 32}},
      {"PADA", {0, 1}},
      {"PADB", {0, 1}},
      {"VWMD", {1, 2, 4, 8}},
      {"VWND", {1, 2, 4, 8}},
      {"WGD", {8, 16, 32, 64}}}},
    /* Matrices of at least this size in the mean of their three dimensions are large. */
    {"GemmRoutine", 1, {{"XGEMM_MIN_INDIRECT_SIZE", {0, 128, 256, 512, 1024, 65536}}}},
};

const char *
ddim_clblast_kernel_name(DdimClblastKernel kernel)
{
  return kernels[kernel].name;
}

const char *
ddim_clblast_value_name(DdimClblastKernel kernel, guint index)
{
  return kernels[kernel].parameters[index].name;
}

guint
ddim_clblast_n_values(DdimClblastKernel kernel)
{
  return kernels[kernel].n;
}

/* Starts that lie well apart. Each suits a kind of device: large tiles through local memory, the
 * same with smaller work-groups, tiles from caches alone, and few work-items with long vectors. */
static const DdimClblastParameters starts[] = {
    {{{0, 1, 16, 2, 16, 16, 64, 16, 16, 64, 1, 1, 0, 0, 4, 4},
      {2, 8, 8, 8, 8, 1, 1, 4, 4, 32},
      {0}}},
    {{{0, 1, 32, 2, 8, 8, 64, 8, 8, 64, 1, 1, 0, 0, 4, 4}, {2, 8, 8, 8, 8, 1, 1, 2, 2, 32}, {0}}},
    {{{0, 1, 16, 2, 16, 16, 128, 16, 16, 128, 1, 1, 0, 0, 4, 4},
      {2, 16, 16, 16, 16, 1, 1, 2, 2, 32},
      {0}}},
    {{{0, 1, 32, 2, 8, 8, 32, 8, 8, 64, 0, 0, 0, 0, 4, 4}, {2, 8, 8, 8, 8, 1, 1, 1, 1, 16}, {0}}},
    {{{0, 1, 32, 2, 4, 4, 32, 4, 4, 64, 0, 0, 0, 0, 8, 8}, {2, 8, 8, 8, 8, 0, 0, 4, 4, 32}, {0}}},
};

guint
ddim_clblast_n_starts(void)
{
  return G_N_ELEMENTS(starts);
}

DdimClblastParameters
ddim_clblast_start(guint index)
{
  g_return_val_if_fail(index < G_N_ELEMENTS(starts), starts[0]);
  return starts[index];
}

static guint
count_values(const Parameter *parameter)
{
  guint n = 1;
  while (n < G_N_ELEMENTS(parameter->values) && parameter->values[n])
    n++;
  return n;
}

void
ddim_clblast_vary(DdimClblastParameters *parameters, DdimClblastKernel kernel, GRand *rand)
{
  const Kernel *k = &kernels[kernel];
  for (gint changes = g_rand_int_range(rand, 1, 3); changes > 0; changes--) {
    guint which, n, at = 0;
    do
      which = (guint)g_rand_int_range(rand, 0, (gint32)k->n);
    while ((n = count_values(&k->parameters[which])) == 1);
    guint *value = &parameters->values[kernel][which];
    while (at + 1 < n && k->parameters[which].values[at] < *value)
      at++;
    const gboolean up = at == 0 || (at + 1 < n && g_rand_boolean(rand));
    *value = k->parameters[which].values[up ? at + 1 : at - 1];
  }
}

static gboolean
are_known(const DdimClblastParameters *parameters)
{
  for (DdimClblastKernel k = 0; k < DDIM_CLBLAST_N_KERNELS; k++)
    for (guint i = 0; i < kernels[k].n; i++) {
      const Parameter *parameter = &kernels[k].parameters[i];
      guint v = 0;
      while (v < count_values(parameter) && parameter->values[v] != parameters->values[k][i])
        v++;
      if (v == count_values(parameter))
        return FALSE;
    }
  return TRUE;
}

/* Every work-item must compute and load a whole number of elements, and the device must have enough
 * local memory and large enough work-groups. */
static gboolean
is_valid_xgemm(const DdimDeviceInfo *device, const guint *v)
{
  const guint group = v[MDIMC] * v[NDIMC];
  const guint64 local =
      sizeof(float) * ((guint64)v[SA] * v[KWG] * v[MWG] + (guint64)v[SB] * v[KWG] * v[NWG]);
  return group <= device->max_work_group_size && local <= device->local_memory &&
         v[KWG] % v[KWI] == 0 && v[MWG] % (v[MDIMC] * v[VWM]) == 0 &&
         v[NWG] % (v[NDIMC] * v[VWN]) == 0 && v[MWG] % (v[MDIMA] * v[VWM]) == 0 &&
         v[NWG] % (v[NDIMB] * v[VWN]) == 0 && group % v[MDIMA] == 0 && group % v[NDIMB] == 0 &&
         v[KWG] % (group / v[MDIMA]) == 0 && v[KWG] % (group / v[NDIMB]) == 0;
}

static gboolean
is_valid_direct(const DdimDeviceInfo *device, const guint *v)
{
  const guint group = v[MDIMCD] * v[NDIMCD];
  const guint64 local = sizeof(float) * (guint64)v[WGD] * ((v[WGD] + v[PADA]) + (v[WGD] + v[PADB]));
  return group <= device->max_work_group_size && local <= device->local_memory &&
         v[WGD] % v[KWID] == 0 && v[WGD] % (v[MDIMCD] * v[VWMD]) == 0 &&
         v[WGD] % (v[NDIMCD] * v[VWND]) == 0 && v[WGD] % (v[MDIMAD] * v[VWMD]) == 0 &&
         v[WGD] % (v[NDIMBD] * v[VWND]) == 0 && group % v[MDIMAD] == 0 && group % v[NDIMBD] == 0 &&
         v[WGD] % (group / v[MDIMAD]) == 0 && v[WGD] % (group / v[NDIMBD]) == 0;
}

gboolean
ddim_clblast_is_valid(const DdimDeviceInfo *device, const DdimClblastParameters *parameters)
{
  return are_known(parameters) && is_valid_xgemm(device, parameters->values[DDIM_CLBLAST_XGEMM]) &&
         is_valid_direct(device, parameters->values[DDIM_CLBLAST_XGEMM_DIRECT]);
}
