/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Which family a state dict belongs to; and if to none, what it holds instead. */

#include "core/model/family.h"
#include "core/model/unetmodel.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/checkpoint/checkpoint-tensors.h"
#include "core/data/error.h"

/* Tensor names that only one kind of file has. The first that is there decides. */
static const struct {
  const char *tensor, *kind;
} others[] = {
    {"model.diffusion_model.input_blocks.0.0.weight", N_("a latent diffusion model")},
    {"input_blocks.1.1.transformer_blocks.0.norm1.weight", N_("a UNet with text attention")},
    {"first_stage_model.encoder.conv_in.weight", N_("a latent diffusion model")},
    {"encoder.conv_in.weight", N_("an autoencoder")},
};

/* What stands in front of "input_blocks." in the names of a wrapped UNet. (transfer full) */
static char *
find_wrapper(DdimCheckpoint *checkpoint)
{
  const guint n = ddim_checkpoint_get_n_tensors(checkpoint);

  for (guint i = 0; i < n; i++) {
    const char *name = ddim_checkpoint_get_tensor(checkpoint, i)->name;
    for (const char *dot = name; (dot = strchr(dot, '.')); dot++)
      if (strncmp(dot, ".input_blocks.", strlen(".input_blocks.")) == 0)
        return g_strndup(name, dot + 1 - name);
  }
  return NULL;
}

/* What a file of no family holds, with the tensor that tells. (transfer full) */
static char *
describe_other(DdimCheckpoint *checkpoint)
{
  for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
    if (ddim_checkpoint_lookup(checkpoint, others[i].tensor))
      return g_strdup_printf(_("%s (it has “%s”)"), _(others[i].kind), others[i].tensor);
  if (ddim_encoder_recognise(checkpoint))
    return g_strdup(_("a classifier, EncoderUNetModel (it has input_blocks but no output_blocks), "
                      "which goes with a model: give it as --classifier"));
  g_autofree char *wrapper = find_wrapper(checkpoint);
  if (wrapper)
    return g_strdup_printf(
        _("a UNet wrapped in something else (its tensors' names begin with “%s”)"), wrapper);
  if (ddim_checkpoint_get_n_tensors(checkpoint) == 0)
    return g_strdup(_("no tensors"));
  return g_strdup_printf(_("%s (it has “%s”)"), _("an unknown model"),
                         ddim_checkpoint_get_tensor(checkpoint, 0)->name);
}

static char *
join_names(const DdimFamily *const *families)
{
  g_autoptr(GString) names = g_string_new(NULL);

  for (guint i = 0; families[i]; i++)
    g_string_append_printf(names, "%s%s", i ? ", " : "", families[i]->name);
  return g_string_free(g_steal_pointer(&names), FALSE);
}

const DdimFamily *
ddim_family_recognise(const DdimFamily *const *families, DdimCheckpoint *checkpoint,
                      const char *const *stated, GError **error)
{
  for (guint i = 0; families[i]; i++)
    if (families[i]->recognise(checkpoint, stated))
      return families[i];

  g_autofree char *kind = describe_other(checkpoint);
  g_autofree char *names = join_names(families);
  if (families[0] && families[0]->classifies) {
    g_set_error(
        error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
        ddim_unetmodel_recognise(checkpoint)
            ? _("“%1$s” holds a model that makes pictures, which is given as --model; expected "
                "is a classifier of %2$s (EncoderUNetModel)")
            : _("“%1$s” holds %3$s; expected is a classifier of %2$s (EncoderUNetModel)"),
        ddim_checkpoint_get_path(checkpoint), names, kind);
    return NULL;
  }
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
              _("“%s” holds %s; supported are the UNets of %s"),
              ddim_checkpoint_get_path(checkpoint), kind, names);
  return NULL;
}
