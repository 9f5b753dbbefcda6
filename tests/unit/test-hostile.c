/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* PyTorch checkpoints made to harm: whatever they hold, opening them gives an error or tensors that
 * can be read. */
#include "core/checkpoint-private.h"
#include "core/error.h"

#include <string.h>
#include <zlib.h>

/* --- Making files --- */

typedef struct {
  GByteArray *file, *directory;
  guint n;
} Zip;

static void
put(GByteArray *bytes, guint n, guint64 value)
{
  for (guint i = 0; i < n; i++)
    g_byte_array_append(bytes, (const guint8[]){(guint8)(value >> (8 * i))}, 1);
}

/* What to write instead of the truth. */
typedef struct {
  guint16 method;
  guint64 size, packed_size; /* 0: the truth */
  guint32 crc;               /* 0: the truth */
  gint64 header;             /* offset of the local header; 0: the truth */
} Lie;

static void
zip_begin(Zip *zip)
{
  zip->file = g_byte_array_new();
  zip->directory = g_byte_array_new();
  zip->n = 0;
}

static void
zip_add_lying(Zip *zip, const char *name, gconstpointer data, gsize size, Lie lie)
{
  guint32 crc = lie.crc ? lie.crc : (guint32)crc32(0, data, (uInt)size);
  guint64 header = lie.header ? (guint64)lie.header : zip->file->len;
  guint32 claimed = lie.size ? (guint32)lie.size : (guint32)size;
  guint32 packed = lie.packed_size ? (guint32)lie.packed_size : (guint32)size;
  GByteArray *parts[2] = {zip->file, zip->directory};

  for (guint i = 0; i < 2; i++) {
    g_byte_array_append(parts[i], (const guint8 *)(i ? "PK\1\2\24\0" : "PK\3\4"), i ? 6 : 4);
    put(parts[i], 2, 20);
    put(parts[i], 2, 0);
    put(parts[i], 2, lie.method);
    put(parts[i], 4, 0x00210000);
    put(parts[i], 4, crc);
    put(parts[i], 4, packed);
    put(parts[i], 4, claimed);
    put(parts[i], 2, strlen(name));
    put(parts[i], 2, 0);
    if (i) {
      put(parts[i], 10, 0);
      put(parts[i], 4, header);
    }
    g_byte_array_append(parts[i], (const guint8 *)name, (guint)strlen(name));
  }
  g_byte_array_append(zip->file, data, (guint)size);
  zip->n++;
}

static void
zip_add(Zip *zip, const char *name, gconstpointer data, gsize size)
{
  zip_add_lying(zip, name, data, size, (Lie){0});
}

/* In memory of exactly the file's size, so that a sanitizer sees any step beyond. */
static GBytes *
zip_end(Zip *zip)
{
  guint32 offset = zip->file->len;
  GBytes *bytes;

  g_byte_array_append(zip->file, zip->directory->data, zip->directory->len);
  g_byte_array_append(zip->file, (const guint8 *)"PK\5\6\0\0\0\0", 8);
  put(zip->file, 2, zip->n);
  put(zip->file, 2, zip->n);
  put(zip->file, 4, zip->directory->len);
  put(zip->file, 4, offset);
  put(zip->file, 2, 0);
  bytes = g_bytes_new(zip->file->data, zip->file->len);
  g_byte_array_unref(zip->file);
  g_byte_array_unref(zip->directory);
  return bytes;
}

/* A checkpoint of one storage "0" of @data_size bytes. */
static GBytes *
make_zip(const GString *pickle, gsize data_size)
{
  g_autofree guint8 *data = g_malloc0(data_size + 1);
  Zip zip;

  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "x/data/0", data, data_size);
  return zip_end(&zip);
}

static void
append_int(GString *pickle, gint64 value)
{
  g_string_append_len(pickle, "\x8a\x08", 2);
  for (guint i = 0; i < 8; i++)
    g_string_append_c(pickle, (char)((guint64)value >> (8 * i)));
}

