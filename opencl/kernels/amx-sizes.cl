/* SPDX-License-Identifier: LGPL-3.0-or-later
 * The sizes that the files amx-*.cl are made for. Their programs begin with this file, and the host includes it as well
 * (opencl/ops/amx/amx-tasks.h). */

/* A tile of the matrix units has 16 rows of 64 bytes. */
#define AMX_TILE 16
/* Channels that lie together: a plane of a left factor. */
#define AMX_PLANE 32
/* Positions, or columns, that are multiplied together: two tiles. */
#define AMX_BLOCK 32
/* Bytes of a position of a plane: 32 channels of two bfloat16. */
#define AMX_POSITION 128
/* Bytes of 32 x 32 numbers of a right factor. */
#define AMX_BLOCK_BYTES 4096

/* Tiles of positions of a task AMX_PRODUCT_FEW, at most. */
#define AMX_MAX_FEW_TILES 5
/* Channels that a norm takes together, at most. */
#define AMX_MAX_UNIT 1024
/* Channels of an attention's head, at most. */
#define AMX_MAX_HEAD 1024

/* F(4, 3): pixels of a position, points that they become, and blocks of an item, at most. */
#define AMX_PIXELS 4
#define AMX_POINTS 6
#define AMX_MAX_BLOCKS 8
