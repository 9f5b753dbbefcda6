/* SPDX-License-Identifier: LGPL-3.0-or-later */
#pragma once

/** Marks a function that libddim offers to other programs, with the first version that has it. The
 * library exports the marked functions and no others. Types, constants and members of structs are
 * as old as the first function that takes them, unless their comments say otherwise.
 *
 * How the interface grows: functions, codes at the end of an enumeration, and members of structs
 * are added as their comments allow; nothing that is marked is changed or removed without another
 * version of the library's name (libddim.so.0). */
#if defined __GNUC__
#define DDIM_AVAILABLE_IN_0_1 __attribute__((visibility("default")))
#else
#define DDIM_AVAILABLE_IN_0_1
#endif
