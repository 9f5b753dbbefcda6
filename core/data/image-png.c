/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reads and writes PNG. No other file uses libpng. Errors of libpng arrive by longjmp(), so each
 * direction has one function that calls setjmp(), and this function changes nothing but a struct of
 * its caller. */

#include <glib/gi18n-lib.h>
#include <png.h>
#include <string.h>
#include <zlib.h>

#include "core/data/error.h"
#include "core/data/image-png.h"
#include "core/data/image-private.h"
#include "core/data/out-file.h"

/* Pictures beyond this are refused: no model makes or takes them. */
#define MAX_SIDE 32768
/* The most bytes that a text may have, also after inflating, and the most texts that are read. That
 * is enough for the names of a hundred thousand classes. */
#define MAX_TEXT (1u << 20)
#define MAX_TEXTS 32
/* The most bytes of UTF-8 that all texts together may take; further ones are left out. */
#define MAX_ALL_TEXTS (16u << 20)

/* Which part of a picture is read. */
typedef enum { READ_SIZE, READ_TEXT, READ_PIXELS } PngPart;

typedef struct {
  guint64 offset, size; /* in the file */
} Piece;

typedef struct {
  png_structp png;
  png_infop info;
  char *message; /* libpng's error message */
  GByteArray *out;
  DdimFile *in;
  GError *in_error; /* why the file could not be read */
  GArray *pieces;   /* Piece: the parts of the file that libpng is given */
  guint piece;      /* the piece that libpng reads now */
  guint64 position; /* how far libpng has read in that piece */
  PngPart part;
  DdimImageHeader header;
  DdimImage *image;
  GHashTable *text;
  png_bytep *rows;
} PngJob;

static void
on_error(png_structp png, png_const_charp message)
{
  PngJob *job = png_get_error_ptr(png);

  g_free(job->message);
  job->message = g_strdup(message);
  png_longjmp(png, 1);
}

static void
on_warning(png_structp png, png_const_charp message)
{
}

static void
on_write(png_structp png, png_bytep data, png_size_t size)
{
  GByteArray *out = png_get_io_ptr(png);

  g_byte_array_append(out, data, size);
}

static void
on_flush(png_structp png)
{
}

static void
on_read(png_structp png, png_bytep data, png_size_t size)
{
  PngJob *job = png_get_io_ptr(png);

  while (size > 0) {
    const Piece *piece =
        job->piece < job->pieces->len ? &g_array_index(job->pieces, Piece, job->piece) : NULL;
    gsize n;
    if (!piece)
      png_error(png, "the file is truncated");
    n = (gsize)MIN(size, piece->size - job->position);
    if (!ddim_file_read(job->in, piece->offset + job->position, data, n, &job->in_error))
      png_error(png, job->in_error->message);
    data += n;
    size -= n;
    job->position += n;
    if (job->position < piece->size)
      continue;
    job->piece++;
    job->position = 0;
  }
}

static const int color_types[] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA,
                                  PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};

/* @text as Latin-1, for tEXt; NULL when it cannot be converted and needs iTXt, which holds UTF-8.
 * (transfer full) (nullable) */
static char *
to_latin1(const char *text)
{
  return g_convert(text, -1, "ISO-8859-1", "UTF-8", NULL, NULL, NULL);
}

/* The result points into @text and @owned, which must outlive it. */
static GArray *
make_texts(GHashTable *text, GPtrArray *owned)
{
  GArray *texts = g_array_new(FALSE, TRUE, sizeof(png_text));
  g_autoptr(GList) keys = text ? g_hash_table_get_keys(text) : NULL;

  keys = g_list_sort(keys, (GCompareFunc)strcmp);
  for (GList *l = keys; l; l = l->next) {
    const char *value = g_hash_table_lookup(text, l->data);
    char *latin1 = to_latin1(value);
    png_text entry = {.key = l->data};

    if (latin1) {
      g_ptr_array_add(owned, latin1);
      entry.compression = PNG_TEXT_COMPRESSION_NONE;
      entry.text = latin1;
    } else {
      entry.compression = PNG_ITXT_COMPRESSION_NONE;
      entry.text = (char *)value;
      entry.lang = entry.lang_key = (char *)"";
    }
    g_array_append_val(texts, entry);
  }
  return texts;
}

