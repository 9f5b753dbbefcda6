#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Classifiers of guided-diffusion, against float64 and autograd (tests/data/make-classifiers.py)."""
import gzip
import json

import checkpoints
import ddim
import fake_weights
import tap

CASES = {(case['kind'], case['name']): case
         for case in map(json.loads, gzip.decompress((ddim.DATA / 'classifiers.json.gz').read_bytes()).splitlines())}
CLASSIFIERS = [case for case in CASES.values() if case['kind'] == 'classifier']
_written = {}


def tensors_of(case):
    """Made once, as making numbers takes its time here."""
    if case['name'] not in _written:
        _written[case['name']] = {name: ('F32', case['shapes'][name], values.tobytes())
                                  for name, values in fake_weights.guided(case['name'], case['shapes']).items()}
    return _written[case['name']]


class Base(ddim.Case):

    def write(self, kind, name, change=None):
        """The file of a case's weights."""
        case = CASES[kind, name]
        path = self.folder / f'{name}.safetensors'
        tensors = tensors_of(case)
        checkpoints.write_safetensors(path, change(dict(tensors)) if change else tensors)
        return path


class Info(Base):

    def test_info(self):
        for case in CLASSIFIERS:
            with self.subTest(case['name']):
                path = self.write('classifier', case['name'])
                info = json.loads(self.good('info', '--json', '--modules', '--flags', case['flags'], path).stdout)
                self.assertEqual(info['architecture']['class'], 'EncoderUNetModel')
                self.assertEqual(info['architecture']['pool'], case['pool'])
                self.assertEqual(info['classes'], case['classes'])
                self.assertEqual(sum(module['parameters'] for module in info['modules']), info['parameters'])
                self.assertEqual(info['values']['classifier_pool'], {'value': case['pool'], 'source': 'shapes'})
                text = self.good('info', '--flags', case['flags'], path).stdout
                self.assertRegex(text, f"model +classifier, .*, {case['classes']} classes, pool {case['pool']}\n")

    def test_refused(self):
        path = self.write('classifier', 'attention')
        error = self.refused(1, 'info', self.write('classifier', 'adaptive'))  # heads of 64 channels do not fit 96
        self.assertIn('num_head_channels 64', error)
        error = self.refused(1, 'info', '--flags', '--classifier_depth 3', path)
        self.assertIn('--classifier_depth 3 contradicts', error)
        error = self.refused(1, 'generate', '-m', path, '-o', 'a.png')
        self.assertIn('give it as --classifier', error)

    def test_convert(self):
        """One file that has the flags."""
        case = CASES['classifier', 'adaptive']
        path = self.write('classifier', 'adaptive')
        self.good('convert', '--flags', case['flags'], path, 'one.safetensors')
        old = json.loads(self.good('info', '--json', '--flags', case['flags'], path).stdout)
        new = json.loads(self.good('info', '--json', 'one.safetensors').stdout)
        for key in ('architecture', 'classes'):
            self.assertEqual(old[key], new[key])
        self.assertEqual({key: item['value'] for key, item in old['values'].items()},
                         {key: item['value'] for key, item in new['values'].items()})


tap.main()