static void
append_text(GString *pickle, const char *text)
{
  g_string_append_c(pickle, 'X');
  for (guint i = 0; i < 4; i++)
    g_string_append_c(pickle, (char)(strlen(text) >> (8 * i)));
  g_string_append(pickle, text);
}

static void
append_tuple(GString *pickle, const gint64 *values, guint n)
{
  g_string_append_c(pickle, '(');
  for (guint i = 0; i < n; i++)
    append_int(pickle, values[i]);
  g_string_append_c(pickle, 't');
}

typedef struct {
  const char *storage; /* "FloatStorage" */
  const char *key;
  gint64 count; /* elements that the storage is said to have */
  gint64 offset;
  guint n_dims;
  gint64 size[10], stride[10];
} Spec;

static void
append_tensor(GString *pickle, const char *name, const Spec *spec)
{
  append_text(pickle, name);
  g_string_append(pickle, "ctorch._utils\n_rebuild_tensor_v2\n((");
  append_text(pickle, "storage");
  g_string_append_printf(pickle, "ctorch\n%s\n", spec->storage);
  append_text(pickle, spec->key);
  append_text(pickle, "cpu");
  append_int(pickle, spec->count);
  g_string_append(pickle, "tQ");
  append_int(pickle, spec->offset);
  append_tuple(pickle, spec->size, spec->n_dims);
  append_tuple(pickle, spec->stride, spec->n_dims);
  g_string_append(pickle, "\x89"
                          "ccollections\nOrderedDict\n)RtR");
}

static GString *
begin_pickle(void)
{
  return g_string_new("\x80\x02"
                      "ccollections\nOrderedDict\n)R(");
}

static void
end_pickle(GString *pickle)
{
  g_string_append(pickle, "u.");
}

/* --- Checking --- */

static void
touch(DdimCheckpoint *checkpoint)
{
  float values[4096];

  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++) {
    const DdimTensor *tensor = ddim_checkpoint_get_tensor(checkpoint, i);
    gsize count = ddim_tensor_count(tensor);
    for (gsize done = 0; done < count;) {
      gsize n = MIN(count - done, G_N_ELEMENTS(values));
      ddim_tensor_read(tensor, done, n, DDIM_DTYPE_F32, values);
      done += n;
    }
    ddim_checkpoint_release(checkpoint, tensor);
  }
}

/* An error or readable tensors, and never both or none. */
static gboolean
open_and_touch(GBytes *bytes, GError **error)
{
  GError *local = NULL;
  DdimCheckpoint *checkpoint = ddim_checkpoint_open_bytes(bytes, "test.pt", &local);
  gboolean opened = checkpoint != NULL;

  g_assert_true(opened == (local == NULL));
  if (checkpoint) {
    touch(checkpoint);
    ddim_checkpoint_unref(checkpoint);
  }
  if (local) {
    g_assert_nonnull(strstr(local->message, "test.pt"));
    g_propagate_error(error, local);
  }
  return opened;
}

static void
assert_error(GBytes *bytes, int code, const char *says)
{
  g_autoptr(GError) error = NULL;

  g_assert_false(open_and_touch(bytes, &error));
  g_assert_error(error, DDIM_ERROR, code);
  if (!strstr(error->message, says))
    g_error("expected “%s” in “%s”", says, error->message);
  g_bytes_unref(bytes);
}

static void
assert_pickle_error(const char *pickle, gsize length, int code, const char *says)
{
  GString *text = g_string_new_len(pickle, (gssize)length);

  assert_error(make_zip(text, 4), code, says);
  g_string_free(text, TRUE);
}

#define FURTHEST G_MAXINT64

