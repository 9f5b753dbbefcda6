/* SPDX-License-Identifier: LGPL-3.0-or-later
 * Where a buffer lies for the device. */

__kernel void address(__global ulong *buffer)
{
  *buffer = (ulong)buffer;
}