static gboolean
encode(PngJob *job, const DdimImage *image, GArray *texts)
{
  if (setjmp(png_jmpbuf(job->png)))
    return FALSE;
  png_set_write_fn(job->png, job->out, on_write, on_flush);
  png_set_IHDR(job->png, job->info, image->width, image->height, 8, color_types[image->channels],
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB(job->png, job->info, PNG_sRGB_INTENT_PERCEPTUAL);
  if (texts->len)
    png_set_text(job->png, job->info, (png_textp)texts->data, texts->len);
  png_write_info(job->png, job->info);
  for (gsize y = 0; y < image->height; y++)
    png_write_row(job->png, image->pixels + y * image->width * image->channels);
  png_write_end(job->png, NULL);
  return TRUE;
}

guint64
ddim_png_most_bytes(guint channels, guint width, guint height)
{
  /* A row has one byte more. What cannot be compressed grows by 5 bytes in 16 KiB (RFC
   * 1951, 3.2.4), and by the 12 bytes of each chunk, which libpng makes 8 KiB long. */
  const guint64 size = (guint64)height * (1 + (guint64)width * channels);

  return size + size / 256 + 4096;
}

guint64
ddim_png_most_bytes_of_grid(guint n, guint channels, guint width, guint height)
{
  guint columns, rows;

  ddim_image_get_grid(n, &columns, &rows);
  return ddim_png_most_bytes(channels, columns * width, rows * height);
}

gboolean
ddim_image_write_png(const DdimImage *image, const char *path, GHashTable *text, GError **error)
{
  g_autoptr(GByteArray) out = g_byte_array_new();
  g_autoptr(GPtrArray) owned = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GArray) texts = make_texts(text, owned);
  PngJob job = {.out = out};
  gboolean ok;

  job.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &job, on_error, on_warning);
  job.info = job.png ? png_create_info_struct(job.png) : NULL;
  ok = job.info && encode(&job, image, texts);
  png_destroy_write_struct(&job.png, &job.info);
  if (!ok)
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED, _("%s: cannot be written as PNG: %s"),
                path, job.message ? job.message : "libpng");
  g_free(job.message);
  return ok && ddim_out_file_write_file(path, out->data, out->len, error);
}

static void
collect_text(PngJob *job)
{
  png_textp texts = NULL;
  gsize all = 0;
  int n = 0;

  png_get_text(job->png, job->info, &texts, &n);
  for (int i = 0; i < n && all < MAX_ALL_TEXTS; i++) {
    const char *value = texts[i].text ? texts[i].text : "";
    gboolean utf8 = texts[i].compression >= PNG_ITXT_COMPRESSION_NONE;
    char *copy = utf8 ? g_utf8_make_valid(value, -1)
                      : g_convert(value, -1, "UTF-8", "ISO-8859-1", NULL, NULL, NULL);
    all += copy ? strlen(copy) : 0;
    g_hash_table_replace(job->text, g_utf8_make_valid(texts[i].key, -1),
                         copy ? copy : g_strdup(""));
  }
}

/* Make libpng deliver 8 bits per sample whatever the file holds, with alpha if the file has
 * transparency. */
static void
set_transformations(PngJob *job)
{
  png_set_scale_16(job->png);
  png_set_expand(job->png); /* palettes, less than 8 bits, tRNS */
  png_set_interlace_handling(job->png);
  png_read_update_info(job->png, job->info);
}

/* Deflate turns one byte into at most 1032. No memory is allocated for a header that promises
 * more. */
static void
check_promise(PngJob *job)
{
  guint64 raw =
      (guint64)png_get_rowbytes(job->png, job->info) * png_get_image_height(job->png, job->info);

  if (raw / 1032 > ddim_file_get_size(job->in))
    png_error(job->png, "the file is too short for a picture of its size");
}

/* --- The chunks that libpng gets --- */

/* CHUNK_START: length and name. CHUNK_EXTRA: these and the checksum. */
/* PROFILE_START: more than a name and the first 20 bytes of a profile take, however deflated. */
enum { SIGNATURE_SIZE = 8, CHUNK_START = 8, CHUNK_EXTRA = 12, PROFILE_START = 4096 };

static gboolean
is_named(const guint8 *chunk, const char *name)
{
  return memcmp(chunk + 4, name, 4) == 0;
}