static void
test_tensors(void)
{
  static const struct {
    Spec spec;
    gsize data_size;
    const char *says; /* NULL: good */
  } cases[] = {
      {{"FloatStorage", "0", 6, 0, 2, {2, 3}, {3, 1}}, 24, NULL},
      {{"FloatStorage", "0", 6, 5, 1, {1}, {1}}, 24, NULL},
      {{"FloatStorage", "0", 6, 5, 0}, 24, NULL},
      {{"FloatStorage", "0", 6, 99, 2, {0, 3}, {3, 1}}, 24, NULL},
      {{"FloatStorage", "0", 6, 0, 8, {1, 1, 1, 1, 1, 1, 1, 6}, {9, 9, 9, 9, 9, 9, 9, 1}},
       24,
       NULL},
      {{"FloatStorage", "0", 6, 0, 1, {6}, {1}}, 25, NULL},
      {{"FloatStorage", "0", 6, 0, 1, {6}, {1}}, 23, "smaller than described"},
      {{"DoubleStorage", "0", 6, 0, 1, {6}, {1}}, 24, "smaller than described"},
      {{"FloatStorage", "0", FURTHEST, 0, 1, {6}, {1}}, 24, "smaller than described"},
      {{"FloatStorage", "0", FURTHEST / 2 + 1, 0, 1, {6}, {1}}, 24, "smaller than described"},
      {{"FloatStorage", "0", -6, 0, 1, {6}, {1}}, 24, "storage"},
      {{"FloatStorage", "1", 6, 0, 1, {6}, {1}}, 24, "missing"},
      {{"FloatStorage", "../0", 6, 0, 1, {6}, {1}}, 24, "missing"},
      {{"FloatStorage", "", 6, 0, 1, {6}, {1}}, 24, "missing"},
      {{"FloatStorage", "0", 6, 6, 1, {1}, {1}}, 24, "beyond"},
      {{"FloatStorage", "0", 6, 6, 0}, 24, "beyond"},
      {{"FloatStorage", "0", 6, FURTHEST, 1, {1}, {1}}, 24, "beyond"},
      {{"FloatStorage", "0", 6, -1, 1, {1}, {1}}, 24, "_rebuild_tensor_v2"},
      {{"FloatStorage", "0", 6, 0, 1, {7}, {1}}, 24, "beyond"},
      {{"FloatStorage", "0", 6, 0, 1, {2}, {6}}, 24, "beyond"},
      {{"FloatStorage", "0", 6, 0, 2, {2, 3}, {4, 1}}, 24, "beyond"},
      {{"FloatStorage", "0", 6, 0, 1, {2}, {FURTHEST}}, 24, "beyond"},
      {{"FloatStorage", "0", 6, 0, 2, {3, 3}, {FURTHEST, FURTHEST}}, 24, "beyond"},
      {{"FloatStorage", "0", 6, 3, 2, {2, 2}, {FURTHEST, FURTHEST}}, 24, "beyond"},
      {{"FloatStorage", "0", 6, 5, 1, {2}, {-1}}, 24, "not possible"},
      {{"FloatStorage", "0", 6, 0, 1, {-6}, {1}}, 24, "not possible"},
      {{"FloatStorage", "0", 6, 0, 1, {FURTHEST}, {1}}, 24, "not possible"},
      {{"FloatStorage", "0", 6, 0, 2, {1ll << 32, 1ll << 32}, {0, 0}}, 24, "not possible"},
      {{"FloatStorage", "0", 6, 0, 3, {0, 1ll << 32, 1ll << 32}, {0, 0, 0}}, 24, "not possible"},
      {{"FloatStorage", "0", 6, 0, 1, {1ll << 40}, {0}}, 24, "over and over"},
      {{"FloatStorage", "0", 6, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1}}, 24, "dimensions"},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    GString *pickle = begin_pickle();
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;
    gboolean opened;

    append_tensor(pickle, "t", &cases[i].spec);
    end_pickle(pickle);
    bytes = make_zip(pickle, cases[i].data_size);
    g_string_free(pickle, TRUE);
    opened = open_and_touch(bytes, &error);
    if (opened != (cases[i].says == NULL))
      g_error("case %u: %s", i, error ? error->message : "accepted");
    if (error && !strstr(error->message, cases[i].says))
      g_error("case %u: unexpected message “%s”", i, error->message);
  }
}

