/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Which program a state dict belongs to, told by the names of its tensors. */

#include "core/model/config-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include "core/data/error.h"

/* Tensor names that only one kind of file has. The first that is there decides. */
static const struct {
  const char *tensor, *kind;
} others[] = {
    {"down_blocks.0.resnets.0.norm1.weight", N_("a UNet2DModel of diffusers")},
    {"time_embedding.linear_1.weight", N_("a UNet2DModel of diffusers")},
    {"temb.dense.0.weight", N_("a model of ermongroup/ddim")},
    {"down.0.block.0.norm1.weight", N_("a model of ermongroup/ddim")},
    {"model.diffusion_model.input_blocks.0.0.weight", N_("a latent diffusion model")},
    {"input_blocks.1.1.transformer_blocks.0.norm1.weight", N_("a UNet with text attention")},
    {"first_stage_model.encoder.conv_in.weight", N_("a latent diffusion model")},
    {"encoder.conv_in.weight", N_("an autoencoder")},
};

static const char *const our_modules[] = {"time_embed.",   "label_emb.",     "input_blocks.",
                                          "middle_block.", "output_blocks.", "out."};

gboolean
ddim_layout_is_ours(const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(our_modules); i++)
    if (g_str_has_prefix(name, our_modules[i]))
      return TRUE;
  return FALSE;
}

typedef struct {
  guint ours, inputs, outputs;
  char *wrapper; /* the prefix before "input_blocks." in wrapped state dicts */
} Census;

static void
take_census(DdimCheckpoint *checkpoint, Census *census)
{
  guint n = ddim_checkpoint_get_n_tensors(checkpoint);

  for (guint i = 0; i < n; i++) {
    const char *name = ddim_checkpoint_get_tensor(checkpoint, i)->name;
    const char *inner = strstr(name, ".input_blocks.");
    census->ours += ddim_layout_is_ours(name);
    census->inputs += g_str_has_prefix(name, "input_blocks.");
    census->outputs += g_str_has_prefix(name, "output_blocks.");
    if (inner && !census->wrapper)
      census->wrapper = g_strndup(name, inner + 1 - name);
  }
}

/* What the file holds instead of a UNet of improved-diffusion, with the tensor that tells; NULL
 * when it may be one. */
static char *
find_other_kind(DdimCheckpoint *checkpoint)
{
  guint n = ddim_checkpoint_get_n_tensors(checkpoint);
  Census census = {0};

  for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
    if (ddim_checkpoint_lookup(checkpoint, others[i].tensor))
      return g_strdup_printf(_("%s (it has “%s”)"), _(others[i].kind), others[i].tensor);

  take_census(checkpoint, &census);
  g_autofree char *wrapper = census.wrapper;
  if (census.inputs && !census.outputs &&
      ddim_checkpoint_lookup(checkpoint, "middle_block.0.in_layers.0.weight") &&
      !ddim_checkpoint_lookup(checkpoint, "out.2.bias"))
    return g_strdup(_("a classifier, EncoderUNetModel (it has input_blocks but no output_blocks)"));
  if (census.ours == 0 && wrapper)
    return g_strdup_printf(
        _("a UNet wrapped in something else (its tensors' names begin with “%s”)"), wrapper);
  if (census.inputs + census.outputs > 0)
    return NULL;
  if (n == 0)
    return g_strdup(_("no tensors"));
  return g_strdup_printf(_("an unknown model (no “input_blocks.0.0.weight”, but “%s”)"),
                         ddim_checkpoint_get_tensor(checkpoint, 0)->name);
}

gboolean
ddim_layout_check(DdimCheckpoint *checkpoint, GError **error)
{
  g_autofree char *kind = find_other_kind(checkpoint);

  if (!kind)
    return TRUE;
  g_set_error(error, DDIM_ERROR, DDIM_ERROR_UNSUPPORTED,
              _("“%s” holds %s; supported are the UNets of improved-diffusion "
                "and guided-diffusion"),
              ddim_checkpoint_get_path(checkpoint), kind);
  return FALSE;
}
