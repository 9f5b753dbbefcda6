/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "core/diffusion/diffusion.h"
#include "core/data/error.h"
#include "core/diffusion/schedule.h"
#include "golden.h"

static const DdimTable golden_tables[] = {
    DDIM_TABLE_BETAS,
    DDIM_TABLE_ALPHAS_CUMPROD,
    DDIM_TABLE_ALPHAS_CUMPROD_PREV,
    DDIM_TABLE_POSTERIOR_VARIANCE,
    DDIM_TABLE_POSTERIOR_LOG_VARIANCE_CLIPPED,
    DDIM_TABLE_POSTERIOR_MEAN_COEF1,
    DDIM_TABLE_POSTERIOR_MEAN_COEF2,
};

static void
check_golden_row(JsonObject *row)
{
  const char *key = json_object_get_string_member(row, "key");
  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;
  params.noise_schedule = json_object_get_string_member(row, "schedule");
  params.diffusion_steps = (guint)json_object_get_int_member(row, "steps");
  params.timestep_respacing = json_object_get_string_member(row, "respacing");
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimDiffusion) diffusion = ddim_diffusion_new(&params, &error);

  if (json_object_get_boolean_member(row, "error")) {
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    g_assert_null(diffusion);
    return;
  }
  g_assert_no_error(error);
  const guint n = ddim_diffusion_get_num_timesteps(diffusion);
  for (guint k = 0; k < G_N_ELEMENTS(golden_tables); k++) {
    const char *name = ddim_table_get_name(golden_tables[k]);
    g_autoptr(DdimArray) array = golden_array("schedules.npz", "%s_%s", key, name);
    const double *expected = golden_data(array, DDIM_DTYPE_F64, n);
    const double *values = ddim_diffusion_get_table(diffusion, golden_tables[k]);
    for (guint i = 0; i < n; i++)
      if (!(fabs(values[i] - expected[i]) <= 1e-12 * fabs(expected[i])))
        g_error("%s %s[%u]: %.17g, expected %.17g", key, name, i, values[i], expected[i]);
  }
  g_autoptr(DdimArray) array = golden_array("schedules.npz", "%s_timestep_map", key);
  const gint64 *map = golden_data(array, DDIM_DTYPE_I64, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint(ddim_diffusion_get_timestep_map(diffusion)[i], ==, map[i]);
}

static void
test_golden(void)
{
  g_autoptr(JsonNode) root = golden_json("schedules.json");
  JsonArray *rows = json_node_get_array(root);

  g_assert_cmpuint(json_array_get_length(rows), >=, 10);
  for (guint i = 0; i < json_array_get_length(rows); i++)
    check_golden_row(json_array_get_object_element(rows, i));
}

static void
test_betas(void)
{
  g_autoptr(GError) error = NULL;
  g_autofree double *linear = ddim_betas_new("linear", 20, &error);
  g_assert_no_error(error);
  /* 1000/20 times as large as with 1000 steps */
  g_assert_cmpfloat_with_epsilon(linear[0], 0.005, 1e-15);
  g_assert_cmpfloat(linear[19], ==, 1);

  /* The cosine schedule's promise: alphas_cumprod follows f(t)/f(0) until the betas reach 0.999. */
  const guint n = 500;
  g_autofree double *cosine = ddim_betas_new("cosine", n, &error);
  g_assert_no_error(error);
  double alpha_bar = 1;
  const double f0 = pow(cos(0.008 / 1.008 * G_PI_2), 2);
  for (guint i = 0; i + 1 < n; i++) {
    alpha_bar *= 1 - cosine[i];
    g_assert_cmpfloat_with_epsilon(
        alpha_bar, pow(cos(((i + 1.0) / n + 0.008) / 1.008 * G_PI_2), 2) / f0, 1e-12);
  }
  g_assert_cmpfloat(cosine[n - 1], ==, 0.999);

  /* Where Python's ** 2 and x * x differ by more than 1e-12. */
  g_autofree double *long1 = ddim_betas_new("cosine", 8000, &error);
  g_assert_cmpfloat_with_epsilon(long1[484], 4.1782386226985047e-05, 4e-17);
  g_autofree double *long2 = ddim_betas_new("cosine", 6000, &error);
  g_assert_cmpfloat_with_epsilon(long2[310], 4.850454101856805e-05, 4e-17);

  g_autofree double *longest = ddim_betas_new("linear", DDIM_MAX_DIFFUSION_STEPS, &error);
  g_assert_no_error(error);
  g_assert_nonnull(longest);
  g_autofree double *shortest = ddim_betas_new("cosine", 1, &error);
  g_assert_no_error(error);
  g_assert_cmpfloat(shortest[0], ==, 0.999);
}

