/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Compile workers: this program, started again to compile kernels for the process that started it.
 * PoCL compiles for only one thread of a process at a time, so compiling on several processors
 * takes several processes. This is the side of the worker; see compile-client.h for the other.
 *
 * A worker has a socket (SOCK_SEQPACKET) in place of its standard input. A message to it is the
 * text "FILE\nSOURCE\nOPTIONS", FILE being the name of the cache file of the program; the answer is
 * one byte: '1' when the cache now has that file, '0' when not. A worker ends when nobody holds the
 * other end of its socket any more. */

/** The argument that makes the program a worker; a device's number follows. */
#define DDIM_COMPILE_WORKER "--compile-kernels"
/** The variable of the environment that names the program to start as a worker; without it this
 * process compiles by itself. */
#define DDIM_COMPILE_WORKER_VARIABLE "DDIM_COMPILE_WORKER"

/** To be called by main() before all else, while the process has one thread.
 *
 * Started as a worker: does a worker's work, and returns TRUE with the exit status in @status.
 *
 * Otherwise returns FALSE, and sets three variables of the environment unless they are set:
 * DDIM_COMPILE_WORKER to this program's file, so that it can be started as a worker;
 * POCL_WORK_GROUP_SPECIALIZATION to 0, with which PoCL runs the function that its binaries hold for
 * any work-group size, and does not compile each kernel a second time for the size in use; and
 * RUSTICL_ENABLE to the drivers with which Mesa's rusticl offers devices, as it offers none
 * otherwise. */
gboolean ddim_compile_worker_begin(int argc, char **argv, int *status);

G_END_DECLS
