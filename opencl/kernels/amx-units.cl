/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The instructions of the matrix units of x86 processors. amx-emulated.cl defines the same names without such a processor. */

/* A function that uses tiles begins with this. It is empty, because tiles are registers of the processor. */
#define TILES
/* Palette 1: all eight tiles of 16 rows of 64 bytes. */
__constant uchar tile_config[64] __attribute__((aligned(64))) = {
    1,  0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,
    64, 0, 64, 0, 64, 0, 64, 0, 64, 0, 64, 0, 64, 0, 64, 0,
    0,  0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,  0, 0,
    16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0};
#define CONFIGURE __asm__ volatile("ldtilecfg (%0)" : : "r"((ulong)tile_config) : "memory");
#define RELEASE __asm__ volatile("tilerelease" : : : "memory");
/* What this work-item wrote is in memory before tiles are loaded from it. */
#define WRITTEN __asm__ volatile("" : : : "memory");
#define ZERO(t) __asm__ volatile("tilezero %%tmm" #t : :);
#define LOAD(t, p, stride)                                                                         \
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : "r"((ulong)(p)), "r"((ulong)(stride)));
#define LOAD_ONCE(t, p, stride)                                                                    \
  __asm__ volatile("tileloaddt1 (%0,%1,1), %%tmm" #t : : "r"((ulong)(p)), "r"((ulong)(stride)));
#define STORE(t, p, stride)                                                                        \
  __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)"                                             \
                   :                                                                               \
                   : "r"((ulong)(p)), "r"((ulong)(stride))                                         \
                   : "memory");
#define MULTIPLY(c, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c : :);