/* Many tensors that each repeat a small storage within the limit: together they are above it. */
static void
test_repeated(void)
{
  const Spec spec = {"FloatStorage", "0", 1, 0, 1, {4 << 20}, {0}};
  GString *pickle = begin_pickle();

  for (guint i = 0; i < 8; i++) {
    char name[2] = {(char)('a' + i), '\0'};
    append_tensor(pickle, name, &spec);
  }
  end_pickle(pickle);
  assert_error(make_zip(pickle, 4), DDIM_ERROR_UNSUPPORTED, "“e”");
  g_string_free(pickle, TRUE);
}

static void
test_names(void)
{
  const Spec spec = {"FloatStorage", "0", 1, 0, 0};
  static const char *const bad[] = {"\xff\xfe", "two\nlines", "\033[31mred", NULL};
  GString *pickle = begin_pickle();

  append_tensor(pickle, "same", &spec);
  append_tensor(pickle, "same", &spec);
  end_pickle(pickle);
  assert_error(make_zip(pickle, 4), DDIM_ERROR_FORMAT, "two tensors named “same”");
  g_string_free(pickle, TRUE);

  for (guint i = 0; bad[i]; i++) {
    pickle = begin_pickle();
    append_tensor(pickle, bad[i], &spec);
    end_pickle(pickle);
    assert_error(make_zip(pickle, 4), DDIM_ERROR_FORMAT, "name");
    g_string_free(pickle, TRUE);
  }
}

/* pickle.dumps() of an object whose __reduce__ returns (os.system, ("touch pwned",)), in every
 * protocol, and more. */
static void
test_calls(void)
{
#define CALL(PICKLE, NAME)                                                                         \
  {                                                                                                \
    PICKLE, sizeof(PICKLE) - 1, NAME                                                               \
  }
  static const struct {
    const char *pickle;
    gsize length;
    const char *name;
  } calls[] = {
      CALL("cposix\nsystem\np0\n(Vtouch pwned\np1\ntp2\nRp3\n.", "posix.system"),
      CALL("cposix\nsystem\nq\0(X\x0b\0\0\0touch pwnedq\1tq\2Rq\3.", "posix.system"),
      CALL("\x80\2cposix\nsystem\nq\0X\x0b\0\0\0touch pwnedq\1\x85q\2Rq\3.", "posix.system"),
      CALL("\x80\4\x95&\0\0\0\0\0\0\0\x8c\5posix\x94\x8c\6system\x94\x93\x94\x8c\x0btouch pwned\x94"
           "\x85\x94R\x94.",
           "posix.system"),
      CALL("\x80\2cos\nsystem\n.", "os.system"),
      CALL("\x80\2c__builtin__\neval\n.", "__builtin__.eval"),
      CALL("\x80\2}(X\1\0\0\0acos\nsystem\nX\1\0\0\0b\x85Ru.", "os.system"),
      CALL("(dp0\nVname\np1\ncos\nsystem\np2\n(Vx\ntRs.", "os.system"),
      CALL("(S'touch pwned'\nios\nsystem\n.", "os.system"),
      CALL("\x80\2ctorch\nload\n.", "torch.load"),
      CALL("\x80\2ctorch.storage\n_load_from_bytes\n.", "torch.storage._load_from_bytes"),
      CALL("\x80\2ccollections\nOrderedDict.__reduce__\n.", "collections.OrderedDict.__reduce__"),
      CALL("\x80\2cnumpy.core.multiarray\nscalar\n.", "numpy.core.multiarray.scalar"),
      CALL("\x80\2cos\x1b[31m\nsystem\n.", "os\\033[31m.system"),
  };

  for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
    assert_pickle_error(calls[i].pickle, calls[i].length, DDIM_ERROR_UNSUPPORTED, calls[i].name);
    /* The bare pickle, without a zip file around it. */
    assert_error(g_bytes_new(calls[i].pickle, calls[i].length), DDIM_ERROR_UNSUPPORTED,
                 calls[i].name);
  }
}

