# SPDX-License-Identifier: LGPL-3.0-or-later
"""Which calls the library fail.c makes fail.

A command makes thousands of calls, but from a few hundred places in the program, each a whole stack. What follows a failure is
decided by that stack, and by whether the call is the first, one in the middle or the last. So from each place its first, its second
and its last call fail: alone, and together with all later calls of the function from anywhere. The short form takes some
of these, evenly; DDIM_TORTURE=all takes all, DDIM_TORTURE=N at most N for each function.
"""
import os

LIBRARY = os.environ.get('DDIM_FAIL_LIBRARY')  # None where a sanitizer takes no library before its own


def wanted(few):
    """How many calls of each function fail: @few, unless the environment says another number; None for all."""
    asked = os.environ.get('DDIM_TORTURE', few)
    return None if asked == 'all' else int(asked)


def record(path):
    """The environment in which nothing fails and @path becomes the list of places."""
    return {'LD_PRELOAD': LIBRARY, 'DDIM_FAIL_CALL': 'none', 'DDIM_FAIL_SITES': str(path)}


def places(path, function, limit):
    """Of the list of places @path, those that call @function, as environments with names; some when there is a @limit."""
    found = []
    for line in path.read_text().splitlines():
        name, site, count = line.split()
        if name == function:
            found += [{'DDIM_FAIL_CALL': name, 'DDIM_FAIL_SITE': site, 'DDIM_FAIL_AT': str(at)}
                      for at in sorted({1, min(2, int(count)), int(count)})]
    if limit is None or len(found) <= limit:
        return found
    return [found[i * (len(found) - 1) // max(limit - 1, 1)] for i in range(limit)]