static gboolean
is_text(const guint8 *chunk)
{
  return is_named(chunk, "tEXt") || is_named(chunk, "zTXt") || is_named(chunk, "iTXt");
}

/* Chunks without which a picture cannot be shown have a capital letter; see the specification, 5.4.
 */
static gboolean
is_wanted(const guint8 *chunk, gsize length, PngPart part, guint n_texts)
{
  if (g_ascii_isupper(chunk[4]))
    return TRUE;
  if (part == READ_TEXT)
    return is_text(chunk) && length <= MAX_TEXT && n_texts < MAX_TEXTS;
  return is_named(chunk, "tRNS");
}

/* Pieces that follow each other become one, so that a file of tiny chunks does not make a list
 * that is larger than the file. */
static void
add_piece(PngJob *job, guint64 offset, guint64 size)
{
  const Piece piece = {offset, size};
  Piece *last = job->pieces->len ? &g_array_index(job->pieces, Piece, job->pieces->len - 1) : NULL;

  if (last && last->offset + last->size == offset)
    last->size += size;
  else
    g_array_append_val(job->pieces, piece);
}

/* Whether the profile in an iCCP chunk, which begins with @data, is for CMYK colors. The chunk
 * holds the profile's name, a 0, the method 0, and then the deflated profile, which tells the kind
 * of colors at byte 16. */
static gboolean
is_cmyk(const guint8 *data, gsize length)
{
  const guint8 *end = memchr(data, 0, length);
  guint8 profile[20];
  z_stream stream = {0};
  gboolean found;

  if (!end || (gsize)(data + length - end) < 2 || inflateInit(&stream) != Z_OK)
    return FALSE;
  stream.next_in = (guint8 *)end + 2;
  stream.avail_in = data + length - end - 2;
  stream.next_out = profile;
  stream.avail_out = sizeof profile;
  inflate(&stream, Z_SYNC_FLUSH);
  found = stream.avail_out == 0 && memcmp(profile + 16, "CMYK", 4) == 0;
  inflateEnd(&stream);
  return found;
}

/* Look at the color profile in the chunk at @at. */
static gboolean
read_profile(PngJob *job, guint64 at, gsize length)
{
  guint8 start[PROFILE_START];
  const gsize n = MIN(length, sizeof start);

  if (!ddim_file_read(job->in, at + CHUNK_START, start, n, &job->in_error))
    return FALSE;
  job->header.cmyk = is_cmyk(start, n);
  return TRUE;
}

/* Read the name and length of the chunk at @at, all of which must lie in the file. */
static gboolean
read_chunk_start(PngJob *job, guint64 at, guint8 *start, gsize *length)
{
  const guint64 left = ddim_file_get_size(job->in) - at;

  if (left < CHUNK_EXTRA || !ddim_file_read(job->in, at, start, CHUNK_START, &job->in_error))
    return FALSE;
  *length = (gsize)start[0] << 24 | start[1] << 16 | start[2] << 8 | start[3];
  return *length <= left - CHUNK_EXTRA;
}

/* Choose the chunks. libpng takes the memory for a chunk before it reads it, so lengths are checked
 * here. Text may lie behind the pixels. When only text is wanted, the pixels are left out, and the
 * start of their first chunk, where libpng stops, is put last. FALSE when the file ends too early
 * or cannot be read. */
static gboolean
choose_pieces(PngJob *job)
{
  guint64 at = SIGNATURE_SIZE, pixels = 0;
  guint8 start[CHUNK_START];
  gsize length;
  guint n_texts = 0;

  add_piece(job, 0, SIGNATURE_SIZE);
  for (;; at += length + CHUNK_EXTRA) {
    if (!read_chunk_start(job, at, start, &length))
      return FALSE;
    if (is_named(start, "iCCP") && !read_profile(job, at, length))
      return FALSE;
    if (job->part == READ_TEXT && is_named(start, "IDAT")) {
      pixels = pixels ? pixels : at;
    } else if (job->part == READ_TEXT && is_named(start, "IEND")) {
      if (pixels)
        add_piece(job, pixels, CHUNK_START);
    } else if (is_wanted(start, length, job->part, n_texts)) {
      n_texts += is_text(start);
      add_piece(job, at, length + CHUNK_EXTRA);
    }
    if (is_named(start, "IEND"))
      return TRUE;
  }
}