static void
test_broken_pickles(void)
{
#define BROKEN(PICKLE, SAYS)                                                                       \
  {                                                                                                \
    PICKLE, sizeof(PICKLE) - 1, SAYS                                                               \
  }
  static const struct {
    const char *pickle;
    gsize length;
    const char *says;
  } pickles[] = {
      BROKEN("", "truncated"),
      BROKEN(".", "stack is empty"),
      BROKEN("\x80", "truncated"),
      BROKEN("X\xff\xff\xff\xff"
             "a",
             "truncated"),
      BROKEN("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
             "a",
             "truncated"),
      BROKEN("\x8b\xff\xff\xff\xff"
             "a",
             "truncated"),
      BROKEN("U\5abc", "truncated"),
      BROKEN("cos", "truncated"),
      BROKEN("I", "truncated"),
      BROKEN("Ix\n.", "number is missing"),
      BROKEN("I11111111111111111111111111111111111111111\n.", "too long"),
      BROKEN("t.", "mark is missing"),
      BROKEN("N1.", "mark is missing"),
      BROKEN("N(0N\x85.", NULL), /* POP takes a mark as well; the tuple is no state dict */
      BROKEN("N(\x85.", "stack is empty"),
      BROKEN("N(R.", "stack is empty"),
      BROKEN("0.", "stack is empty"),
      BROKEN("2.", "stack is empty"),
      BROKEN("N\x86.", "stack is empty"),
      BROKEN("h\0.", "never saw"),
      BROKEN("g7\n.", "never saw"),
      BROKEN("j\xff\xff\xff\xff.", "never saw"),
      BROKEN("q\0.", "stack is empty"),
      BROKEN("\x94.", "stack is empty"),
      BROKEN("}(NNNu.", "without a value"),
      BROKEN("(Nd.", "without a value"),
      BROKEN("NNNs.", "no container"),
      BROKEN("}Na.", "no container"),
      BROKEN("](NNu.", "no container"),
      BROKEN("NNR.", "no name"),
      BROKEN("NN\x93.", "no text"),
      BROKEN("NQ.", "storage"),
      BROKEN(")Q.", "storage"),
      BROKEN("Nb.", "stack is empty"),
      BROKEN("ctorch\nFloatStorage\n)R.", "FloatStorage"),
      BROKEN("ctorch._utils\n_rebuild_tensor_v2\n)R.", "_rebuild_tensor_v2"),
      BROKEN("ctorch._utils\n_rebuild_parameter\n)R.", "_rebuild_parameter"),
      BROKEN("ctorch._utils\n_rebuild_parameter\nN\x85R.", "_rebuild_parameter"),
      BROKEN("ccollections\nOrderedDict\nN\x85R.", "OrderedDict"),
      BROKEN("ccollections\nOrderedDict\n((NltR.", "OrderedDict"),
      BROKEN("\x82\1.", "opcode 0x82"),
      BROKEN("\xff.", "opcode 0xff"),
      BROKEN("(icollections\nOrderedDict\n.", "old kind"),
  };

  for (guint i = 0; i < G_N_ELEMENTS(pickles); i++) {
    gboolean whole = pickles[i].says == NULL;
    assert_pickle_error(pickles[i].pickle, pickles[i].length,
                        whole ? DDIM_ERROR_UNSUPPORTED : DDIM_ERROR_FORMAT,
                        whole ? "no state dict" : pickles[i].says);
  }
}

/* One opcode over and over, and values that hold themselves: bounded memory, no recursion, no
 * crash. */
