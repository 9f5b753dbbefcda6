/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/ranks.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "core/data/error.h"
#include "core/data/printable.h"
#include "opencl/device/device.h"

#define MAX_RANKS (1u << 20)
/* From here on a step is none that srun made: Slurm numbers its own steps, such as the one of a
 * batch script and that of an interactive shell, downwards from 2^32 - 1. */
#define SPECIAL_STEP G_GUINT64_CONSTANT(0xfffffff0)

/* Variables that a launcher sets for each process. The first launcher that set some is asked: where
 * mpirun runs inside a Slurm job, those of Slurm describe mpirun's own helpers. */
static const struct {
  const char *rank, *size, *local;
} launchers[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK"},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
};

static gboolean
read_number(const char *name, guint64 most, guint64 *number, GError **error)
{
  const char *text = g_getenv(name);
  g_autofree char *shown = NULL;

  if (g_ascii_string_to_unsigned(text ? text : "", 10, 0, most, number, NULL))
    return TRUE;
  shown = ddim_printable(text ? text : "");
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("the environment variable %s is '%s', which is no number that makes sense; "
                "--shard 0/1 makes everything in one process"),
              name, shown);
  return FALSE;
}

static gboolean
check(const DdimRanks *ranks, GError **error)
{
  if (ranks->size > 0 && ranks->rank < ranks->size)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("%s tells rank %u of %u; ranks count from 0"), ranks->source, ranks->rank,
              ranks->size);
  return FALSE;
}

static gboolean
read_launcher(DdimRanks *ranks, const char *rank, const char *size, const char *local,
              GError **error)
{
  guint64 r, n, l;

  if (!read_number(rank, MAX_RANKS, &r, error) || !read_number(size, MAX_RANKS, &n, error))
    return FALSE;
  ranks->source = rank;
  ranks->rank = ranks->local = (guint)r;
  ranks->size = (guint)n;
  if (g_getenv(local) && read_number(local, MAX_RANKS, &l, NULL))
    ranks->local = (guint)l;
  return check(ranks, error);
}

/* Where srun puts the number of tasks that it started, or NULL when this process is none of them. A
 * batch script and an interactive shell know their job's number of tasks too, SLURM_NTASKS, but
 * what they start is one process. */
static const char *
find_slurm_size(void)
{
  const char *step = g_getenv("SLURM_STEP_ID");
  guint64 number = 0;

  if (!g_getenv("SLURM_PROCID"))
    return NULL;
  if (step && g_ascii_string_to_unsigned(step, 10, 0, G_MAXUINT64, &number, NULL) &&
      number >= SPECIAL_STEP)
    return NULL;
  if (g_getenv("SLURM_STEP_NUM_TASKS"))
    return "SLURM_STEP_NUM_TASKS";
  /* Without a job nobody but the user has set these. */
  return g_getenv("SLURM_NTASKS") && (step || !g_getenv("SLURM_JOB_ID")) ? "SLURM_NTASKS" : NULL;
}

static gboolean
find_launcher(DdimRanks *ranks, GError **error)
{
  const char *slurm;

  for (guint i = 0; i < G_N_ELEMENTS(launchers); i++)
    if (g_getenv(launchers[i].rank) && g_getenv(launchers[i].size))
      return read_launcher(ranks, launchers[i].rank, launchers[i].size, launchers[i].local, error);
  slurm = find_slurm_size();
  return !slurm || read_launcher(ranks, "SLURM_PROCID", slurm, "SLURM_LOCALID", error);
}

