/* SPDX-License-Identifier: LGPL-3.0-or-later */
/** A program of someone else's: it makes a picture and knows nothing of ddim's source tree, only
 * <ddim/ddim.h> and libddim.
 *
 *   embed CLASS SEED OUT.png */
#include <ddim/ddim.h>
#include <stdio.h>

static gboolean
write_image(const DdimSample *sample, gpointer user_data, GError **error)
{
  g_autoptr(DdimImage) image = ddim_image_new_from_samples(sample->samples, sample->channels,
                                                           sample->height, sample->width, error);

  return image && ddim_image_write_png(image, user_data, NULL, error);
}

static void
show_progress(const DdimProgress *progress, gpointer user_data)
{
  printf("step %u of %u\n", progress->step, progress->n_steps);
}

int
main(int argc, char **argv)
{
  const DdimGeneratorCallbacks callbacks = {.image = write_image, .progress = show_progress};
  g_autoptr(DdimGenerator) generator = ddim_generator_new();
  g_autoptr(DdimRequest) request = ddim_request_new();
  g_autoptr(GError) error = NULL;

  if (argc != 4)
    return 2;
  /* Properties that are not set keep their defaults: the default model, its own size, 25 steps. */
  g_object_set(request, "class", argv[1], "seed", g_ascii_strtoll(argv[2], NULL, 10), "steps", "3",
               NULL);
  if (!ddim_generator_run(generator, request, &callbacks, argv[3], NULL, &error)) {
    fprintf(stderr, "%s\n", error->message);
    return 1;
  }
  return 0;
}
