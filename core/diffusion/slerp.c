/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "core/diffusion/slerp.h"

#include <math.h>
#include <string.h>

static double
dot(const float *a, const float *b, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (double)a[i] * b[i];
  return sum;
}

/* The angle from the lengths of the sum and the difference of unit vectors: also exact where it is
 * small, or near pi. */
static double
get_angle(const float *a, double norm_a, const float *b, double norm_b, gsize n)
{
  double sum = 0, difference = 0;

  for (gsize i = 0; i < n; i++) {
    const double p = a[i] / norm_a, q = b[i] / norm_b;
    sum += (p + q) * (p + q);
    difference += (p - q) * (p - q);
  }
  return 2 * atan2(sqrt(difference), sqrt(sum));
}

gboolean
ddim_slerp(const float *a, const float *b, gsize n, double place, float *out)
{
  const double norm_a = sqrt(dot(a, a, n)), norm_b = sqrt(dot(b, b, n));
  const double angle = norm_a > 0 && norm_b > 0 ? get_angle(a, norm_a, b, norm_b, n) : G_PI;
  const double norm = (1 - place) * norm_a + place * norm_b;
  double weight_a = 1 - place, weight_b = place; /* of the unit vectors, for a tiny angle */

  if (G_PI - angle < 1e-6)
    return FALSE;
  if (place == 0 || place == 1) {
    memmove(out, place == 0 ? a : b, n * sizeof *out);
    return TRUE;
  }
  if (angle > 1e-9) {
    weight_a = sin((1 - place) * angle) / sin(angle);
    weight_b = sin(place * angle) / sin(angle);
  }
  for (gsize i = 0; i < n; i++)
    out[i] = (float)(norm * (weight_a * a[i] / norm_a + weight_b * b[i] / norm_b));
  return TRUE;
}