/* A Slurm array: each of its tasks is a job of its own, perhaps with ranks. */
static gboolean
add_array(DdimRanks *ranks, GError **error)
{
  guint64 id, first, last, count, step = 1;

  if (!g_getenv("SLURM_ARRAY_TASK_ID") || !g_getenv("SLURM_ARRAY_TASK_COUNT"))
    return TRUE;
  if (!read_number("SLURM_ARRAY_TASK_ID", G_MAXUINT32, &id, error) ||
      !read_number("SLURM_ARRAY_TASK_COUNT", MAX_RANKS, &count, error) ||
      !read_number("SLURM_ARRAY_TASK_MIN", G_MAXUINT32, &first, error) ||
      !read_number("SLURM_ARRAY_TASK_MAX", G_MAXUINT32, &last, error) ||
      (g_getenv("SLURM_ARRAY_TASK_STEP") &&
       !read_number("SLURM_ARRAY_TASK_STEP", G_MAXUINT32, &step, error)))
    return FALSE;
  if (count == 0 || step == 0 || id < first || id > last || (id - first) % step != 0 ||
      (last - first) % step != 0 || (last - first) / step + 1 != count ||
      count * ranks->size > MAX_RANKS) {
    g_set_error_literal(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
                        _("the tasks of this Slurm array are not evenly spaced, so that "
                          "SLURM_ARRAY_TASK_ID tells no rank; give each one its --shard"));
    return FALSE;
  }
  if (count == 1)
    return TRUE;
  ranks->rank += (guint)((id - first) / step) * ranks->size;
  ranks->size *= (guint)count;
  ranks->is_array = TRUE;
  ranks->source = "SLURM_ARRAY_TASK_ID";
  return TRUE;
}

static gboolean
parse_shard(DdimRanks *ranks, const char *text, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(text, "/", 3);
  g_autofree char *shown = ddim_printable(text);
  guint64 rank, size;

  ranks->source = "--shard";
  if (g_strv_length(parts) == 2 &&
      g_ascii_string_to_unsigned(parts[1], 10, 1, MAX_RANKS, &size, NULL) &&
      g_ascii_string_to_unsigned(parts[0], 10, 0, size - 1, &rank, NULL)) {
    ranks->rank = (guint)rank;
    ranks->size = (guint)size;
    return TRUE;
  }
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT,
              _("--shard: '%s' is not valid; expected I/N, which of N parts, from 0/N on"), shown);
  return FALSE;
}

gboolean
ddim_ranks_find(DdimRanks *ranks, const char *shard, GError **error)
{
  *ranks = (DdimRanks){.size = 1};
  if (!shard)
    return find_launcher(ranks, error) && add_array(ranks, error);
  /* The place on the machine is the launcher's all the same. */
  if (!find_launcher(ranks, NULL))
    *ranks = (DdimRanks){.size = 1};
  return parse_shard(ranks, shard, error);
}

/* Whether @info is as good for a rank as @best: not the slow card that stands beside a fast one. */
static gboolean
is_alike(const DdimDeviceInfo *info, const DdimDeviceInfo *best)
{
  return ddim_device_info_get_kind(info) == ddim_device_info_get_kind(best) &&
         g_str_equal(ddim_device_info_get_platform(info), ddim_device_info_get_platform(best)) &&
         2 * ddim_device_info_get_compute_units(info) > ddim_device_info_get_compute_units(best);
}

gboolean
ddim_ranks_choose_device(const DdimRanks *ranks, GError **error)
{
  const char *wanted = g_getenv("DDIM_DEVICE");
  g_autoptr(GPtrArray) all = NULL;
  g_autoptr(DdimDeviceInfo) best = NULL;
  g_autoptr(GArray) alike = g_array_new(FALSE, FALSE, sizeof(guint));
  g_autofree char *number = NULL;

  if (wanted && *wanted)
    return TRUE;
  if (!(all = ddim_device_list(error)) || !(best = ddim_device_choose(NULL, error)))
    return FALSE;
  for (guint i = 0; i < all->len; i++) {
    const DdimDeviceInfo *info = all->pdata[i];
    const guint index = ddim_device_info_get_index(info);
    if (is_alike(info, best))
      g_array_append_val(alike, index);
  }
  number = g_strdup_printf("%u", g_array_index(alike, guint, ranks->local % alike->len));
  g_setenv("DDIM_DEVICE", number, TRUE);
  return TRUE;
}