static void
test_bad_betas(void)
{
  static const struct {
    const char *name;
    guint steps;
    const char *says;
  } rows[] = {
      {"linear", 0, "from 1 to 1000000"},
      {"linear", 1, "at least 20"},
      {"linear", 19, "at least 20"},
      {"linear", DDIM_MAX_DIFFUSION_STEPS + 1, "from 1 to 1000000"},
      {"cosine", 0, "from 1 to 1000000"},
      {"cosine", G_MAXUINT, "from 1 to 1000000"},
      {"Linear", 1000, "expected one of: linear, cosine"},
      {"", 1000, "expected one of: linear, cosine"},
      {NULL, 1000, "expected one of: linear, cosine"},
      {"li\nnear\033[0m", 1000, "\"li\\nnear\\033[0m\""},
  };

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(ddim_betas_new(rows[i].name, rows[i].steps, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    g_assert_nonnull(strstr(error->message, rows[i].says));
  }
}

/* The kept steps as text. */
static char *
spaced(guint steps, const char *spec)
{
  g_autoptr(GError) error = NULL;
  guint count = 0;
  g_autofree guint *kept = ddim_space_timesteps(steps, spec, &count, &error);
  GString *text = g_string_new(NULL);

  g_assert_no_error(error);
  for (guint i = 0; i < count; i++)
    g_string_append_printf(text, i ? " %u" : "%u", kept[i]);
  return g_string_free(text, FALSE);
}

static void
test_specs(void)
{
  /* Worked out by hand from the rule, halves rounding to even. */
  static const struct {
    guint steps;
    const char *spec, *kept;
  } rows[] = {
      {4, "", "0 1 2 3"},
      {4, NULL, "0 1 2 3"},
      {4, "4", "0 1 2 3"},
      {1, "1", "0"},
      {1, "", "0"},
      {9, "1", "0"},
      {6, "3", "0 2 5"}, /* 2.5 -> 2 */
      {8, "3", "0 4 7"}, /* 3.5 -> 4 */
      {10, "4", "0 3 6 9"},
      {10, "2,3", "0 4 5 7 9"},
      {11, "2,2,2", "0 3 4 7 8 10"}, /* sections of 4, 4 and 3 */
      {10, "0,3", "5 7 9"},
      {10, "3,0", "0 2 4"},
      {2, "1,1,0", "0 1"}, /* sections of 1, 1 and 0 */
      {10, " 2 ,\t+3\n", "0 4 5 7 9"},
      {10, "002", "0 9"},
      {10, "ddim10", "0 1 2 3 4 5 6 7 8 9"},
      {10, "ddim5", "0 2 4 6 8"},
      {10, "ddim4", "0 3 6 9"},
      {10, "ddim 2", "0 5"},
      {10, "ddim+2", "0 5"},
      {2, "ddim2", "0 1"},
  };

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *kept = spaced(rows[i].steps, rows[i].spec);
    g_assert_cmpstr(kept, ==, rows[i].kept);
  }
}

static void
test_bad_specs(void)
{
  static const struct {
    guint steps;
    const char *spec, *says;
  } rows[] = {
      {1000, "ddim60", "\"ddim59\" and \"ddim63\""},
      {1000, "ddim400", "\"ddim334\" and \"ddim500\""},
      {1000, "ddim1", "nearest that exists is \"ddim2\""},
      {1000, "ddim0", "nearest that exists is \"ddim2\""},
      {1, "ddim1", "use \"1\""},
      {1000, "ddim1001", "has only 1000"},
      {1000, "ddim", "expected \"N\""},
      {1000, "ddim-50", "\"-50\" is not a number"},
      {1000, "ddim50,50", "\"50,50\" is not a number"},
      {1000, "ddimx", "\"x\" is not a number"},
      {1000, "DDIM50", "\"DDIM50\" is not a number"},
      {1000, " ddim50", "\"ddim50\" is not a number"},
      {1000, "1001", "has only 1000"},
      {1000, "4294967297", "has only 1000"},
      {1000, "18446744073709551617", "has only 1000"},
      {1000, "99999999999999999999999999999999999999999999999999", "has only 1000"},
      {10, "6,2", "section 1 of 2 has 5 of the 10 steps and cannot give 6"},
      {11, "6,6", "section 2 of 2 has 5 of the 11 steps and cannot give 6"},
      {2, "1,1,1", "section 3 of 3 has 0"},
      {1000, "0", "at least 1"},
      {1000, "0,0", "at least 1"},
      {1000, "-0", "not a number"},
      {1000, "-5", "not a number"},
      {1000, "10,-5", "\"-5\" is not a number"},
      {1000, "10,,5", "\"\" is not a number"},
      {1000, "10,", "\"\" is not a number"},
      {1000, ",", "\"\" is not a number"},
      {1000, " ", "\"\" is not a number"},
      {1000, "10.5", "not a number"},
      {1000, "1e2", "not a number"},
      {1000, "0x10", "not a number"},
      {1000, "1_0", "not a number"},
      {1000, "++5", "not a number"},
      {1000, "+ 5", "not a number"},
      {1000, "5 5", "not a number"},
      {1000, "5\n\033[31m", "\"5\\n\\033[31m\""},
      {1000, "\303\251", "\"\\303\\251\""},
      {1000, "\377", "\"\\377\""},
      {0, "", "from 1 to 1000000"},
      {0, "ddim1", "from 1 to 1000000"},
      {DDIM_MAX_DIFFUSION_STEPS + 1, "10", "from 1 to 1000000"},
  };

  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autoptr(GError) error = NULL;
    guint count = 77;
    g_assert_null(ddim_space_timesteps(rows[i].steps, rows[i].spec, &count, &error));
    g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
    if (strstr(error->message, rows[i].says) == NULL)
      g_error("\"%s\" does not say %s", error->message, rows[i].says);
    g_assert_null(strchr(error->message, '\n'));
    g_assert_cmpuint(strlen(error->message), <, 300);
  }
}

