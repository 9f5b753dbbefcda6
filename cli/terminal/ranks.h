/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** A job may be shared out among several processes, its ranks. */
typedef struct {
  guint rank, size;   /**< 0 of 1: not shared */
  guint local;        /**< among the ranks on this machine, for its devices */
  gboolean is_array;  /**< a task of a Slurm array */
  const char *source; /**< the variable or option that told it; NULL: nothing did */
} DdimRanks;

/** Find out which rank this process is. An option --shard decides; else the environment does, which
 * mpirun, srun and Slurm arrays set. Variables of a Slurm job in which this process was started
 * without srun say nothing: the process is alone then. A task of an array that itself has several
 * ranks counts both.
 * @shard  (nullable) "I/N", from 0/N to N-1/N
 * Errors: DDIM_ERROR_ARGUMENT naming the option or the variable. */
gboolean ddim_ranks_find(DdimRanks *ranks, const char *shard, GError **error);

/** Give this rank a device of its own, if this machine has several that are like the one that would
 * be chosen, by setting DDIM_DEVICE, unless it is set. To be called before other threads start.
 * Errors: as ddim_device_list(). */
gboolean ddim_ranks_choose_device(const DdimRanks *ranks, GError **error);

G_END_DECLS
