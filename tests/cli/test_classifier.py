#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-3.0-or-later
"""Classifiers of guided-diffusion, against float64 and autograd (tests/data/make-classifiers.py)."""
import array
import base64
import gzip
import json
import math
import shlex

import checkpoints
import ddim
import fake_weights
import npy
import tap

CASES = {(case['kind'], case['name']): case
         for case in map(json.loads, gzip.decompress((ddim.DATA / 'classifiers.json.gz').read_bytes()).splitlines())}
CLASSIFIERS = [case for case in CASES.values() if case['kind'] == 'classifier']
_written = {}


def tensors_of(case):
    """Made once, as making numbers takes its time here."""
    if case['name'] not in _written:
        _written[case['name']] = {name: ('F32', case['shapes'][name], values.tobytes())
                                  for name, values in fake_weights.weights(case['name'], case['shapes']).items()}
    return _written[case['name']]


class Base(ddim.Case):

    def write(self, kind, name, change=None):
        """The file of a case's weights."""
        case = CASES[kind, name]
        path = self.folder / f'{name}.safetensors'
        tensors = tensors_of(case)
        checkpoints.write_safetensors(path, change(dict(tensors)) if change else tensors)
        return path


    def write_input(self, case):
        npy.save(self.folder / 'x.npy', npy.Array(case['x_shape'], '<f4', fake_weights.images(case['name'], case['x_shape'])))

    @staticmethod
    def expected(case, key):
        return array.array('f', base64.b64decode(case[key]))

    def assert_near(self, values, expected, bound):
        """The largest error against the range of values, in which 0 lies."""
        worst = max(abs(a - b) for a, b in zip(values, expected, strict=True))
        self.assertLess(worst / (max(0, *expected) - min(0, *expected)), bound)


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

    def test_listed(self):
        self.write('classifier', 'attention')
        (entry,) = (entry for entry in json.loads(self.good('models', '--json', '--model-path', self.folder).stdout)['models']
                    if entry['name'] == 'attention')
        self.assertEqual((entry['classifier'], entry['classes'], entry['problem']), (True, 7, None))
        self.assertRegex(self.good('models', '--model-path', self.folder).stdout, r'attention .* classifier of 7 classes')

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


