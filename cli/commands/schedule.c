/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim schedule`: the tables of a respaced noise schedule, for comparing with other
 * implementations. */

#include <glib/gi18n-lib.h>
#include <stdio.h>

#include "cli/commands/commands.h"
#include "cli/terminal/command.h"
#include "core/diffusion/diffusion.h"
#include "cli/terminal/print.h"

static const DdimTable tables[] = {
    DDIM_TABLE_BETAS,
    DDIM_TABLE_ALPHAS_CUMPROD,
    DDIM_TABLE_ALPHAS_CUMPROD_PREV,
    DDIM_TABLE_POSTERIOR_VARIANCE,
    DDIM_TABLE_POSTERIOR_LOG_VARIANCE_CLIPPED,
    DDIM_TABLE_POSTERIOR_MEAN_COEF1,
    DDIM_TABLE_POSTERIOR_MEAN_COEF2,
};

/* 17 significant digits are enough to restore every float64. The decimal point is the same in every
 * language. */
static void
append_double(GString *out, double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append(out, g_ascii_formatd(buffer, sizeof buffer, "%.17g", value));
}

static void
append_json(GString *out, const DdimDiffusion *diffusion)
{
  guint n = ddim_diffusion_get_num_timesteps(diffusion);
  const guint *map = ddim_diffusion_get_timestep_map(diffusion);

  g_string_append(out, "{\n");
  for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
    const double *values = ddim_diffusion_get_table(diffusion, tables[i]);
    g_string_append_printf(out, "\"%s\": [", ddim_table_get_name(tables[i]));
    for (guint t = 0; t < n; t++) {
      g_string_append(out, t ? ", " : "");
      append_double(out, values[t]);
    }
    g_string_append(out, "],\n");
  }
  g_string_append(out, "\"timestep_map\": [");
  for (guint t = 0; t < n; t++)
    g_string_append_printf(out, "%s%u", t ? ", " : "", map[t]);
  g_string_append(out, "]\n}\n");
}

static void
append_csv(GString *out, const DdimDiffusion *diffusion)
{
  guint n = ddim_diffusion_get_num_timesteps(diffusion);
  const guint *map = ddim_diffusion_get_timestep_map(diffusion);

  for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
    g_string_append_printf(out, "%s,", ddim_table_get_name(tables[i]));
  g_string_append(out, "timestep_map\n");
  for (guint t = 0; t < n; t++) {
    for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
      append_double(out, ddim_diffusion_get_table(diffusion, tables[i])[t]);
      g_string_append_c(out, ',');
    }
    g_string_append_printf(out, "%u\n", map[t]);
  }
}

static int
print_schedule(const DdimDiffusionParams *params, gboolean csv)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimDiffusion) diffusion = ddim_diffusion_new(params, &error);
  g_autoptr(GString) out = g_string_new(NULL);

  if (!diffusion)
    return ddim_cli_fail(error);
  if (csv)
    append_csv(out, diffusion);
  else
    append_json(out, diffusion);
  return ddim_cli_print(out->str);
}

int
ddim_cmd_schedule(DdimCli *cli, int argc, char **argv)
{
  g_autofree char *schedule = NULL, *steps = NULL, *format = NULL;
  int diffusion_steps = 1000;
  const GOptionEntry entries[] = {
      {"noise-schedule", 0, 0, G_OPTION_ARG_STRING, &schedule,
       N_("linear, cosine, quad, const, jsd or sigmoid (default: linear)"), N_("NAME")},
      {"diffusion-steps", 0, 0, G_OPTION_ARG_INT, &diffusion_steps,
       N_("steps of the training (default: 1000)"), "T"},
      {"steps", 0, 0, G_OPTION_ARG_STRING, &steps,
       N_("which of them to keep: 'N', 'A,B,C', 'ddimN', 'uniform:N' or 'quad:N' (default: all)"),
       N_("SPEC")},
      {"format", 0, 0, G_OPTION_ARG_STRING, &format, N_("json or csv (default: json)"), "json|csv"},
      G_OPTION_ENTRY_NULL};
  const DdimHelp help = {
      .description =
          N_("Print the tables of a noise schedule, float64 with 17 significant digits: betas, "
             "alphas_cumprod, alphas_cumprod_prev, posterior_variance, "
             "posterior_log_variance_clipped, posterior_mean_coef1, posterior_mean_coef2 and "
             "timestep_map, with the meaning that improved-diffusion gives them."),
      .examples = "ddim schedule --noise-schedule cosine --diffusion-steps 4000 --steps 250\n"
                  "ddim schedule --steps ddim50 --format csv > schedule.csv"};
  int code;

  if (!ddim_cli_parse(cli, &help, entries, NULL, &argc, &argv, &code))
    return code;
  if (format && !g_str_equal(format, "json") && !g_str_equal(format, "csv"))
    return ddim_cli_usage(_("--format: '%s' is none of: json, csv"), format);
  if (diffusion_steps < 1)
    return ddim_cli_usage(_("--diffusion-steps: %d is not valid; expected at least 1"),
                          diffusion_steps);
  DdimDiffusionParams params = DDIM_DIFFUSION_PARAMS_INIT;
  params.diffusion_steps = diffusion_steps;
  if (schedule)
    params.noise_schedule = schedule;
  if (steps)
    params.timestep_respacing = steps;
  return print_schedule(&params, format && g_str_equal(format, "csv"));
}
