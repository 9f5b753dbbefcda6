/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/progress.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/terminal/command.h"
#include "core/data/printable.h"

/* Without a terminal, what is being done is told at most once in this time, and not at all if the
 * whole work takes no longer. */
#define PATIENCE G_USEC_PER_SEC
/* The bar is redrawn at most once in this time. */
#define REDRAW_INTERVAL (G_USEC_PER_SEC / 25)

struct _DdimBar {
  DdimVerbosity verbosity;
  gboolean terminal;
  gboolean shown; /* something without a line end is on the screen */
  gint64 drawn;   /* when it was drawn */
  char *what;     /* the last status that was told without a terminal */
  gint64 told;    /* when that was, or when the bar was made */
};

DdimBar *
ddim_bar_new(DdimVerbosity verbosity)
{
  DdimBar *bar = g_new0(DdimBar, 1);
  const char *term = g_getenv("TERM");

  bar->verbosity = verbosity;
  bar->told = g_get_monotonic_time();
  bar->terminal = isatty(STDERR_FILENO) && g_strcmp0(term, "dumb") != 0;
  return bar;
}

static void
clear(DdimBar *bar)
{
  if (bar->shown)
    fputs("\r\033[K", stderr);
  bar->shown = FALSE;
}

void
ddim_bar_free(DdimBar *bar)
{
  if (!bar)
    return;
  clear(bar);
  g_free(bar->what);
  g_free(bar);
}

gboolean
ddim_bar_is_terminal(DdimBar *bar)
{
  return bar->terminal;
}

static guint
columns(void)
{
  struct winsize size;

  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

/* "[=====>    ]" in @width columns. */
static void
append_bar(GString *line, double fraction, guint width)
{
  guint done = CLAMP(fraction, 0, 1) * (width - 2) + 0.5;

  g_string_append_c(line, '[');
  for (guint i = 0; i < width - 2; i++)
    g_string_append_c(line, i < done ? '=' : i == done ? '>' : ' ');
  g_string_append_c(line, ']');
}

/* The bar takes the part of the line that @what leaves free. */
static void
draw(DdimBar *bar, double fraction, const char *what)
{
  g_autoptr(GString) line = g_string_new(NULL);
  g_autofree char *text = ddim_printable(what);
  int width = (int)columns() - 1; /* a full line would wrap on some terminals */
  int room = width - 1 - (int)g_utf8_strlen(text, -1);
  g_autofree char *shown = room < 0 ? g_utf8_substring(text, 0, width) : g_strdup(text);

  if (fraction >= 0 && room >= 10) {
    append_bar(line, fraction, MIN(room, 40));
    g_string_append_c(line, ' ');
  }
  /* Texts cannot move the cursor: g_printerr() removes the characters for that. */
  fputs("\r", stderr);
  g_printerr("%s%s", line->str, shown);
  fputs("\033[K", stderr);
  bar->shown = TRUE;
  bar->drawn = g_get_monotonic_time();
}

void
ddim_bar_status(DdimBar *bar, const char *what, double fraction)
{
  gint64 now = g_get_monotonic_time();
  g_autofree char *clean = NULL, *text = NULL;

  if (bar->verbosity == DDIM_QUIET)
    return;
  clean = ddim_printable(what);
  text = g_strconcat(clean, " ...", NULL);
  if (bar->terminal) {
    draw(bar, fraction, text);
  } else if (g_strcmp0(bar->what, what) != 0 &&
             (now - bar->told > PATIENCE || bar->verbosity == DDIM_VERBOSE)) {
    g_printerr("%s\n", text);
    g_free(bar->what);
    bar->what = g_strdup(what);
    bar->told = now;
  }
}

static char *
format_time(double seconds)
{
  guint64 s = seconds + 0.5;

  if (s >= 3600)
    return g_strdup_printf("%" G_GUINT64_FORMAT ":%02u:%02u", s / 3600, (guint)(s / 60 % 60),
                           (guint)(s % 60));
  return g_strdup_printf("%u:%02u", (guint)(s / 60), (guint)(s % 60));
}

/* The speed that the time left is based on, in a unit that gives a readable number. */
static char *
format_rate(const DdimProgress *progress)
{
  double images = (1 - progress->fraction) * progress->n_images;
  double rate = progress->remaining > 0 ? images / progress->remaining : 0;

  if (rate <= 0)
    return g_strdup("");
  if (rate >= 1)
    return g_strdup_printf(_(", %.1f images/s"), rate);
  return g_strdup_printf(_(", %.1f s/image"), 1 / rate);
}

void
ddim_bar_on_status(const char *what, double fraction, gpointer bar)
{
  ddim_bar_status(bar, what, fraction);
}

void
ddim_bar_progress(DdimBar *bar, const DdimProgress *progress)
{
  g_autofree char *rate = NULL, *left = NULL, *text = NULL;
  gboolean last = progress->step == progress->n_steps;

  if (bar->verbosity == DDIM_QUIET || !bar->terminal ||
      (!last && g_get_monotonic_time() - bar->drawn < REDRAW_INTERVAL))
    return;
  rate = format_rate(progress);
  left = progress->remaining < 0 ? g_strdup("?") : format_time(progress->remaining);
  /* Translators: step of steps, images finished of all, rate (", 3.1 images/s" or empty), time as
   * 1:23 */
  text = g_strdup_printf(_("step %u/%u, images %u/%u%s, %s left"), progress->step,
                         progress->n_steps, progress->image, progress->n_images, rate, left);
  draw(bar, progress->fraction, text);
}

void
ddim_bar_say(DdimBar *bar, DdimVerbosity level, const char *format, ...)
{
  g_autofree char *text = NULL, *clean = NULL;
  va_list args;

  if (bar->verbosity < level)
    return;
  va_start(args, format);
  text = g_strdup_vprintf(format, args);
  va_end(args);
  clean = ddim_printable(text);
  clear(bar);
  g_printerr("%s\n", clean);
}

void
ddim_bar_warn(DdimBar *bar, const char *message)
{
  if (!message || bar->verbosity == DDIM_QUIET)
    return;
  clear(bar);
  ddim_cli_warn("%s", message);
}

void
ddim_bar_on_message(const char *message, gpointer bar)
{
  ddim_bar_warn(bar, message);
}
