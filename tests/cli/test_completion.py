#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Completion in shells: the scripts hold every command and option, and bash proposes what it should."""
import pathlib
import re
import shutil
import subprocess
import unittest

import ddim
import tap

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_ddim
printf '%s\\n' "${COMPREPLY[@]}"
"""


def help_options(command):
    """The long options that `ddim COMMAND --help` lists."""
    return set(re.findall(r'(?m)^  (?:-., )?--([a-z0-9-]+)', ddim.run(command, '--help').stdout)) - {'help'}


def help_commands():
    return re.findall(r'(?m)^  ([a-z]+)  ', ddim.run('--help').stdout)


class Completion(ddim.Case):
    def script(self, shell):
        path = self.folder / f'completion.{shell}'
        path.write_text(self.good('--completion', shell).stdout)
        return path

    def ask(self, *words):
        done = subprocess.run(['bash', '-c', ASK, 'ask', self.script('bash'), 'ddim', *words], cwd=self.folder,
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, '')
        return set(done.stdout.split())

    def test_bash_completes_commands_options_choices_and_files(self):
        pathlib.Path(self.folder, 'model.pt').touch()
        self.assertEqual(self.ask('gen'), {'generate'})
        self.assertLessEqual(set(help_commands()), self.ask(''))
        self.assertEqual(self.ask('generate', '--samp'), {'--sampler'})
        self.assertLessEqual({'own', 'ddim', 'ddpm', 'dpm++', 'dpm++sde', 'unipc', 'plms', 'heun'}, self.ask('generate', '--sampler', ''))
        self.assertEqual(self.ask('generate', '--precision', 'f1'), {'f16'})
        self.assertEqual(self.ask('generate', '-m', 'mod'), {'model.pt'})
        self.assertEqual(self.ask('info', 'mod'), {'model.pt'})
        self.assertEqual(self.ask('generate', '--seed', ''), set())

    def test_bash_knows_every_option(self):
        for command in help_commands():
            with self.subTest(command=command):
                self.assertEqual(self.ask(command, '--'), {f'--{name}' for name in help_options(command) | {'help'}})

    def test_zsh_and_fish_name_every_option(self):
        zsh, fish = self.script('zsh').read_text(), self.script('fish').read_text()
        for command in help_commands():
            for name in help_options(command):
                self.assertIn(f"'--{name}[", zsh)
                self.assertRegex(fish, rf"(?m)^complete -c ddim -n '__fish_seen_subcommand_from {command}' -l {name} ")

    def test_shells_take_the_scripts(self):
        for shell in ('zsh', 'fish'):
            with self.subTest(shell=shell):
                if not shutil.which(shell):
                    raise unittest.SkipTest(f'{shell} is not installed')
                subprocess.run([shell, '-n', self.script(shell)], check=True)

    def test_fish_completes_commands_options_and_choices(self):
        if not shutil.which('fish'):
            raise unittest.SkipTest('fish is not installed')
        script = self.script('fish')

        def ask(line):
            done = subprocess.run(['fish', '-c', 'source $argv[1]; complete -C $argv[2]', script, line], capture_output=True,
                                  text=True, check=True, env=ddim.environment(HOME=str(self.folder)))
            return {proposed.split('\t')[0] for proposed in done.stdout.splitlines()}

        self.assertEqual(ask('ddim che'), {'check'})
        self.assertEqual(ask('ddim generate --samp'), {'--sampler'})
        self.assertLessEqual({'own', 'dpm++sde', 'heun'}, ask('ddim generate --sampler '))
        self.assertEqual(ask('ddim tune --bu'), {'--build'})

    def test_other_shells_are_refused(self):
        self.assertIn('bash, zsh or fish', self.refused(2, '--completion', 'tcsh'))
        self.refused(2, '--completion')


if __name__ == '__main__':
    tap.main()