class Classify(Base):
    """Logits and gradients against float64. 1e-3 is promised; convolutions by F(4x4,3x3) err by some 1e-5."""

    def classify(self, path, case, *options):
        self.write_input(case)
        return self.good('classify', '--classifier', path, '--input', 'x.npy', '--timesteps', ','.join(map(str, case['t'])),
                         '--labels', ','.join(map(str, case['labels'])), *options)

    def check(self, path, case, bound, *options):
        self.classify(path, case, '-o', 'logits.npy', '--gradient', 'g.npy', *options)
        logits, gradient = npy.load(self.folder / 'logits.npy'), npy.load(self.folder / 'g.npy')
        self.assertEqual(list(logits.shape), [case['x_shape'][0], case['classes']])
        self.assertEqual(list(gradient.shape), case['x_shape'])
        self.assert_near(logits.values, self.expected(case, 'logits'), bound)
        self.assert_near(gradient.values, self.expected(case, 'gradient'), bound)

    def test_numbers(self):
        for case in CLASSIFIERS:
            with self.subTest(case['name']):
                self.check(self.write('classifier', case['name']), case, 1e-4, '--classifier-flags', case['flags'])

    def test_kernels_for_graphics_cards(self):
        for name in ('attention',):
            case = CASES['classifier', name]
            with self.subTest(name):
                path = self.write('classifier', name)
                self.write_input(case)
                self.good('classify', '--classifier', path, '--classifier-flags', case['flags'], '--input', 'x.npy',
                          '--timesteps', ','.join(map(str, case['t'])), '--labels', ','.join(map(str, case['labels'])),
                          '-o', 'logits.npy', '--gradient', 'g.npy', env={'DDIM_KERNELS': 'gpu'})
                self.assert_near(npy.load(self.folder / 'logits.npy').values, self.expected(case, 'logits'), 1e-4)
                self.assert_near(npy.load(self.folder / 'g.npy').values, self.expected(case, 'gradient'), 1e-4)

    def test_half(self):
        """Weights in half, kept so by the file or by us, change the numbers by some thousandths."""
        case = CASES['classifier', 'attention']
        flags = ('--classifier-flags', case['flags'])
        path = self.write('classifier', 'attention')
        self.check(path, case, 2e-2, *flags, '--precision', 'f16')
        self.good('convert', '--half', '--flags', case['flags'], path, 'half.safetensors')
        self.check('half.safetensors', case, 2e-2)

    def test_converted(self):
        case = CASES['classifier', 'adaptive']
        path = self.write('classifier', 'adaptive')
        self.good('convert', '--flags', case['flags'], path, 'one.safetensors')
        self.check('one.safetensors', case, 1e-4)

    def test_what_is_told(self):
        case = CASES['classifier', 'spatial']
        path = self.write('classifier', 'spatial')
        flags = ('--classifier-flags', case['flags'])
        told = json.loads(self.classify(path, case, *flags, '--json').stdout)
        logits = self.expected(case, 'logits')
        for i, image in enumerate(told):
            own = logits[i * 5:i * 5 + 5]
            log_p = [value - math.log(sum(map(math.exp, own))) for value in own]
            order = sorted(range(5), key=lambda c: -own[c])
            self.assertEqual([entry['class'] for entry in image['most_likely']], order[:3])
            self.assertEqual((image['image'], image['timestep'], image['label']['class']), (i, case['t'][i], case['labels'][i]))
            self.assertAlmostEqual(image['label']['log_p'], log_p[case['labels'][i]], delta=1e-5)
        text = self.classify(path, case, *flags).stdout
        self.assertRegex(text, r'\A0 at 40: [0-4] \d+\.\d %, .*\n1 at 700: .*\n\Z')

    def test_refused(self):
        case = CASES['classifier', 'attention']
        path = self.write('classifier', 'attention')
        self.write_input(case)
        good = ['classify', '--classifier', path, '--classifier-flags', case['flags'], '--input', 'x.npy', '--timesteps', '40']
        self.refused(2, *good[:-2])
        self.refused(2, 'classify', '--input', 'x.npy', '--timesteps', '40')
        self.assertIn('--labels', self.refused(2, *good, '--gradient', 'g.npy'))
        self.assertIn('no class “7”', self.refused(1, *good, '--labels', '7'))
        self.assertIn('3 given for 2', self.refused(1, *good, '--labels', '1,2,3'))
        model = ddim.DATA / 'unet_tiny_uncond.pt'
        self.assertIn('--model', self.refused(1, 'classify', '--classifier', model, *good[3:]))
        npy.save(self.folder / 'small.npy', npy.Array([1, 3, 8, 8], '<f4', fake_weights.images('small', [1, 3, 8, 8])))
        error = self.refused(1, *good[:-4], '--input', 'small.npy', '--timesteps', '40')
        self.assertIn('reads images of 16x16', error)
        npy.save(self.folder / 'gray.npy', npy.Array([1, 1, 16, 16], '<f4', fake_weights.images('gray', [1, 1, 16, 16])))
        self.assertIn('[N, 3, height, width]', self.refused(1, *good[:-4], '--input', 'gray.npy', '--timesteps', '40'))

    def test_damaged(self):
        """A tensor that is missing, has another shape or holds what is no number."""
        case = CASES['classifier', 'attention']
        self.write_input(case)
        table = 'out.2.positional_embedding'

        def cut(tensors):
            del tensors['out.2.c_proj.bias']
            return tensors

        def narrow(tensors):
            tensors[table] = ('F32', [64, 64], tensors[table][2][:64 * 64 * 4])
            return tensors

        def spoil(tensors):
            dtype, shape, data = tensors[table]
            tensors[table] = (dtype, shape, b'\0\0\xc0\x7f' + data[4:])
            return tensors
        for change, word in ((cut, 'c_proj.bias'), (narrow, 'positional_embedding'), (spoil, 'positional_embedding')):
            path = self.write('classifier', 'attention', change)
            error = self.refused(1, 'classify', '--classifier', path, '--classifier-flags', case['flags'], '--input', 'x.npy',
                                 '--timesteps', '40', '-o', 'logits.npy')
            self.assertIn(word, error)