static void
test_pickle_bombs(void)
{
  static const struct {
    const char *once, *unit, *end;
    gsize unit_length;
    int code;
  } bombs[] = {
      {"", "}", ".", 1, DDIM_ERROR_FORMAT},
      {"", "(", "t.", 1, DDIM_ERROR_UNSUPPORTED},
      {"N", "2", ".", 1, DDIM_ERROR_UNSUPPORTED},
      {"N", "\x94", ".", 1, DDIM_ERROR_FORMAT},
      {"N", "\x85", ".", 1, DDIM_ERROR_FORMAT},
      {"]q\1", "h\1a", ".", 3, DDIM_ERROR_UNSUPPORTED},
      {"}q\1", "h\1h\1s", ".", 5, DDIM_ERROR_UNSUPPORTED},
      {"(q", "((", "tt.", 2, DDIM_ERROR_FORMAT},
      {"", "ccollections\nOrderedDict\n", ".", 25, DDIM_ERROR_UNSUPPORTED},
  };

  for (guint i = 0; i < G_N_ELEMENTS(bombs); i++) {
    GString *pickle = g_string_new(bombs[i].once);
    while (pickle->len < 12u << 20)
      g_string_append_len(pickle, bombs[i].unit, (gssize)bombs[i].unit_length);
    g_string_append(pickle, bombs[i].end);
    assert_pickle_error(pickle->str, pickle->len, bombs[i].code, "");
    g_string_free(pickle, TRUE);
  }
}

/* OrderedDict(list) copies its list: asked for a thousand times, it must not take a thousand times
 * as long. */
static void
test_quadratic(void)
{
  GString *pickle = g_string_new("](");

  for (guint i = 0; i < 100000; i++)
    g_string_append(pickle, "NN\x86");
  g_string_append(pickle, "e\x85r\1");
  g_string_append_len(pickle, "\0\0\0000", 4);
  for (guint i = 0; i < 1000000; i++)
    g_string_append(pickle, "ccollections\nOrderedDict\nh\1R");
  assert_pickle_error(pickle->str, pickle->len, DDIM_ERROR_FORMAT, "more memory");
  g_string_free(pickle, TRUE);
}

static GBytes *
load(const char *name)
{
  g_autofree char *path = g_build_filename(g_getenv("DDIM_TEST_DATA"), "checkpoint", name, NULL);
  char *content;
  gsize size;

  g_assert_true(g_file_get_contents(path, &content, &size, NULL));
  return g_bytes_new_take(content, size);
}

static const char *const files[] = {"forms.pt", "forms-legacy.pt", "forms-deflated.pt",
                                    "forms-protocol4.pt"};

/* Cut off anywhere. */
static void
test_truncated(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autoptr(GBytes) whole = load(files[i]);
    for (gsize size = 0; size < g_bytes_get_size(whole); size++)
      assert_error(g_bytes_new(g_bytes_get_data(whole, NULL), size), DDIM_ERROR_FORMAT, "");
  }
}

/* In every byte, one bit flipped. */
static void
test_flips(void)
{
  for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autoptr(GBytes) whole = load(files[i]);
    gsize size = g_bytes_get_size(whole);
    for (gsize at = 0; at < size; at++) {
      guint8 *copy = g_memdup2(g_bytes_get_data(whole, NULL), size);
      g_autoptr(GBytes) bytes = g_bytes_new_take(copy, size);
      copy[at] ^= (guint8)(1 << (5 * at + 3) % 8);
      open_and_touch(bytes, NULL);
    }
  }
}

/* The pickle itself flipped, with the checksum put right, so that the machine behind it sees it. */
static void
test_pickle_flips(void)
{
  const Spec first = {"FloatStorage", "0", 6, 1, 2, {2, 2}, {2, 1}};
  const Spec second = {"HalfStorage", "0", 12, 0, 1, {12}, {1}};
  GString *pickle = begin_pickle();

  append_tensor(pickle, "first", &first);
  append_tensor(pickle, "second", &second);
  end_pickle(pickle);
  for (gsize bit = 0; bit < 8 * pickle->len; bit++) {
    g_autoptr(GBytes) bytes = NULL;
    pickle->str[bit / 8] ^= (char)(1 << bit % 8);
    bytes = make_zip(pickle, 24);
    pickle->str[bit / 8] ^= (char)(1 << bit % 8);
    open_and_touch(bytes, NULL);
  }
  g_string_free(pickle, TRUE);
}