/* A spec of a hundred thousand sections is read like any other, and its message stays one line. */
static void
test_long_spec(void)
{
  GString *spec = g_string_new("1");
  g_autoptr(GError) error = NULL;
  guint count;

  for (guint i = 1; i < 100000; i++)
    g_string_append(spec, ",1");
  g_autofree guint *kept = ddim_space_timesteps(100000, spec->str, &count, &error);
  g_assert_no_error(error);
  g_assert_cmpuint(count, ==, 100000);
  g_assert_cmpuint(kept[99999], ==, 99999);

  g_string_append(spec, ",x");
  g_assert_null(ddim_space_timesteps(200000, spec->str, &count, &error));
  g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
  g_assert_cmpuint(strlen(error->message), <, 300);
  g_string_free(spec, TRUE);
}

/* For every N: "ddimN" works exactly when some stride gives N steps, and whatever a refusal
 * proposes works. */
static void
test_every_stride(void)
{
  static const guint totals[] = {2, 3, 7, 50, 100, 257};

  for (guint k = 0; k < G_N_ELEMENTS(totals); k++) {
    const guint total = totals[k];
    for (guint wanted = 0; wanted <= total; wanted++) {
      g_autofree char *spec = g_strdup_printf("ddim%u", wanted);
      g_autoptr(GError) error = NULL;
      guint count, expected_stride = 0;
      for (guint stride = total - 1; stride >= 1; stride--)
        if ((total + stride - 1) / stride == wanted)
          expected_stride = stride;
      g_autofree guint *kept = ddim_space_timesteps(total, spec, &count, &error);
      if (expected_stride != 0) {
        g_assert_no_error(error);
        g_assert_cmpuint(count, ==, wanted);
        for (guint i = 0; i < count; i++)
          g_assert_cmpuint(kept[i], ==, i * expected_stride);
        continue;
      }
      g_assert_error(error, DDIM_ERROR, DDIM_ERROR_ARGUMENT);
      guint proposals = 0;
      for (const char *p = error->message; (p = strstr(p, "\"ddim")) != NULL; p++) {
        g_autofree char *proposal = g_strndup(p + 1, strcspn(p + 1, "\""));
        g_autofree guint *works = ddim_space_timesteps(total, proposal, &count, NULL);
        g_assert_nonnull(works);
        proposals++;
      }
      g_assert_cmpuint(proposals, >=, 1);
    }
  }
}

/* Whatever the counts: as many steps as asked for, increasing, each within its section, ends
 * included. */
static void
test_section_properties(void)
{
  g_autoptr(GRand) rand = g_rand_new_with_seed(1);

  for (guint trial = 0; trial < 500; trial++) {
    const guint sections = (guint)g_rand_int_range(rand, 1, 6);
    const guint total = (guint)g_rand_int_range(rand, 6, 2000);
    guint sizes[6], wanted[6], sum = 0, count;
    g_autoptr(GString) spec = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < sections; i++) {
      sizes[i] = total / sections + (i < total % sections);
      wanted[i] = (guint)g_rand_int_range(rand, 1, (gint32)sizes[i] + 1);
      sum += wanted[i];
      g_string_append_printf(spec, "%s%u", i ? "," : "", wanted[i]);
    }
    g_autofree guint *kept = ddim_space_timesteps(total, spec->str, &count, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(count, ==, sum);
    for (guint i = 1; i < count; i++)
      g_assert_cmpuint(kept[i], >, kept[i - 1]);
    for (guint i = 0, first = 0, start = 0; i < sections; i++) {
      g_assert_cmpuint(kept[first], ==, start);
      if (wanted[i] > 1)
        g_assert_cmpuint(kept[first + wanted[i] - 1], ==, start + sizes[i] - 1);
      first += wanted[i];
      start += sizes[i];
    }
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/schedule/golden", test_golden);
  g_test_add_func("/schedule/betas", test_betas);
  g_test_add_func("/schedule/bad-betas", test_bad_betas);
  g_test_add_func("/schedule/specs", test_specs);
  g_test_add_func("/schedule/bad-specs", test_bad_specs);
  g_test_add_func("/schedule/long-spec", test_long_spec);
  g_test_add_func("/schedule/every-stride", test_every_stride);
  g_test_add_func("/schedule/section-properties", test_section_properties);
  return g_test_run();
}
