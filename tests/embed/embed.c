/* SPDX-License-Identifier: LGPL-3.0-or-later */
/** A program of someone else's: it knows nothing of ddim's source tree, only <ddim/ddim.h> and
 * libddim. */
#include <ddim/ddim.h>
#include <stdio.h>

int
main(void)
{
  printf("domain %s\n", g_quark_to_string(DDIM_ERROR));
  return 0;
}
