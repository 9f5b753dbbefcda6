/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* An OpenCL driver that ends every process that asks it for anything, as some do on machines that
 * they do not expect. */
#include <stdio.h>
#include <stdlib.h>

int clIcdGetPlatformIDsKHR(unsigned n, void *platforms, unsigned *n_platforms);
void *clGetExtensionFunctionAddress(const char *name);

int
clIcdGetPlatformIDsKHR(unsigned n, void *platforms, unsigned *n_platforms)
{
  fputs("LLVM ERROR: unknown processor\n", stderr);
  abort();
}

void *
clGetExtensionFunctionAddress(const char *name)
{
  fputs("LLVM ERROR: unknown processor\n", stderr);
  abort();
}