class Guidance(Base):
    """Guided samples against loops in float64."""

    def generate(self, spec, *options, model=None, classifier=None, scale=None):
        model = model or self.write('model', spec['model'])
        classifier = classifier or self.write('classifier', 'attention')
        return ['generate', '-m', model, '--flags', CASES['model', spec['model']]['flags'], '--classifier', classifier,
                '--classifier-flags', CASES['classifier', 'attention']['flags'],
                '--classifier-scale', spec['scale'] if scale is None else scale, '--sampler', spec['sampler'],
                '--steps', spec['steps'], '--eta', spec['eta'], '--seed', spec['seed'], '-n', 2,
                '--class', ','.join(map(str, spec['labels'])), *options]

    def test_samples(self):
        """Within 1e-3 of their range, as is promised; float32 keeps much more where steps are few."""
        for spec in (case for case in CASES.values() if case['kind'] == 'sample'):
            with self.subTest(spec['name']):
                self.good(*self.generate(spec, '-o', 'out.npy'))
                out = npy.load(self.folder / 'out.npy')
                self.assertEqual(list(out.shape), spec['out_shape'])
                self.assert_near(out.values, self.expected(spec, 'out'), 1e-3)

    def test_pictures_tell_how_to_make_them_again(self):
        spec = CASES['sample', 'ddpm-fixed']
        self.good(*self.generate(spec, '-o', 'x.png'))
        told = json.loads(self.good('info', '--json', 'x-0.png').stdout)
        self.assertEqual(told['request']['classifier-scale'], 10)
        before = {path: npy.load_png(path)[0].values for path in self.folder.glob('*.png')}
        self.assertEqual(len(before), 2)
        for path in before:
            path.unlink()
        self.good(*shlex.split(told['command'])[1:], '-o', 'x.png')
        self.assertEqual({path: npy.load_png(path)[0].values for path in before}, before)

    def test_scale(self):
        """Without a scale it is as if there were no classifier, but for the classes that are drawn."""
        spec = CASES['sample', 'ddim-eta']
        command = self.generate(spec, scale=0)
        self.good(*command, '-o', 'a.npy')
        at = command.index('--classifier')
        self.good(*command[:at], *command[at + 6:], '-o', 'b.npy')
        self.assertEqual((self.folder / 'a.npy').read_bytes(), (self.folder / 'b.npy').read_bytes())

    def test_refused(self):
        spec = CASES['sample', 'ddim']
        command = self.generate(spec, '-o', 'out.npy')
        at = command.index('--classifier')
        plain = [*command[:at], *command[at + 4:]]
        self.assertIn('--classifier', self.refused(1, *plain))  # a scale alone
        flags = [*command[:at], '--classifier-flags', '--image_size 16', '-o', 'out.npy']
        self.assertIn('classifier-flags: there is no classifier', self.refused(1, *flags))
        self.assertIn('reads pictures of 16x16 only', self.refused(1, *command, '--size', 32))
        self.assertIn('blend', self.refused(1, *command, '--class', '1:0.5,2:0.5'))
        self.assertIn('no class “9”', self.refused(1, *command, '--class', '9'))
        model = self.write('model', 'uncond')
        error = self.refused(1, *self.generate(spec, '-o', 'out.npy', classifier=model))
        self.assertIn('--model', error)
        # A model and a classifier of other classes.
        other = CASES['sample', 'ddim-eta']
        command = self.generate(other, '-o', 'out.npy', classifier=self.write('classifier', 'adaptive'))
        command[command.index('--classifier-flags') + 1] = CASES['classifier', 'adaptive']['flags']
        self.assertIn('tells 10 classes apart, but the model cond has 7', self.refused(1, *command))


tap.main()
