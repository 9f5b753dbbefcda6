/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "cli/terminal/usage.h"

#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

double
ddim_usage_seconds_since_start(void)
{
  g_autofree char *stat = NULL;
  g_auto(GStrv) fields = NULL;
  struct timespec now;
  const char *after_name;

  /* Field 22, in clock ticks since boot; the 2nd, the program's name, may hold spaces. */
  if (!g_file_get_contents("/proc/self/stat", &stat, NULL, NULL) ||
      !(after_name = strrchr(stat, ')')) || clock_gettime(CLOCK_BOOTTIME, &now) != 0)
    return 0;
  fields = g_strsplit(after_name + 1, " ", -1);
  if (g_strv_length(fields) < 21)
    return 0;
  return now.tv_sec + now.tv_nsec * 1e-9 -
         g_ascii_strtoull(fields[20], NULL, 10) / (double)sysconf(_SC_CLK_TCK);
}

guint64
ddim_usage_peak_rss(void)
{
  g_autofree char *status = NULL;
  struct rusage usage;
  const char *line;

  /* getrusage() also counts the process that started this one, when it did so with vfork(). */
  if (g_file_get_contents("/proc/self/status", &status, NULL, NULL) &&
      (line = strstr(status, "\nVmHWM:")))
    return g_ascii_strtoull(line + strlen("\nVmHWM:"), NULL, 10) * 1024;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss * G_GUINT64_CONSTANT(1024) : 0;
}