static GString *
make_good_pickle(void)
{
  const Spec spec = {"FloatStorage", "0", 6, 0, 1, {6}, {1}};
  GString *pickle = begin_pickle();

  append_tensor(pickle, "t", &spec);
  end_pickle(pickle);
  return pickle;
}

static GBytes *
make_lying_zip(Lie pickle_lie, Lie data_lie)
{
  GString *pickle = make_good_pickle();
  guint8 data[24] = {0};
  Zip zip;

  zip_begin(&zip);
  zip_add_lying(&zip, "x/data.pkl", pickle->str, pickle->len, pickle_lie);
  zip_add_lying(&zip, "x/data/0", data, sizeof data, data_lie);
  g_string_free(pickle, TRUE);
  return zip_end(&zip);
}

static void
test_zip_lies(void)
{
  g_autoptr(GBytes) good = make_lying_zip((Lie){0}, (Lie){0});

  g_assert_true(open_and_touch(good, NULL));
  assert_error(make_lying_zip((Lie){.crc = 1}, (Lie){0}), DDIM_ERROR_FORMAT, "checksum");
  assert_error(make_lying_zip((Lie){.method = 12}, (Lie){0}), DDIM_ERROR_UNSUPPORTED,
               "unknown way");
  assert_error(make_lying_zip((Lie){0}, (Lie){.size = 25}), DDIM_ERROR_FORMAT, "contradict");
  assert_error(make_lying_zip((Lie){0}, (Lie){.size = 0xfffffff0, .packed_size = 0xfffffff0}),
               DDIM_ERROR_FORMAT, "outside");
  assert_error(make_lying_zip((Lie){0}, (Lie){.header = 0xfffffff0}), DDIM_ERROR_FORMAT, "outside");
  assert_error(make_lying_zip((Lie){0}, (Lie){.header = 3}), DDIM_ERROR_FORMAT, "outside");
  /* data/0 pointed at data.pkl's header: another name */
  assert_error(make_lying_zip((Lie){.header = -1}, (Lie){0}), DDIM_ERROR_FORMAT, "outside");
}

/* Two entries that claim the same bytes only read twice what is there. */
static void
test_zip_duplicates(void)
{
  GString *pickle = make_good_pickle();
  guint8 data[24] = {0};
  Zip zip;

  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "x/data/0", data, sizeof data);
  zip_add(&zip, "x/data/0", data, sizeof data);
  assert_error(zip_end(&zip), DDIM_ERROR_FORMAT, "twice");

  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "y/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "x/data/0", data, sizeof data);
  assert_error(zip_end(&zip), DDIM_ERROR_FORMAT, "twice");

  zip_begin(&zip);
  zip_add(&zip, "x/data/0", data, sizeof data);
  assert_error(zip_end(&zip), DDIM_ERROR_FORMAT, "data.pkl is missing");

  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "y/data/0", data, sizeof data);
  assert_error(zip_end(&zip), DDIM_ERROR_FORMAT, "missing");

  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add(&zip, "x/byteorder", "big", 3);
  zip_add(&zip, "x/data/0", data, sizeof data);
  assert_error(zip_end(&zip), DDIM_ERROR_UNSUPPORTED, "big-endian");
  g_string_free(pickle, TRUE);
}

/* @size zeros, deflated. */
static GByteArray *
deflate_zeros(gsize size)
{
  g_autofree guint8 *zeros = g_malloc0(size);
  GByteArray *packed = g_byte_array_new();
  z_stream stream = {.next_in = zeros, .avail_in = (uInt)size};

  g_byte_array_set_size(packed, (guint)(size / 500 + 1000));
  stream.next_out = packed->data;
  stream.avail_out = packed->len;
  g_assert_cmpint(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), ==,
                  Z_OK);
  g_assert_cmpint(deflate(&stream, Z_FINISH), ==, Z_STREAM_END);
  g_byte_array_set_size(packed, (guint)stream.total_out);
  deflateEnd(&stream);
  return packed;
}

