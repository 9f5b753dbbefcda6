#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""The command itself: help, version, exit codes, sub-commands that need no device."""
import json
import pathlib

import ddim
import tap

COMMANDS = ['generate', 'join', 'models', 'info', 'convert', 'devices', 'check', 'bench', 'tune', 'predict', 'classify',
            'schedule', 'noise']


class Help(ddim.Case):
    def test_overview_names_every_command(self):
        text = self.good('--help').stdout
        for command in COMMANDS:
            self.assertRegex(text, rf'(?m)^  {command} ')
        self.assertEqual(self.good('help').stdout, text)

    def test_each_command_has_help_with_examples(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                text = self.good(command, '--help').stdout
                self.assertIn(f'ddim {command}', text)
                self.assertIn('Examples:', text)
                self.assertEqual(self.good('help', command).stdout, text)

    def test_generate_has_every_option(self):
        text = self.good('generate', '--help').stdout
        for option in ['-m, --model=', '-o, --output=', '-n, --count=', '--batch=', '--size=WxH', '--steps=', '--sampler=',
                       '--eta=', '--seed=', '--rng=', '--class=', '--flags=', '--init-noise=', '--low-res=', '--grid',
                       '--device=', '--no-clip', '--json', '-q, --quiet', '-v, --verbose', '--model-path=',
                       '--precision=']:
            self.assertIn(option, text)

    def test_manual_page_names_what_help_names(self):
        page = self.good('--man').stdout.replace('\\-', '-')
        for command in COMMANDS:
            self.assertIn(f'ddim {command}', page)
        for option in ['--init-noise', '--diffusion-steps', '--draws', '--timesteps']:
            self.assertIn(option, page)

    def test_version(self):
        """The version in the first line, and those of libraries. No driver is loaded, so a broken one does no harm."""
        shown = self.good('--version', env={'OCL_ICD_VENDORS': str(self.folder / 'no-such-folder')}).stdout
        self.assertRegex(shown, r'\Addim \d+\.\d+\.\d+\n(.+\n){3}\Z')
        for library in ['GLib', 'libpng', 'libzip', 'json-glib', 'CLBlast', 'OpenCL']:
            self.assertRegex(shown, rf'\b{library} \d+\.\d+')


class Usage(ddim.Case):
    def test_no_command(self):
        self.assertEqual(ddim.run().returncode, 2)

    def test_unknown_command_proposes(self):
        self.assertIn("'generate'", self.refused(2, 'genrate'))
        self.refused(2, 'frobnicate')

    def test_unknown_options(self):
        self.refused(2, '--frobnicate')
        for command in COMMANDS:
            with self.subTest(command=command):
                self.assertIn('--frobnicate', self.refused(2, command, '--frobnicate'))

    def test_superfluous_argument(self):
        self.assertIn('picture.png', self.refused(2, 'generate', 'picture.png'))

    def test_values_out_of_range(self):
        for option, value in [('--count', '0'), ('-n', '-3'), ('-n', 'many'), ('--batch', '-1'), ('--size', '32by32'),
                              ('--eta', '-1.5'), ('--eta', 'nan'), ('--seed', '-2'), ('--seed', '9223372036854775808'),
                              ('--sampler', 'euler'), ('--precision', 'f8')]:
            with self.subTest(option=option, value=value):
                self.refused(2, 'generate', option, value)

    def test_needed_options(self):
        self.refused(2, 'noise', '--seed', '1')
        self.refused(2, 'predict', '--timesteps', '1')


class Models(ddim.Case):
    def test_folders(self):
        for name in ['a.pt', 'b.safetensors', 'c.txt']:
            (self.folder / name).write_bytes(b'x')
        listed = json.loads(self.good('models', '--json', '--model-path', self.folder).stdout)
        found = {model['name']: model for model in listed['models']}
        self.assertEqual(pathlib.Path(found['a']['path']), self.folder / 'a.pt')
        self.assertEqual(found['b']['bytes'], 1)
        self.assertNotIn('c', found)
        self.assertEqual(pathlib.Path(listed['folders'][0]), self.folder)
        by_environment = self.good('models', '--json', env={'DDIM_MODEL_PATH': str(self.folder)}).stdout
        self.assertEqual(json.loads(by_environment)['models'], listed['models'])

    def test_user_folder(self):
        folder = self.folder / 'ddim' / 'models'
        folder.mkdir(parents=True)
        (folder / 'mine.pt').write_bytes(b'x')
        self.assertIn('mine', self.good('models', env={'XDG_DATA_HOME': str(self.folder)}).stdout)

    def test_unknown_model(self):
        self.assertIn("'nonesuch'", self.refused(1, 'generate', '-m', 'nonesuch'))
        self.assertIn('none/such.pt', self.refused(1, 'generate', '-m', 'none/such.pt'))


class Charset(ddim.Case):
    def test_ascii(self):
        """Where there is ASCII only, quotes and spaces become plain ones and not question marks."""
        plain = {'LC_ALL': 'C', 'LANGUAGE': ''}
        for args in ['models'], ['devices'], ['info', 'textures']:
            with self.subTest(args=args):
                said = self.good(*args, env=plain).stdout
                self.assertTrue(said.isascii(), said)
                self.assertNotIn('?', said)
                self.assertRegex(said, r'\d [MG]i?B')
        self.assertIn('class "nonesuch"', self.refused(1, 'generate', '--class', 'nonesuch', env=plain))


class Devices(ddim.Case):
    def test_list(self):
        devices = json.loads(self.good('devices', '--json').stdout)
        self.assertEqual([device['index'] for device in devices], list(range(len(devices))))
        self.assertEqual([device['default'] for device in devices].count(True), 1)
        why = next(device['default_because'] for device in devices if device['default'])
        self.assertTrue(why)
        self.assertEqual([device for device in devices if not device['default'] and 'default_because' in device], [])
        table = self.good('devices').stdout
        self.assertIn(why, table)
        for device in devices:
            self.assertIn(device['name'], table)
            self.assertIn(device['driver_version'], table)

    def test_no_platform(self):
        nothing = {'OCL_ICD_VENDORS': '/nonexistent'}
        for args in [['devices'], ['generate', '-o', 'x.png'], ['bench']]:
            with self.subTest(args=args):
                self.assertIn('pocl-opencl-icd', self.refused(1, *args, env=nothing))

    def test_no_such_device(self):
        self.assertIn('nonesuch', self.refused(1, 'generate', '--device', 'nonesuch'))
        self.assertIn('nonesuch', self.refused(1, 'generate', env={'DDIM_DEVICE': 'nonesuch'}))


if __name__ == '__main__':
    tap.main()
