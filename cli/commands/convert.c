/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* `ddim convert`: a checkpoint as one self-describing .safetensors file. */

#include "cli/commands/commands.h"
#include "cli/terminal/command.h"

#include <glib/gi18n-lib.h>
#include <sys/stat.h>

#include "core/checkpoint/checkpoint-tensors.h"
#include "core/checkpoint/safetensors-write.h"
#include "core/data/printable.h"
#include "core/model/config-details.h"
#include "core/model/models.h"
#include "cli/terminal/print.h"

static gboolean
is_same_file(const char *a, const char *b)
{
  struct stat first, second;

  return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

static char *
summarize(DdimCheckpoint *checkpoint, DdimConfig *config, const char *out, gboolean half)
{
  struct stat status;
  gsize parameters = 0;

  for (guint i = 0; i < ddim_checkpoint_get_n_tensors(checkpoint); i++)
    parameters += ddim_tensor_count(ddim_checkpoint_get_tensor(checkpoint, i));
  g_autofree char *before = g_format_size(ddim_checkpoint_get_file_size(checkpoint));
  g_autofree char *after = g_format_size(stat(out, &status) == 0 ? status.st_size : 0);
  g_autofree char *shown = ddim_printable(out);
  g_autofree char *name = ddim_printable(ddim_config_get_name(config));
  /* Translators: file, model, number of parameters, number format, size of this file, of the
   * original one. */
  return g_strdup_printf(_("%s: %s, %.1f million parameters as %s, %s (was %s)\n"), shown, name,
                         parameters / 1e6, half ? "F16" : "F32", after, before);
}

static int
convert(const char *in, const char *out, gboolean half, const char *flags)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(DdimCheckpoint) checkpoint = ddim_checkpoint_open(in, &error);
  g_autoptr(DdimConfig) config =
      checkpoint ? ddim_config_load_any(checkpoint, flags, &error) : NULL;

  if (!config)
    return ddim_cli_fail(error);
  g_autoptr(GHashTable) metadata = ddim_config_to_metadata(config);
  DdimCheckpointSaveParams params = {.half = half, .metadata = metadata};
  if (!ddim_checkpoint_save(checkpoint, out, &params, &error))
    return ddim_cli_fail(error);
  g_autofree char *summary = summarize(checkpoint, config, out, half);
  return ddim_cli_print_text(summary);
}

int
ddim_cmd_convert(DdimCli *cli, int argc, char **argv)
{
  g_autofree char *flags = NULL, *in = NULL;
  g_autoptr(GError) error = NULL;
  gboolean half = FALSE;
  const GOptionEntry entries[] = {
      {"half", 0, 0, G_OPTION_ARG_NONE, &half,
       N_("store the weights with half the bytes (float16)"), NULL},
      {"flags", 0, 0, G_OPTION_ARG_STRING, &flags,
       N_("improved-diffusion's MODEL_FLAGS and DIFFUSION_FLAGS of this checkpoint, or a "
          "classifier's CLASSIFIER_FLAGS"),
       N_("FLAGS")},
      G_OPTION_ENTRY_NULL};
  const DdimHelp help = {
      .arguments = N_("IN OUT.safetensors"),
      .min_args = 2,
      .max_args = 2,
      .description =
          N_("Write the checkpoint IN, a file, a folder of diffusers or the name of a model, as "
             ".safetensors with its whole "
             "configuration inside, so that it needs neither flags nor a .json file any more."),
      .examples = "ddim convert ema_0.9999_500000.pt birds.safetensors --flags \"--image_size 64 "
                  "--num_heads 4 "
                  "--noise_schedule cosine\"\n"
                  "ddim convert --half cifar10_uncond_50M_500K.pt cifar10.safetensors"};
  int code;

  if (!ddim_cli_parse(cli, &help, entries, NULL, &argc, &argv, &code))
    return code;
  if (!g_str_has_suffix(argv[2], ".safetensors"))
    return ddim_cli_usage(_("“%s”: the name of the new file must end in .safetensors"), argv[2]);
  in = ddim_models_find(argv[1], NULL, &error);
  if (!in)
    return ddim_cli_fail(error);
  if (is_same_file(in, argv[2]))
    return ddim_cli_usage(_("“%s” is the file to convert; give the new one another name"), argv[2]);
  return convert(in, argv[2], half, flags);
}