static void
read_pixels(PngJob *job)
{
  check_promise(job);
  set_transformations(job);
  job->image = ddim_image_new(png_get_image_width(job->png, job->info),
                              png_get_image_height(job->png, job->info),
                              png_get_channels(job->png, job->info), NULL);
  if (!job->image ||
      png_get_rowbytes(job->png, job->info) != (gsize)job->image->width * job->image->channels)
    png_error(job->png, "the picture is too large");
  job->rows = g_new(png_bytep, job->image->height);
  for (gsize y = 0; y < job->image->height; y++)
    job->rows[y] = job->image->pixels + y * job->image->width * job->image->channels;
  png_read_image(job->png, job->rows);
  png_read_end(job->png, NULL);
}

static gboolean
decode(PngJob *job)
{
  if (setjmp(png_jmpbuf(job->png)))
    return FALSE;
  png_set_user_limits(job->png, MAX_SIDE, MAX_SIDE);
  if (job->part == READ_TEXT)
    png_set_chunk_malloc_max(job->png, MAX_TEXT); /* counted after inflating */
  png_set_read_fn(job->png, job, on_read);
  png_read_info(job->png, job->info);
  job->header.width = png_get_image_width(job->png, job->info);
  job->header.height = png_get_image_height(job->png, job->info);
  job->header.bits = png_get_bit_depth(job->png, job->info);
  if (job->part == READ_PIXELS)
    read_pixels(job);
  if (job->part == READ_TEXT)
    collect_text(job);
  return TRUE;
}

static gboolean
broken(PngJob *job, const char *why, GError **error)
{
  g_clear_pointer(&job->image, ddim_image_free);
  if (job->in_error)
    g_propagate_error(error, g_steal_pointer(&job->in_error));
  else
    g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: broken PNG picture: %s"),
                ddim_file_get_path(job->in), why);
  return FALSE;
}

gboolean
ddim_png_is_picture(DdimFile *file, GError **error)
{
  guint8 start[SIGNATURE_SIZE];

  if (ddim_file_get_size(file) >= SIGNATURE_SIZE) {
    if (!ddim_file_read(file, 0, start, SIGNATURE_SIZE, error))
      return FALSE;
    if (png_sig_cmp(start, 0, SIGNATURE_SIZE) == 0)
      return TRUE;
  }
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_FORMAT, _("%s: not a PNG picture"),
              ddim_file_get_path(file));
  return FALSE;
}

/* Read job->part of job->in. */
static gboolean
run(PngJob *job, GError **error)
{
  g_autoptr(GArray) pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
  g_autofree char *why = NULL;
  gboolean ok;

  job->pieces = pieces;
  if (!ddim_png_is_picture(job->in, error))
    return FALSE;
  if (!choose_pieces(job))
    return broken(job, "the file is truncated", error);
  job->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, job, on_error, on_warning);
  job->info = job->png ? png_create_info_struct(job->png) : NULL;
  ok = job->info && decode(job);
  png_destroy_read_struct(&job->png, &job->info, NULL);
  g_clear_pointer(&job->rows, g_free);
  why = g_steal_pointer(&job->message);
  return ok || broken(job, why ? why : "libpng", error);
}

gboolean
ddim_png_read_header(DdimFile *file, DdimImageHeader *header, GError **error)
{
  PngJob job = {.in = file, .part = READ_SIZE};

  if (!run(&job, error))
    return FALSE;
  *header = job.header;
  return TRUE;
}

GHashTable *
ddim_png_read_text(DdimFile *file, GError **error)
{
  PngJob job = {.in = file,
                .part = READ_TEXT,
                .text = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};

  if (!run(&job, error))
    g_clear_pointer(&job.text, g_hash_table_unref);
  return job.text;
}

DdimImage *
ddim_png_read_image(DdimFile *file, GError **error)
{
  PngJob job = {.in = file, .part = READ_PIXELS};

  return run(&job, error) ? job.image : NULL;
}

DdimImage *
ddim_image_read_png(GBytes *bytes, const char *name, GError **error)
{
  g_autoptr(DdimFile) file = ddim_file_new_from_bytes(bytes, name);

  return ddim_png_read_image(file, error);
}

const char *
ddim_image_get_libpng_version(void)
{
  return png_get_libpng_ver(NULL);
}
