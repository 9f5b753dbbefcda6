#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""metainfo.py TEMPLATE CHANGELOG: print AppStream's metainfo with release notes, made from CHANGELOG.md.

A section "## VERSION (YYYY-MM-DD)" becomes a release, with its paragraphs and lists. Sections without a date are not
released yet and are left out.
"""
import re
import sys
from xml.sax.saxutils import escape


def plain(text):
    """One line of Markdown as text: no code marks, no emphasis, no links."""
    text = re.sub(r'\[([^]]*)\]\([^)]*\)', r'\1', ' '.join(text.split()))
    text = re.sub(r'(?<!\S)\*(\S[^*]*)\*', r'\1', text)
    return escape(text.replace('`', ''))


def blocks(section):
    """Paragraphs and lists, as ('p', text) and ('ul', [text…])."""
    for block in re.split(r'\n\s*\n', section.strip()):
        if block.startswith('- '):
            yield 'ul', re.split(r'\n- ', block[2:])
        elif block:
            yield 'p', block


def description(section):
    lines = []
    for kind, content in blocks(section):
        if kind == 'p':
            lines.append(f'        <p>{plain(content)}</p>')
        else:
            lines += ['        <ul>', *(f'          <li>{plain(item)}</li>' for item in content), '        </ul>']
    return '\n'.join(lines)


def releases(changelog):
    sections = re.split(r'^## +', changelog, flags=re.MULTILINE)[1:]
    for section in sections:
        title, _, rest = section.partition('\n')
        match = re.fullmatch(r'(\S+) \((\d{4}-\d{2}-\d{2})\)', title.strip())
        if match:
            yield (f'    <release version="{match[1]}" date="{match[2]}">\n      <description>\n{description(rest)}\n'
                   '      </description>\n    </release>')


def main(template, changelog):
    with open(template, encoding='utf-8') as file:
        text = file.read()
    with open(changelog, encoding='utf-8') as file:
        notes = '\n'.join(releases(file.read()))
    sys.stdout.reconfigure(encoding='utf-8')
    print(text.replace('@RELEASES@', f'<releases>\n{notes}\n  </releases>'), end='')


if __name__ == '__main__':
    main(*sys.argv[1:])