static GBytes *
make_deflated(gsize true_size, guint64 claimed)
{
  const Spec spec = {"ByteStorage", "0", 6, 0, 1, {6}, {1}};
  g_autoptr(GByteArray) packed = deflate_zeros(true_size);
  GString *pickle = begin_pickle();
  Zip zip;

  append_tensor(pickle, "t", &spec);
  end_pickle(pickle);
  zip_begin(&zip);
  zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
  zip_add_lying(&zip, "x/data/0", packed->data, packed->len,
                (Lie){.method = 8, .size = claimed, .packed_size = packed->len});
  g_string_free(pickle, TRUE);
  return zip_end(&zip);
}

static void
test_zip_bombs(void)
{
  g_autoptr(GBytes) good = make_deflated(1000, 1000);

  g_assert_true(open_and_touch(good, NULL));
  assert_error(make_deflated(1000, 999), DDIM_ERROR_FORMAT, "cannot be expanded");
  assert_error(make_deflated(1000, 1001), DDIM_ERROR_FORMAT, "cannot be expanded");
  assert_error(make_deflated(1000, 0xf0000000), DDIM_ERROR_FORMAT, "impossible size");
  assert_error(make_deflated(100u << 20, 100u << 20), DDIM_ERROR_FORMAT, "impossible size");
}

/* A ZIP64 end record and extra fields that point anywhere. */
static void
test_zip64(void)
{
  GString *pickle = make_good_pickle();
  const guint64 offsets[] = {0, 1, 30, 0xffffffff, G_MAXINT64, G_MAXUINT64, G_MAXUINT64 - 55};
  guint8 data[24] = {0};

  for (guint i = 0; i < G_N_ELEMENTS(offsets); i++)
    for (guint field = 0; field < 5; field++) {
      g_autoptr(GBytes) bytes = NULL;
      GByteArray *tail = g_byte_array_new();
      guint64 record, directory, directory_size;
      Zip zip;

      zip_begin(&zip);
      zip_add(&zip, "x/data.pkl", pickle->str, pickle->len);
      zip_add(&zip, "x/data/0", data, sizeof data);
      directory = zip.file->len;
      directory_size = zip.directory->len;
      record = directory + directory_size;
      g_byte_array_append(tail, (const guint8 *)"PK\6\6", 4);
      put(tail, 8, 44);
      put(tail, 12, 0);
      put(tail, 8, 2);
      put(tail, 8, field == 0 ? offsets[i] : 2);
      put(tail, 8, field == 1 ? offsets[i] : directory_size);
      put(tail, 8, field == 2 ? offsets[i] : directory);
      g_byte_array_append(tail, (const guint8 *)"PK\6\7", 4);
      put(tail, 4, 0);
      put(tail, 8, field == 3 ? offsets[i] : record);
      put(tail, 4, 1);
      g_byte_array_append(zip.directory, tail->data, tail->len);
      g_byte_array_unref(tail);
      bytes = zip_end(&zip);
      /* Nothing wrong in the last one. One entry too few leaves the storage out. */
      g_assert_cmpint(open_and_touch(bytes, NULL), ==, field == 4);
    }
  g_string_free(pickle, TRUE);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/hostile/tensors", test_tensors);
  g_test_add_func("/hostile/repeated", test_repeated);
  g_test_add_func("/hostile/names", test_names);
  g_test_add_func("/hostile/calls", test_calls);
  g_test_add_func("/hostile/broken-pickles", test_broken_pickles);
  g_test_add_func("/hostile/pickle-bombs", test_pickle_bombs);
  g_test_add_func("/hostile/quadratic", test_quadratic);
  g_test_add_func("/hostile/truncated", test_truncated);
  g_test_add_func("/hostile/flips", test_flips);
  g_test_add_func("/hostile/pickle-flips", test_pickle_flips);
  g_test_add_func("/hostile/zip-lies", test_zip_lies);
  g_test_add_func("/hostile/zip-duplicates", test_zip_duplicates);
  g_test_add_func("/hostile/zip-bombs", test_zip_bombs);
  g_test_add_func("/hostile/zip64", test_zip64);
  return g_test_run();
}
