#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""catalogs.py check|update: whether the translations hold every message of the sources; or bring them up to date.

`update` lists the sources in POTFILES and merges their messages into each language's catalog; what is new there is empty
and what changed is marked fuzzy: translate these. `check` fails while POTFILES is not complete, a message is missing,
untranslated or fuzzy, or a translation's format does not fit, and prints TAP.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

PO = pathlib.Path(__file__).resolve().parent
ROOT = PO.parent
FOLDERS = ('cli', 'core', 'opencl', 'plugin')
MARKED = re.compile(r'\b(?:_|N_|C_|NC_|g_dngettext|ngettext)\s*\(')
# As meson's preset "glib" has them.
KEYWORDS = ('_', 'N_', 'C_:1c,2', 'NC_:1c,2', 'g_dngettext:2,3', 'ngettext:1,2')


def sources():
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob('*') if path.suffix in ('.c', '.h'))
    return sorted(str(path.relative_to(ROOT)) for path in files if MARKED.search(path.read_text()))


def listed():
    return [line for line in (PO / 'POTFILES').read_text().splitlines() if line and not line.startswith('#')]


def languages():
    return (PO / 'LINGUAS').read_text().split()


def run(*command):
    return subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False)


def extract(template):
    done = run('xgettext', '--from-code=UTF-8', '--language=C', '--no-location', '--package-name=ddim',
               *(f'--keyword={keyword}' for keyword in KEYWORDS), f'--output={template}', *sources())
    if done.returncode:
        raise SystemExit(done.stderr)


def update():
    head = '# Sources with messages to translate; po/catalogs.py update writes this.\n'
    (PO / 'POTFILES').write_text(head + '\n'.join(sources()) + '\n')
    with tempfile.TemporaryDirectory() as folder:
        template = pathlib.Path(folder) / 'ddim.pot'
        extract(template)
        for language in languages():
            done = run('msgmerge', '--quiet', '--update', '--backup=none', '--no-location', PO / f'{language}.po', template)
            counts = run('msgfmt', '--statistics', '--output-file=/dev/null', PO / f'{language}.po')
            print(f'{language}: {done.stderr}{counts.stderr.strip()}')


def problems_of(language, template):
    """What keeps a catalog from being complete, one line each."""
    catalog = PO / f'{language}.po'
    done = run('msgfmt', '--check', '--output-file=/dev/null', catalog)
    yield from done.stderr.splitlines() if done.returncode else ()
    done = run('msgcmp', '--no-fuzzy-matching', catalog, template)  # also finds fuzzy and untranslated messages
    yield from done.stderr.splitlines() if done.returncode else ()


def check():
    """Print TAP; the exit status."""
    results = [('POTFILES', sorted(set(sources()) ^ set(listed())))]
    with tempfile.TemporaryDirectory() as folder:
        template = pathlib.Path(folder) / 'ddim.pot'
        extract(template)
        results += [(language, list(problems_of(language, template))) for language in languages()]
    for number, (name, problems) in enumerate(results, 1):
        for problem in problems[:10]:
            print(f'# {problem}')
        if len(problems) > 10:
            print(f'# and {len(problems) - 10} lines more')
        print(f"{'not ok' if problems else 'ok'} {number} - {name} is up to date")
    print(f'1..{len(results)}')
    failed = any(problems for _, problems in results)
    if failed:
        print('# run po/catalogs.py update, then translate what is new')
    return int(failed)


if __name__ == '__main__':
    if sys.argv[1:] == ['check']:
        sys.exit(check())
    if sys.argv[1:] != ['update']:
        sys.exit(__doc__)
    update()
