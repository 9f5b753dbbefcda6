/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include "opencl/ops/matrix/clblast.h"

/** CLBlast keeps its parameters in one table for the whole process: one set for each device, for
 * all contexts and threads. Replacing a set is two operations on that table (OverrideParameters in
 * CLBlast's src/api_common.cpp), between which a product of another thread finds none and puts the
 * database's there, so that the new set is lost without an error. Its database is also made on
 * first use, without a lock.
 *
 * So this program calls CLBlast only between ddim_clblast_enter() and ddim_clblast_leave(), where
 * one thread is at a time, and entering puts the context's own set there if another is. Two
 * contexts with different sets, in two threads, each compute with their own. Only what a context
 * without a set would use, CLBlast's database, cannot be put back, as CLBlast's C interface cannot
 * read it: once another context of the process had a set on the same device, it is used here as
 * well. Its products are right, though they may be rounded otherwise.
 *
 * Foreign code in the same process that calls CLBlast is not held back. */

/** Wait until no other thread is in CLBlast, and make the set of @context the one in use. FALSE
 * with DDIM_CL_ERROR_* when CLBlast refuses it; then nothing is to be left. */
gboolean ddim_clblast_enter(DdimContext *context, GError **error);
void ddim_clblast_leave(void);

/** Use @parameters, which are valid, for all products of @context from now on, those of recorded
 * plans included. */
gboolean ddim_clblast_use(DdimContext *context, const DdimClblastParameters *parameters,
                          GError **error);
