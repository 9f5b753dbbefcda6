/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Pickles made to harm: whatever they hold, opening them gives an error or tensors that can be
 * read. */
#include "hostile.h"

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
      {"", "(", "t.", 1, DDIM_ERROR_FORMAT},
      {"N", "2", ".", 1, DDIM_ERROR_FORMAT},
      {"N", "\x94", ".", 1, DDIM_ERROR_FORMAT},
      {"N", "\x85", ".", 1, DDIM_ERROR_FORMAT},
      {"]q\1", "h\1a", ".", 3, DDIM_ERROR_FORMAT},
      {"}q\1", "h\1h\1s", ".", 5, DDIM_ERROR_FORMAT},
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

/* Flipped bits in the pickle itself, with the checksum corrected, so that the pickle reader sees
 * them. */
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

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/hostile-pickle/tensors", test_tensors);
  g_test_add_func("/hostile-pickle/repeated", test_repeated);
  g_test_add_func("/hostile-pickle/names", test_names);
  g_test_add_func("/hostile-pickle/calls", test_calls);
  g_test_add_func("/hostile-pickle/broken-pickles", test_broken_pickles);
  g_test_add_func("/hostile-pickle/pickle-bombs", test_pickle_bombs);
  g_test_add_func("/hostile-pickle/quadratic", test_quadratic);
  g_test_add_func("/hostile-pickle/pickle-flips", test_pickle_flips);
  return g_test_run();
}
