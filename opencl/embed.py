#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Turn OpenCL sources into one C file: embed.py OUT.c KERNEL.cl..."""
import os
import sys



def symbol(name):
    return name.replace("-", "_")


out, sources = sys.argv[1], sys.argv[2:]
with open(out, "w", encoding="utf-8") as f:
    f.write('#include "opencl/device/kernel-sources.h"\n\n')
    names = []
    for path in sources:
        name = os.path.splitext(os.path.basename(path))[0]
        names.append(name)
        text = open(path, encoding="utf-8").read()
        f.write(f"static const char {symbol(name)}_source[] =\n")
        for line in text.splitlines():
            escaped = line.replace("\\", "\\\\").replace('"', '\\"')
            f.write(f'  "{escaped}\\n"\n')
        f.write(";\n\n")
    f.write("const DdimClKernelSource ddim_cl_kernel_sources[] = {\n")
    for name in names:
        f.write(f'  {{"{name}", {symbol(name)}_source}},\n')
    f.write("  {NULL, NULL},\n};\n")
